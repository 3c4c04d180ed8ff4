"""Counting, and writing it down so that Prometheus reads what was counted."""

from __future__ import annotations

import math
import re
import threading
from bisect import bisect_left

import pytest
from hypothesis import given
from hypothesis import strategies as some

from autonomy.cli.metrics import read
from autonomy.gate.figures import STEPS, DoorFigures
from autonomy.gate.model import Reply
from autonomy.kernel.errors import Unavailable
from autonomy.telemetry import Histogram, Tally, counter, expose, gauge, gauges, histogram, passage
from autonomy.telemetry.figures import MAX_SERIES, SECONDS


@given(some.lists(some.floats(0, 100, allow_nan=False), max_size=60))
def test_a_histogram_knows_how_many_were_at_most_how_large(values: list[float]) -> None:
    seen = Histogram()
    for value in values:
        seen.observe(value)
    lines = list(read(expose([histogram("x_seconds", "told", ("step",), [(("a",), seen)])])))
    buckets = {one["labels"]["le"]: one["value"] for one in lines if one["name"] == "x_seconds_bucket"}
    for bound in SECONDS:
        assert buckets[f"{bound:g}"] == sum(value <= bound for value in values)
    assert buckets["+Inf"] == len(values)
    told = {one["name"]: one["value"] for one in lines if "le" not in one["labels"]}
    assert told["x_seconds_count"] == len(values)
    assert math.isclose(told["x_seconds_sum"], math.fsum(values), abs_tol=1e-9)
    assert bisect_left(SECONDS, 0.005) == SECONDS.index(0.005), "a bound belongs to its own bucket"


@given(some.dictionaries(some.text(max_size=20), some.integers(0, 2**53 - 1), max_size=8))
def test_any_text_may_be_a_label_and_none_breaks_a_line(counts: dict[str, int]) -> None:
    tally = Tally()
    for value, count in counts.items():
        tally.add(value, count=count)
    text = expose([counter("x_total", "told\nin two \\ lines", ("of",), tally)])
    samples = [line for line in text.split("\n") if line and not line.startswith("#")]
    assert len(samples) == len(counts)
    for line in samples:
        escaped = re.fullmatch(r'x_total\{of="((?:[^"\\\n]|\\[\\"n])*)"\} (\S+)', line)
        assert escaped, line
        plain = re.sub(r"\\(.)", lambda match: "\n" if match[1] == "n" else match[1], escaped[1])
        assert counts[plain] == float(escaped[2])


def test_a_figure_that_is_not_known_is_left_out_and_one_without_end_is_told_as_such() -> None:
    assert expose([gauge("x", "told", None), gauges("y", "told", "of", {})]) == ""
    assert expose([gauge("x", "told", math.inf)]).endswith("x +Inf\n")
    assert expose([gauge("x", "told", 0.25), gauge("y", "told", 3.0)]).count("\n") == 6


def test_the_number_of_series_is_bounded_whatever_is_counted() -> None:
    tally = Tally()
    for number in range(3 * MAX_SERIES):
        tally.add(f"code.{number}")
    assert len(tally.counts) == MAX_SERIES + 1
    assert sum(tally.counts.values()) == 3 * MAX_SERIES
    tally.add("code.1")
    assert tally.counts["code.1",] == 2


def test_figures_are_read_while_another_thread_counts() -> None:
    tally, stop = Tally(), threading.Event()

    def count() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            tally.add(f"code.{number % 400}")

    thread = threading.Thread(target=count)
    thread.start()
    before = 0.0
    for _ in range(300):
        now = sum(one["value"] for one in read(expose([counter("x_total", "told", ("code",), tally)])))
        assert now >= before
        before = now
    stop.set()
    thread.join()


def test_a_step_that_breaks_is_timed_and_its_action_counted_by_the_code() -> None:
    figures = DoorFigures()
    with pytest.raises(Unavailable), figures.passing("press"), figures.step("intent"):
        raise Unavailable("gone", code="store.slow")
    assert figures.refusals.counts == {("store.slow",): 1} and figures.replies.counts == {("error",): 1}
    assert sum(figures.steps["intent"].counts) == 1
    with figures.passing("press") as passing:
        assert passage() is not None
        passing.ended(Reply("act_1", "denied", "case", code="policy.denied"))
    assert passage() is None
    assert figures.refusals.counts["policy.denied",] == figures.replies.counts["denied",] == 1
    assert set(figures.steps) == set(STEPS)
