"""The starter organisation, Larkspur Instruments: what `autonomy init` writes, and the schema of its business data."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable


def organisation() -> dict[str, str]:
    """The organisation's files by path, comments and policy tests included."""
    return dict(_texts(files(__name__) / "org", ""))


def business_schema() -> str:
    """SQL that creates the tables the starter's tools work on; it says itself what differs on PostgreSQL."""
    return (files(__name__) / "business.sql").read_text(encoding="utf-8")


def _texts(folder: Traversable, path: str) -> Iterator[tuple[str, str]]:
    for entry in sorted(folder.iterdir(), key=lambda found: found.name):
        place = f"{path}/{entry.name}" if path else entry.name
        if entry.is_dir():
            yield from _texts(entry, place)
        else:
            yield place, entry.read_text(encoding="utf-8")
