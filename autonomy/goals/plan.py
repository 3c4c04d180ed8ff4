"""From a proposed plan to a definition: read and checked as a manifest is, and within the goal's scope. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import msgspec

from autonomy.catalog.leaks import secrets_of
from autonomy.catalog.manifest import spec_of
from autonomy.catalog.model import ToolSpec
from autonomy.catalog.organisation import Organisation, Revision, spec
from autonomy.catalog.problem import Problem, about, nearest
from autonomy.catalog.references import unresolved_of
from autonomy.catalog.workflow import Caps, WorkflowSpec
from autonomy.catalog.workflow_checks import workflow
from autonomy.catalog.workflow_flow import blocks
from autonomy.catalog.workflow_references import named
from autonomy.kernel import canonical, clock
from autonomy.kernel.canonical import Json
from autonomy.kernel.errors import Invalid
from autonomy.workflow import Definition, define
from autonomy.workflow.defining import digest
from autonomy.workflow.prepared import prepare

from .model import MOST_STEPS, Aim
from .scope import obstacle

FIELDS = ("steps", "agent", "result", "escalation", "input", "caps", "deadline", "priority")
"""What a plan says: a workflow without what would start it again."""

MAX_TOLD = 30  # problems that whoever planned hears of at once
MAX_DEPTH = 6  # of the schema that is made of what a goal is given


class Planned(NamedTuple):
    """A plan that may be carried out. `changes` counts the steps that change something, `tools` and `agents` are those
    it names."""

    definition: Definition
    steps: int
    changes: int
    tools: tuple[str, ...]
    agents: tuple[str, ...]


def read_plan(organisation: Organisation, aim: Aim, plan: Json) -> Planned:
    """What the plan comes to. Raises Invalid (`goal.plan`) with everything wrong with it in `detail["problems"]`."""
    said = _words(aim, plan)
    revision = Revision("Workflow", aim.name, aim.unit, canonical.digest(plan), "", said)
    problems = list(_problems(organisation, aim, revision))
    if problems:
        raise _wrong(problems)
    definition = _capped(define(organisation, revision), aim)
    if breach := prepare(definition).input_breach(aim.given):
        raise _wrong([about(revision, "spec.input", breach, "describe what the goal is given, or leave it out")])
    used = [(kind, name) for _, kind, name in named(said)]
    tools = tuple(sorted({name for kind, name in used if kind == "Tool"}))
    agents = tuple(sorted({name for kind, name in used if kind == "Agent"}))
    return Planned(definition, len(definition.steps), _changes(organisation, said), tools, agents)


def schema_of(value: Json, depth: int = 0) -> dict[str, Json]:
    """A JSON Schema that says of which types a value is, and leaves out what is deep inside."""
    if depth == MAX_DEPTH:
        return {}
    if isinstance(value, Mapping):
        inside: dict[str, Json] = {name: schema_of(one, depth + 1) for name, one in value.items()}
        return {"type": "object", "properties": inside, "required": sorted(value)}
    if isinstance(value, list):
        kinds = [schema_of(one, depth + 1) for one in value]
        return {"type": "array", "items": kinds[0]} if kinds and kinds.count(kinds[0]) == len(kinds) else {}
    for kind, name in ((bool, "boolean"), (int, "integer"), (float, "number"), (str, "string")):
        if isinstance(value, kind):
            return {"type": name}
    return {}


def _words(aim: Aim, plan: Json) -> WorkflowSpec:
    """The words of the plan. Raises Invalid."""
    if not isinstance(plan, Mapping):
        raise _wrong([Problem(message="the plan is no object", hint="write its `steps`", field="spec")])
    unknown = [
        Problem(message=f"a plan has no `{name[:80]}`", hint=nearest(name, FIELDS), field=f"spec.{name[:80]}")
        for name in plan
        if name not in FIELDS
    ]
    if unknown:
        raise _wrong(unknown)
    said = spec_of("Workflow", {"escalation": aim.escalation, "input": schema_of(aim.given), **plan})
    if isinstance(said, list):
        raise _wrong(said)
    assert isinstance(said, WorkflowSpec)  # the kind says so
    return said


def _problems(organisation: Organisation, aim: Aim, revision: Revision) -> Iterator[Problem]:
    said = spec(revision, WorkflowSpec)
    yield from unresolved_of(organisation, revision, frozenset(organisation.all("Tool")))
    yield from workflow(organisation, revision)
    yield from secrets_of(revision)
    for field, kind, name in named(said):
        if reason := obstacle(organisation, aim.unit, kind, name):
            yield about(revision, field, reason, "use what the task lists")
    yield from _bounds(revision, said)


def _bounds(revision: Revision, said: WorkflowSpec) -> Iterator[Problem]:
    found = list(blocks(said))
    if sum(len(block.steps) for block in found) > MOST_STEPS:
        hint = "name a declared workflow as a step where there is one"
        yield about(revision, "spec.steps", f"more than {MOST_STEPS} steps, those inside others counted", hint)
    for block in found:
        for name, step in block.steps.items():
            if step.emit is not None:
                hint = "name the workflow that it is to start as a step"
                yield about(revision, f"{block.place(name)}.emit", "a plan tells nobody outside of it", hint)
            if step.workflow is not None and step.workflow.detached:
                field = f"{block.place(name)}.workflow.detached"
                yield about(revision, field, "a plan waits for what it begins", "leave it out")
    most, caps = Caps(), said.caps
    for field in ("steps", "attempts", "depth", "fanOut"):
        if dict(caps)[field] > dict(most)[field]:
            yield about(revision, f"spec.caps.{field}", f"more than {dict(most)[field]}", "leave it out")
    if clock.duration(caps.time) > clock.duration(most.time):
        yield about(revision, "spec.caps.time", f"more than {most.time}", "leave it out")


def _capped(definition: Definition, aim: Aim) -> Definition:
    """The definition that spends no more than the goal may."""
    spends = [one for one in (definition.caps.spend, aim.spend) if one is not None]
    caps = msgspec.structs.replace(definition.caps, spend=min(spends, default=None))
    changed = msgspec.structs.replace(definition, caps=caps)
    return msgspec.structs.replace(changed, digest=digest(changed))


def _changes(organisation: Organisation, said: WorkflowSpec) -> int:
    """How many of its steps change something by a tool."""
    tools = [step.tool for block in blocks(said) for step in block.steps.values() if step.tool is not None]
    return sum(spec(organisation.all("Tool")[name], ToolSpec).effect != "read" for name in tools)


def _wrong(problems: list[Problem]) -> Invalid:
    """The error with every problem at once, in the words that whoever planned mends it by."""
    told = [": ".join(part for part in (one.field, one.message) if part) for one in problems]
    lines: list[Json] = [f"{line}; {one.hint}" if one.hint else line for line, one in zip(told, problems, strict=True)]
    more = len(lines) - MAX_TOLD
    shown = [*lines[:MAX_TOLD], *([f"and {more} more"] if more > 0 else [])]
    return Invalid("\n".join(map(str, shown)), code="goal.plan", problems=shown)
