"""The use cases of tasks: open, take, come to an end, hand on. Each is durable when it returns.

Who may ask for it the faces say; whose a task is, is said here. Whoever has a task names it with its claim, so that the
late word of a former holder is refused.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Literal

from msgspec import Struct, to_builtins
from msgspec.structs import replace

from autonomy.catalog.organisation import Organisation
from autonomy.db import CommitQueue, Database, Tx
from autonomy.identity import Caller, PersonCaller
from autonomy.kernel.canonical import Json
from autonomy.kernel.clock import Clock
from autonomy.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from autonomy.kernel.ids import new_id
from autonomy.tools.contract import Contract, too_large

from . import keys, rules
from .model import AGENT, PRIORITIES, Body, By, Change, Note, Task
from .records import Records, noted
from .routing import could_ever, hidden
from .waiting import Held, Waiting
from .workforce import Workforce

MAX_WAIT_S = 20  # how long an agent waits for a task before it asks again
MAX_TEXT = 4_000  # characters of a reason, a question, a goal


Examine = Callable[[Held, Json], Awaitable[str]]
"""What is wrong with a result that no contract could say; empty where it is right."""


class Wanted(Struct, frozen=True, kw_only=True):
    """A task that somebody asks for; `parent` is the task that it came from. `due` in milliseconds since the epoch."""

    role: str
    goal: str
    unit: str | None = None
    input: Json = None
    capability: str | None = None
    by: By = "anybody"
    prefer: tuple[str, ...] = ()
    contract: dict[str, Any] | None = None
    priority: Literal["low", "normal", "high", "urgent"] = "normal"
    due: int | None = None
    case: str = ""
    questions: tuple[str, ...] = ()
    parent: str | None = None


class Word(Struct, frozen=True):
    """What a holder says: `holder` is `agent:NAME` or `person:NAME`, `claim` the number it was given with the task."""

    task: str
    holder: str
    claim: int


class Tasks:
    """Tasks of one house."""

    def __init__(
        self,
        database: Database,
        queue: CommitQueue,
        records: Records,
        workforce: Workforce,
        waiting: Waiting,
        examine: Examine,
        clock: Clock,
    ) -> None:
        self._database = database
        self._queue = queue
        self._records = records
        self._workforce = workforce
        self._waiting = waiting
        self._examine = examine
        self._clock = clock

    # ── opened and withdrawn ──

    async def open(self, wanted: Wanted, by: str, once: str | None = None) -> str:
        """Open a task that belongs to no run; returns its id. `by` is `person:NAME`; under the same idempotency key
        (`once`) it is opened once.

        One that came from too many others goes to a person. Raises NotFound (`task.unknown_role`, `task.unknown_unit`,
        `task.unknown`), Invalid (`task.field`, `task.nobody`), Conflict (`key.mismatch`).
        """
        asked = keys.key_of(self._records.bind, once, by, to_builtins(wanted))
        if asked is not None and (found := await self._database.read(lambda reader: keys.earlier(reader, asked))):
            return found.id
        organisation = self._workforce.organisation
        unit = wanted.unit or organisation.root.name
        check_wanted(organisation, wanted, unit)
        id, at = new_id("task"), self._clock()
        parent = None if wanted.parent is None else (await self.show(wanted.parent)).task
        new = Task(
            id,
            unit,
            wanted.role,
            wanted.role,
            wanted.by,
            wanted.by,
            "open",
            PRIORITIES[wanted.priority],
            by,
            at,
            wanted.due or at + rules.UNTAKEN,
            rules.HANDOVERS,
            capability=wanted.capability,
            prefer=wanted.prefer,
            case=wanted.case or (id if parent is None else parent.case),
            asked_at=at,
            origin=(by,),
        )
        new = new if parent is None else rules.from_parent(new, parent)
        boundaries = self._workforce.boundaries(wanted.role)
        body = Body(
            wanted.goal,
            wanted.input,
            questions=wanted.questions,
            constraints={"boundaries": boundaries, "due": wanted.due},
            contract=wanted.contract,
        )
        opened = await self._queue.perform(lambda tx: self._put(tx, new, body, by, asked))
        self._waiting.wake()
        return opened

    def _put(self, tx: Tx, new: Task, body: Body, by: str, asked: keys.Key | None) -> str:
        if (earlier := keys.once(tx, asked, new.id, new.opened_at)) != new.id:
            return earlier
        opened = self._records.put(tx, new, body, by)
        change = rules.too_deep(opened, self._clock(), self._workforce.above(new.role))
        if change is not None:
            self._records.move(tx, opened, change, "system")
        return new.id

    async def withdraw(self, task: str, by: str) -> Task:
        """End a task that is not wanted any more; whoever has it hears of it when they say something next.

        Raises NotFound, Conflict (`task.over`, `task.of_a_run`).
        """

        def work(tx: Tx) -> Task:
            found = self._records.get(tx, task)
            if found.run is not None:
                raise Conflict("the task belongs to a run", code="task.of_a_run", hint="cancel the run")
            return self._records.move(tx, found, rules.withdraw(found), by)

        return await self._queue.perform(work)

    # ── agents ──

    async def next(self, caller: Caller, wait: int = MAX_WAIT_S, lease: int | None = None) -> Held | None:
        """The next task for an agent, claimed for it, within `wait` seconds; None where there is none.

        Raises Invalid (`task.wait`, `task.lease`).
        """
        if not 0 <= wait <= MAX_WAIT_S:
            raise Invalid(f"nobody waits longer than {MAX_WAIT_S} seconds", code="task.wait", hint="ask again")
        return await self._waiting.next(caller.name, caller.roles, rules.lease_of(lease), wait)

    async def show_holder(self, task: str, holder: str) -> Held:
        """A task as its holder sees it. Raises NotFound for anybody else."""
        held = await self.show(task)
        if held.task.holder != holder:
            raise NotFound(f"there is no task `{task[:80]}`", code="task.unknown")
        return held

    # ── whoever has it ──

    async def beat(
        self, word: Word, text: str = "", data: Json = None, question: str = "", lease: int | None = None
    ) -> Task:
        """A sign of life, and what has been found out so far, for whoever may have to go on with it.

        Raises NotFound, Conflict (`task.lost`), Invalid, TooLarge.
        """
        check_said(text, data, question)
        fresh = None if lease is None else rules.lease_of(lease)

        def work(tx: Tx) -> Task:
            found = self._held(tx, word)
            found = rules.beat(found if fresh is None else replace(found, lease=fresh), self._clock())
            body = self._with_notes(tx, found, text, data, question)
            found = found if body is None else self._records.learn(tx, found)
            self._records.keep(tx, found, body)
            return found

        return await self._queue.perform(work)

    async def complete(self, word: Word, output: Json) -> tuple[Task, str]:
        """The result of a task; and what of its contract it does not keep, where it goes back.

        Raises NotFound, Conflict (`task.lost`), Invalid (`task.output`).
        """
        if breach := too_large(output):
            raise Invalid(breach, code="task.output", hint="send a reference")

        wrong = await self._wrong(word, output)

        def work(tx: Tx) -> tuple[Task, str]:
            found = self._records.learn(tx, self._held(tx, word))
            body = self._records.body(tx, found.id)
            breach = "" if body.contract is None else Contract(body.contract).breach(output)
            breach = breach or wrong
            change = rules.done(found) if not breach else self._returned(found, breach)
            body = replace(body, output=output, reason=breach)
            return self._records.move(tx, found, change, word.holder, body), breach

        ended = await self._queue.perform(work)
        self._waiting.wake()
        return ended

    async def hand_off(
        self, word: Word, role: str | None, agent: str | None, text: str = "", data: Json = None, question: str = ""
    ) -> Task:
        """Give a task to another role, or to one agent, with everything there is. Whoever takes it may refuse.

        Raises NotFound (`task.unknown_role`), Conflict (`task.lost`), Invalid (`task.hand_off`, `task.nobody`).
        """
        check_said(text, data, question)
        if role is not None and self._workforce.organisation.get("Role", role) is None:
            raise NotFound(f"there is no role `{role[:80]}`", code="task.unknown_role")
        wanted = role or (await self.show(word.task)).task.role
        candidates = await self._database.read(lambda connection: self._workforce.holders_of(connection, wanted))
        chosen = next((one for one in candidates if one.name == agent), None)
        if agent is not None and chosen is None:
            raise Invalid(f"`{agent[:80]}` has not the role `{wanted}`", code="task.hand_off")

        def turn(found: Task) -> Change:
            to = replace(found, role=wanted, refused=())
            if to.by == "agent" and not any(could_ever(to, one) for one in candidates):
                raise Invalid(f"no agent of `{wanted}` may ever do it", code="task.nobody", hint="choose another role")
            note = self._note(word, "handed_off", text, data)
            above = self._workforce.above(found.role)
            return rules.hand_off(found, note, self._clock(), above, role, chosen)

        return await self._turn(word, turn, question)

    async def refuse(self, word: Word, reason: str) -> Task:
        """Not to do a task, and why. Raises NotFound, Conflict (`task.lost`), Invalid."""
        check_reason(reason)

        def turn(found: Task) -> Change:
            note, above = self._note(word, "refused", reason), self._workforce.above(found.role)
            return rules.refuse(found, word.holder, note, self._clock(), above)

        return await self._turn(word, turn)

    async def escalate(self, word: Word, reason: str, data: Json = None, question: str = "") -> Task:
        """Let a person decide who may decide more: one of the role above. Raises as `refuse` does."""
        check_reason(reason)
        check_said("", data, question)

        def turn(found: Task) -> Change:
            note = self._note(word, "escalated", reason, data)
            return rules.raised(found, self._clock(), self._workforce.above(found.role), "", note)

        return await self._turn(word, turn, question)

    async def give_back(self, word: Word, text: str = "", data: Json = None) -> Task:
        """A person lets others go on with it, agents if it is for them. Raises as `beat` does."""
        check_said(text, data, "")

        def turn(found: Task) -> Change:
            note = self._note(word, "given_back", text, data)
            return rules.give_back(found, note, self._clock(), self._workforce.above(found.role))

        return await self._turn(word, turn)

    # ── people ──

    async def take(self, task: str, who: PersonCaller, anyway: bool) -> Held:
        """A person takes a task, with everything that goes with it: one that is free; or, where they hold its role or
        the role above, or may do so `anyway`, also one that somebody has.

        Raises NotFound, Conflict (`task.taken`, `task.over`), Forbidden (`task.not_yours`).
        """

        def work(tx: Tx) -> Held:
            found, candidate = self._records.get(tx, task), self._workforce.person(who)
            over = anyway or found.role in who.roles or self._workforce.above(found.role) in who.roles
            if found.state == "claimed" and not over:
                raise Forbidden("this task is not for you", code="task.not_yours", hint="it is for those of its role")
            if hidden(found, candidate) and not anyway:
                raise Forbidden(
                    "its case has seen what you may not see", code="task.not_yours", hint="let others take it"
                )
            change = rules.claim(found, candidate, self._clock(), rules.PERSON_LEASE, over)
            moved = self._records.move(tx, found, change, who.actor)
            return Held(moved, self._records.body(tx, moved.id))

        return await self._queue.perform(work)

    async def show(self, task: str) -> Held:
        """A task with everything that goes with it. Raises NotFound."""

        def look(connection: Any) -> Held:
            found = self._records.get(connection, task)
            return Held(found, self._records.body(connection, task))

        return await self._database.read(look)

    def is_hidden_from(self, task: Task, who: PersonCaller) -> bool:
        """Whether the task's case has seen what the person may not see, who does not have the task."""
        return task.holder != who.actor and hidden(task, self._workforce.person(who))

    # ── in between ──

    async def _turn(self, word: Word, turn: Callable[[Task], Change], question: str = "") -> Task:
        """What a holder does to a task, with a question that is left open."""

        def work(tx: Tx) -> Task:
            found = self._records.learn(tx, self._held(tx, word))
            body = self._with_notes(tx, found, "", None, question)
            return self._records.move(tx, found, turn(found), word.holder, body)

        moved = await self._queue.perform(work)
        self._waiting.wake()
        return moved

    async def _wrong(self, word: Word, output: Json) -> str:
        """What is wrong with a result, as whoever knows about such tasks says; empty where it is right."""
        held = await self.show(word.task)
        rules.check_holder(held.task, word.holder, word.claim)
        return await self._examine(held, output)

    def _held(self, tx: Tx, word: Word) -> Task:
        found = self._records.get(tx, word.task)
        rules.check_holder(found, word.holder, word.claim)
        return found

    def _returned(self, found: Task, breach: str) -> Change:
        return rules.returned(found, self._clock(), self._workforce.above(found.role), breach)

    def _note(self, word: Word, kind: Any, text: str, data: Json = None) -> Note:
        return Note(self._clock(), word.holder, kind, text, data)

    def _with_notes(self, tx: Tx, found: Task, text: str, data: Json, question: str) -> Body | None:
        """The body with what is noted; None where nothing is."""
        if not (text or question or data is not None):
            return None
        body = self._records.body(tx, found.id)
        if text or data is not None:
            body = noted(body, Note(self._clock(), found.holder or "", "progress", text, data))
        return replace(body, questions=(*body.questions, question)[-rules.MAX_NOTES :]) if question else body


