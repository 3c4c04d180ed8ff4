"""People at their consoles: everything they do goes through the API, signed in with a password of their own."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path

from autonomy.sdk import Client


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is signed in."""

    name: str
    display_name: str
    client: Client


class People:
    """The people of the company who have signed in, each by a password that was made for them alone."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._stranger = Client(url)
        self._known: dict[str, Person] = {}
        self._passwords: dict[str, str] = {}

    def __getitem__(self, name: str) -> Person:
        return self._known[name]

    def accept(self, link: str) -> Person:
        """Set a password by a one-time link and sign in with it."""
        password = secrets.token_urlsafe(18)
        name = self._stranger.accept_invitation(link.rsplit("/", 1)[-1], password)
        session = self._stranger.sign_in(name, password)
        person = Person(name, session["person"]["display_name"], Client(self._url, session["token"]))
        self._known[name], self._passwords[name] = person, password
        return person

    def at(self, name: str, url: str) -> Client:
        """Somebody who is known here, signed in at another server of the same company."""
        return Client(url, Client(url).sign_in(name, self._passwords[name])["token"])

    def invite(self, by: Person, name: str) -> Person:
        """Invite somebody, who accepts at once."""
        return self.accept(by.client.invite(name)["link"])

    def keep_passwords(self, folder: Path) -> None:
        """Write each password into a file that the owner of this demo, and nobody else, can read."""
        folder.mkdir(mode=0o700)
        for name, password in self._passwords.items():
            kept = folder / name
            kept.touch(mode=0o600)
            kept.write_text(f"{password}\n", encoding="utf-8")
