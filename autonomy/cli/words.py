"""Values as words on a terminal. Pure."""

from __future__ import annotations

import json
from typing import Any

from autonomy.kernel.clock import DAY, HOUR, MINUTE, SECOND, rfc3339

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
