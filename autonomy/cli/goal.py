"""`autonomy goal`: goals handed in, looked at and ended."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import typer
from typer._click import Command, Context  # typer has its own copy of click and no other door to it
from typer.core import TyperGroup

from autonomy.kernel import canonical

from .connect import connected
from .ending import Misused
from .options import AsJson, Limit, Url, commands
from .screen import details, heading, say, show_json, table
from .words import moment

HAND_IN = "hand-in"

Id = Annotated[str, typer.Argument(metavar="GOAL", help="The goal, `run_…`.")]


class OrTheGoal(TyperGroup):
    """Words that are no command are a goal: `autonomy goal 'Keep a month of stock'` hands it in."""

    def resolve_command(self, ctx: Context, args: list[str]) -> tuple[str | None, Command | None, list[str]]:
        if args and " " in args[0].strip() and args[0] not in self.commands:
            args = [HAND_IN, *args]
        return super().resolve_command(ctx, args)


app = commands()
goal = typer.Typer(
    cls=OrTheGoal,
    help="Hand goals to agents that plan, look at what they propose, end them.",
    rich_markup_mode=None,
    no_args_is_help=True,
    add_completion=False,
)
app.add_typer(goal, name="goal")


@goal.command(HAND_IN)
def hand_in(
    text: Annotated[str, typer.Argument(metavar="GOAL", help="What is to be achieved.")],
    role: Annotated[str, typer.Option(help="The role that plans.")] = "planner",
    unit: Annotated[str | None, typer.Option(help="The unit whose means the plan may use; else the root.")] = None,
    input: Annotated[str, typer.Option("--input", "-i", help="JSON, an object for the plan to work with.")] = "{}",
    spend: Annotated[str | None, typer.Option(help="What it may cost, such as `500.00 EUR`.")] = None,
    priority: Annotated[
        Literal["low", "normal", "high", "urgent"], typer.Option(help="Before others or after.")
    ] = "normal",
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Hand in a goal; `autonomy goal` and its words do the same.

    \b
      autonomy goal 'Keep a month of lenses in stock' --role buyer --spend '500.00 EUR'
    """
    said: dict[str, Any] = {"role": role, "unit": unit, "input": _object(input), "spend": spend, "priority": priority}
    with connected(url) as client:
        found = client.hand_in_goal(text, **{name: value for name, value in said.items() if value is not None})
    if as_json:
        show_json(found)
    else:
        say(f"{found['goal']} is being planned")


@goal.command("list")
def list_goals(limit: Limit = 50, url: Url = None, as_json: AsJson = False) -> None:
    """List goals, newest first.

    \b
      autonomy goal list
    """
    with connected(url) as client:
        found = [one for one, _ in zip(client.goals(), range(limit), strict=False)]
    if as_json:
        show_json(found)
        return
    rows = ([one["id"], one["state"], one["goal"], one["unit"], one["by"], moment(one["created_at"])] for one in found)
    table(["GOAL", "STATE", "WHAT", "UNIT", "BY", "SINCE"], rows, "there are no goals")


@goal.command()
def show(goal: Id, url: Url = None, as_json: AsJson = False) -> None:
    """Show a goal: where it is, its plan as a picture, and the run that it became.

    \b
      autonomy goal show run_01jd8m3y6p2k7q4r9t5v8x0z1b
    """
    with connected(url) as client:
        found = client.goal(goal)
    _tell(found, as_json)


@goal.command()
def cancel(
    goal: Id,
    reason: Annotated[str, typer.Option(help="Why.")] = "",
    compensate: Annotated[bool, typer.Option("--compensate", help="Undo what was done first.")] = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """End a goal, and the run that it became.

    \b
      autonomy goal cancel run_01jd8m3y6p2k7q4r9t5v8x0z1b --reason 'nobody needs lenses any more'
    """
    with connected(url) as client:
        found = client.cancel_goal(goal, reason, compensate)
    _tell(found, as_json)


def _tell(found: dict[str, Any], as_json: bool) -> None:
    if as_json:
        show_json(found)
        return
    details(
        {
            "goal": found["id"],
            "what": found["goal"],
            "state": found["state"],
            "why": found["reason"] or None,
            "unit": found["unit"],
            "by": found["by"],
            "handed in": moment(found["created_at"]),
            "ended": None if found["ended_at"] is None else moment(found["ended_at"]),
            "planned by": found["planner"],
            "run": found["run"],
            "output": found["output"],
        }
    )
    if found["graph"]:
        heading("Plan")
        say(found["graph"].rstrip())


def _object(text: str) -> dict[str, Any]:
    found = canonical.parse(text.encode())
    if not isinstance(found, dict):
        raise Misused("this is no JSON object", hint="""for example '{"sku": "sku-0012"}'""")
    return found
