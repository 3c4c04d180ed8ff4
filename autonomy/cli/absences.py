"""`autonomy absences`, `absent` and `back`: who is away, and who decides for them meanwhile."""

from __future__ import annotations

from typing import Annotated

import typer

from autonomy.kernel.clock import now, rfc3339
from autonomy.kernel.errors import NotFound
from autonomy.sdk import Client

from .connect import connected
from .options import AsJson, Url, commands
from .screen import say, show_json, table
from .words import moment, point_in_time

app = commands()


@app.command()
def absences(
    person: Annotated[str | None, typer.Argument(help="Only those of or for this person.")] = None,
    ended: Annotated[bool, typer.Option("--ended", help="Also what is over.")] = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """List who is away, now and later, and who decides their approvals meanwhile.

    \b
      autonomy absences
    """
    with connected(url) as client:
        found = list(client.absences(person, ended))
    if as_json:
        show_json(found)
        return
    rows = (
        [one["id"], one["person"], one["deputy"], moment(one["since"]), moment(one["until"]), moment(one["ended_at"])]
        for one in found
    )
    table(["ABSENCE", "AWAY", "DEPUTY", "FROM", "UNTIL", "ENDED"], rows, "nobody is away")


@app.command()
def absent(
    deputy: Annotated[str, typer.Option(help="Who decides meanwhile; one who may decide approvals.")],
    until: Annotated[str, typer.Option(help="When you are back: `2026-12-24`, `2026-12-24T09:00Z` or in `7d`; UTC.")],
    since: Annotated[str, typer.Option("--from", help="When it begins; now if left out.")] = "0s",
    person: Annotated[str | None, typer.Option(help="Who is away, if not you; for administrators.")] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Let a deputy decide your approvals while you are away.

    The deputy decides what you could, never what you are behind, and counts as one person with you.

    \b
      autonomy absent --deputy clara --from 2026-12-24 --until 2027-01-04
    """
    at = now()
    begins, ends = point_in_time(since, at), point_in_time(until, at)
    with connected(url) as client:
        found = client.declare_absence(deputy, begins, ends, person)
    if as_json:
        show_json(found)
    else:
        say(f"{found['id']}: {deputy} decides for {found['person']} until {moment(found['until'])}")


@app.command()
def back(
    absence: Annotated[str | None, typer.Argument(help="The absence; your own that runs now if left out.")] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Say that you are back before the time. What your deputy has decided stands.

    \b
      autonomy back
    """
    with connected(url) as client:
        found = client.end_absence(absence or _own(client))
    if as_json:
        show_json(found)
    else:
        say(f"{found['person']} is back since {rfc3339(found['ended_at'])[:19].replace('T', ' ')}Z")


def _own(client: Client) -> str:
    """The absence of the signed-in person that runs now. Raises NotFound where there is none."""
    me, at = client.me()["name"], now()
    found = [one for one in client.absences(me) if one["person"] == me and one["since"] <= at]
    if not found:
        raise NotFound("you are not away", code="absence.none", hint="`autonomy absences` lists who is")
    return str(found[0]["id"])
