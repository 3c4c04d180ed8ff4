"""`autonomy budgets`: limits, and how much of them is used."""

from __future__ import annotations

from typing import Annotated

import typer

from .connect import connected
from .options import AsJson, Url, commands
from .screen import show_json, table
from .words import moment

app = commands()


@app.command()
def budgets(
    target: Annotated[str | None, typer.Argument(help="Only those of this unit, agent or tool.")] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Show limits and how much of them is used, what is reserved by actions under way included.

    \b
      autonomy budgets
    """
    with connected(url) as client:
        found = list(client.budgets(target))
    if as_json:
        show_json(found)
        return
    rows = (
        [one["name"], f"{one['scope']} {one['target']}", one["period"], moment(one["since"]), one["summary"]]
        for one in found
    )
    table(["BUDGET", "OF", "PERIOD", "SINCE", "USED"], rows, "no budget is declared")
