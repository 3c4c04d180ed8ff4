"""Which requests the rules about a tool cannot tell apart: the engine's answer to one of them is the answer to all.

A rule asks of most values only on which side of a number they lie, or whether they are one of a few words, and of most
agents only in which unit or role they are. Exact, not a guess: a value that is asked about in any other way than those
below is told apart by the whole of it, and so is an agent. (Predicate abstraction: Graf and Saïdi, 1997.)
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, Final, cast

import msgspec

from autonomy.catalog.model import AgentSpec
from autonomy.catalog.organisation import Organisation, Revision
from autonomy.kernel.canonical import Json

from .reads import Path, operands, path_of
from .shapes import Money, RecordOf, Scalar, Shape

MOST_MARKS = 64  # an agent of whom more is asked is told apart by its name, which takes less time than to look
CACHED = 4_096  # agents whose marks are remembered

_COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">="})
_EQUALITIES = frozenset({"==", "!="})


@dataclass(frozen=True, slots=True)
class Compared:
    """A value is compared with this literal."""

    operator: str
    literal: Json


class Present:
    """Of a value is asked whether it is there."""


class Whole:
    """A value is handled in a way that is not looked into."""


Use = Compared | Present | Whole
"""What a rule asks of a value in the context."""

_PRESENT: Final = Present()
_WHOLE: Final = Whole()

Mark = tuple[str, str, str]
"""What a rule asks of an agent: `("in", type, id)`, `("==", type, id)`, or `("attr", name, "")`."""

_ITSELF: Mark = ("attr", "name", "")

Cell = Callable[[Any], Hashable]
"""From a value to what stands for all values like it."""

Key = tuple[Hashable, ...]


class Crowd:
    """The agents of an organisation, by what rules can tell of them; rules that ask the same share what was found."""

    def __init__(self, organisation: Organisation) -> None:
        self._organisation = organisation
        self._known: dict[tuple[Mark, ...], Callable[[str], Key]] = {}

    def told_by(self, marks: Iterable[Mark]) -> Callable[[str], Key]:
        """From an agent's name to what these marks say of it: the same for agents that are alike."""
        asked = tuple(sorted(marks))
        if len(asked) > MOST_MARKS:
            asked = (_ITSELF,)
        if asked not in self._known:
            self._known[asked] = lru_cache(CACHED)(partial(_marked, self._organisation, asked))
        return self._known[asked]


class Likeness:
    """What the rules about one tool tell apart: requests with the same `key` get the same answer of them.

    `forms` are the rules in Cedar's JSON, `context` is the shape of what they are asked with.
    """

    def __init__(self, forms: Iterable[Mapping[str, Any]], context: RecordOf, crowd: Crowd) -> None:
        uses: dict[Path, list[Use]] = defaultdict(list)
        marks: set[Mark] = set()
        for form in forms:
            marks.update(_head_marks(form["principal"]))
            for condition in form["conditions"]:
                _sort(_asked(condition["body"]), uses, marks)
        self._cells = tuple((path, _cell(_shape_at(context, path), found)) for path, found in sorted(uses.items()))
        self._told = crowd.told_by(marks)

    def key(self, agent: str, context: Mapping[str, Json]) -> Key:
        """What the rules can see of this agent and this context."""
        return (self._told(agent), *[cell(_value_at(context, path)) for path, cell in self._cells])


def _sort(found: Iterable[tuple[Path, Use] | Mark], uses: dict[Path, list[Use]], marks: set[Mark]) -> None:
    for one in found:
        if len(one) == 2:
            uses[one[0]].append(one[1])
        else:
            marks.add(one)


def _asked(node: Mapping[str, Any]) -> Iterator[tuple[Path, Use] | Mark]:
    """What an expression asks of values in the context, and of the agent."""
    found = _compared(node) or _accessed(node) or _mark(node)
    if found is not None:
        yield found
    elif node == {"Var": "principal"}:
        yield _ITSELF
    elif not _is_type_test(node):
        for inner in operands(node):
            yield from _asked(inner)


def _compared(node: Mapping[str, Any]) -> tuple[Path, Use] | None:
    """The path and the literal, where a value is compared with a literal on either side."""
    for operator, sides in node.items():
        if operator in _COMPARISONS:
            for one, other in ((sides["left"], sides["right"]), (sides["right"], sides["left"])):
                path = path_of(one)
                if path and "." in one and isinstance(other.get("Value"), (str, int)):
                    return path, Compared(operator, other["Value"])
    return None


