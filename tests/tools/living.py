"""Whether a process of this machine runs."""

from __future__ import annotations

from pathlib import Path


def is_there(process: int) -> bool:
    """Whether the process runs; one that has ended and was not fetched does not. It may end while it is looked at."""
    try:
        told = Path(f"/proc/{process}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return told.rpartition(")")[2].split()[0] != "Z"
