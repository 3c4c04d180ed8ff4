"""The effect and its record: call the connector, settle what it cost, write how it ended.

What cannot be known is never guessed: a keyed write is repeated under its key, a queryable one is asked about, and
any other stays `unknown` until a person has looked.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from autonomy.audit import Leaf
from autonomy.budget import Charge, Overrun, Usage
from autonomy.db import CommitQueue
from autonomy.identity import Caller
from autonomy.kernel import canonical
from autonomy.kernel.canonical import Json
from autonomy.kernel.clock import Clock
from autonomy.kernel.errors import AutonomyError, Busy, Overdue, Unavailable
from autonomy.kernel.failpoint import failpoint
from autonomy.policy import Verdict
from autonomy.tools import Connectors, Invocation, Refused, Result, Tool, Unreachable, Unsure
from autonomy.tools.model import Reconciled

from . import obligations
from .leaves import outcome_leaf
from .model import Papers, Reply
from .results import notices
from .units import Answer, Ended, Ending, State
from .windows import WindowUse

log = logging.getLogger("autonomy.gate")

ASKS = 3  # how often a system of record is asked whether a write happened before a person has to look
ASK_AGAIN_SECONDS = 0.2  # between two questions; what is under way there may still arrive
STOPPED = "action.stopped"
RECORD_SECONDS = 2.0  # how long a caller waits for the record of how it ended, once it has ended
WRITE_AGAIN_SECONDS = 0.5  # between two tries to record an ending while the store does not answer


@dataclass(slots=True)
class Errand:
    """An action after its intent is durable, with everything that is needed to carry it out and to end it.

    `caller` is None where a dead process left it; `approved` where people allowed it.
    """

    action: str
    agent: str
    agent_name: str
    caller: Caller | None
    approved: bool
    case: str
    tool: Tool
    arguments: Mapping[str, Json]
    charges: tuple[Charge, ...]
    windows: tuple[WindowUse, ...]
    record: str | None
    money: int
    tokens: int
    verdict: Verdict
    papers: Papers


NOTHING_BUT_A_CALL = Usage(0, 1, 0)


@dataclass(frozen=True, slots=True)
class End:
    """How an errand ended. What failed cost a call and nothing else: an agent that loops on failures is stopped too."""

    state: State
    usage: Usage = NOTHING_BUT_A_CALL
    value: Json = None
    code: str | None = None
    message: str | None = None
    via: str | None = None


class Stopped(Exception):
    """The call was cancelled while it was out."""


@dataclass(slots=True)
class Call:
    """An errand under way. Only while the connector is `out` there is something to cancel."""

    errand: Errand
    task: asyncio.Task[Reply]
    out: bool = False
    stopped: bool = False


class Effects:
    """Carries errands out. Each runs in a task of its own, so that its ending is recorded whoever stops waiting."""

    def __init__(self, connectors: Connectors, queue: CommitQueue, owner: str, clock: Clock) -> None:
        self._connectors = connectors
        self._queue = queue
        self._owner = owner
        self._clock = clock
        self.under_way: dict[str, Call] = {}
        self._trailing: set[asyncio.Future[Any]] = set()
        self._closing = False

    async def carry_out(self, errand: Errand) -> Reply:
        """Perform and settle. Cancelling the waiter cancels the effect; its ending is recorded all the same."""
        task = asyncio.create_task(self._run(errand))
        self.under_way[errand.action] = Call(errand, task)
        task.add_done_callback(lambda _: self.under_way.pop(errand.action, None))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            self.stop(errand.action)
            raise

    def stop(self, action: str) -> bool:
        """Cancel the call, or keep it from going out; whether there was one to stop. Asking what became of it and
        writing that down go on."""
        call = self.under_way.get(action)
        if call is None or call.stopped:
            return False
        call.stopped = True
        if call.out:
            call.task.cancel()
        return True

    async def idle(self) -> None:
        """Wait until nothing is under way and every ending is written."""
        while tasks := [*(call.task for call in self.under_way.values()), *self._trailing]:
            await asyncio.wait(tasks)

    async def close(self) -> None:
        """Wait for what is under way and for the endings on their way to the store; what the store does not take now
        is left to whoever takes over."""
        self._closing = True
        await self.idle()

    async def _run(self, errand: Errand) -> Reply:
        failpoint("intent.durable")
        end = await self._perform(errand)
        failpoint("effect.done")
        return await self.end(errand, end)

    async def _perform(self, errand: Errand) -> End:
        try:
            result = await self._call(errand)
        except (Refused, Unreachable) as error:
            return End("failed", code=error.code, message=error.message)
        except Unsure as error:
            return await self._find_out(errand, error.code, str(error))
        except Stopped:
            return await self._find_out(errand, STOPPED, "stopped before an answer came")
        except Exception:
            # A connector that breaks in a way nobody declared has told us nothing about the world.
            log.exception("the connector of `%s` broke", errand.tool.name)
            return await self._find_out(errand, Unsure.default_code, "the connector broke")
        return self._done(errand, result.value, result)

    async def _call(self, errand: Errand) -> Result:
        """The call itself, the one part that can be stopped. What nobody here began, recovery repeats unstoppably."""
        invocation = Invocation(errand.action, errand.agent_name, errand.tool.deadline)
        call = self.under_way.get(errand.action)
        if call is None:
            return await self._connectors.call(errand.tool, errand.arguments, invocation)
        if call.stopped:
            raise Unreachable("stopped before it began", code=STOPPED)
        call.out = True
        try:
            return await self._connectors.call(errand.tool, errand.arguments, invocation)
        except asyncio.CancelledError:
            call.task.uncancel()
            raise Stopped from None
        finally:
            call.out = False

    async def _find_out(self, errand: Errand, code: str, message: str) -> End:
        """A call without an answer."""
        if errand.tool.effect == "read":
            return End("failed", Usage(calls=1), code=code, message=message)
        if errand.tool.effect == "write-keyed" and code != STOPPED:
            return await self._repeat(errand, code, message)
        if errand.tool.effect == "write-queryable":
            return await self.ask(errand, code, message)
        return End("unknown", code=code, message=f"{message}; a person has to look")

    async def _repeat(self, errand: Errand, code: str, message: str) -> End:
        """The system honours our key: the same call again does no more than the first one did."""
        try:
            result = await self._call(errand)
        except Refused as error:
            return End("failed", code=error.code, message=error.message)
        except (AutonomyError, Stopped):
            return End("unknown", code=code, message=f"{message}; a person has to look")
        return replace(self._done(errand, result.value, result), via="reconcile")

    async def ask(self, errand: Errand, code: str, message: str) -> End:
        """Ask the system of record by our reference whether it happened; it may still be on its way there."""
        found: Reconciled | None = None
        for question in range(ASKS):
            if question:
                await asyncio.sleep(ASK_AGAIN_SECONDS)
            found = await self._reconciled(errand)
            if found and found.state == "happened":
                return replace(self._done(errand, found.value, None), via="reconcile")
        if found is None:
            return End("unknown", code=code, message=f"{message}; a person has to look")
        return End("failed", code=code, message=f"{message}; it did not happen", via="reconcile")

    async def _reconciled(self, errand: Errand) -> Reconciled | None:
        """What the system of record says; None where it does not answer."""
        invocation = Invocation(errand.action, errand.agent_name, errand.tool.deadline)
        try:
            return await self._connectors.reconcile(errand.tool, errand.arguments, invocation)
        except AutonomyError as error:
            log.info("`%s` does not say whether %s happened: %s", errand.tool.connector, errand.action, error.code)
            return None

    def _done(self, errand: Errand, value: Json, result: Result | None) -> End:
        cost = result.cost if result else None
        usage = Usage(cost.money, 1, cost.tokens) if cost else Usage(errand.money, 1, errand.tokens)
        return End("done", usage, obligations.apply(errand.verdict.obligations, value))

    async def end(self, errand: Errand, end: End, *, by: str | None = None) -> Reply:
        """Write how it ended, and say it. A read's ending joins the next group and nobody waits for it, unless it
        labels the case: the label must be there before the agent can act upon what it has read.

        Raises Overdue where the store does not take it in time; it is written as soon as the store does.
        """
        ending = self._ending(errand, end, by)
        writing = self._write(ending)
        if errand.tool.effect != "read" or end.state != "done" or ending.labels:
            answer = await self._written(errand.action, writing)
            if isinstance(answer, Ended):
                log.warning("the ending of %s came late; it had ended as %s", errand.action, answer.state)
            failpoint("outcome.durable")
        return Reply(
            errand.action,
            "done" if end.state == "done" else "unknown" if end.state == "unknown" else "failed",
            errand.case,
            end.value,
            end.code,
            end.message,
            errand.verdict.policies,
            notices=notices(errand.verdict),
        )

    def end_later(self, errand: Errand, end: End) -> None:
        """End an errand that nobody waits for."""
        self._write(self._ending(errand, end, None))

    async def recover(self, errand: Errand, forgotten: bool = False) -> Reply:
        """End what a dead process began: repeat what may be repeated, ask about what can be asked, else say unknown.

        `forgotten` where its arguments were erased: then nothing can be repeated or asked.
        """
        return await self.end(errand, await self._recovered(errand, forgotten))

    async def _recovered(self, errand: Errand, forgotten: bool) -> End:
        code, message = "action.interrupted", "the process that performed it died"
        if errand.tool.effect == "read":
            return End("failed", Usage(calls=1), code=code, message=message, via="recovery")
        if errand.tool.effect == "write-keyed" and not forgotten:
            return await self._repeat(errand, code, message)
        if errand.tool.effect == "write-neither" or forgotten:
            return End("unknown", code=code, message=f"{message}; a person has to look", via="recovery")
        end = await self.ask(errand, code, message)
        # People have allowed it and nobody is there to ask again: what did not happen is done now.
        return await self._perform(errand) if end.state == "failed" and errand.approved else end

    async def _written(self, action: str, writing: asyncio.Future[Answer]) -> Answer:
        try:
            async with asyncio.timeout(RECORD_SECONDS):
                return await asyncio.shield(writing)
        except (TimeoutError, Unavailable, Busy):
            raise Overdue(
                "it has ended, but the store does not take down how",
                code="action.unrecorded",
                hint="do not send it again; ask for its result",
                action=action,
            ) from None

    def _write(self, ending: Ending) -> asyncio.Future[Answer]:
        """On its way to the store, whoever waits for it, again and again until the store takes it."""
        writing: asyncio.Future[Answer]
        try:
            writing = self._queue.submit(ending)
        except (Unavailable, Busy) as error:
            writing = asyncio.get_running_loop().create_future()
            writing.set_exception(error)
        self._trailing.add(writing)
        writing.add_done_callback(partial(self._wrote, ending))
        return writing

    def _wrote(self, ending: Ending, writing: asyncio.Future[Answer]) -> None:
        self._trailing.discard(writing)
        if writing.cancelled() or not isinstance(error := writing.exception(), (Unavailable, Busy)):
            return
        log.warning("the ending of %s is not recorded yet: %s", ending.action, error.code)
        if not self._closing:
            again = asyncio.create_task(self._write_again(ending))
            self._trailing.add(again)
            again.add_done_callback(self._trailing.discard)

    async def _write_again(self, ending: Ending) -> None:
        await asyncio.sleep(WRITE_AGAIN_SECONDS)
        self._write(ending)

    def _ending(self, errand: Errand, end: End, by: str | None) -> Ending:
        at = self._clock()
        papers = Papers(errand.papers.key, errand.action, at)
        if end.state == "done":
            papers.seal("result", canonical.encode(end.value))
        labels = obligations.labels(errand.verdict.obligations) | _trust(errand.tool, end.state)
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
            money=end.usage.money or 0,
            at=at,
            code=end.code,
            message=end.message,
            leaf=self._leaf(errand, end, at, labels, papers, by),
            payloads=tuple(papers.rows),
        )

    def _leaf(
        self,
        errand: Errand,
        end: End,
        at: int,
        labels: frozenset[str],
        papers: Papers,
        by: str | None,
    ) -> Callable[[tuple[Overrun, ...]], Leaf]:
        made = partial(
            outcome_leaf,
            errand.action,
            at,
            end.state,
            agent=errand.agent,
            tool=errand.tool.name,
            case=errand.case,
            usage=end.usage,
            code=end.code,
            via=end.via,
            by=by,
            labels=labels,
            commitments=papers.commitments,
        )
        plain = made(overruns=())  # hashed here; only an overrun, which nobody expects, is hashed in the writer
        return lambda overruns: made(overruns=overruns) if overruns else plain


def _trust(tool: Tool, state: State) -> frozenset[str]:
    """What a case has seen stays with it: an untrusted answer may carry somebody's instructions."""
    return frozenset({"untrusted"}) if tool.spec.trust == "untrusted" and state == "done" else frozenset()
