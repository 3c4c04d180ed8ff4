"""Canonical JSON (RFC 8785): one value, one sequence of bytes; and a strict reader for what strangers send."""

from __future__ import annotations

import hashlib
import hmac
import json
import math
from collections.abc import Iterable
from typing import Any

import msgspec

from .errors import Invalid, TooLarge

Json = Any
"""What JSON can say: None, bool, int, float, str, list, dict with str keys."""

_PLAIN = msgspec.json.Encoder(order="sorted").encode
"""Byte for byte RFC 8785 wherever no number is a float and keys are ASCII, and sixty times faster than we are."""

MAX_BYTES = 1_048_576  # an argument list is not a file transfer
MAX_DEPTH = 32  # deeper data has no business meaning and costs stack
MAX_SAFE_INTEGER = 2**53 - 1  # beyond this JSON readers disagree about the value (RFC 8785, section 3.2.2.3)


def encode(value: Json) -> bytes:
    """The canonical bytes of `value`.

    Raises Invalid for what has no canonical form: NaN, infinities, integers beyond 2^53, lone surrogates, other types.
    """
    try:
        return _PLAIN(value) if _is_plain(value) else _encode(value).encode("utf-8")
    except UnicodeEncodeError:
        raise Invalid("text holds half a character", code="json.surrogate") from None


def encode_plain(value: Json) -> bytes:
    """The same bytes, without looking, for values we built ourselves: no floats, no large integers, ASCII keys."""
    return _PLAIN(value)


def derive(key: bytes, purpose: bytes) -> bytes:
    """A key for one purpose from a master key (HKDF-Expand of RFC 5869, one block): 32 bytes."""
    return hmac.digest(key, purpose + b"\x01", "sha256")


class Keyed:
    """Hashes under one key (HMAC-SHA-256, RFC 2104): equal for equal values, telling nothing to those without it.

    The key is taken in once. `hmac.digest` would take it in each time, and let go of the interpreter while it does: on
    the event loop that is a wait for another thread's turn, for three microseconds of work.
    """

    __slots__ = ("_begun",)

    def __init__(self, key: bytes) -> None:
        self._begun = hmac.new(key, digestmod="sha256")

    def hash(self, value: bytes) -> str:
        """The hash of `value`, hexadecimal."""
        one = self._begun.copy()
        one.update(value)
        return one.hexdigest()


def digest(value: Json) -> str:
    """SHA-256 of the canonical bytes, hexadecimal."""
    return hashlib.sha256(encode(value)).hexdigest()


def parse(data: bytes, max_bytes: int = MAX_BYTES) -> Json:
    """Read JSON strictly: UTF-8, no duplicate keys, no NaN, bounded in size and depth.

    Raises Invalid or TooLarge with the reason.
    """
    if len(data) > max_bytes:
        raise TooLarge(f"{len(data)} bytes are more than the {max_bytes} allowed", code="json.too_large")
    try:
        value = json.loads(
            data.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant, parse_int=_safe_int
        )
    except UnicodeDecodeError:
        raise Invalid("the text is not UTF-8", code="json.encoding") from None
    except json.JSONDecodeError as error:
        raise Invalid(
            f"not JSON: {error.msg.lower()} at line {error.lineno} column {error.colno}", code="json.syntax"
        ) from None
    except RecursionError:
        raise Invalid(f"nested deeper than {MAX_DEPTH}", code="json.too_deep") from None
    check(value)
    return value


def check(value: Json, depth: int = 0) -> None:
    """Raise Invalid where `value` is nested too deep or holds something canonical JSON cannot say."""
    if depth > MAX_DEPTH:
        raise Invalid(f"nested deeper than {MAX_DEPTH}", code="json.too_deep")
    if isinstance(value, dict):
        for name, inner in value.items():
            check_text(name, "a key")
            check(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            check(inner, depth + 1)
    elif isinstance(value, str):
        check_text(value, "a text")
    elif isinstance(value, float) and not math.isfinite(value):
        raise Invalid("a number is too large", code="json.number")


def _is_plain(value: Json) -> bool:
    """Whether the fast encoder writes `value` as RFC 8785 would."""
    if isinstance(value, dict):
        for key in value:
            if not (isinstance(key, str) and key.isascii()):
                return False
        return _are_plain(value.values())
    return _are_plain(value if isinstance(value, (list, tuple)) else (value,))


def _are_plain(values: Iterable[Json]) -> bool:
    # A loop and no recursion for what lies flat, as arguments mostly do: this looks at every action several times.
    for value in values:
        if isinstance(value, (dict, list, tuple)):
            if not _is_plain(value):
                return False
        elif isinstance(value, int):
            if not -MAX_SAFE_INTEGER <= value <= MAX_SAFE_INTEGER:
                return False
        elif not (value is None or isinstance(value, str)):
            return False
    return True


def check_text(text: str, name: str) -> None:
    """Raise Invalid where `text`, called `name`, holds half a character (a lone surrogate), which nothing can store."""
    if not text.isascii():
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            raise Invalid(f"`{name}` holds half a character", code="json.surrogate") from None


def _encode(value: Json) -> str:
    if value is None or isinstance(value, (bool, str)):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, int):
        return _integer(value)
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(map(_encode, value)) + "]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(k, ensure_ascii=False)}:{_encode(value[k])}" for k in _sorted(value)) + "}"
    raise Invalid(f"a {type(value).__name__} has no JSON form", code="json.type")


def _sorted(value: dict[str, Json]) -> list[str]:
    # RFC 8785 orders by UTF-16 code units; for ASCII names that is the plain order.
    keys = list(value)
    if all(isinstance(key, str) and key.isascii() for key in keys):
        return sorted(keys)
    return sorted(keys, key=lambda key: key.encode("utf-16-be"))


def _integer(value: int) -> str:
    if abs(value) > MAX_SAFE_INTEGER:
        raise Invalid(f"the integer `{value}` is beyond 2^53", code="json.number", hint="send it as a string")
    return str(value)


def _number(value: float) -> str:
    """ECMAScript's Number::toString, which RFC 8785 prescribes."""
    if not math.isfinite(value):
        raise Invalid("a number is not finite", code="json.number")
    if value == 0:
        return "0"
    mantissa, _, exponent = repr(value).partition("e")
    digits, point = _digits(mantissa.lstrip("-"))
    point += int(exponent or 0)
    return ("-" if value < 0 else "") + _layout(digits, point)


def _digits(mantissa: str) -> tuple[str, int]:
    """The significant digits and where the decimal point stands among them."""
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    point = len(whole) if whole.strip("0") else -(len(fraction) - len(fraction.lstrip("0")))
    return digits.rstrip("0"), point


def _layout(digits: str, point: int) -> str:
    count = len(digits)
    if count <= point <= 21:
        return digits + "0" * (point - count)
    if 0 < point <= 21:
        return f"{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return "0." + "0" * -point + digits
    exponent = f"e{'+' if point > 0 else '-'}{abs(point - 1)}"
    return (digits[0] + ("." + digits[1:] if count > 1 else "")) + exponent


def _unique(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise Invalid(f"the key `{twice[:80]}` stands twice in one object", code="json.duplicate_key")
    return found


def _no_constant(name: str) -> Json:
    raise Invalid(f"`{name}` is not JSON", code="json.number")


def _safe_int(text: str) -> int:
    if len(text) > 17 or abs(int(text)) > MAX_SAFE_INTEGER:
        raise Invalid(f"the integer `{text[:20]}` is beyond 2^53", code="json.number", hint="send it as a string")
    return int(text)
