"""A secret that was issued is shown once, or handed over in a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .private import check_writable, write_private
from .screen import note, say, show_json


def check_place(out: Path | None) -> None:
    """Raise Invalid (`file.unwritable`) where a secret could not be put into `out`: asked before it is issued, for
    afterwards nobody would have it."""
    if out is not None:
        check_writable(out)


def hand_over(issued: dict[str, Any], out: Path | None, as_json: bool, about: str, field: str = "secret") -> None:
    """Tell what was issued, of which `about` is said beside it. Its `field` goes into the file `out`, readable for its
    owner alone, where there is one."""
    if out is not None:
        write_private(out, issued[field] + "\n")
    if as_json:
        show_json({name: value for name, value in issued.items() if out is None or name != field})
        return
    note(about)
    say(issued[field] if out is None else f"the {field} is in `{out}`")
