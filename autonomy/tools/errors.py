"""What can become of a call to a system of record; the class tells the gate what is known afterwards.

Refused      the system said no: nothing happened
└── Stale    the record is no longer as the caller saw it: nothing happened
Unreachable  nothing was sent, or nothing was changed: try again later
Unsure       it may have happened: ask the system before trying again
"""

from __future__ import annotations

from autonomy.kernel.errors import Conflict, Overdue, Unavailable

EXCERPT = 500  # characters of an upstream's own words that an error may carry


class Refused(Conflict):
    """the system of record refused; nothing happened"""

    default_code = "upstream.refused"


class Stale(Refused):
    """the record has changed since it was read; nothing happened"""

    default_code = "record.stale"


class Unreachable(Unavailable):
    """the system of record could not be reached; nothing was changed"""

    default_code = "upstream.unreachable"


class Unsure(Overdue):
    """nobody knows yet whether it happened"""

    default_code = "upstream.unsure"


def excerpt(text: str) -> str:
    """At most 500 characters of what an upstream said, on one line, with everything unprintable escaped."""
    shown = "".join(char if char.isprintable() else _escaped(char) for char in text[: EXCERPT + 1])
    return shown if len(shown) <= EXCERPT else shown[: EXCERPT - 1] + "…"


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")
