"""Reading and writing tasks: a row, a sealed body, and a leaf for every change."""

from __future__ import annotations

from typing import TypeVar

import msgspec
from sqlalchemy import insert, select, update

from autonomy.audit import record
from autonomy.db import Reader, Tx
from autonomy.gate import cases
from autonomy.kernel import canonical
from autonomy.kernel.canonical import Json
from autonomy.kernel.clock import Clock
from autonomy.kernel.errors import Corrupt, NotFound, TooLarge
from autonomy.kernel.sealing import Seal
from autonomy.tools.contract import MAX_OUTPUT

from . import rules
from .model import AGENT, Body, Change, Note, Task
from .store import COLUMNS, COUNT, task, to_row, to_task, with_labels

MAX_BODY = 1_048_576  # bytes of all that goes with a task, what its holders noted included
ROOM = 3 * MAX_OUTPUT  # bytes beyond that for how it moves on: its result, and a note with data on the way

T = TypeVar("T")

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Body)


class Records:
    """The rows of tasks. `key` has 32 bytes."""

    def __init__(self, key: bytes, clock: Clock) -> None:
        self._seal = Seal(key, "task.sealed")
        self._bind = canonical.Keyed(canonical.derive(key, b"binds"))
        self._clock = clock

    def bind(self, asked: Json) -> str:
        """The same for the same request; whoever has no key can neither read nor guess it."""
        return self._bind.hash(canonical.encode(asked))

    def find(self, reader: Reader, id: str) -> Task | None:
        """The task with this id, with what its case has seen; None where there is none."""
        row = reader.execute(select(*COLUMNS).where(task.c.id == id)).one_or_none() if id.isprintable() else None
        return None if row is None else with_labels(reader, [to_task(row)])[0]

    def get(self, reader: Reader, id: str) -> Task:
        """The task with this id. Raises NotFound (`task.unknown`)."""
        found = self.find(reader, id)
        if found is None:
            raise NotFound(f"there is no task `{id[:80]}`", code="task.unknown")
        return found

    def body(self, reader: Reader, id: str) -> Body:
        """What goes with the task. Raises Corrupt (`task.sealed`, `task.body`)."""
        sealed = reader.execute(select(task.c.body).where(task.c.id == id)).scalar_one()
        try:
            return _decoder.decode(self._seal.open(id, bytes(sealed)))
        except msgspec.DecodeError as error:
            raise Corrupt(f"the body of a task cannot be read: {error}", code="task.body") from None

    def put(self, tx: Tx, new: Task, body: Body, actor: str) -> Task:
        """A task is opened."""
        sealed = self._sealed(new.id, body)
        moved = self._told(tx, Change(new, "opened"), actor)
        tx.execute(insert(task).values(**to_row(moved), body=sealed))
        return moved

    def move(self, tx: Tx, before: Task, change: Change, actor: str, body: Body | None = None) -> Task:
        """A task goes from one state to the next; `body` where it has changed besides the change's own note. However
        much was noted before, there is room for it. Raises Corrupt as `body` does, and then nothing was written."""
        if change.note is not None:
            body = noted(self.body(tx, before.id) if body is None else body, change.note)
        sealed = {} if body is None else {"body": self._sealed(before.id, fitting(body), MAX_BODY + ROOM)}
        moved = self._told(tx, change, actor)
        tx.execute(update(task).where(task.c.id == moved.id).values(**to_row(moved), **sealed))
        self._count(tx, before, change)
        self._bear(tx, before, moved)
        return moved

    def move_on(self, tx: Tx, before: Task, change: Change) -> Task:
        """What nobody does by themselves; a task whose body cannot be read fails by that name, for nobody can do it."""
        try:
            return self.move(tx, before, change, "system")
        except Corrupt:
            return self.park(tx, before)

    def park(self, tx: Tx, before: Task) -> Task:
        """What goes with the task cannot be read: it stands in nobody's way any longer."""
        return self.move(tx, before, rules.fail(before, "limit.body"), "system")

    def learn(self, tx: Tx, found: Task) -> Task:
        """The task as its holder speaks of it: the case has seen from here on what an agent who has it has seen."""
        if found.holder is None or not found.holder.startswith(AGENT):
            return found
        cases.learn(tx, found.holder.removeprefix(AGENT), self._clock())
        return with_labels(tx, [found])[0]

    def keep(self, tx: Tx, found: Task, body: Body | None = None) -> None:
        """What is no change of state: a sign of life, and what was noted with it."""
        values = to_row(found)
        if body is not None:
            values["body"] = self._sealed(found.id, body)
        tx.execute(update(task).where(task.c.id == found.id).values(**values))

    def _told(self, tx: Tx, change: Change, actor: str) -> Task:
        """The leaf says who, what and for whom; what was said stays out of it: the log is for ever."""
        found, at = change.task, self._clock()
        index = record(
            tx,
            "task",
            at,
            action=found.id,
            event=change.event,
            actor=actor,
            role=found.role,
            unit=found.unit,
            claim=found.claim or None,
            to=found.meant,
            limit=found.limit or None,
            run=found.run,
            step=found.path,
            workflow=found.workflow,
        )
        ended = at if found.is_over else None
        return msgspec.structs.replace(found, moved=index, moved_at=at, ended_at=ended)

    def _bear(self, tx: Tx, before: Task, moved: Task) -> None:
        """What an agent does while it has a task is done under the labels of the task's case as well."""
        has = moved.holder if moved.state == "claimed" else None
        if before.state == "claimed" and (has, moved.claim) != (before.holder, before.claim):
            cases.let_go(tx, moved.id, self._clock())
        if has is not None and has.startswith(AGENT) and moved.claim != before.claim:
            origin = (*moved.origin, f"task:{moved.role}")
            cases.bear(tx, moved.id, has.removeprefix(AGENT), moved.case, origin)

    def _count(self, tx: Tx, before: Task, change: Change) -> None:
        missed = change.event in ("requeued", "returned") or (change.event == "failed" and before.state == "claimed")
        if before.holder is not None and (missed or change.event == "done"):
            counts = {"done": int(not missed), "missed": int(missed)}
            tx.execute(COUNT, {"holder": before.holder, "role": before.role, **counts})

    def _sealed(self, id: str, body: Body, most: int = MAX_BODY) -> bytes:
        encoded = _encoder.encode(body)
        if len(encoded) > most:
            raise TooLarge(
                f"what goes with a task has at most {most} bytes", code="task.too_large", hint="send references"
            )
        return self._seal.seal(id, encoded)


def noted(body: Body, *notes: Note) -> Body:
    """The body with notes at its end; of too many the oldest go."""
    return msgspec.structs.replace(body, notes=(*body.notes, *notes)[-rules.MAX_NOTES :])


def fitting(body: Body) -> Body:
    """The body with room for whatever becomes of it: of too many bytes the oldest notes go, then the oldest
    questions; what was noted last stays."""
    over = len(_encoder.encode(body)) - MAX_BODY - ROOM
    notes, over = _without_oldest(body.notes[:-1], over)
    questions, _ = _without_oldest(body.questions, over)
    return msgspec.structs.replace(body, notes=(*notes, *body.notes[-1:]), questions=questions)


def _without_oldest(said: tuple[T, ...], over: int) -> tuple[tuple[T, ...], int]:
    """What is left when so many bytes too many have gone, and how many are still too many."""
    gone = 0
    while over > 0 and gone < len(said):
        over -= len(_encoder.encode(said[gone]))
        gone += 1
    return said[gone:], over
