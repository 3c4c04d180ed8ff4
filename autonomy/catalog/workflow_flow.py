"""How the steps of a workflow depend on each other: blocks, what comes before a step, what has surely been done. Pure.

A *block* is a group of steps that run beside each other by their `needs`: those of the workflow itself, of a branch of
a `choose`, of a `foreach` or of a `repeat`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Literal

from .workflow import Step, Value, WorkflowSpec

MAX_STEPS = 500  # of a workflow, those inside others counted

Inside = Literal["", "branch", "foreach", "repeat"]


@dataclasses.dataclass(frozen=True)
class Block:
    """Steps beside each other, where they are written, what they come to, and which step they are inside of."""

    field: str
    steps: Mapping[str, Step]
    result: Value | None = None
    result_field: str = ""
    inside: Inside = ""
    owner: str = ""
    outer: Block | None = None
    name: str = ""
    _sure: dict[str, frozenset[str]] = dataclasses.field(default_factory=dict)

    def place(self, step: str) -> str:
        """The field where `step` is written."""
        return f"{self.field}.{step}"

    def known_needs(self, step: str) -> list[str]:
        return [name for name in self.steps[step].needs if name in self.steps]

    def before(self, step: str) -> frozenset[str]:
        """Every step of this block that comes before `step`."""
        found: set[str] = set()
        waiting = self.known_needs(step)
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting.extend(self.known_needs(name))
        return frozenset(found)

    def sure(self, step: str) -> frozenset[str]:
        """The steps of this block that are done whenever `step` begins, unless a person skipped one of them."""
        if step not in self._sure:
            self._sure[step] = frozenset()  # a circle is reported on its own
            self._sure[step] = self._surely(step)
        return self._sure[step]

    def _surely(self, step: str) -> frozenset[str]:
        needs = self.known_needs(step)
        if not needs:
            return frozenset()
        with_theirs = {name: self.sure(name) | {name} for name in needs}
        found = frozenset.intersection(*with_theirs.values())
        if self.steps[step].join == "all":
            found = found.union(*(with_theirs[name] for name in needs if self.never_skipped(name)))
        return found

    def never_skipped(self, step: str, seen: frozenset[str] = frozenset()) -> bool:
        """Whether `step` is done in every run that comes to its end without a person skipping it."""
        said = self.steps[step]
        cancelled = any(step in (other.cancel or ()) for other in self.steps.values())
        skipping = any(rule.then == "skip" for rule in said.onException)
        if said.when is not None or said.before or cancelled or skipping or step in seen:
            return False
        needs = self.known_needs(step)
        return not needs or any(self.never_skipped(name, seen | {step}) for name in needs)

    def circle(self) -> list[str]:
        """Steps that wait for each other, in their order; empty where there is no such circle."""
        for start in self.steps:
            if start in self.before(start):
                return self._way_round(start)
        return []

    def _way_round(self, start: str) -> list[str]:
        way = [start]
        while True:
            following = next(name for name in self.known_needs(way[-1]) if name == start or start in self.before(name))
            if following == start or following in way:
                return [way[0], *reversed(way[1:])]
            way.append(following)


def blocks(spec: WorkflowSpec) -> Iterator[Block]:
    """Every block of the workflow, outer ones first."""
    yield from _within(Block("spec.steps", spec.steps, dict(spec.result), "spec.result"))


def _within(block: Block) -> Iterator[Block]:
    yield block
    for name, step in block.steps.items():
        for inner in inner_blocks(block, name, step):
            yield from _within(inner)


def inner_blocks(block: Block, name: str, step: Step) -> Iterator[Block]:
    """The blocks inside one step."""
    place = block.place(name)
    if step.foreach is not None:
        at = f"{place}.foreach"
        yield Block(f"{at}.steps", step.foreach.steps, step.foreach.result, f"{at}.result", "foreach", name, block)
    if step.repeat is not None:
        at = f"{place}.repeat"
        yield Block(f"{at}.steps", step.repeat.steps, step.repeat.result, f"{at}.result", "repeat", name, block)
    if step.choose is not None:
        for branch, said in step.choose.branches.items():
            at = f"{place}.choose.branches.{branch}"
            yield Block(f"{at}.steps", said.steps, said.result, f"{at}.result", "branch", name, block, branch)
        if (rest := step.choose.otherwise) is not None:
            at = f"{place}.choose.otherwise"
            yield Block(f"{at}.steps", rest.steps, rest.result, f"{at}.result", "branch", name, block, "otherwise")
