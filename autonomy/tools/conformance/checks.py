"""The checks themselves: each a sentence that must hold, run over a fresh candidate."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

from autonomy.kernel.canonical import Json
from autonomy.kernel.errors import AutonomyError

from ..checks import check as faults
from ..credential import spellings
from ..errors import Refused, Stale, Unreachable, Unsure
from .candidate import Behaviour, Candidate, Line, Make, System, Unfit, opened, organisation_of

DEADLINE_S = 1.0  # of a call to a system that hangs
MARGIN_S = 2.0  # how much later a call may end on a busy machine

Look = Callable[[Line], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must hold. `applies` says to which candidates."""

    name: str
    look: Look
    needs: frozenset[Behaviour]
    applies: Callable[[Candidate], bool]

    def __str__(self) -> str:
        return self.name

    async def run(self, make: Make) -> None:
        """Examine a fresh candidate; raises Unfit."""
        candidate = await make()
        try:
            async with opened(candidate) as line:
                await self.look(line)
                _expect_silence(line)
        finally:
            await candidate.system.close()


CHECKS: list[Check] = []
"""Every check there is."""


def checks_for(candidate: Candidate) -> list[Check]:
    """The checks that apply to this candidate: those whose behaviours its system has."""
    return [each for each in CHECKS if each.applies(candidate) and not each.needs & set(candidate.cannot)]


async def examine(make: Make) -> dict[str, str]:
    """Run every check that applies; returns what was found, `""` where all is well, by the check's name."""
    candidate = await make()
    await candidate.system.close()
    found: dict[str, str] = {}
    for check in checks_for(candidate):
        try:
            await check.run(make)
        except Unfit as error:
            found[check.name] = str(error)
        else:
            found[check.name] = ""
    return found


def _check(*needs: Behaviour, applies: Callable[[Candidate], bool] = lambda _: True) -> Callable[[Look], Look]:
    """Enters a function into CHECKS under its own name, as a sentence."""

    def enter(look: Look) -> Look:
        CHECKS.append(Check(look.__name__, look, frozenset(needs), applies))
        return look

    return enter


def _reads(candidate: Candidate) -> bool:
    return candidate.read is not None


@_check()
async def its_manifests_are_sound(line: Line) -> None:
    """What is declared passes the checks of an apply."""
    candidate = line.candidate
    problems = faults(organisation_of(candidate), candidate.functions)
    _expect(not problems, f"no problems in its manifests, found {[str(one.message) for one in problems]}")


@_check(applies=_reads)
async def a_read_gives_a_value_and_changes_nothing(line: Line) -> None:
    """Twice the same, and no effect."""
    for _ in range(2):
        got = await line.call("read", "act_read")
        _expect(not isinstance(got, AutonomyError), f"a value, got {got!r}")
    _expect(line.candidate.system.effects("act_read") == 0, "no effect of a read")


@_check()
async def a_write_takes_place_once_under_its_action(line: Line) -> None:
    """The system of record can tell by the action's id which write it was."""
    got = await line.call("write", "act_once")
    _expect(not isinstance(got, AutonomyError), f"a value, got {got!r}")
    _expect(line.candidate.system.effects("act_once") == 1, "exactly one effect under the action's id")


@_check(applies=lambda candidate: candidate.effect == "write-keyed")
async def a_repeat_under_the_same_key_has_no_second_effect(line: Line) -> None:
    """`write-keyed`: the gate repeats after a crash."""
    for _ in range(3):
        await line.call("write", "act_key")
    _expect(line.candidate.system.effects("act_key") == 1, "one effect of three calls under one key")


@_check(applies=lambda candidate: candidate.effect == "write-queryable")
async def the_system_can_be_asked_what_happened(line: Line) -> None:
    """`write-queryable`: absent before, happened after, and each action by itself."""
    _expect((await line.asked("act_ask")).state == "absent", "`absent` before the write")
    await line.call("write", "act_ask")
    _expect((await line.asked("act_ask")).state == "happened", "`happened` after the write")
    _expect((await line.asked("act_other")).state == "absent", "`absent` for another action")


@_check("refuse")
async def a_refusal_is_told_as_one(line: Line) -> None:
    """Nothing happened, and nobody has to ask."""
    await line.candidate.system.behave("refuse")
    _expect_error(await line.call("write", "act_no"), Refused)
    _expect(line.candidate.system.effects("act_no") == 0, "no effect of a refused write")


@_check("stale")
async def a_record_that_has_changed_is_told_as_such(line: Line) -> None:
    """The agent reads it again instead of trying again."""
    await line.candidate.system.behave("stale")
    _expect_error(await line.call("write", "act_old"), Stale)
    _expect(line.candidate.system.effects("act_old") == 0, "no effect on a record that has changed")


@_check("hang", applies=_reads)
async def a_read_ends_at_its_deadline(line: Line) -> None:
    """Whoever hangs."""
    await line.candidate.system.behave("hang")
    _expect_error(await _in_time(line.call("read", "act_slow", DEADLINE_S)), Unreachable)


