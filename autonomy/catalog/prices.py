"""What expectations and baselines come to in the base currency, and whether they can. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from autonomy.kernel import clock, money
from autonomy.kernel.errors import Invalid
from autonomy.kernel.money import Currency

from .expectation import AMOUNTS, SHARES, TIMES, Baseline
from .organisation import Organisation
from .problem import Problem, about


def bound_of(figure: str, bound: int | str, currency: Currency) -> int:
    """The bound as the figure has it: hundredths of a percent, milliseconds, minor units, or a count.

    Raises Invalid for another currency without a rate.
    """
    if isinstance(bound, int):
        return bound
    if figure in SHARES:
        return int(Decimal(bound.removesuffix("%")) * 100)
    if figure in TIMES:
        return clock.duration(bound)
    return currency.minor(*money.parse(bound, currency.base))


def price_of(baseline: Baseline, currency: Currency) -> int:
    """What a piece costs, in minor units of the base currency. Raises Invalid where there is no rate."""
    return currency.minor(*money.parse(baseline.cost, currency.base))


def prices(organisation: Organisation) -> Iterator[Problem]:
    """Amounts of baselines and expectations that cannot be converted into the base currency."""
    for kind in ("Role", "Workflow"):
        for revision in organisation.all(kind).values():
            said = revision.spec.model_dump(include={"baseline": {"cost"}, "expectations": True})
            for field, amount in _amounts(said):
                try:
                    organisation.currency.minor(*money.parse(amount, organisation.currency.base))
                except Invalid as error:
                    yield about(revision, field, error.message, error.hint)


def _amounts(said: dict[str, object]) -> Iterator[tuple[str, str]]:
    baseline, expectations = said.get("baseline"), said.get("expectations")
    if isinstance(baseline, dict):
        yield "spec.baseline.cost", str(baseline["cost"])
    for number, one in enumerate(expectations if isinstance(expectations, list) else []):
        for name in ("atLeast", "atMost"):
            if one["figure"] in AMOUNTS and isinstance(one[name], str):
                yield f"spec.expectations[{number}].{name}", one[name]
