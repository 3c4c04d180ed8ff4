"""How runs begin that nobody asked for by name: by events, by a clock, by what came in at a hook, by the end of a run.

Whoever waits hears of it first; then what it starts begins. Both are seen by their ids when they are done again: the
id of a run that something starts is made of the id of what started it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from autonomy.audit import record
from autonomy.catalog.organisation import Organisation, Revision, spec
from autonomy.catalog.systems import HookSpec
from autonomy.catalog.workflow import HOOK_EVENTS, WorkflowSpec
from autonomy.catalog.workflow import Trigger as Words
from autonomy.db import CommitQueue, Database, Tx
from autonomy.gate import Watch
from autonomy.gate.cases import labels_of
from autonomy.kernel.canonical import Json
from autonomy.kernel.clock import Clock
from autonomy.kernel.errors import Invalid, NotFound, TooLarge
from autonomy.policy.labels import UNTRUSTED
from autonomy.tools.hooks import Hooks

from . import paths, triggers
from .defining import timetable
from .definition import Definition, Trigger
from .definitions import Definitions
from .desk import Desk, Origin
from .events import Started
from .giving_up import came_to_nothing
from .hearing import Hearing
from .model import Emit, Triggered
from .ports import Work
from .prepared import prepare
from .units import Fence

LATE_MS = 60_000  # after which a time of a schedule counts as missed


class Came(NamedTuple):
    """What has come, for triggers of `source` and `name`: what their expressions see, the labels of whoever works with
    it, how deep a run it is, and where what came had come from."""

    source: str
    name: str
    said: dict[str, Json]
    labels: frozenset[str] = frozenset()
    depth: int = 0
    origin: tuple[str, ...] = ()


class Starting:
    """The carriers of `Emit` and `Triggered`."""

    def __init__(
        self,
        database: Database,
        queue: CommitQueue,
        desk: Desk,
        definitions: Definitions,
        watch: Watch,
        hooks: Hooks,
        owner: str,
        clock: Clock,
    ) -> None:
        self._database = database
        self._queue = queue
        self._desk = desk
        self._definitions = definitions
        self._watch = watch
        self._hooks = hooks
        self._owner = owner
        self._clock = clock
        self._hearing = Hearing(database, queue, desk, owner, clock)

    async def emit(self, work: Work, command: Emit) -> None:
        """An event of a run, or told from outside."""
        depth, labels = 0, frozenset[str]()
        origin: tuple[str, ...] = (command.by,) if command.by else ()
        if work.run:
            known = await self._desk.newest(work)
            depth, labels, origin = known.state.depth + 1, await self._labels(known.case), known.origin
        heard = await self._hearing.hear(work, command.event, command.key, command.data, labels, origin)
        said = {"event": command.event, "key": command.key, "data": command.data}
        begun = await self._begin(work, Came("event", command.event, said, labels, depth, origin))
        if heard or begun:
            await self._done(work)
        else:
            at = self._clock()
            await self._queue.perform(lambda tx: came_to_nothing(tx, work.id, self._owner, at, "unheard"))

    async def triggered(self, work: Work, command: Triggered) -> None:
        """A time of a schedule, a delivery, the end of a run. What is forgotten by now starts nothing."""
        await self._watch.refresh()
        try:
            came = await self._came(work, command)
        except NotFound:
            await self._done(work)
            return
        await self._begin(work, came)
        await self._done(work)

    async def _came(self, work: Work, command: Triggered) -> Came:
        """Everything that triggers see, once those have heard of it who wait for it. Raises NotFound."""
        match command.source:
            case "webhook":
                id = str(command.came["delivery"])
                data = await self._database.read(lambda connection: self._hooks.said(connection, id))
                key, labels = self._declared(command.name, data)
                await self._hearing.hear(work, HOOK_EVENTS + command.name, key, data, labels)
                return Came("webhook", command.name, {**command.came, "data": data}, labels)
            case "ended":
                found = await self._desk.look(str(command.came["run"]))
                said = {**command.came, "reason": found.state.reason, "output": found.state.output}
                labels = await self._labels(found.case)
                return Came("ended", command.name, said, labels, found.state.depth + 1, found.origin)
            case _:
                return Came("schedule", command.name, command.came)

    async def _labels(self, case: str) -> frozenset[str]:
        return await self._database.read(lambda connection: labels_of(connection, case))

    def _declared(self, hook: str, data: Json) -> tuple[str | None, frozenset[str]]:
        """What a delivery says it is about, where its hook declares how; and the labels of what it begins."""
        declared = self._watch.organisation().get("Hook", hook)
        if declared is None:
            return None, frozenset({UNTRUSTED})
        said = spec(declared, HookSpec)
        for name in said.key.split(".") if said.key else ():
            data = data.get(name) if isinstance(data, dict) else None
        key = str(data) if said.key and isinstance(data, str | int) else None
        return key, frozenset() if said.trust == "trusted" else frozenset({UNTRUSTED})

    async def _begin(self, work: Work, came: Came) -> int:
        """Begin a run for every trigger of every workflow that this is meant for; returns how many there are."""
        await self._watch.refresh()
        organisation, meant = (await self._watch.house()).organisation, 0
        for revision in _meant(organisation, came):
            definition = await self._definitions.declared(organisation, revision.name)
            for number, trigger in enumerate(definition.triggers):
                if (trigger.source, trigger.name) == (came.source, came.name):
                    meant += await self._begin_one(work, came, definition, revision.unit, number)
        return meant

    async def _begin_one(self, work: Work, came: Came, definition: Definition, unit: str, number: int) -> bool:
        """Begin one, or write down why it cannot begin; False where it is not meant."""
        at, id = self._clock(), paths.derived("run", f"{work.id}:{definition.workflow}:{number}")
        try:
            input = _input(definition, definition.triggers[number], came, at)
            if input is None:
                return False
            key = triggers.key_of(definition, input)
        except (Invalid, TooLarge) as error:
            code = error.code
            await self._queue.perform(lambda tx: _not_begun(tx, at, work.id, definition.workflow, code))
            return True
        await self._hearing.label(id, came.labels)
        origin = Origin(f"{came.source}:{came.name}", id, unit, key=key, before=came.origin)
        await self._desk.begin(definition, id, Started(at, input, came.said, came.depth), origin)
        return True

    async def _done(self, work: Work) -> None:
        await self._desk.settle(Fence(work.id, self._owner if work.attempts else None))


def _input(definition: Definition, trigger: Trigger, came: Came, at: int) -> Json:
    """The input of the run to begin; None where none is to. Raises Invalid where it cannot begin, and says why."""
    if trigger.missed == "skip" and at - int(str(came.said["at"])) > LATE_MS:
        raise Invalid("its time passed while nothing ran", code="workflow.missed")
    input = triggers.input_of(trigger, came.said, at)
    if input is None:
        return None
    if came.depth > definition.caps.depth:
        raise Invalid(f"it would be workflow {came.depth} inside another", code="cap.depth")
    if breach := prepare(definition).input_breach(input):
        raise Invalid(f"input: {breach}", code="workflow.input")
    return input


def _meant(organisation: Organisation, came: Came) -> Iterator[Revision]:
    """The workflows that say a trigger of this source and name."""
    for revision in organisation.all("Workflow").values():
        if any(came[:2] == named(one) for one in spec(revision, WorkflowSpec).triggers):
            yield revision


def named(trigger: Words) -> tuple[str, str]:
    """What a declared trigger waits for: its source, and the name that the source has for runs."""
    if trigger.schedule is not None:
        return "schedule", timetable(trigger)
    if trigger.webhook is not None:
        return "webhook", trigger.webhook
    return ("ended", trigger.ended) if trigger.ended is not None else ("event", trigger.event or "")


def _not_begun(tx: Tx, at: int, command: str, workflow: str, code: str) -> None:
    record(tx, "run", at, event="not_begun", workflow=workflow, command=command, code=code, actor="system")
