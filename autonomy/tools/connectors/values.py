"""What a database returns, as JSON. Pure."""

from __future__ import annotations

import base64
import datetime
import math
import uuid
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from autonomy.kernel.canonical import MAX_SAFE_INTEGER, Json
from autonomy.kernel.errors import Invalid, TooLarge

MAX_CHARACTERS = 4_194_304  # of text in one result; rows are capped, but one text can be a book


def as_rows(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[dict[str, Json]]:
    """Each row as an object. Raises Invalid for two columns of one name, TooLarge for more than 4 MiB of text."""
    if len(set(columns)) != len(columns):
        raise Invalid("two columns have the same name", code="result.columns", hint="name them with AS")
    found = [{name: as_json(value) for name, value in zip(columns, row, strict=True)} for row in rows]
    if sum(len(value) for row in found for value in row.values() if isinstance(value, str)) > MAX_CHARACTERS:
        raise TooLarge(
            f"the rows hold more than {MAX_CHARACTERS} characters", code="result.too_large", hint="ask for less"
        )
    return found


def as_json(value: Any) -> Json:
    """Exact where JSON can be: decimals and large integers as text, times as ISO 8601, bytes as base64."""
    match value:
        case None | bool() | str():
            return value
        case int():
            return value if abs(value) <= MAX_SAFE_INTEGER else str(value)
        case float():
            return value if math.isfinite(value) else str(value)
        case Decimal() | uuid.UUID():
            return str(value)
        case datetime.datetime() | datetime.date() | datetime.time():
            return value.isoformat()
        case datetime.timedelta():
            return value.total_seconds()
        case bytes() | bytearray() | memoryview():
            return base64.b64encode(value).decode()
        case list() | tuple():
            return [as_json(inner) for inner in value]
        case dict():
            return {str(name): as_json(inner) for name, inner in value.items()}
    raise Invalid(f"a {type(value).__name__} has no JSON form", code="result.type", hint="CAST it to text")
