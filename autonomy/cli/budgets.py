"""`autonomy budgets` and `budget`: limits as a tree, how much of them is used, and how long they will last."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import typer

from .connect import connected
from .options import AsJson, Url, commands
from .screen import details, heading, say, show_json, table
from .words import bar, moment

app = commands()
budget = commands("Show limits as a tree, how much of them is used, and how long they will last.")
app.add_typer(budget, name="budget")

Target = Annotated[str | None, typer.Argument(help="Only those of this unit, agent, role, workflow or tool.")]


@app.command()
@budget.command("list")
def budgets(target: Target = None, url: Url = None, as_json: AsJson = False) -> None:
    """Show limits and how much of them is used, what is reserved by actions under way included.

    A limit stands below the one that binds all it binds.

    \b
      autonomy budgets
    """
    found = _found(target, url)
    if as_json:
        show_json(found)
        return
    rows = (
        [
            "  " * depth + one["name"],
            f"{one['scope']} {one['target']}",
            one["period"],
            _warning(one),
            bar(one["percent"]),
            one["summary"],
        ]
        for depth, one in as_tree(found)
    )
    table(["BUDGET", "OF", "PERIOD", "WARNING", "", "USED"], rows, "no budget is declared")


@budget.command()
def show(
    name: Annotated[str, typer.Argument(help="The budget.")],
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Show one limit: how it stands, where it belongs, and which actions took it to its warning.

    \b
      autonomy budget show operations-month
    """
    with connected(url) as client:
        found = client.budget(name)
    if as_json:
        show_json(found)
        return
    say(f"{bar(found['percent'])} {found['summary']}", "bold")
    details(
        {
            "binds": f"{found['scope']} {found['target']}, declared by {found['unit']}",
            "period": f"{found['period']}, since {moment(found['since'])}, until {moment(found['forecast']['ends'])}",
            "forecast": found["forecast"]["summary"],
            "warning": _warning(found),
            "tells": found["tell"] or None,
            "above": found["above"] or None,
            "below": found["below"] or None,
        }
    )
    if found["crossings"]:
        heading("When it came to its warning")
        table(["AT", "ACTION"], ([moment(one["at"]), one["action"]] for one in found["crossings"]), "never")


@budget.command()
def forecast(target: Target = None, url: Url = None, as_json: AsJson = False) -> None:
    """Say when each limit is reached, if its users go on as they did in this period. The first to end comes first.

    \b
      autonomy budget forecast
    """
    found = sorted(_found(target, url), key=_urgency)
    if as_json:
        show_json([{"name": one["name"], "percent": one["percent"], **one["forecast"]} for one in found])
        return
    rows = ([one["name"], bar(one["percent"]), one["summary"], one["forecast"]["summary"]] for one in found)
    table(["BUDGET", "", "USED", "FORECAST"], rows, "no budget is declared")


def as_tree(found: Sequence[dict[str, Any]]) -> Iterator[tuple[int, dict[str, Any]]]:
    """The budgets with their depth, each after the one above it; one whose parent is not among them is at the top."""
    names = {one["name"] for one in found}
    below: defaultdict[str | None, list[dict[str, Any]]] = defaultdict(list)
    for one in found:
        below[one["parent"] if one["parent"] in names else None].append(one)
    ahead = [(0, one) for one in reversed(below[None])]
    while ahead:
        depth, one = ahead.pop()
        yield depth, one
        ahead += [(depth + 1, lower) for lower in reversed(below[one["name"]])]


def _found(target: str | None, url: str | None) -> list[dict[str, Any]]:
    with connected(url) as client:
        return list(client.budgets(target))


def _warning(one: dict[str, Any]) -> str | None:
    if one["warn"] is None:
        return None
    share = -(-one["warn"] * 100 // one["limit"]) if one["limit"] else 100
    return "reached" if one["warned"] else f"from {share}%"


def _urgency(one: dict[str, Any]) -> tuple[bool, int, str]:
    reached = one["forecast"]["reached_at"]
    return reached is None, reached or -one["percent"], one["name"]
