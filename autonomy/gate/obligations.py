"""What a permit obliges the door to do to a result before the agent sees it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from autonomy.kernel.canonical import Json

MASKED = "•••"


def apply(obligations: Mapping[str, Sequence[str]], result: Json) -> Json:
    """The result with the fields of `mask` hidden and those of `redact` taken out, at any depth."""
    hidden, removed = frozenset(_fields(obligations, "mask")), frozenset(_fields(obligations, "redact"))
    return _apply(result, hidden, removed) if hidden or removed else result


def labels(obligations: Mapping[str, Sequence[str]]) -> frozenset[str]:
    """Labels that the case bears from now on."""
    return frozenset(_fields(obligations, "label"))


def _fields(obligations: Mapping[str, Sequence[str]], name: str) -> Iterable[str]:
    return (field.strip() for value in obligations.get(name, ()) for field in value.split(","))


def _apply(value: Json, hidden: frozenset[str], removed: frozenset[str]) -> Json:
    if isinstance(value, list):
        return [_apply(inner, hidden, removed) for inner in value]
    if not isinstance(value, dict):
        return value
    return {
        name: MASKED if name in hidden else _apply(inner, hidden, removed)
        for name, inner in value.items()
        if name not in removed
    }
