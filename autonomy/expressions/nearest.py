"""The known name most like a wrong one."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

MAX_LISTED = 12  # names shown where none is like the wrong one


def nearest(wrong: str, known: Iterable[str]) -> str:
    """`did you mean …?`, else the known names themselves; empty where nothing is known."""
    names = sorted(known)
    if found := get_close_matches(wrong, names, n=1, cutoff=0.6):
        return f"did you mean `{found[0]}`?"
    shown = ", ".join(f"`{name}`" for name in names[:MAX_LISTED])
    return f"known here: {shown}" + (" …" if len(names) > MAX_LISTED else "") if names else ""
