"""From a manifest to a definition: flat, typed, with a digest. Pure.

The manifest has been checked (`catalog/workflow_checks.py`); what it refers to is looked up in the organisation, so
that a definition says everything a run needs, and a later change of the organisation leaves live runs as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import msgspec

from autonomy.catalog.organisation import Organisation, Revision, spec
from autonomy.catalog.workflow import Compensation, OnException, TaskCall, WorkflowSpec
from autonomy.catalog.workflow import Retry as RetryWords
from autonomy.catalog.workflow import Step as StepWords
from autonomy.catalog.workflow import Trigger as TriggerWords
from autonomy.catalog.workflow_types import Types
from autonomy.expressions.types import of_fields, schema_of
from autonomy.kernel import canonical, clock, money
from autonomy.kernel.canonical import Json

from .definition import (
    ROOT,
    AgreeWork,
    ApprovalWork,
    Awaited,
    Block,
    CancelWork,
    Caps,
    ChildWork,
    ChooseWork,
    DecideWork,
    Definition,
    EmitWork,
    EndWork,
    ForeachWork,
    Handler,
    RepeatWork,
    Retry,
    Step,
    TaskWork,
    ToolWork,
    Trigger,
    WaitWork,
    Way,
    Work,
)

T = TypeVar("T")


def define(organisation: Organisation, revision: Revision) -> Definition:
    """The definition of a workflow of `organisation`, which has been checked."""
    said = spec(revision, WorkflowSpec)
    types = Types(organisation, revision)
    types.read()
    building = _Building(said)
    building.block(ROOT, "", said.steps, dict(said.result))
    found = Definition(
        workflow=revision.name,
        escalation=said.escalation,
        caps=_caps(said, organisation),
        steps=building.steps,
        blocks=building.blocks,
        input=dict(said.input),
        types={
            "input": dict(said.input),
            "items": {name: schema_of(kind) for name, kind in types.items.items()},
            "steps": schema_of(of_fields(types.outputs)),
        },
        priority=said.priority,
        deadline=_maybe(clock.duration, said.deadline),
        key=said.key,
        triggers=tuple(map(_trigger, said.triggers)),
    )
    return msgspec.structs.replace(found, digest=digest(found))


def digest(definition: Definition) -> str:
    """SHA-256 over the definition as canonical JSON, its own digest left out."""
    return canonical.digest(msgspec.to_builtins(msgspec.structs.replace(definition, digest="")))


class _Building:
    """Collects the steps and blocks of one workflow."""

    def __init__(self, said: WorkflowSpec) -> None:
        self.said = said
        self.steps: dict[str, Step] = {}
        self.blocks: dict[str, Block] = {}

    def block(self, id: str, owner: str, steps: Mapping[str, StepWords], result: Json) -> str:
        """Add the steps beside each other, and what is inside of them; the id of their block."""
        self.blocks[id] = Block(id, tuple(steps), owner, result)
        followers: dict[str, list[str]] = {name: [] for name in steps}
        for name, step in steps.items():
            for needed in step.needs:
                followers[needed].append(name)
        for name, step in steps.items():
            self.steps[name] = self._step(name, id, step, tuple(followers[name]))
        return id

    def _step(self, name: str, block: str, step: StepWords, followers: tuple[str, ...]) -> Step:
        return Step(
            id=name,
            block=block,
            work=self._work(name, step),
            needs=tuple(step.needs),
            followers=followers,
            join=step.join,
            when=step.when,
            before=tuple(step.before),
            alone=step.alone,
            contract=step.output,
            retry=_maybe(_retry, step.retry),
            deadline=_maybe(clock.duration, step.deadline),
            handlers=tuple(map(_handler, step.onException)),
            undo=_maybe(lambda undo: self._undo(step, undo), step.compensate),
            stays=step.compensate is not None and step.compensate.nothing is not None,
        )

    def _agent(self, step: StepWords) -> str:
        return step.agent or self.said.agent or ""

    def _undo(self, step: StepWords, undo: Compensation) -> ToolWork | TaskWork | None:
        if undo.tool is not None:
            return ToolWork(undo.tool, self._agent(step), dict(undo.arguments))
        return _maybe(_task, undo.task)

    def _work(self, name: str, step: StepWords) -> Work:
        if step.tool is not None:
            return ToolWork(step.tool, self._agent(step), dict(step.arguments))
        if step.task is not None:
            return _task(step.task)
        if step.decide is not None:
            return DecideWork(step.decide, dict(step.arguments))
        if step.workflow is not None:
            return ChildWork(step.workflow.name, step.workflow.detached, dict(step.arguments))
        return self._structure(name, step) or _plain(step)

    def _structure(self, name: str, step: StepWords) -> Work | None:
        """The kinds with steps inside."""
        if (loop := step.foreach) is not None:
            inner = self.block(f"{name}[]", name, loop.steps, loop.result)
            return ForeachWork(loop.items, loop.item, loop.atOnce, loop.most, inner)
        if (again := step.repeat) is not None:
            inner = self.block(f"{name}[]", name, again.steps, again.result)
            return RepeatWork(inner, again.until, again.most)
        if (choice := step.choose) is not None:
            ways = tuple(
                Way(way, said.when, self.block(f"{name}[{way}]", name, said.steps, said.result))
                for way, said in choice.branches.items()
            )
            rest = choice.otherwise
            other = None if rest is None else self.block(f"{name}[otherwise]", name, rest.steps, rest.result)
            return ChooseWork(choice.match, ways, other)
        return None


def _plain(step: StepWords) -> Work:
    """The kinds that are done by words alone."""
    if (asked := step.approval) is not None:
        return ApprovalWork(dict(asked.roles), asked.question, dict(asked.show), asked.refusal == "continue")
    if (wait := step.wait) is not None:
        events = tuple(Awaited(name, said.event, said.key) for name, said in wait.events.items())
        return WaitWork(_maybe(clock.duration, wait.duration), wait.until, events)
    if (emit := step.emit) is not None:
        return EmitWork(emit.event, emit.key, dict(emit.data))
    if (agree := step.agree) is not None:
        return AgreeWork(dict(agree.figures), agree.within)
    if step.cancel is not None:
        return CancelWork(tuple(step.cancel))
    assert step.end is not None
    return EndWork(step.end.status, step.end.reason, step.end.result)


def _task(said: TaskCall) -> TaskWork:
    return TaskWork(said.role, said.goal, said.by, said.capability, dict(said.input), tuple(said.prefer))


def _retry(said: RetryWords) -> Retry:
    return Retry(said.attempts, clock.duration(said.wait), said.factor, clock.duration(said.longest))


def _handler(said: OnException) -> Handler:
    return Handler(tuple(said.kinds), said.then, said.role, said.person)


def _caps(said: WorkflowSpec, organisation: Organisation) -> Caps:
    caps = said.caps
    spend = None
    if caps.spend is not None:
        amount, code = money.parse(caps.spend, organisation.currency.base)
        spend = organisation.currency.minor(amount, code)
    return Caps(caps.steps, clock.duration(caps.time), caps.attempts, caps.depth, caps.fanOut, spend)


def timetable(said: TriggerWords) -> str:
    """A schedule as runs know it: its five fields and the time zone, such as `0 6 * * 1-5 UTC`."""
    return " ".join([*(said.schedule or "").split(), said.zone or "UTC"])


def _trigger(said: TriggerWords) -> Trigger:
    input = dict(said.input)
    if said.event is not None:
        return Trigger("event", said.event, said.when, input)
    if said.webhook is not None:
        return Trigger("webhook", said.webhook, said.when, input)
    if said.ended is not None:
        return Trigger("ended", said.ended, said.when, input)
    return Trigger("schedule", timetable(said), said.when, input, said.missed)


def _maybe(read: Callable[[Any], T], value: Any) -> T | None:
    return None if value is None else read(value)
