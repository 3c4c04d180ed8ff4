"""The figures of the digital workforce: each with its unit, its formula in words, and what it is made of.

Pure, and whole numbers only: two who count the same leaves get the same figures to the last digit. A share is in
hundredths of a percent, 10,000 is all of it; quotients are rounded half up. A figure that would divide by nothing has
no value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from autonomy.kernel.clock import MINUTE

Unit = Literal["count", "share", "ms", "money", "tokens"]
"""`share`: hundredths of a percent. `ms`: milliseconds. `money`: minor units of the base currency."""

Good = Literal["more", "less", "neither"]
"""Which way is better."""

WHOLE = 10_000  # a share that is all of it


@dataclass(frozen=True, slots=True)
class Baseline:
    """What a piece of work costs a person: `ms` of their time, and `money` in all, in minor units; `pieces` were done
    in their place."""

    pieces: int = 0
    ms: int = 0
    money: int = 0


Sums = Mapping[str, int]
Compute = Callable[[Sums, Baseline], int | None]


@dataclass(frozen=True, slots=True)
class Kpi:
    """A figure: its formula in words, and the kinds of leaves it comes from."""

    name: str
    unit: Unit
    good: Good
    title: str
    formula: str
    source: str
    compute: Compute


def _sum(*names: str) -> Compute:
    return lambda sums, _: sum(sums[name] for name in names)


def _share(part: str, *whole: str) -> Compute:
    return lambda sums, _: quotient(sums[part] * WHOLE, sum(sums[name] for name in whole))


def _mean(total: str, *pieces: str) -> Compute:
    return lambda sums, _: quotient(sums[total], sum(sums[name] for name in pieces))


def quotient(above: int, below: int) -> int | None:
    """`above` divided by `below`, rounded half up; None where there is nothing to divide by."""
    return None if below <= 0 else (2 * above + below) // (2 * below)


def _autonomy(sums: Sums, _: Baseline) -> int | None:
    return quotient(max(0, sums["begun"] - sums["waited"]) * WHOLE, sums["begun"])


def _human_cost(sums: Sums, baseline: Baseline) -> int:
    """What the time of people cost, at the price of the baseline: rounded up, so that value is never overstated."""
    return -(-sums["human_ms"] * baseline.money // baseline.ms) if baseline.ms else 0


def _value(sums: Sums, baseline: Baseline) -> int | None:
    if not baseline.money:
        return None
    return baseline.money - _human_cost(sums, baseline) - sums["money"]


def _roi(sums: Sums, baseline: Baseline) -> int | None:
    value, spent = _value(sums, baseline), sums["money"] + _human_cost(sums, baseline)
    return None if value is None else quotient(value * WHOLE, spent)


def _time_saved(sums: Sums, baseline: Baseline) -> int | None:
    return baseline.ms - sums["human_ms"] if baseline.ms else None


_ACTIONS = "intent, outcome, reconcile"

KPIS = (
    Kpi("throughput", "count", "more", "Actions done", "actions that ended as done", _ACTIONS, _sum("done")),
    Kpi("runs_done", "count", "more", "Runs done", "runs of workflows that ended as done", "run", _sum("runs_done")),
    Kpi("tasks_done", "count", "more", "Tasks done", "tasks that ended as done", "task", _sum("tasks_done")),
    Kpi(
        "cases",
        "count",
        "neither",
        "Cases",
        "cases met for the first time, each counted once for everybody it meets",
        "intent, hold",
        _sum("cases"),
    ),
    Kpi(
        "run_cycle_time",
        "ms",
        "less",
        "Cycle time of a run",
        "time from the start to the end of runs, divided by the runs that ended",
        "run",
        _mean("run_ms", "runs_done", "runs_failed"),
    ),
    Kpi(
        "case_cycle_time",
        "ms",
        "less",
        "Cycle time of a case",
        "time from the first action of a case to its latest ending, divided by the cases",
        "intent, hold, outcome, reconcile",
        _mean("case_ms", "cases"),
    ),
    Kpi(
        "action_time",
        "ms",
        "less",
        "Time of an action",
        "time from intent to ending, divided by the actions that ended as done or failed; one whose ending was unknown "
        "ends when it is found out",
        _ACTIONS,
        _mean("action_ms", "done", "failed"),
    ),
    Kpi(
        "accuracy",
        "share",
        "more",
        "Accuracy",
        "results labelled right, divided by all results labelled right, wrong or corrected; of labels of one result "
        "the latest counts, and it counts in the hour in which the work was done",
        "label",
        _share("right", "right", "wrong", "corrected"),
    ),
    Kpi(
        "labelled",
        "count",
        "more",
        "Results labelled",
        "results labelled right, wrong or corrected",
        "label",
        _sum("right", "wrong", "corrected"),
    ),
    Kpi(
        "error_rate",
        "share",
        "less",
        "Error rate",
        "actions that ended as failed, divided by those that ended as done or failed",
        _ACTIONS,
        _share("failed", "done", "failed"),
    ),
    Kpi(
        "exceptions",
        "count",
        "less",
        "Exceptions",
        "exceptions that runs met, and actions whose ending was unknown",
        "run, outcome",
        _sum("exceptions", "unknown"),
    ),
    Kpi(
        "escalations",
        "count",
        "less",
        "Escalations",
        "approvals and tasks that went on to somebody else because nobody answered or could do it",
        "approval, task",
        _sum("escalated"),
    ),
    Kpi("denials", "count", "less", "Denials", "actions that were refused", "denial", _sum("denied")),
    Kpi("holds", "count", "less", "Approvals asked", "actions that waited for people", "hold", _sum("held")),
    Kpi(
        "autonomy",
        "share",
        "more",
        "Done without people",
        "actions begun less those of them that had waited for people, divided by actions begun",
        "intent",
        _autonomy,
    ),
    Kpi(
        "human_time",
        "ms",
        "less",
        "Time of people",
        "for each deed of a person the time since they opened it where their console says so, since they were asked, "
        "or since their deed before, whichever is latest; at most 10 minutes for a decision, 60 for a task, 2 for a "
        "word nobody had asked for",
        "approval, run, task, label, reconcile",
        _sum("human_ms"),
    ),
    Kpi(
        "human_time_per_case",
        "ms",
        "less",
        "Time of people for a case",
        "time of people, divided by the cases",
        "as human_time and cases",
        _mean("human_ms", "cases"),
    ),
    Kpi(
        "cost",
        "money",
        "less",
        "Cost",
        "what calls of tools and models cost; not the amounts that actions move",
        "intent, outcome, reconcile",
        _sum("money"),
    ),
    Kpi(
        "moved",
        "money",
        "neither",
        "Money moved",
        "amounts of orders, payments and the like that actions made: the money of tools whose cost is an argument",
        "intent, outcome, reconcile",
        _sum("moved"),
    ),
    Kpi("tokens", "tokens", "less", "Tokens", "tokens that ended actions took", "outcome, reconcile", _sum("tokens")),
    Kpi(
        "cost_per_case",
        "money",
        "less",
        "Cost of a case",
        "cost, divided by the cases",
        "as cost and cases",
        _mean("money", "cases"),
    ),
    Kpi(
        "cost_per_outcome",
        "money",
        "less",
        "Cost of an outcome",
        "cost, divided by the actions that ended as done",
        "as cost and throughput",
        _mean("money", "done"),
    ),
    Kpi(
        "time_saved",
        "ms",
        "more",
        "Time saved",
        "pieces of work done times the minutes a person takes for one, less the time of people; pieces and minutes as "
        "the `baseline` of the role or workflow declares",
        "as human_time, and what is declared",
        _time_saved,
    ),
    Kpi(
        "value",
        "money",
        "more",
        "Value",
        "pieces of work done times what one costs when a person does it, less cost, less the time of people at the "
        "price of the baseline",
        "as cost and human_time, and what is declared",
        _value,
    ),
    Kpi(
        "roi",
        "share",
        "more",
        "Return",
        "value, divided by cost and the time of people at the price of the baseline",
        "as value",
        _roi,
    ),
)
"""Every figure, in the order in which it is shown."""

BY_NAME = {kpi.name: kpi for kpi in KPIS}


def figures(sums: Sums, baseline: Baseline) -> dict[str, int | None]:
    """Every figure by name; None where it has no value."""
    return {kpi.name: kpi.compute(sums, baseline) for kpi in KPIS}


def baseline_of(pieces: int, minutes: int, money: int) -> Baseline:
    """What `pieces` cost when a person takes `minutes` and `money` (minor units) for one."""
    return Baseline(pieces, pieces * minutes * MINUTE, pieces * money)


def together(*baselines: Baseline) -> Baseline:
    """Several baselines as one."""
    return Baseline(
        sum(one.pieces for one in baselines), sum(one.ms for one in baselines), sum(one.money for one in baselines)
    )
