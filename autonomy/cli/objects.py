"""`autonomy get` and `describe`: what is declared."""

from __future__ import annotations

from typing import Annotated

import typer

from .connect import connected
from .options import AsJson, Url, commands
from .screen import details, heading, say, show_json, table
from .words import moment

KINDS = (
    *("Unit", "Role", "IdentityProvider", "Person", "Agent", "Connector", "Tool", "Workflow", "Hook"),
    *("MemorySpace", "Decision", "Budget", "Policy"),
)
_PLURALS = {"people": "Person", "policies": "Policy"}

app = commands()

Kind = Annotated[str, typer.Argument(help=f"{', '.join(KINDS)}; plural and small letters will do.")]


@app.command()
def get(
    kind: Annotated[str | None, typer.Argument(help=f"{', '.join(KINDS)}; all where none is named.")] = None,
    unit: Annotated[str | None, typer.Option(help="Only what this unit declares.")] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """List declared objects.

    \b
      autonomy get tools
    """
    with connected(url) as client:
        found = list(client.objects(None if kind is None else kind_of(kind), unit))
    if as_json:
        show_json(found)
        return
    rows = ([one["kind"], one["name"], one["unit"], one["digest"][:12], one["description"]] for one in found)
    table(["KIND", "NAME", "UNIT", "REVISION", "WHAT IT IS"], rows, "nothing of that kind is declared")


@app.command()
def describe(
    kind: Kind,
    name: Annotated[str, typer.Argument(help="The object's name.")],
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Show one declared object and its history.

    \b
      autonomy describe tool payment.release
    """
    with connected(url) as client:
        found = client.object(kind_of(kind), name)
    if as_json:
        show_json(found)
        return
    say(f"{found['kind']} {found['name']}", "bold")
    details(
        {
            "unit": found["unit"],
            "scope": found["scope"],
            "revision": found["digest"],
            "since epoch": found["since_epoch"],
            "uses": [f"{one['kind']} {one['name']}" for one in found["uses"]],
            "used by": [f"{one['kind']} {one['name']}" for one in found["used_by"]],
        }
    )
    heading("As it is declared")
    say(found["text"].rstrip())
    heading("Its revisions")
    rows = (
        [one["since_epoch"], one["until_epoch"], one["digest"][:12], moment(one["at"]), one["by"], one["message"]]
        for one in found["revisions"]
    )
    table(["FROM", "UNTIL", "REVISION", "AT", "BY", "WHY"], rows, "none")


def kind_of(typed: str) -> str:
    """The kind a person means by `agents`, `agent` or `Agent`; what is no kind is left for the server to refuse."""
    word = typed.lower()
    for kind in KINDS:
        if word in (kind.lower(), f"{kind.lower()}s"):
            return kind
    return _PLURALS.get(word, typed)
