"""Formulas: whole numbers, rounded half up; names that can be expected of roles; no figure without words."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from math import floor
from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from autonomy.catalog.expectation import AMOUNTS, SHARES, TIMES, Measured
from autonomy.insight.counting import COUNTERS, Counting, Memory, Said
from autonomy.insight.kpis import BY_NAME, KPIS, Baseline, figures, quotient
from autonomy.insight.today import STRIPS
from autonomy.kernel.clock import MINUTE

NOTHING = dict.fromkeys(COUNTERS, 0)
sums = st.fixed_dictionaries({name: st.integers(0, 10**12) for name in COUNTERS})


@given(st.integers(-(10**15), 10**15), st.integers(1, 10**12))
def test_quotients_are_exact_and_rounded_half_up(above: int, below: int) -> None:
    assert quotient(above, below) == floor(Fraction(above, below) + Fraction(1, 2))


@given(sums, st.builds(Baseline, st.integers(0, 9), st.integers(0, 10**9), st.integers(0, 10**9)))
def test_every_figure_is_a_whole_number_or_has_no_value(counted: dict[str, int], baseline: Baseline) -> None:
    found = figures(counted, baseline)
    assert found.keys() == BY_NAME.keys()
    assert all(value is None or type(value) is int for value in found.values())
    for kpi in KPIS:
        if kpi.unit == "share" and kpi.name != "roi":
            assert found[kpi.name] is None or 0 <= int(found[kpi.name] or 0) <= 10_000


def test_what_would_divide_by_nothing_has_no_value() -> None:
    found = figures(NOTHING, Baseline())
    assert {name for name, value in found.items() if value is None} == {
        *("run_cycle_time", "case_cycle_time", "action_time", "accuracy", "error_rate", "autonomy"),
        *("human_time_per_case", "cost_per_case", "cost_per_outcome", "time_saved", "value", "roi"),
    }


def test_value_counts_the_time_of_people_at_the_price_of_the_baseline() -> None:
    counted = NOTHING | {"money": 300, "human_ms": 90_000}
    found = figures(counted, Baseline(10, 10 * 6 * 60_000, 10 * 400))
    assert found["value"] == 4_000 - 300 - 100
    assert found["roi"] == quotient(3_600 * 10_000, 400)
    assert found["time_saved"] == 3_600_000 - 90_000


def test_every_figure_can_be_expected_of_a_role_in_its_own_unit() -> None:
    assert set(get_args(Measured)) == BY_NAME.keys()
    units = {"share": SHARES, "ms": TIMES, "money": AMOUNTS}
    for unit, names in units.items():
        assert {kpi.name for kpi in KPIS if kpi.unit == unit} == names


def test_every_figure_says_how_it_is_computed_and_every_strip_shows_known_ones() -> None:
    assert all(kpi.formula and kpi.source and kpi.title for kpi in KPIS)
    assert all(name in BY_NAME for strip in STRIPS.values() for name in strip)


def figures_of(*log: Said) -> dict[str, int | None]:
    """The figures of a log."""
    counting = Counting(Memory({}, {}, {}, {}))
    for said in log:
        counting.take(said)
    counted = sum((Counter(sums) for (kind, _, _), sums in counting.sums().items() if kind == "all"), Counter[str]())
    return figures(NOTHING | counted, Baseline())


def test_an_action_of_unknown_ending_that_is_found_out_ends_once() -> None:
    begun, lost = Said("intent", 0, "act_1"), Said("outcome", MINUTE, "act_1", status="unknown")
    known = Said("reconcile", 60 * MINUTE, "act_1", status="done", by="person:bea")
    assert figures_of(begun, lost)["action_time"] is None
    found = figures_of(begun, lost, known)
    assert (found["action_time"], found["throughput"], found["exceptions"]) == (60 * MINUTE, 1, 1)


def test_what_was_rejected_was_never_begun_and_takes_nothing_from_what_was_done_without_people() -> None:
    log = [Said("intent", number, f"act_{number}") for number in range(9)]
    log += [Said("hold", number, f"act_held{number}") for number in range(10)]
    assert figures_of(*log)["autonomy"] == 10_000
    assert figures_of(*log, Said("intent", 99, "act_held1", approval="act_held1"))["autonomy"] == 9_000
