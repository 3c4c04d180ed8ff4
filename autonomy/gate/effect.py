"""The effect: call the connector, find out what became of it, and have its ending recorded.

What cannot be known is never guessed: a keyed write is repeated under its key, a queryable one is asked about, and
any other stays `unknown` until a person has looked.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from autonomy.budget import Usage
from autonomy.kernel import canonical
from autonomy.kernel.canonical import Json
from autonomy.kernel.clock import Clock
from autonomy.kernel.errors import AutonomyError, Invalid, Overdue
from autonomy.kernel.failpoint import failpoint
from autonomy.tools import Connectors, Invocation, Refused, Result, Unreachable, Unsure
from autonomy.tools.model import Reconciled

from . import obligations
from .endings import Endings
from .errand import UNREADABLE, End, Errand
from .figures import DoorFigures
from .lifeline import Lifeline
from .model import Reply

log = logging.getLogger("autonomy.gate")

ASKS = 3  # how often a system of record is asked whether a write happened before a person has to look
ASK_AGAIN_SECONDS = 0.2  # between two questions, doubling up to the longest; what is under way there may still arrive
LONGEST_PAUSE_SECONDS = 2.0  # whoever answers may have to start a program for each question
STOPPED = "action.stopped"


class Stopped(Exception):
    """The call was cancelled while it was out."""


@dataclass(slots=True)
class Call:
    """An errand under way. Only while the connector is `out` there is something to cancel."""

    errand: Errand
    task: asyncio.Task[Any]
    out: bool = False
    stopped: bool = False


class Effects:
    """Carries errands out. Each runs in a task of its own, so that its ending is recorded whoever stops waiting."""

    def __init__(
        self, connectors: Connectors, endings: Endings, lifeline: Lifeline, figures: DoorFigures, clock: Clock
    ) -> None:
        self._connectors = connectors
        self._endings = endings
        self._lifeline = lifeline
        self._figures = figures
        self._clock = clock
        self.under_way: dict[str, Call] = {}

    @contextmanager
    def out_again(self, errand: Errand) -> Iterator[None]:
        """While this task does again what a dead process had begun: it can be stopped as what was begun here."""
        task: asyncio.Task[Any] | None = asyncio.current_task()
        assert task is not None  # only tasks recover
        self.under_way[errand.action] = Call(errand, task)
        try:
            yield
        finally:
            del self.under_way[errand.action]

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

    @property
    def trailing(self) -> frozenset[str]:
        """The actions that have ended here, but not yet in the store."""
        return self._endings.trailing

    async def caught_up(self) -> None:
        """Return once all that was answered here by now can be read, but after a moment all the same."""
        await self._endings.caught_up()

    async def idle(self) -> None:
        """Wait until nothing is under way and every ending is written."""
        while self.under_way or self._endings.trailing:
            await asyncio.gather(*(call.task for call in self.under_way.values()), return_exceptions=True)
            await self._endings.written()

    async def close(self) -> None:
        """Wait for what is under way and for the endings on their way to the store."""
        self._endings.give_up()
        await self.idle()

    async def _run(self, errand: Errand) -> Reply:
        failpoint("intent.durable")
        try:
            ours = await self._lifeline.holds(errand.action)
        except AutonomyError as error:
            # Nothing has been sent, and nothing will be: an action must not stay open because we could not look.
            unbegun = End("failed", code=error.code, message="the store did not answer before it began")
            return await self._endings.record(errand, unbegun)
        if not ours:
            raise Overdue("another process has taken it over", code="action.taken_over", hint="ask for its result")
        with self._figures.step("effect"):
            end = await surely(self.perform(errand))
        failpoint("effect.done")
        with self._figures.step("outcome"):
            return await self._endings.record(errand, end)

    async def perform(self, errand: Errand) -> End:
        """Call, and find out how it ended."""
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
        """The call itself, the one part that can be stopped."""
        invocation = _invocation(errand)
        call = self.under_way[errand.action]
        if call.stopped:
            raise Unreachable("stopped before it began", code=STOPPED)
        call.out = True
        try:
            return await self._connectors.call(errand.tool, errand.arguments, invocation)
        except asyncio.CancelledError:
            raise Stopped from None
        finally:
            call.out = False
            if call.stopped:
                call.task.uncancel()  # a stop counts once: what follows is bookkeeping and goes on

    async def _find_out(self, errand: Errand, code: str, message: str) -> End:
        """A call without an answer."""
        if errand.tool.effect == "read":
            return End("failed", Usage(calls=1), code=code, message=message)
        end: End | None = None
        if errand.tool.effect == "write-keyed" and code != STOPPED:
            end = await self.repeat(errand, code, message)
        elif errand.tool.effect == "write-queryable":
            end = await self._ask(errand, code, message)
        return end or End("unknown", code=code, message=f"{message}; a person has to look")

    async def repeat(self, errand: Errand, code: str, message: str) -> End | None:
        """Call again. The system honours our key: the same call again does no more than the first one did. None where
        it does not answer this time either."""
        try:
            result = await self._call(errand)
        except (Unreachable, Unsure, Stopped):
            return None
        except AutonomyError:
            # A refusal of the repeat says nothing about the first try, which may still be on its way there.
            return End("unknown", code=code, message=f"{message}; a person has to look")
        except Exception:
            log.exception("the connector of `%s` broke again", errand.tool.name)
            return None
        return replace(self._done(errand, result.value, result), via="reconcile")

    async def _ask(self, errand: Errand, code: str, message: str) -> End | None:
        """Ask the system of record by our reference whether it happened; None where it does not answer.

        It may still be on its way there: "no" counts only once the time is over that the call was given.
        """
        found: End | None = None
        asked, pause = 0, ASK_AGAIN_SECONDS
        while asked < ASKS or self._on_its_way_s(errand) > 0:
            if asked:
                await asyncio.sleep(max(ASK_AGAIN_SECONDS, min(pause, self._on_its_way_s(errand))))
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
            asked += 1
            found = await self.asked(errand)
            if found and found.state == "done":
                return found
        return found and replace(found, code=code, message=f"{message}; it did not happen")

    async def asked(self, errand: Errand) -> End | None:
        """How it ended by what the system of record says now: done or failed; None where it does not answer."""
        found = await self._reconciled(errand)
        if found is None:
            return None
        if found.state == "happened":
            return replace(self._done(errand, found.value, None), via="reconcile")
        return End("failed", via="reconcile")

    def _on_its_way_s(self, errand: Errand) -> float:
        """For how many seconds more the call may still be on its way there."""
        passed = (self._clock() - errand.began) / 1000
        return errand.tool.deadline - passed if passed >= 0 else 0.0

    async def _reconciled(self, errand: Errand) -> Reconciled | None:
        """What the system of record says; None where it does not answer."""
        invocation = _invocation(errand)
        try:
            return await self._connectors.reconcile(errand.tool, errand.arguments, invocation)
        except AutonomyError as error:
            log.info("`%s` does not say whether %s happened: %s", errand.tool.connector, errand.action, error.code)
        except Exception:
            log.exception("the connector of `%s` broke when it was asked about %s", errand.tool.name, errand.action)
        return None

    def _done(self, errand: Errand, value: Json, result: Result | None) -> End:
        cost = result.cost if result else None
        usage = Usage(cost.money, 1, cost.tokens) if cost else Usage(errand.money, 1, errand.tokens)
        shown = obligations.apply(errand.verdict.obligations, value)
        kept = shown if result is None or result.kept is None else result.kept
        labels = result.labels if result else frozenset()
        try:
            written = canonical.encode(kept)
        except Invalid:
            return End("done", usage, None, UNREADABLE, "it happened, but what came back cannot be written down")
        return End("done", usage, shown, written=written, labels=labels)


def _invocation(errand: Errand) -> Invocation:
    return Invocation(
        errand.action,
        errand.agent_name,
        errand.tool.deadline,
        case=errand.case,
        labels=errand.labels,
        behind=errand.behind,
        connector=errand.connector,
    )


async def surely(work: Awaitable[End]) -> End:
    """Whatever breaks in our own house, an action that may have had its effect is never left open."""
    try:
        return await work
    except Exception:
        log.exception("an action under way met a defect")
        return End("unknown", code="action.defect", message="it met a defect; a person has to look")
