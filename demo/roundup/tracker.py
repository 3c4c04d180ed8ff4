"""A running Roundup on a loopback port, ended by its own process id."""

from __future__ import annotations

import base64
import json
import secrets
import subprocess
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from demo.processes import end, free_port
from demo.tryton.program import binary

FILE = "ticketing.yaml"
BASE_URL = "http://127.0.0.1:8080/rest/data"  # as the pack has it
SERVE = Path(__file__).with_name("serve.py")
ANSWER_SECONDS = 10.0


class Roundup:
    """A tracker of its own in `folder`, with a user for each of `agents`. `url` is where its REST API has its data."""

    def __init__(self, folder: Path, *agents: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/rest/data"
        self._passwords = {name: secrets.token_urlsafe(12) for name in ("admin", *agents)}
        self._process: subprocess.Popen[str] | None = None

    @property
    def database(self) -> Path:
        """The tracker's own tables."""
        return self.folder / "tracker" / "db" / "db"

    def basic(self, name: str) -> str:
        """What stands behind `Basic` for a user (RFC 7617)."""
        return base64.b64encode(f"{name}:{self._passwords[name]}".encode()).decode()

    def connected(self, files: Mapping[str, str], url: str = "") -> dict[str, str]:
        """The files of an organisation with the pack `roundup`, its connector pointing here, or to what stands at `url`
        before it."""
        text = files[FILE].replace(BASE_URL, url or self.url)
        return {**files, FILE: text.replace(_origin(BASE_URL), _origin(self.url))}

    def secrets(self) -> dict[str, str]:
        """The secrets to store: what each agent shows here, by the secret's name."""
        return {f"roundup.{name}": self.basic(name) for name in self._passwords if name != "admin"}

    def ask(self, name: str, method: str, path: str, said: Mapping[str, Any] | None = None) -> Any:
        """What the tracker answers a user of it, past everybody. Raises OSError."""
        headers = {"Authorization": f"Basic {self.basic(name)}", "Content-Type": "application/json"}
        headers |= {"X-Requested-With": "rest", "Origin": _origin(self.url)}
        body = None if said is None else json.dumps(said).encode()
        request = urllib.request.Request(self.url + path, body, headers, method=method)
        with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as answer:
            return json.load(answer)["data"]

    def open_ticket(self, name: str, title: str) -> str:
        """Open a ticket as a user; returns its number."""
        return str(self.ask(name, "POST", "/issue", {"title": title, "priority": "feature", "status": "unread"})["id"])

    def comment(self, name: str, ticket: str, text: str) -> None:
        """Write a message under a ticket as a user."""
        written = str(self.ask(name, "POST", "/msg", {"content": text, "author": name})["id"])
        version = self.ask(name, "GET", f"/issue/{ticket}")["@etag"]
        self.ask(name, "PATCH", f"/issue/{ticket}", {"@op": "add", "@etag": version, "messages": [written]})

    def __enter__(self) -> Roundup:
        self.folder.mkdir(parents=True, exist_ok=True)
        kept = self.folder / "passwords.json"
        kept.touch(mode=0o600)
        kept.write_text(json.dumps(self._passwords), encoding="utf-8")
        with (self.folder / "roundup.log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(binary("python")), str(SERVE), str(self.folder / "tracker"), str(self.port), str(kept)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self._process.stdout is not None
        if not any(line == "ready\n" for line in self._process.stdout):
            self.__exit__()
            raise RuntimeError(f"Roundup did not start: {(self.folder / 'roundup.log').read_text()[-2000:]}")
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        end(self._process)


def _origin(url: str) -> str:
    """Host and port, as browsers name where a request comes from."""
    return url.removesuffix("/rest/data")
