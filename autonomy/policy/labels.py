"""What a case has seen, as labels that stay with it: rules ask for them in `context.labels`. Pure."""

from __future__ import annotations

from collections.abc import Iterable

UNTRUSTED = "untrusted"
"""The case has read text that a stranger wrote."""

_DATA = "data:"
_SPACE = "space:"


def data_label(tag: str) -> str:
    """The case has seen data of this class: `data:finance`."""
    return _DATA + tag


def space_label(space: str) -> str:
    """The case has read what only the readers of this memory space may know: `space:hiring`."""
    return _SPACE + space


def tags_of(labels: Iterable[str]) -> frozenset[str]:
    """The classes of data among the labels."""
    return frozenset(label.removeprefix(_DATA) for label in labels if label.startswith(_DATA))


def spaces_of(labels: Iterable[str]) -> frozenset[str]:
    """The memory spaces among the labels."""
    return frozenset(label.removeprefix(_SPACE) for label in labels if label.startswith(_SPACE))