def _accessed(node: Mapping[str, Any]) -> tuple[Path, Use] | None:
    path = path_of(node)
    if path is None:
        return None
    return path, _PRESENT if "has" in node and isinstance(node["has"]["attr"], str) else _WHOLE


def _mark(node: Mapping[str, Any]) -> Mark | None:
    """What is asked of the agent, in the forms `principal in X`, `principal == X`, `principal.name`."""
    if "." in node and node["."]["left"] == {"Var": "principal"}:
        return ("attr", node["."]["attr"], "")
    for operator in ("in", "=="):
        sides = node.get(operator)
        if sides and sides["left"] == {"Var": "principal"} and (entity := _entity(sides["right"])):
            return (operator, entity["type"], entity["id"])
    return None


def _entity(node: Mapping[str, Any]) -> dict[str, str] | None:
    value = node.get("Value")
    return value.get("__entity") if isinstance(value, dict) else None


def _is_type_test(node: Mapping[str, Any]) -> bool:
    """Whether it is `principal is Agent`, which is so of everybody who asks."""
    return "is" in node and node["is"]["left"] == {"Var": "principal"} and "in" not in node["is"]


def _head_marks(head: Mapping[str, Any]) -> Iterator[Mark]:
    """What a rule's head asks of the agent: `==`, `in`, `is` and `is … in`."""
    within = head.get("in", head) if head["op"] == "is" else head
    if "entity" in within:
        operator = "==" if head["op"] == "==" else "in"
        yield (operator, within["entity"]["type"], within["entity"]["id"])
    elif head["op"] not in ("All", "is"):
        yield _ITSELF


def _marked(organisation: Organisation, marks: tuple[Mark, ...], name: str) -> Key:
    agent = organisation.get("Agent", name)
    return (name,) if agent is None else tuple(_answer(organisation, agent, mark) for mark in marks)


def _answer(organisation: Organisation, agent: Revision, mark: Mark) -> Hashable:
    kind, what, id = mark
    spec = cast(AgentSpec, agent.spec)
    match kind, what:
        case "attr", "unit":
            return agent.unit
        case "attr", "supervisor":
            return spec.supervisor
        case "attr", "roles":
            return frozenset(spec.roles)
        case "attr", _:
            return agent.name
        case _, "Agent":
            return agent.name == id
        case "in", "Role":
            return id in spec.roles
        case "in", "Unit":
            return id in organisation.lineage(agent.unit)
    return False  # an agent is no unit and no role, and in nothing else


def _shape_at(shape: Shape | None, path: Path) -> Shape | None:
    for name in path:
        field = shape.fields.get(name) if isinstance(shape, RecordOf) else None
        shape = field.shape if field else None
    return shape


def _cell(shape: Shape | None, uses: list[Use]) -> Cell:
    """How values of this shape are told apart by these uses."""
    compared = [use for use in uses if isinstance(use, Compared)]
    if any(isinstance(use, Whole) for use in uses):
        return _itself
    if not compared:
        return _is_there
    literals = [use.literal for use in compared]
    if _is_number(shape) and all(type(literal) is int for literal in literals):
        return partial(_interval, sorted(set(literals)))
    equal = all(use.operator in _EQUALITIES for use in compared)
    if shape == Scalar("String") and equal and all(isinstance(literal, str) for literal in literals):
        return partial(_word, frozenset(literals))
    return _itself


def _is_number(shape: Shape | None) -> bool:
    return isinstance(shape, Money) or shape == Scalar("Long")


def _interval(bounds: list[int], value: int | None) -> Hashable:
    """Twice the number of bounds below, and one more on a bound: all values between two bounds compare alike."""
    if value is None:
        return None
    below = bisect_left(bounds, value)
    return 2 * below + (below < len(bounds) and bounds[below] == value)


def _word(words: frozenset[str], value: str | None) -> Hashable:
    """The word itself where a rule names it; all others are alike."""
    return value is not None if value not in words else value


def _is_there(value: Json) -> Hashable:
    return value is not None


def _itself(value: Json) -> Hashable:
    return msgspec.json.encode(value, order="sorted") if isinstance(value, (dict, list)) else cast(Hashable, value)


def _value_at(context: Mapping[str, Json], path: Path) -> Json:
    """The value there; None where there is none, for a context holds no null."""
    found: Json = context
    for name in path:
        found = found.get(name)
        if found is None:
            return None
    return found