def check_wanted(organisation: Organisation, wanted: Wanted, unit: str) -> None:
    """Raise NotFound or Invalid for a task that nobody could take or nobody could read."""
    if organisation.get("Role", wanted.role) is None:
        raise NotFound(f"there is no role `{wanted.role[:80]}`", code="task.unknown_role")
    if organisation.get("Unit", unit) is None:
        raise NotFound(f"there is no unit `{unit[:80]}`", code="task.unknown_unit")
    for name in wanted.prefer:
        if organisation.get("Agent", name) is None:
            raise NotFound(f"there is no agent `{name[:80]}`", code="agent.unknown")
    if not 1 <= len(wanted.goal) <= MAX_TEXT:
        raise Invalid(f"a goal has 1 to {MAX_TEXT} characters", code="task.field")
    if breach := too_large(wanted.input):
        raise Invalid(breach.replace("output", "input", 1), code="task.field")
    if wanted.contract is not None:
        Contract(wanted.contract)


def check_said(text: str, data: Json, question: str) -> None:
    """Raise Invalid (`task.field`) for what is too long to go with a task."""
    if len(text) > MAX_TEXT or len(question) > MAX_TEXT:
        raise Invalid(f"a text has at most {MAX_TEXT} characters", code="task.field")
    if data is not None and too_large(data):
        raise Invalid("what is noted is too large", code="task.field", hint="send a reference")


def check_reason(reason: str) -> None:
    """Raise Invalid (`task.reason`) where none is given: whoever has it next must know why."""
    if not reason.strip() or len(reason) > MAX_TEXT:
        raise Invalid(f"a reason of 1 to {MAX_TEXT} characters is missing", code="task.reason")


def actor_of(caller: Caller) -> str:
    """How tasks and the log name an agent."""
    return AGENT + caller.name
