"""`autonomy secret`: credentials of systems of record. A value is never an argument."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from .asking import hidden_text
from .connect import connected
from .options import AsJson, Url, commands
from .screen import say, show_json, table
from .words import moment

app = commands()
secret = commands("Keep credentials of systems of record.")
app.add_typer(secret, name="secret")

Name = Annotated[str, typer.Argument(help="The secret's name, as connectors name it.")]


@secret.command("set")
def set_secret(name: Name, url: Url = None, as_json: AsJson = False) -> None:
    """Store a secret or a new version of one; the value comes from a prompt or standard input.

    \b
      autonomy secret set erp-password
    """
    value = hidden_text("Value")
    with connected(url) as client:
        _stored(client.set_secret(name, value), as_json)


@secret.command()
def rotate(name: Name, url: Url = None, as_json: AsJson = False) -> None:
    """Replace a secret that exists; the value comes from a prompt or standard input.

    \b
      autonomy secret rotate erp-password
    """
    value = hidden_text("Value")
    with connected(url) as client:
        _stored(client.rotate_secret(name, value), as_json)


@secret.command("list")
def list_secrets(url: Url = None, as_json: AsJson = False) -> None:
    """List every version of every secret, never a value.

    \b
      autonomy secret list
    """
    with connected(url) as client:
        found = list(client.secrets())
    if as_json:
        show_json(found)
        return
    rows = (
        [one["name"], one["version"], moment(one["created_at"]), one["created_by"], moment(one["retired_at"])]
        for one in found
    )
    table(["SECRET", "VERSION", "SET AT", "BY", "RETIRED"], rows, "no secret is kept")


@secret.command("audit")
def audit_secrets(
    agent: Annotated[str | None, typer.Option(help="Only what this agent can use.")] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Show which agent can use which secret, by which tools, what else uses it, and when that last happened.

    \b
      autonomy secret audit --agent buyer-1
    """
    with connected(url) as client:
        found = list(client.secret_audit(agent))
    if as_json:
        show_json(found)
        return
    rows = (
        [
            one["secret"],
            one["agent"] or ", ".join(one["purposes"]) or "nobody",
            one["connectors"],
            one["tools"],
            _where(one),
            moment(one["last_used"]),
        ]
        for one in found
    )
    table(["SECRET", "USED BY", "CONNECTORS", "TOOLS", "WHERE", "LAST USED"], rows, "no secret is kept or named")


def _where(use: Mapping[str, Any]) -> str:
    """Where the secret lies."""
    provider, named, _ = str(use["secret"]).partition(":")
    if named:
        return provider
    sites = [f"site {one}" for one in use["sites"]]
    return ", ".join(sites if use["stored"] is None else ["here" if use["stored"] else "missing", *sites])


def _stored(found: dict[str, object], as_json: bool) -> None:
    if as_json:
        show_json(found)
    else:
        say(f"`{found['name']}` is stored, version {found['version']}")
