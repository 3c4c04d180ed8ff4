"""Money in expressions: `minor` reads an amount into whole minor units, `amount` writes it again. Pure.

Money is computed in whole minor units as everywhere in the house; tools that take it as text get it by `amount`.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from cel_expr_python import cel

from autonomy.kernel.errors import Invalid
from autonomy.kernel.money import MAX_MINOR, exponent, parse


def minor(text: str, currency: str = "") -> int:
    """`1200.50 EUR`, or `1200.50` with its currency said besides, in minor units: 120050.

    Raises ValueError, which the engine tells as a failed evaluation, where it is no amount or of another currency.
    """
    try:
        value, found = parse(text, currency)
    except Invalid as error:
        raise ValueError(error.message) from None
    if not found or (currency and found != currency):
        raise ValueError(f"`{text[:40]}` is not in `{currency}`" if found else f"`{text[:40]}` has no currency")
    scaled = value.scaleb(exponent(found))
    if scaled != scaled.to_integral_value() or abs(scaled) > MAX_MINOR:
        raise ValueError(f"`{text[:40]}` is no whole number of the smallest coins")
    return int(scaled)


def amount(value: int, currency: str) -> str:
    """Minor units as text, `1200.50`. Raises ValueError where `currency` is no code or the amount too large."""
    if not (len(currency) == 3 and currency.isascii() and currency.isupper()) or abs(value) > MAX_MINOR:
        raise ValueError(f"`{value}` `{currency[:10]}` is no amount of money")
    digits = exponent(currency)
    return f"{Decimal(value).scaleb(-digits):.{digits}f}"


_TEXT, _WHOLE = cel.Type.STRING, cel.Type.INT


def _form(name: str, result: Any, parameters: list[Any], does: Any) -> Any:
    return cel.Overload(id=name, return_type=result, parameters=parameters, is_member=False, impl=does)


FUNCTIONS = cel.CelExtension(
    "autonomy.amounts",
    [
        cel.FunctionDecl(
            "minor",
            [
                _form("minor_text", _WHOLE, [_TEXT], minor),
                _form("minor_text_currency", _WHOLE, [_TEXT, _TEXT], minor),
            ],
        ),
        cel.FunctionDecl("amount", [_form("amount_minor_currency", _TEXT, [_WHOLE, _TEXT], amount)]),
    ],
)
"""The functions as the engine takes them."""
