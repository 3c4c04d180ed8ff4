"""`autonomy insight` and `label`: figures of the workforce, how they are computed, and whether results were right."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any

import typer

from autonomy.kernel.clock import duration
from autonomy.kernel.errors import AutonomyError
from autonomy.kernel.money import show

from .arguments import parsed
from .connect import connected
from .ending import REFUSED, Misused
from .options import AsJson, Url, commands
from .screen import details, heading, note, say, show_json, table, working
from .words import moment

app = commands()
insight = commands("Show figures of the workforce, and how they are computed.")
app.add_typer(insight, name="insight")

LOOK_SECONDS = 0.25
PATIENCE_SECONDS = 2.0
STRIP = ("throughput", "error_rate", "accuracy", "exceptions", "human_time_per_case", "cost", "cost_per_case", "roi")
"""The figures of a table; `--json` has all of them."""

By = Annotated[str, typer.Option(help="all, agent, revision, role, workflow, unit.")]
Since = Annotated[str | None, typer.Option(help="Only of the last `24h`, `7d`, `30d`; else of 30 days.")]


@insight.command()
def kpis(by: By = "all", since: Since = None, url: Url = None, as_json: AsJson = False) -> None:
    """Show what agents do, how well, and at what cost.

    \b
      autonomy insight kpis --by agent --since 7d
    """
    with connected(url) as client:
        found = _counted(lambda: client.figures(by, since=_earliest(since)))
    if as_json:
        show_json(found)
        return
    _tell(found, [found["formulas"][name] for name in STRIP])
    note(f"from {moment(found['since'])} until {moment(found['until'])}; {_lag(found['lag'])}")


@insight.command()
def compare(
    names: Annotated[list[str], typer.Argument(help="Whom to compare, two or more.")],
    by: By = "agent",
    since: Since = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Show the figures of several side by side.

    \b
      autonomy insight compare buyer-1 buyer-2
    """
    with connected(url) as client:
        found = client.compare_figures(names, by, since=_earliest(since))
    if as_json:
        show_json(found)
        return
    items = found["items"]
    currency, best = found["currency"], found["best"]
    rows = (
        [one["title"], *(_value(item["figures"][name], one, currency) for item in items), best.get(name)]
        for name, one in found["formulas"].items()
    )
    table(["FIGURE", *(item["key"].upper() for item in items), "BEST"], rows, "there are no figures")


@insight.command()
def formulas(url: Url = None, as_json: AsJson = False) -> None:
    """Say how every figure is computed, and from which leaves of the log.

    \b
      autonomy insight formulas
    """
    with connected(url) as client:
        found = client.formulas()
    if as_json:
        show_json(found)
        return
    rows = ([one["name"], one["unit"], one["formula"], one["source"]] for one in found)
    table(["FIGURE", "UNIT", "FORMULA", "FROM"], rows, "there is no figure")


@insight.command()
def scorecard(
    agent: Annotated[str, typer.Argument(help="The agent.")],
    since: Since = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Show what the roles of an agent expect of it, and what is measured.

    \b
      autonomy insight scorecard buyer-1
    """
    with connected(url) as client:
        found = client.scorecard(agent, since=_earliest(since))
    if as_json:
        show_json(found)
        return
    details({name: found[name] for name in ("agent", "state", "unit", "roles", "sponsor")})
    heading("Expected")
    rows = (
        [one["role"], one["measure"], one["target"], _measured(one, found), _met(one)] for one in found["expectations"]
    )
    table(["ROLE", "MEASURE", "TARGET", "MEASURED", "MET"], rows, "nothing")
    heading("Figures")
    line = {"key": agent, "figures": found["figures"]}
    _tell({**found, "items": [line]}, [found["formulas"][name] for name in STRIP])


@insight.command()
def recompute(
    mend: Annotated[bool, typer.Option("--mend", help="Count figures that differ again from the start.")] = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Count the whole log anew, from its leaves alone, and say whether the figures equal it. Ends with 1 where not.

    \b
      autonomy insight recompute
    """
    with connected(url) as client, working("counting the log"):
        found = client.recompute_figures(mend)
        while found["state"] == "running":
            time.sleep(LOOK_SECONDS)
            found = client.recomputed_figures()
    if as_json:
        show_json(found)
    else:
        _tell_recomputed(found)
    if found["state"] != "equal":
        raise typer.Exit(REFUSED)


@app.command()
def label(
    subject: Annotated[str, typer.Argument(help="The action, run or task.")],
    verdict: Annotated[str, typer.Argument(help="right, wrong or corrected.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; it is sealed beside the action's arguments.")] = "",
    correction: Annotated[str | None, typer.Option(help="What the result should have been, as JSON.")] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Say whether the result of an action, a run or a task was right. The latest word counts.

    \b
      autonomy label act_01jd8m3y6p2k7q4r9t5v8x0z1b right
    """
    with connected(url) as client:
        found = client.label(subject, verdict, reason, _json(correction))
    if as_json:
        show_json(found)
        return
    say(f"{found['subject']} is {found['verdict']}, says {found['by']}")


def _json(text: str | None) -> Any:
    if text is None:
        return None
    try:
        return parsed(text)
    except AutonomyError as error:
        raise Misused(f"`{text[:80]}`: {error.message}") from None


def _earliest(since: str | None) -> int | None:
    return None if since is None else max(0, time.time_ns() // 1_000_000 - duration(since))


def _tell(found: Mapping[str, Any], shown: Iterable[Mapping[str, Any]]) -> None:
    columns = list(shown)
    rows = (
        [item["key"], *(_value(item["figures"][one["name"]], one, found["currency"]) for one in columns)]
        for item in found["items"]
    )
    table(["", *(one["title"].upper() for one in columns)], rows, "nothing was done in this time")


def _value(value: int | None, formula: Mapping[str, Any], currency: str) -> str:
    if value is None:
        return "-"
    if formula["unit"] == "share":
        return f"{value / 100:.2f}%"
    if formula["unit"] == "money":
        return show(value, currency)
    return f"{value / 60_000:,.1f} min" if formula["unit"] == "ms" and abs(value) >= 60_000 else _small(value, formula)


def _small(value: int, formula: Mapping[str, Any]) -> str:
    return f"{value:,} ms" if formula["unit"] == "ms" else f"{value:,}"


def _measured(one: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    return "-" if one["figure"] is None else _value(one["value"], found["formulas"][one["figure"]], found["currency"])


def _met(one: Mapping[str, Any]) -> str:
    return {True: "yes", False: "no", None: "-"}[one["met"]]


def _counted(ask: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """The answer once the log is counted as far as it goes, or as it is after two seconds."""
    patience = time.monotonic() + PATIENCE_SECONDS
    while (found := ask())["lag"]["behind"] and time.monotonic() < patience:
        time.sleep(LOOK_SECONDS)
    return found


def _lag(lag: Mapping[str, Any]) -> str:
    return f"{lag['behind']:,} leaves behind" if lag["behind"] else "every leaf of the log is counted"


def _tell_recomputed(found: Mapping[str, Any]) -> None:
    if found["state"] == "equal":
        say(f"equal to the last digit: {found['leaves']:,} leaves, {found['rows']:,} rows", "green")
        return
    if found["state"] == "failed":
        say(f"the log could not be counted: {found['code']}", "red")
        return
    say(f"{found['differing']:,} places differ from what the log says", "red")
    rows = ([one["table"], one["key"], one["column"], one["shown"], one["counted"]] for one in found["differences"])
    table(["TABLE", "KEY", "FIGURE", "SHOWN", "COUNTED"], rows, "")
    if found["mended"]:
        say("the figures are counted again from the first leaf on")
