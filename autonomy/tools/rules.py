"""Pure rules of this room: when a circuit opens, what a look-up's answer means, whether a write happened."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from autonomy.catalog.model import FactType
from autonomy.kernel.canonical import Json
from autonomy.kernel.errors import Invalid
from autonomy.kernel.money import Currency, decimal, parse

MAX_FAILURES: Final = 5  # consecutive; more only makes callers wait for a system that is down
FIRST_REST_S: Final = 1.0  # of a program that did not start twice; then twice as long each time
LONGEST_REST_S: Final = 30.0
REST: Final = 5_000  # milliseconds an open circuit rests before one call may try again


@dataclass(frozen=True, slots=True)
class Circuit:
    """Consecutive failures of a connector, and until when (monotonic ms) nothing more is tried."""

    failures: int = 0
    rests_until: int = 0


def admit(circuit: Circuit, now: int) -> tuple[bool, Circuit]:
    """Whether a call may go out at `now`, and the circuit afterwards.

    An open circuit that has rested lets one probe out and rests again until its answer, so a lost probe costs one rest.
    """
    if circuit.failures < MAX_FAILURES:
        return True, circuit
    if now < circuit.rests_until:
        return False, circuit
    return True, Circuit(circuit.failures, now + REST)


def failed(circuit: Circuit, now: int) -> Circuit:
    """The circuit after a call that failed because of the system, not because of what was asked."""
    failures = circuit.failures + 1
    return Circuit(failures, now + REST if failures >= MAX_FAILURES else 0)


def answered(circuit: Circuit) -> Circuit:
    """The circuit after the system answered, be it with a refusal."""
    return Circuit() if circuit.failures else circuit


def rest_after(starts: int) -> float:
    """Seconds before a program that was started `starts` times in a row without success is started again."""
    return min(FIRST_REST_S * 2.0 ** (starts - 1), LONGEST_REST_S) if starts > 1 else 0.0


class Missing:
    """The look-up found nothing."""


MISSING: Final = Missing()


def single(value: Json) -> Json | Missing:
    """The one value of a look-up's answer: a scalar, an object with one member, or at most one row of one column.

    Raises Invalid (`fact.shape`) for anything larger.
    """
    if isinstance(value, dict) and set(value) == {"rows"} and isinstance(value["rows"], list):
        if len(value["rows"]) > 1:
            raise Invalid(f"{len(value['rows'])} rows were found where one was expected", code="fact.shape")
        value = value["rows"][0] if value["rows"] else None
    if isinstance(value, dict) and len(value) == 1:
        value = next(iter(value.values()))
    if isinstance(value, (dict, list)):
        raise Invalid("the answer is not one value", code="fact.shape", hint="select one column of one row")
    return MISSING if value is None else value


def fact(kind: FactType, value: Json, currency: Currency) -> int | str | bool:
    """`value` as the declared type; money becomes minor units of the base currency.

    Raises Invalid (`fact.type`) where it is of another type: facts are never guessed.
    """
    if kind == "string" and isinstance(value, str):
        return value
    if kind == "boolean" and value in (0, 1) and isinstance(value, int):
        return bool(value)  # SQLite knows no other booleans than 0 and 1
    if kind == "integer" and isinstance(value, int) and not isinstance(value, bool):
        return value
    if kind == "money" and isinstance(value, (int, float, str)) and not isinstance(value, bool):
        return currency.minor(*amount(value, currency.base))
    raise Invalid(f"a {type(value).__name__} was found where the declared type is {kind}", code="fact.type")


def amount(value: int | float | str, base: str) -> tuple[Decimal, str]:
    """A number, or a text such as `1200.00 EUR`, as amount and currency; raises Invalid otherwise."""
    return parse(value, base) if isinstance(value, str) else (decimal(value), base)


def happened(value: Json) -> bool:
    """Whether the answer to "did it happen?" holds anything: a row, an object, a value that is not empty."""
    if isinstance(value, dict) and set(value) == {"rows"}:
        value = value["rows"]
    return value not in (None, [], {}, "", False)
