"""`autonomy case`: what happened in a case, part by part."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from .connect import connected
from .options import AsJson, Url, commands
from .screen import details, heading, show_json, table
from .words import moment, span

app = commands()
case = commands("Show what happened in a case.")
app.add_typer(case, name="case")


@case.command()
def show(
    name: Annotated[str, typer.Argument(metavar="CASE", help="The case, as actions name it.")],
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Show a case in the order it happened: actions, decisions, approvals, handoffs and waits.

    \b
      autonomy case show payables-1/2026-12-24
    """
    with connected(url) as client:
        found = client.case(name)
    if as_json:
        show_json(found)
        return
    details(
        {
            "case": found["case"],
            "agents": found["agents"],
            "labels": [one["label"] for one in found["labels"]],
            "all of it": found["whole"],
        }
    )
    heading("What happened")
    table(["AT", "TOOK", "PART", "WHO", "WHAT", "STATE", "RULES"], map(_line, found["spans"]), "nothing")


def _line(one: dict[str, Any]) -> list[Any]:
    took = "…" if one["ended_at"] is None else span(one["ended_at"] - one["at"])
    inset = "  " if one["parent"] else ""
    return [moment(one["at"]), took, inset + one["kind"], one["who"], one["what"], one["state"], one["policies"]]
