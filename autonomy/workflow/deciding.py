"""How a decision is asked for a run: the table in force answers, and the log says which row of which wording it was.

Asking changes nothing, so that it may be asked twice; the leaf is written with the answer that counts, once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from autonomy.db import CommitQueue, Database
from autonomy.gate import Watch
from autonomy.gate.cases import add_labels, labels_of
from autonomy.kernel.canonical import Json
from autonomy.kernel.clock import Clock
from autonomy.kernel.errors import Conflict, Invalid, NotFound
from autonomy.policy.labels import data_label

from .desk import Desk
from .events import Performed
from .model import Decide
from .outcome import decided
from .ports import Work
from .units import Fence

if TYPE_CHECKING:
    from autonomy.decisions import Decided


class Tables(Protocol):
    """The decision tables in force."""

    def decide(self, name: str, inputs: Mapping[str, Json]) -> Decided:
        """The answer of a table for a case. Raises Conflict, Invalid, NotFound (`decision.*`)."""

    def tags(self, name: str) -> Sequence[str]:
        """The classes of data that the table is of. Raises NotFound."""


class Deciding:
    """The carrier of `Decide`. `tables` loads the engine of expressions the first time."""

    def __init__(
        self,
        database: Database,
        queue: CommitQueue,
        desk: Desk,
        watch: Watch,
        tables: Callable[[], Tables],
        owner: str,
        clock: Clock,
    ) -> None:
        self._database = database
        self._queue = queue
        self._desk = desk
        self._watch = watch
        self._tables = tables
        self._owner = owner
        self._clock = clock

    async def carry(self, work: Work, command: Decide) -> None:
        """Ask the table as it is declared now. What no row answers is an exception of the step: a person looks."""
        await self._watch.refresh()
        fence = Fence(work.id, self._owner if work.attempts else None)
        inputs = command.arguments if isinstance(command.arguments, dict) else {}
        try:
            answer = self._tables().decide(command.decision, inputs)
        except (Conflict, Invalid, NotFound) as error:
            event = Performed(self._clock(), work.id, "failed", reason=error.message, again=False)
            await self._desk.take_in(work.run, event, fence)
            return
        await self._label(work, command.decision)
        event = Performed(self._clock(), work.id, "done", answer.as_dict())
        await self._desk.take_in(work.run, event, fence, tell=lambda state: decided(state, work.id, answer, event.at))

    async def _label(self, work: Work, decision: str) -> None:
        """The case has seen the table's classes of data, as if an agent had asked by the tool."""
        labels = frozenset(map(data_label, self._tables().tags(decision)))
        case = (await self._desk.known(work.run)).case
        if labels - await self._database.read(lambda connection: labels_of(connection, case)):
            await self._queue.perform(lambda tx: add_labels(tx, case, labels, self._clock()))
