"""What is expected of an agent by its roles, beside what is measured of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from autonomy.catalog.expectation import Expectation
from autonomy.catalog.model import RoleSpec
from autonomy.catalog.organisation import Organisation, spec
from autonomy.catalog.prices import bound_of

from .figures import Values

Direction = Literal["at least", "at most"]


@dataclass(frozen=True, slots=True)
class Expected:
    """An expectation of `role`. `met` is none where it is in words alone, or where there is nothing to measure yet.

    `bound` and `value` are as the figure has them: hundredths of a percent, milliseconds, minor units, or a count.
    """

    role: str
    measure: str
    target: str
    figure: str | None
    direction: Direction | None
    bound: int | None
    value: int | None
    met: bool | None


def expectations(organisation: Organisation, roles: Iterable[str], values: Values) -> list[Expected]:
    """Every expectation of these roles, in the order in which they are declared."""
    found = ((role, organisation.get("Role", role)) for role in roles)
    return [
        one for role, revision in found if revision for one in _of(organisation, role, spec(revision, RoleSpec), values)
    ]


def _of(organisation: Organisation, role: str, said: RoleSpec, values: Values) -> Iterator[Expected]:
    for one in said.expectations:
        if one.figure is None:
            yield Expected(role, one.measure, one.target, None, None, None, None, None)
            continue
        direction, bound = _bound(organisation, one)
        value = values[one.figure]
        met = None if value is None else value >= bound if direction == "at least" else value <= bound
        yield Expected(role, one.measure, one.target, one.figure, direction, bound, value, met)


def _bound(organisation: Organisation, one: Expectation) -> tuple[Direction, int]:
    said = one.atMost if one.atLeast is None else one.atLeast
    bound = bound_of(one.figure or "", 0 if said is None else said, organisation.currency)
    return ("at most" if one.atLeast is None else "at least"), bound
