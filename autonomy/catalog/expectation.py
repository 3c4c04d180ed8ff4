"""What is expected of a role, and what its work costs when a person does it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Literal

from pydantic import Field, model_validator

from autonomy.kernel import clock, money
from autonomy.kernel.errors import Invalid
from autonomy.kernel.money import MAX_MINOR

from .words import Amount, Strict, Text, fault

Measured = Literal[
    "throughput",
    "runs_done",
    "tasks_done",
    "cases",
    "run_cycle_time",
    "case_cycle_time",
    "action_time",
    "accuracy",
    "labelled",
    "error_rate",
    "exceptions",
    "escalations",
    "denials",
    "holds",
    "autonomy",
    "human_time",
    "human_time_per_case",
    "cost",
    "moved",
    "tokens",
    "cost_per_case",
    "cost_per_outcome",
    "time_saved",
    "value",
    "roi",
]
"""The figures that can be expected of somebody, as `autonomy insight formulas` lists them."""

SHARES = frozenset({"accuracy", "error_rate", "autonomy", "roi"})
TIMES = frozenset(
    {"run_cycle_time", "case_cycle_time", "action_time", "human_time", "human_time_per_case", "time_saved"}
)
AMOUNTS = frozenset({"cost", "moved", "cost_per_case", "cost_per_outcome", "value"})

_SHARE = re.compile(r"[0-9]{1,4}(\.[0-9]{1,2})?%")

Bound = Annotated[int, Field(ge=0, le=MAX_MINOR)] | Text


class Expectation(Strict):
    """What is expected, in words; with `figure` also as a bound that is measured."""

    measure: Text
    target: Text
    figure: Measured | None = Field(None, description="the figure that tells whether it is met")
    atLeast: Bound | None = Field(None, description="`98%`, `4h`, `12.50 EUR` or a whole number, as the figure needs")
    atMost: Bound | None = None

    @model_validator(mode="after")
    def _bound_fits_the_figure(self) -> Expectation:
        bounds = [bound for bound in (self.atLeast, self.atMost) if bound is not None]
        if self.figure is None and bounds:
            raise fault("a bound without the figure it is for", "write `figure`, such as `figure: accuracy`")
        if self.figure is not None and len(bounds) != 1:
            raise fault("one of `atLeast` and `atMost` is needed", "keep one of them")
        for bound in bounds:
            _check_form(self.figure or "", bound)
        return self


class Baseline(Strict):
    """What one piece of this work costs when a person does it: their time, and everything in all."""

    minutes: int = Field(ge=1, le=100_000)
    cost: Amount = Field(description="`18.50 EUR`, wages and everything else together")


class RoleBaseline(Baseline):
    """The same for a role, whose pieces of work are cases, tasks or actions."""

    per: Literal["case", "task", "action"] = "case"


def _check_form(figure: str, bound: int | str) -> None:
    """Raise a fault unless the bound is of the kind that the figure needs."""
    for figures, fits, form in _FORMS:
        if figure in figures:
            if not fits(bound):
                raise fault(f"a bound of `{figure}` is {form}", f"write {form}")
            return
    if not isinstance(bound, int):
        raise fault(f"a bound of `{figure}` is a whole number", "write the number without quotes")


def _reads(read: Callable[[str], object]) -> Callable[[int | str], bool]:
    def fits(bound: int | str) -> bool:
        try:
            read(str(bound))
        except Invalid:
            return False
        return isinstance(bound, str)

    return fits


def _is_share(bound: int | str) -> bool:
    return isinstance(bound, str) and _SHARE.fullmatch(bound) is not None


_FORMS: tuple[tuple[frozenset[str], Callable[[int | str], bool], str], ...] = (
    (SHARES, _is_share, "a share such as `98%`"),
    (TIMES, _reads(clock.duration), "a duration such as `4h`"),
    (AMOUNTS, _reads(lambda text: money.parse(text, "EUR")), "an amount such as `12.50 EUR`"),
)
