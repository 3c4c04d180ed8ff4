"""A first policy from what was seen: each caller's role may do what the caller did, within the numbers seen. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping

from autonomy.policy.shapes import quoted

from .seen import Operation, Seen, count_of
from .shape import Shape

CEDAR_MOST = 2**63 - 1

_MONEY = re.compile(r"amount|price|total|cost|sum|budget|salary|limit|quantity|discount", re.IGNORECASE)


def policy(name: str, seen: Seen, tools: Mapping[str, str], unit: str | None) -> str:
    """The text of the `.cedar` file. `tools` are the tools' names by operation."""
    head = [f"// unit: {unit}"] if unit else []
    head += [
        f"// description: What was seen of {name}, and nothing else",
        "// Whatever no rule permits is denied. Widen it where the work needs more; each rule says what it rests on.",
    ]
    rules = [*_permits(name, seen, tools), *_bounds(seen, tools)]
    return "\n".join(head) + "\n\n" + "\n\n".join(rules) + "\n"


def suggestions(seen: Seen, tools: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Tools that deserve a person's approval, with the reason."""
    for operation in sorted(tools):
        one = seen.operations[operation]
        method, hints = one.about.get("method"), one.about.get("hints", {})
        if method == "DELETE" or (method is None and hints.get("destructiveHint") is True):
            yield tools[operation], "it destroys something"
        elif method not in ("GET", "HEAD") and hints.get("readOnlyHint") is not True:
            named = sorted(name for name, shape in one.shape.members.items() if _is_money(name, shape))
            reason = (
                f"it changes something, by `{named[0]}`" if named else "it changes something, as far as can be told"
            )
            yield tools[operation], reason


def _permits(name: str, seen: Seen, tools: Mapping[str, str]) -> Iterator[str]:
    for caller in seen.callers:
        used = {
            tool: seen.operations[each].callers[caller]
            for each, tool in sorted(tools.items())
            if caller in seen.operations[each].callers
        }
        if not used:
            continue
        actions = ",\n    ".join(f"Action::{quoted(tool)}" for tool in used)
        calls = count_of(sum(used.values()), "call")
        position = f"{name[:30]}-{caller}"[:63].rstrip("-.")
        yield (
            f'@id("{position}-seen")\n'
            f'@reason("{caller} was seen to do this, in {calls}")\n'
            f'permit (\n  principal in Role::"{position}",\n  action in [\n    {actions}\n  ],\n  resource\n);'
        )


def _bounds(seen: Seen, tools: Mapping[str, str]) -> Iterator[str]:
    taken: Counter[str] = Counter()
    for operation in sorted(tools):
        one = seen.operations[operation]
        for name, shape in sorted(one.shape.members.items()):
            if is_bounded(shape):
                # Long names, cut to the 100 characters of an `@id`, may be alike.
                id = f"{tools[operation][:43]}.{_shown(name)}-as-seen"
                taken[id] += 1
                yield _bound(id if taken[id] == 1 else f"{id}-{taken[id]}", tools[operation], name, shape, one)


def is_bounded(shape: Shape) -> bool:
    """Whether a rule can hold an argument within what was seen: Cedar compares whole numbers of 64 bits."""
    if shape.types != {"integer"} or shape.low is None or shape.high is None:
        return False
    return shape.low >= -CEDAR_MOST and shape.high <= CEDAR_MOST


def _bound(id: str, tool: str, name: str, shape: Shape, operation: Operation) -> str:
    value = f"context.arguments[{quoted(name)}]"  # in quotes: a name may be a word of Cedar's own
    low, high = int(shape.low or 0), int(shape.high or 0)
    optional = shape.seen < operation.shape.seen
    asked = f"context.arguments has {quoted(name)} && " if optional else ""
    return (
        f'@id("{id}")\n'
        + f'@reason("`{_shown(name)}` was seen from {low} to {high}")\n'
        + '@needs("a person who widens this rule")\n'
        + f"forbid (\n  principal,\n  action == Action::{quoted(tool)},\n  resource\n)\n"
        + f"when {{ {asked}({value} < {low} || {value} > {high}) }};"
    )


def _shown(name: str) -> str:
    """An argument's name in the letters of an `@id`."""
    return re.sub(r"[^A-Za-z0-9_.:-]", "-", name)[:40]


def _is_money(name: str, shape: Shape) -> bool:
    return bool(_MONEY.search(name)) and bool(shape.types & {"integer", "number", "string"})
