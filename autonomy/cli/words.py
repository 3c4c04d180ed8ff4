"""Values as words on a terminal. Pure."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from autonomy.kernel.clock import DAY, HOUR, MINUTE, SECOND, duration, rfc3339
from autonomy.kernel.errors import Invalid

_BLOCKS = 10
_SPANS = ((DAY, "d"), (HOUR, "h"), (MINUTE, "m"), (SECOND, "s"))


def plain(text: str) -> str:
    """`text` with everything visible: what would steer a terminal or hide among letters is shown as its code.

    Arguments, reasons and names are written by strangers; an approver must see what is there.
    """
    return "".join(letter if letter.isprintable() or letter == "\n" else _code(letter) for letter in text)


def moment(at: int | None) -> str:
    """Milliseconds since the epoch as a time in UTC, to the second; `-` for none."""
    return "-" if at is None else f"{rfc3339(at)[:19].replace('T', ' ')}Z"


def span(milliseconds: int) -> str:
    """A duration in its two largest units, such as `2h 5m`; `now` where it is over."""
    if milliseconds < SECOND:
        return "now"
    parts: list[tuple[int, str]] = []
    for unit, name in _SPANS:
        count, milliseconds = divmod(milliseconds, unit)
        if count or parts:
            parts.append((count, name))
    return " ".join(f"{count}{name}" for count, name in parts[:2] if count)


def bar(percent: int) -> str:
    """A share as ten blocks and a number, such as `████████░░  80%`; one that passes 100 fills them all."""
    filled = min(percent, 100) * _BLOCKS // 100
    return f"{'█' * filled}{'░' * (_BLOCKS - filled)} {percent:3}%"


def point_in_time(text: str, at: int) -> int:
    """Milliseconds since the epoch of a date, a time, or a duration from `at` on; without a zone it is UTC.

    Raises Invalid where it is none of these.
    """
    if "-" not in text:
        return at + duration(text)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        hint = "write for example `2026-12-24`, `2026-12-24T09:00Z` or `7d`"
        raise Invalid(f"`{text[:40]}` is no point in time", code="time.invalid", hint=hint) from None
    return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1000)


def cell(value: Any) -> str:
    """A value as the cell of a table: text as it is, `-` for nothing, lists with commas, the rest as JSON."""
    if value is None or value == "" or value == []:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)) and all(isinstance(part, str) for part in value):
        return ", ".join(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _code(letter: str) -> str:
    return "    " if letter == "\t" else letter.encode("unicode_escape").decode("ascii")
