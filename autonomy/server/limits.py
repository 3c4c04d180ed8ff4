"""How much a request may hold."""

from __future__ import annotations

MAX_BODY = 1_048_576  # bytes: a request is not a file transfer
MAX_FOLDER = 33_554_432  # bytes: an organisation of ten thousand agents in files, and room to grow
STRANGERS_BODY = 65_536  # bytes read of people who are not known yet: names, passwords, tokens
MAX_PAGE = 500  # entries of one answer
DEFAULT_PAGE = 100

_FOLDERS = frozenset({"/api/plan", "/api/apply"})


def limit_of(path: str) -> int:
    """How many bytes the body of a request to `path` may have."""
    return MAX_FOLDER if path in _FOLDERS else MAX_BODY
