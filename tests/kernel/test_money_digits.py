"""The digits of a currency's minor unit are those of ISO 4217, everywhere."""

from __future__ import annotations

from decimal import Decimal

import pytest

from autonomy.kernel.money import Currency, exponent, show


@pytest.mark.parametrize(
    ("currency", "digits"),
    [
        *((code, 0) for code in ("ISK", "UGX", "XOF", "PYG", "JPY")),
        *((code, 2) for code in ("HUF", "IDR", "TWD", "COP", "LBP", "EUR", "MRU", "CZK")),
        *((code, 3) for code in ("IQD", "LYD", "KWD")),
        ("CLF", 4),
    ],
)
def test_an_amount_is_counted_in_the_minor_unit_of_its_currency(currency: str, digits: int) -> None:
    assert exponent(currency) == digits
    assert Currency(currency, {}).minor(Decimal(12), currency) == 12 * 10**digits
    assert show(12 * 10**digits, currency) == f"12{'.' if digits else ''}{'0' * digits} {currency}"
