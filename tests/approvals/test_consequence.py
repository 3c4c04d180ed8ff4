"""The one sentence that says what a decision would mean."""

from __future__ import annotations

import pytest

from autonomy.approvals import consequence

STEADY = [100_000] * 20 + [120_000] * 11 + [140_000] * 10


@pytest.mark.parametrize(
    ("past", "amount", "sentence"),
    [
        ([], 980_000, "this agent has never used `pay` for this supplier before; this is 9,800.00 EUR"),
        ([], None, "this agent has never used `pay` for this supplier before"),
        (
            STEADY,
            980_000,
            "this agent used `pay` for this supplier 41 times, median 1,200.00 EUR; this is 9,800.00 EUR, "
            "8.1 times the median, more than ever before (at most 1,400.00 EUR)",
        ),
        (
            STEADY,
            140_001,
            "this agent used `pay` for this supplier 41 times, median 1,200.00 EUR; this is 1,400.01 EUR, "
            "more than ever before (at most 1,400.00 EUR)",
        ),
        (
            STEADY,
            130_000,
            "this agent used `pay` for this supplier 41 times, median 1,200.00 EUR; this is 1,300.00 EUR, as usual",
        ),
        (
            STEADY,
            100,
            "this agent used `pay` for this supplier 41 times, median 1,200.00 EUR; this is 1.00 EUR, "
            "less than ever before (at least 1,000.00 EUR)",
        ),
        (
            [100, 100, 100, 900],
            300,
            "this agent used `pay` for this supplier 4 times, median 1.00 EUR; this is 3.00 EUR, 3.0 times the median",
        ),
        (
            [120_000],
            360_000,
            "this agent used `pay` for this supplier once, for 1,200.00 EUR; this is 3,600.00 EUR, "
            "3.0 times the amount, more than ever before (at most 1,200.00 EUR)",
        ),
        ([0, 0], 0, "this agent used `pay` for this supplier 2 times, median 0.00 EUR; this is 0.00 EUR, as usual"),
        ([5] * 1_234, None, "this agent used `pay` for this supplier 1,234 times"),
    ],
)
def test_the_sentence_says_how_often_how_much_and_what_is_unusual(
    past: list[int], amount: int | None, sentence: str
) -> None:
    assert consequence(past, amount, "EUR", "pay", "supplier") == sentence


def test_without_a_subject_the_tool_alone_is_compared() -> None:
    assert consequence([], None, "EUR", "stock.count") == "this agent has never used `stock.count` before"
