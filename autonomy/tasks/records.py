"""Reading and writing tasks: a row, a sealed body, and a leaf for every change."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, insert, select, update

from autonomy.audit import record
from autonomy.db import Tx
from autonomy.gate import cases
from autonomy.kernel.clock import Clock
from autonomy.kernel.errors import Corrupt, NotFound, TooLarge
from autonomy.kernel.sealing import Seal

from .model import AGENT, Body, Change, Note, Task
from .rules import MAX_NOTES
from .store import COLUMNS, COUNT, task, to_row, to_task

MAX_BODY = 1_048_576  # bytes of all that goes with a task, what was noted included

Reader = Connection | Tx

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Body)


class Records:
    """The rows of tasks. `key` has 32 bytes."""

    def __init__(self, key: bytes, clock: Clock) -> None:
        self._seal = Seal(key, "task.sealed")
        self._clock = clock

    def find(self, reader: Reader, id: str) -> Task | None:
        """The task with this id; None where there is none."""
        row = reader.execute(select(*COLUMNS).where(task.c.id == id)).one_or_none() if id.isprintable() else None
        return None if row is None else to_task(row)

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
        moved = self._told(tx, Change(new, "opened"), actor)
        tx.execute(insert(task).values(**to_row(moved), body=self._sealed(new.id, body)))
        return moved

    def move(self, tx: Tx, before: Task, change: Change, actor: str, body: Body | None = None) -> Task:
        """A task goes from one state to the next; `body` where it has changed besides the change's own note."""
        moved = self._told(tx, change, actor)
        values = to_row(moved)
        if change.note is not None:
            body = noted(self.body(tx, moved.id) if body is None else body, change.note)
        if body is not None:
            values["body"] = self._sealed(moved.id, body)
        tx.execute(update(task).where(task.c.id == moved.id).values(**values))
        self._count(tx, before, change)
        self._bear(tx, before, moved)
        return moved

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

    def _sealed(self, id: str, body: Body) -> bytes:
        encoded = _encoder.encode(body)
        if len(encoded) > MAX_BODY:
            raise TooLarge(f"what goes with a task has at most {MAX_BODY} bytes", code="task.too_large")
        return self._seal.seal(id, encoded)


def noted(body: Body, *notes: Note) -> Body:
    """The body with notes at its end; of too many the oldest go."""
    return msgspec.structs.replace(body, notes=(*body.notes, *notes)[-MAX_NOTES:])
