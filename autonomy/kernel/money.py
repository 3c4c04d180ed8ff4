"""Money: integer minor units of one base currency, converted by a declared rate table."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal, InvalidOperation

from .errors import Invalid

_DIGITS = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
EXPONENTS = {currency: digits for digits, currencies in _DIGITS.items() for currency in currencies.split()}
"""Minor-unit digits of every currency that has other than 2: ISO 4217, list one, as SIX publishes it for the standard
(`CcyMnrUnts`). What people see follows it too, and not CLDR, which writes some currencies without their minor unit."""

MAX_MINOR = 2**53 - 1  # what JSON and both databases carry without loss

_AMOUNT = re.compile(r"(-?\d{1,15}(?:\.\d{1,6})?)(?: ([A-Z]{3}))?")


@dataclass(frozen=True, slots=True)
class Currency:
    """A base currency and what one unit of another is worth in it. No rate means no conversion: fail closed."""

    base: str
    rates: Mapping[str, Decimal]

    def minor(self, amount: Decimal, currency: str) -> int:
        """`amount` of `currency` in minor units of the base, rounded up so that a worst case never shrinks.

        Raises Invalid (`money.no_rate`) where no rate is declared.
        """
        return _bounded(int(self.exact(amount, currency).to_integral_value(ROUND_CEILING)))

    def exact(self, amount: Decimal, currency: str) -> Decimal:
        """`amount` of `currency` in minor units of the base, without rounding. Raises Invalid like `minor`."""
        if currency == self.base:
            return amount.scaleb(exponent(currency))
        rate = self.rates.get(currency)
        if rate is None:
            raise Invalid(
                f"no rate from `{currency}` to `{self.base}` is declared",
                code="money.no_rate",
                hint="add it to the root unit's `rates`",
            )
        return (amount * rate).scaleb(exponent(self.base))


def exponent(currency: str) -> int:
    """How many digits the minor unit of `currency` has (ISO 4217)."""
    return EXPONENTS.get(currency, 2)


def parse(text: str, default_currency: str) -> tuple[Decimal, str]:
    """`1200.00 EUR` or `1200` as amount and currency code; raises Invalid otherwise."""
    match = _AMOUNT.fullmatch(text.strip())
    if match is None:
        raise Invalid(
            f"`{text[:40]}` is not an amount of money", code="money.invalid", hint="write for example `1200.00 EUR`"
        )
    return Decimal(match[1]), match[2] or default_currency


def decimal(value: int | float | str) -> Decimal:
    """A number of an argument list as an exact decimal; raises Invalid where it is none."""
    try:
        found = Decimal(value) if type(value) is int else Decimal(str(value))
    except InvalidOperation:
        raise Invalid(f"`{str(value)[:40]}` is not a number", code="money.invalid") from None
    if not found.is_finite():
        raise Invalid(f"`{value}` is not a finite number", code="money.invalid")
    return found


def show(minor: int, currency: str) -> str:
    """Minor units for people: `1,200.00 EUR`."""
    digits = exponent(currency)
    return f"{Decimal(minor).scaleb(-digits):,.{digits}f} {currency}"


def _bounded(minor: int) -> int:
    if abs(minor) > MAX_MINOR:
        raise Invalid("the amount is too large", code="money.too_large")
    return minor
