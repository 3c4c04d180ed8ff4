"""`autonomy login`, `logout`, `whoami`: who this user is at a server."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from autonomy.sdk import Client

from .asking import hidden, new_password
from .browser import sign_on
from .connect import connected
from .ending import Misused
from .options import AsJson, Url, commands
from .private import read_private
from .screen import details, on_terminal, say, show_json
from .sessions import Session, Sessions

INVITE = "/invite/"

app = commands()


@app.command()
def login(
    name: Annotated[str | None, typer.Argument(help="Who signs in.")] = None,
    link_file: Annotated[
        str | None,
        typer.Option("--link-file", help="A file with your one-time link: sets a password first. `-` reads the link."),
    ] = None,
    sso: Annotated[bool, typer.Option("--sso", help="Sign in with a browser, at an identity provider.")] = False,
    provider: Annotated[
        str | None, typer.Option(help="Which identity provider; needed where several are declared.")
    ] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Sign in to a server.

    The password is asked for, or comes as a line on standard input. The session is kept for you alone, for twelve
    hours. Whoever was given a one-time link sets a password with it and is signed in. With `--sso` the browser of this
    machine is sent to the identity provider, and this command waits.

    \b
      autonomy login ada
      autonomy login --sso
    """
    if sso:
        url = url or Sessions.of_user().current()
        session = sign_on(Client(url), provider)
    else:
        url, name, password = _with_password(name, link_file, url)
        session = Client(url).sign_in(name, password)
    person = session["person"]
    Sessions.of_user().keep(url, Session(person["name"], session["token"]))
    if as_json:
        show_json({"url": url, "person": person})
    else:
        say(f"{person['display_name']} is signed in to {url}, with access: {', '.join(person['access']) or 'none'}")


@app.command()
def logout(url: Url = None, as_json: AsJson = False) -> None:
    """End the session.

    \b
      autonomy logout
    """
    with connected(url) as client:
        client.sign_out()
        Sessions.of_user().forget(client.url)
        if as_json:
            show_json({"url": client.url})
        else:
            say(f"signed out of {client.url}")


@app.command()
def whoami(url: Url = None, as_json: AsJson = False) -> None:
    """Show who is signed in, and what they may do.

    \b
      autonomy whoami
    """
    with connected(url) as client:
        me = client.me()
        shown = {key: me[key] for key in ("name", "display_name", "roles", "access", "permissions")}
        if as_json:
            show_json({"url": client.url, **shown})
            return
        details({"server": client.url, **{key.replace("_", " "): value for key, value in shown.items()}})


def read_link(text: str) -> tuple[str, str]:
    """The server and the token of a one-time link. Raises Misused for any other text, which it never repeats."""
    link = text.strip()
    parts = urlsplit(link)
    base, found, token = link.partition(INVITE)
    if not found or not token or "/" in token or parts.scheme not in ("http", "https"):
        raise Misused("this is not a one-time link", hint="it looks like `http://HOST/invite/…`")
    return base, token


def _with_password(name: str | None, link_file: str | None, url: str | None) -> tuple[str, str, str]:
    """Server, name and password; the password is a new one where a one-time link says so."""
    if link_file is not None:
        url, token = read_link(hidden("One-time link") if link_file == "-" else read_private(Path(link_file)))
        password = new_password()
        return url, Client(url).accept_invitation(token, password), password
    return url or Sessions.of_user().current(), name or _asked_name(), hidden("Password")


def _asked_name() -> str:
    if not on_terminal():
        raise Misused("nobody is named", hint="`autonomy login NAME`, the password on standard input")
    return str(typer.prompt("Name"))
