"""A workflow as nodes and edges, for whoever draws it: alone, or with where its runs are. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from .definition import ROOT, ChooseWork, Definition, Step
from .graph import foremost, states_of, what
from .model import State


class Node(NamedTuple):
    """A step. `inside` is the step it is a part of and `way` the branch of it, if any; `counts` says how often it is in
    which state and `state` which of these shows; both are empty where it has not begun."""

    id: str
    kind: str
    what: str
    inside: str
    way: str
    state: str
    counts: dict[str, int]


class Edge(NamedTuple):
    """`after` comes after `before`: always, or when the condition `when` is true, or when the `first` of several is
    done."""

    before: str
    after: str
    when: str
    first: bool


class Drawing(NamedTuple):
    nodes: list[Node]
    edges: list[Edge]


def drawing(definition: Definition, states: Sequence[State] = ()) -> Drawing:
    """The workflow with where each step is in these runs of it."""
    seen: dict[str, Counter[str]] = {}
    for state in states:
        for name, counts in states_of(state).items():
            seen.setdefault(name, Counter()).update(counts)
    nodes = [_node(definition, step, seen) for step in definition.steps.values()]
    return Drawing(nodes, list(_edges(definition)))


def _node(definition: Definition, step: Step, seen: Mapping[str, Counter[str]]) -> Node:
    inside = definition.blocks[step.block].owner if step.block != ROOT else ""
    way = _way(definition.steps[inside], step.block) if inside else ""
    counts = seen.get(step.id, Counter())
    kind = str(type(step.work).__struct_config__.tag)
    return Node(step.id, kind, what(step), inside, way, foremost(counts) if counts else "", dict(counts))


def _way(owner: Step, block: str) -> str:
    """The name of the branch that a block is, of a choice."""
    if not isinstance(owner.work, ChooseWork):
        return ""
    return next((way.name for way in owner.work.ways if way.block == block), "otherwise")


def _edges(definition: Definition) -> Iterator[Edge]:
    for step in definition.steps.values():
        for needed in step.needs:
            yield Edge(needed, step.id, step.when or "", step.join == "any")