@_check("hang")
async def a_write_ends_at_its_deadline_and_says_what_is_known(line: Line) -> None:
    """In doubt, unless it is certain that nothing will happen."""
    await line.candidate.system.behave("hang")
    got = await _in_time(line.call("write", "act_slow", DEADLINE_S))
    _expect_error(got, Unsure, Unreachable)
    if isinstance(got, Unreachable):
        await line.candidate.system.behave("well")
        await line.call("write", "act_next")
        _expect(line.candidate.system.effects("act_slow") == 0, "no effect of what was said not to have happened")


@_check("hang")
async def a_cancelled_call_ends_at_once_and_the_next_one_works(line: Line) -> None:
    """A containment stops what is under way."""
    system = line.candidate.system
    await system.behave("hang")
    before = system.calls()
    task = asyncio.create_task(line.call("write", "act_stop", 30.0))
    await _arrived(system, before, task)
    task.cancel()
    began = time.monotonic()
    (got,) = await asyncio.gather(task, return_exceptions=True)
    _expect(time.monotonic() - began < MARGIN_S, "an end right after it was cancelled")
    _expect(isinstance(got, asyncio.CancelledError | Unreachable), f"a cancelled call, got {got!r}")
    await system.behave("well")
    again = await line.call("write", "act_after")
    _expect(not isinstance(again, AutonomyError), f"a connector that goes on working, got {again!r}")


@_check("gone")
async def a_system_that_is_gone_is_told_as_such(line: Line) -> None:
    """Nothing was sent: the agent may try again later."""
    await line.candidate.system.behave("gone")
    _expect_error(await line.call("write", "act_gone"), Unreachable)
    _expect(line.candidate.system.effects("act_gone") == 0, "no effect where nothing was reached")


@_check("break")
async def a_lost_answer_leaves_a_write_in_doubt(line: Line) -> None:
    """It took place, and nobody heard so; what its effect class promises must then find it out."""
    system = line.candidate.system
    await system.behave("break")
    _expect_error(await line.call("write", "act_lost"), Unsure)
    _expect(system.effects("act_lost") == 1, f"one effect, whose answer was lost, found {system.effects('act_lost')}")
    await system.behave("well")
    if line.candidate.effect == "write-keyed":
        await line.call("write", "act_lost")
    elif line.candidate.effect == "write-queryable":
        _expect((await line.asked("act_lost")).state == "happened", "`happened` of a write whose answer was lost")
    _expect(system.effects("act_lost") == 1, "no second effect by finding it out")


@_check("break", applies=_reads)
async def a_read_is_never_in_doubt(line: Line) -> None:
    """Whatever is lost: it fails, or it has a value."""
    await line.candidate.system.behave("break")
    got = await line.call("read", "act_lost")
    _expect(not isinstance(got, Unsure), f"a value or a failure, got {got!r}")


@_check("leak")
async def a_credential_is_in_nothing_that_is_shown(line: Line) -> None:
    """Not even where the system repeats it. What every other check shows is looked at as well."""
    await line.candidate.system.behave("leak")
    for tool in ("read", "write") if line.candidate.read else ("write",):
        await line.call(tool, "act_leak")


@_check("flood")
async def an_answer_beyond_the_limit_is_an_error(line: Line) -> None:
    """Never a shortened answer."""
    await line.candidate.system.behave("flood")
    tool = "read" if line.candidate.read else "write"
    got = await line.call(tool, "act_flood")
    _expect(isinstance(got, AutonomyError), f"an error for an answer without end, got {str(got)[:80]}")


@_check(applies=lambda candidate: candidate.over_network)
async def an_address_that_is_not_admitted_is_not_connected_to(line: Line) -> None:
    """The same system without `allow`: private addresses are refused before anything is sent."""
    candidate = line.candidate
    closed = replace(candidate, use={**candidate.use, "allow": []})
    before = candidate.system.calls()
    async with opened(closed) as other:
        got = await other.call("write", "act_ssrf")
    _expect_error(got, Unreachable)
    _expect(isinstance(got, Unreachable) and got.code == "egress.forbidden", "the code `egress.forbidden`")
    _expect(candidate.system.calls() == before, "no connection to it")


def _expect(held: bool, what: str) -> None:
    if not held:
        raise Unfit(f"expected {what}")


def _expect_error(got: Json | AutonomyError, *kinds: type[AutonomyError]) -> None:
    names = " or ".join(f"`{kind.__name__}`" for kind in kinds)
    _expect(isinstance(got, kinds), f"{names}, got {got!r}")


def _expect_silence(line: Line) -> None:
    told = "\n".join(line.shown)
    leaked = [spelling for spelling in spellings(line.candidate.secret) if spelling in told]
    _expect(not leaked, "the credential nowhere in results, errors and logs; it is there")


async def _in_time(work: Awaitable[Json | AutonomyError]) -> Json | AutonomyError:
    try:
        async with asyncio.timeout(DEADLINE_S + MARGIN_S):
            return await work
    except TimeoutError:
        raise Unfit(f"expected an end at the deadline of {DEADLINE_S} s") from None


async def _arrived(system: System, before: int, task: asyncio.Task[Any]) -> None:
    """Wait until the call has reached the system."""
    async with asyncio.timeout(10.0):
        while system.calls() == before and not task.done():
            await asyncio.sleep(0.01)  # a system of record is another world: it can only be looked at
