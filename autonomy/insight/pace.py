"""How long whoever follows the log rests after some work: the door comes first. Pure."""

from __future__ import annotations

CROWD = 8  # writes that wait for their answer: more wait only where callers come as fast as they are answered
SPARE = 8  # parts of the time, of which one may be spent where nobody is kept waiting


def rest_after(worked: float, share: int, waiting: int) -> float:
    """Seconds of rest after so many seconds of the processor's time. While there is a crowd at the door (`waiting`
    writes wait for their answer), one part in `share` of the time is spent; else one in `SPARE`."""
    return worked * ((share if waiting > CROWD else min(share, SPARE)) - 1)
