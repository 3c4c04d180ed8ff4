"""`autonomy contain`, `reinstate`, `containments`: stopping what goes wrong, and letting it go on."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from autonomy.kernel.errors import NotFound
from autonomy.sdk import Client

from .asking import confirm
from .connect import connected
from .ending import Misused
from .options import AsJson, Reason, Url, Yes, commands
from .screen import details, say, show_json, table
from .words import moment

app = commands()


class Scope(StrEnum):
    """What can be contained."""

    AGENT = "agent"
    UNIT = "unit"
    TOOL = "tool"
    EVERYTHING = "everything"


_EVERYTHING = "*"


@app.command()
def contain(
    scope: Annotated[Scope, typer.Argument(help="What to stop.")],
    reason: Reason,
    name: Annotated[str | None, typer.Argument(help="Its name; none for everything.")] = None,
    yes: Yes = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Stop an agent, a unit, a tool or everything.

    Effective on the next action in every process; calls under way are cancelled. Only stopping everything asks first.

    \b
      autonomy contain agent buyer-1 --reason "it orders the same part again and again"
    """
    target = _target(scope, name)
    if scope is Scope.EVERYTHING:
        confirm("Stop every agent there is?", yes)
    with connected(url) as client:
        found = client.contain(scope.value, target, reason)
    if as_json:
        show_json(found)
        return
    say(f"{scope.value} {name or ''} is contained: {found['containment']['id']}".replace("  ", " "), "bold")
    if not found["looked"]:
        say("what was under way could not be read; look again with `autonomy actions --state running`", "yellow")
    details({"was under way": found["in_flight"], "known to have ended": found["confirmed"]})


@app.command()
def reinstate(
    what: Annotated[
        str, typer.Argument(help="A containment (`con_…`), an agent's name, or agent, unit, tool, everything.")
    ],
    reason: Reason,
    name: Annotated[str | None, typer.Argument(help="Its name, after agent, unit or tool.")] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Let what was contained go on; for an agent also what was suspended.

    \b
      autonomy reinstate agent buyer-1 --reason "the order list is mended"
    """
    with connected(url) as client:
        lifted = _containment(client, Scope(what), name) if what in set(Scope) else what
        client.reinstate(lifted, reason)
    if as_json:
        show_json({"lifted": lifted})
    else:
        say(f"{lifted} is lifted")


@app.command()
def containments(
    ended: Annotated[bool, typer.Option("--ended", help="Also those that were lifted.")] = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """List what is contained, newest first.

    \b
      autonomy containments --ended
    """
    with connected(url) as client:
        found = list(client.containments(ended))
    if as_json:
        show_json(found)
        return
    rows = (
        [one["id"], one["scope"], one["target"], moment(one["at"]), one["by"], one["reason"], moment(one["lifted_at"])]
        for one in found
    )
    table(["CONTAINMENT", "WHAT", "NAME", "AT", "BY", "WHY", "LIFTED"], rows, "nothing is contained")


def _target(scope: Scope, name: str | None) -> str:
    if (name is None) != (scope is Scope.EVERYTHING):
        raise Misused("everything has no name" if name else f"which {scope.value}?")
    return name or _EVERYTHING


def _containment(client: Client, scope: Scope, name: str | None) -> str:
    """The id of the containment in force on a unit, a tool or everything; for an agent its name, which will do."""
    target = _target(scope, name)
    if scope is Scope.AGENT:
        return target
    for one in client.containments():
        if (one["scope"], one["target"]) == (scope.value, target):
            return str(one["id"])
    raise NotFound(f"{scope.value} `{target}` is not contained", code="containment.unknown")
