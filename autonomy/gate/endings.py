"""How actions ended, on the way to the store: written again and again until it takes them, whoever waits."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial

from msgspec.structs import replace

from autonomy.audit import Leaf
from autonomy.budget import Overrun
from autonomy.db import CommitQueue
from autonomy.kernel.clock import Clock
from autonomy.kernel.deadline import within
from autonomy.kernel.errors import Busy, Overdue, Unavailable
from autonomy.kernel.failpoint import failpoint
from autonomy.policy.labels import UNTRUSTED, data_label
from autonomy.tools import Tool

from . import obligations
from .errand import End, Errand
from .leaves import outcome_leaf
from .model import Papers, Reply, Status
from .results import notices
from .seen import Seen
from .units import Answer, Committed, Ended, Ending

log = logging.getLogger("autonomy.gate")

RECORD_SECONDS = 2.0  # how long a caller waits for the record of how it ended, once it has ended
UNRECORDED = "action.unrecorded"
LATE = "action.ended"
SETTLE_SECONDS = 0.5  # how long whoever asks about an action waits for what trails of it
WRITE_AGAIN_SECONDS = 0.5  # between two tries to record an ending while the store does not answer


class Endings:
    """Records endings in the name of one process, its `owner`."""

    def __init__(self, queue: CommitQueue, owner: str, clock: Clock, seen: Seen) -> None:
        self._queue = queue
        self._owner = owner
        self._clock = clock
        self._seen = seen
        self._trailing: set[str] = set()
        self._awaited: dict[str, asyncio.Event] = {}
        self._all_written = asyncio.Event()
        self._closing = False

    async def record(self, errand: Errand, end: End, *, by: str | None = None) -> Reply:
        """Write how it ended, and say it. A read's ending goes with the next group and nobody waits for it, unless it
        labels the case anew: the label must be there before the agent can act upon what it has read.

        Raises Overdue where the store does not take it in time; it is written as soon as the store does.
        """
        ending = self._ending(errand, end, by)
        if errand.tool.effect == "read" and end.state == "done" and ending.labels <= errand.labels:
            self._write_unheard(ending)
        else:
            answer = await _in_time(errand.action, self._write(ending))
            if isinstance(answer, Ended):
                return _late(errand, answer)
            failpoint("outcome.durable")
        return Reply(
            errand.action,
            "done" if end.state == "done" else "unknown" if end.state == "unknown" else "failed",
            errand.case,
            end.value,
            end.code,
            end.message,
            errand.verdict.policies,
            notices=notices(errand.verdict) + errand.warnings,
            cost=end.usage.money or 0,
        )

    def later(self, errand: Errand, end: End) -> None:
        """Record an ending that nobody waits for."""
        self._write_unheard(self._ending(errand, end, None))

    @property
    def trailing(self) -> frozenset[str]:
        """The actions whose endings are not written yet."""
        return frozenset(self._trailing)

    async def settled(self, action: str) -> None:
        """Return once nothing of how an action ended here is on its way to the store any more, but after a moment all
        the same: the store may not take it."""
        if action in self._trailing:
            await self._all_settled([action])

    async def caught_up(self) -> None:
        """Return once all that was answered here by now can be read, but after a moment all the same: the store may
        not take it."""
        if self._trailing:
            await self._all_settled(self._trailing)

    async def _all_settled(self, actions: Iterable[str]) -> None:
        written = [self._awaited.setdefault(action, asyncio.Event()) for action in actions]
        with suppress(TimeoutError):
            async with asyncio.timeout(SETTLE_SECONDS):
                for each in written:
                    await each.wait()

    async def written(self) -> None:
        """Wait until nothing trails."""
        while self._trailing:
            self._all_written.clear()
            await self._all_written.wait()

    def give_up(self) -> None:
        """From now on, what the store does not take is left to whoever takes over."""
        self._closing = True

    def _write(self, ending: Ending) -> asyncio.Future[Answer]:
        """Written whoever waits for it; the future may be cancelled."""
        self._trailing.add(ending.action)
        try:
            return self._queue.submit(ending, partial(self._told, ending))
        except (Unavailable, Busy) as error:
            self._told(ending, error)
            refused: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
            refused.set_exception(error)
            return refused

    def _told(self, ending: Ending, answer: Answer | Exception, _heard: bool = True) -> None:
        if isinstance(answer, (Unavailable, Busy)):
            log.warning("the ending of %s is not recorded yet: %s", ending.action, answer.code)
            if not self._closing:
                asyncio.get_running_loop().call_later(WRITE_AGAIN_SECONDS, self._write_unheard, ending)
                return
        self._trailing.discard(ending.action)
        if awaited := self._awaited.pop(ending.action, None):
            awaited.set()
        if isinstance(answer, Committed):
            self._seen.note(ending.case, ending.labels)
        if isinstance(answer, Exception) and not isinstance(answer, (Unavailable, Busy)):
            self._leave_to_a_person(ending, answer)
        if not self._trailing:
            self._all_written.set()

    def _leave_to_a_person(self, ending: Ending, error: BaseException) -> None:
        """The store refuses the ending itself: the action stays open, its reservation and its record with it."""
        log.error("the ending of %s cannot be recorded: %s", ending.action, error)
        if ending.code != UNRECORDED:
            open_still = replace(ending, state="unknown", charges=(), undone=(), record=None, payloads=())
            self._write_unheard(replace(open_still, code=UNRECORDED, leaf=partial(_unrecorded, ending)))

    def _write_unheard(self, ending: Ending) -> None:
        self._trailing.add(ending.action)
        try:
            self._queue.trail(ending, partial(self._told, ending))
        except (Unavailable, Busy) as error:
            self._told(ending, error)

    def _ending(self, errand: Errand, end: End, by: str | None) -> Ending:
        at = self._clock()
        papers = Papers(errand.papers.key, errand.action, at)
        if end.written is not None:
            papers.seal("result", end.written)
        if end.message and by is None:
            # It may be an upstream's own words, and those may name people.
            papers.seal("message", end.message.encode(errors="replace"))
        labels = obligations.labels(errand.verdict.obligations) | _seen(errand.tool, end)
        open_still = end.state == "unknown"
        return Ending(
            action=errand.action,
            owner=self._owner,
            state=end.state,
            usage=end.usage,
            charges=() if open_still else errand.charges,
            undone=errand.windows if end.state == "failed" else (),
            # A record whose last write nobody can vouch for stays with that write until a person has looked.
            record=None if open_still else errand.record,
            case=errand.case,
            labels=labels,
            money=errand.money if open_still else end.usage.money or 0,
            at=at,
            code=end.code,
            message=end.message if by else None,
            leaf=_leaf(errand, end, at, labels, papers, by),
            payloads=tuple(papers.rows),
        )


async def _in_time(action: str, writing: asyncio.Future[Answer]) -> Answer:
    try:
        with within(RECORD_SECONDS):
            return await writing
    except (TimeoutError, Unavailable, Busy):
        raise Overdue(
            "it has ended, but the store does not take down how",
            code=UNRECORDED,
            hint="do not send it again; ask for its result",
            action=action,
        ) from None


def _leaf(
    errand: Errand, end: End, at: int, labels: frozenset[str], papers: Papers, by: str | None
) -> Callable[[tuple[Overrun, ...]], Leaf]:
    made = partial(
        outcome_leaf,
        errand.action,
        at,
        end.state,
        agent=errand.agent,
        tool=errand.tool.name,
        case=errand.case,
        usage=None if end.state == "unknown" else end.usage,
        code=end.code,
        via=end.via,
        by=by,
        labels=labels,
        commitments=papers.commitments,
    )
    plain = made(overruns=())  # hashed here; only an overrun, which nobody expects, is hashed in the writer
    return lambda overruns: made(overruns=overruns) if overruns else plain


def _unrecorded(ending: Ending, _overruns: tuple[Overrun, ...]) -> Leaf:
    """What is said of an action whose own ending the store refused."""
    return outcome_leaf(
        ending.action, ending.at, "unknown", agent="", tool="", case=ending.case, usage=None, code=UNRECORDED
    )


def _late(errand: Errand, answer: Ended) -> Reply:
    """The first ending stands; whoever waits for ours hears that there is one."""
    log.warning("the ending of %s came late; it stands as %s", errand.action, answer.state)
    status: Status = "failed" if answer.state == "failed" else "running" if answer.state == "intent" else "unknown"
    message = "another process has taken it over; ask for its result"
    return Reply(errand.action, status, errand.case, code=LATE, message=message)


def _seen(tool: Tool, end: End) -> frozenset[str]:
    """What a case has seen stays with it: an untrusted answer may carry somebody's instructions, and what is made of
    data of some class is data of that class."""
    if end.state != "done":
        return frozenset()
    trust = {UNTRUSTED} if tool.spec.trust == "untrusted" else set()
    return end.labels | trust | {data_label(tag) for tag in tool.spec.tags}
