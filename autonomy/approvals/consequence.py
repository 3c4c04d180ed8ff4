"""What a decision would mean, in one sentence, from what the agent did before. Pure.

The sentence is made of counts and amounts only and names no supplier, so that it may be kept when the arguments of
the action have to be forgotten.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median_low

from autonomy.kernel.money import show

STRIKING = 2  # times the median from which the ratio is worth a reader's attention


def consequence(past: Sequence[int], amount: int | None, currency: str, tool: str, about: str = "") -> str:
    """`this agent used … for this supplier 41 times, median 1,200.00 EUR; this is 9,800.00 EUR, 8.1 times the median`.

    `past` are the amounts (minor units of `currency`) of its earlier uses of `tool` for the same subject, and `about`
    says what kind of subject that is, such as `supplier`. `amount` is None for a tool that costs no money.
    """
    whom = f" for this {about}" if about else ""
    if not past:
        return f"this agent has never used `{tool}`{whom} before{_this(amount, currency)}"
    times = "once" if len(past) == 1 else f"{len(past):,} times"
    used = f"this agent used `{tool}`{whom} {times}"
    if amount is None:
        return used
    before = f", for {show(past[0], currency)}" if len(past) == 1 else f", median {show(median_low(past), currency)}"
    return f"{used}{before}{_this(amount, currency)}{_compared(past, amount, currency)}"


def _this(amount: int | None, currency: str) -> str:
    return "" if amount is None else f"; this is {show(amount, currency)}"


def _compared(past: Sequence[int], amount: int, currency: str) -> str:
    """How `amount` stands against `past`: what is unusual is said, what is usual is called so."""
    if amount > max(past):
        return f"{_ratio(past, amount)}, more than ever before (at most {show(max(past), currency)})"
    if amount < min(past):
        return f", less than ever before (at least {show(min(past), currency)})"
    return _ratio(past, amount) or ", as usual"


def _ratio(past: Sequence[int], amount: int) -> str:
    middle = median_low(past)
    if middle <= 0 or amount < STRIKING * middle:
        return ""
    whole, tenth = divmod(amount * 10 // middle, 10)
    return f", {whole:,}.{tenth} times the {'median' if len(past) > 1 else 'amount'}"
