"""Every figure of one process, gathered when somebody asks. What lies in the store is read once for all who ask."""

from __future__ import annotations

import asyncio
import platform
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from sqlalchemy import Connection, func, select

from autonomy.approvals.rules import ALIVE
from autonomy.approvals.store import IS_ALIVE, hold
from autonomy.audit.store import checkpoint, read_head
from autonomy.gate.store import IS_OPEN, action, process
from autonomy.insight import taken
from autonomy.insight.reckoning import behind_of
from autonomy.kernel.clock import Clock
from autonomy.kernel.errors import AutonomyError
from autonomy.memory.waiting import waiting
from autonomy.telemetry import Family, Sample, Tally, counter, gauge, gauges, histogram
from autonomy.telemetry.logs import written
from autonomy.telemetry.process import process_families

from .system import System

STORE_SECONDS = 1.0  # how old what the store said may be: many scrapers read no more than one
OPEN_STATES = ("intent", "unknown")


@dataclass(frozen=True, slots=True)
class Stored:
    """What the store says; it is the same for every process on it."""

    size: int
    catalog: int
    identity: int
    holds: Mapping[str, int]
    oldest_hold_at: int | None
    open: Mapping[str, int]
    signed: int
    signed_at: int | None
    processes: int
    uncounted: int
    uncounted_at: int | None
    unfound: int
    unfound_at: int | None
    meanings: int


class Instruments:
    """The figures of a system. Used from its event loop."""

    def __init__(self, system: System, clock: Clock) -> None:
        self._system = system
        self._clock = clock
        self._read: tuple[float, Stored | None] = (float("-inf"), None)
        self._reading = asyncio.Lock()

    async def families(self) -> list[Family]:
        """Everything that is known now; what the store would have to say is left out where it does not answer."""
        stored = await self._stored()
        return [
            _about_us(),
            *self._door(),
            *self._queue(stored),
            *([] if stored is None else self._store(stored)),
            *self._life(),
            *self._connectors(),
            *self._followers(),
            counter("autonomy_log_records_total", "Lines written to the process log.", ("level",), written),
            *process_families(),
        ]

    async def _stored(self) -> Stored | None:
        async with self._reading:
            at, found = self._read
            if time.monotonic() - at > STORE_SECONDS:
                try:
                    found = await self._system.database.read(read_stored)
                except AutonomyError:
                    found = None  # `autonomy_store_up` says so
                self._read = (time.monotonic(), found)
            return found

    def _door(self) -> list[Family]:
        figures, effects = self._system.gate.figures, self._system.effects
        refused = self._system.gate.admission.refused
        steps = [((name,), found) for name, found in figures.steps.items()]
        return [
            counter("autonomy_actions_total", "Actions answered, by status.", ("status",), figures.replies),
            counter("autonomy_decisions_total", "Decisions of the rules.", ("effect",), figures.decisions),
            counter("autonomy_refusals_total", "Actions refused or broken off, by code.", ("code",), figures.refusals),
            counter("autonomy_admission_refusals_total", "Callers not admitted.", ("code",), _tally(refused)),
            histogram("autonomy_step_seconds", "Seconds of each step at the door.", ("step",), steps),
            counter(
                "autonomy_work_recalls_total",
                "Work asked for in memory, by answer: found is work saved.",
                ("answer",),
                self._system.own.reuse.answers,
            ),
            counter("autonomy_taken_up_total", "Actions taken up again.", ("what", "status"), figures.taken_up),
            gauge("autonomy_actions_under_way", "Effects under way here.", len(effects.under_way)),
            gauge("autonomy_endings_waiting", "Endings the store has not taken yet.", len(effects.trailing)),
        ]

    def _queue(self, stored: Stored | None) -> list[Family]:
        queue = self._system.queue
        figures = queue.figures
        return [
            gauge("autonomy_store_up", "Whether the store answers.", int(stored is not None)),
            gauge("autonomy_store_writes_waiting", "Writes that wait for their answer.", queue.waiting),
            histogram("autonomy_store_group_units", "Writes of one transaction.", (), [((), figures.units)]),
            histogram("autonomy_store_group_seconds", "Seconds of one transaction.", (), [((), figures.seconds)]),
            counter("autonomy_store_failures_total", "Writes the store refused.", ("code",), figures.failures),
        ]

    def _store(self, stored: Stored) -> list[Family]:
        copied, seen = self._system.checkpoints.copied, self._system.watch
        lag = None if copied is None else max(0, stored.signed - max(0, copied))
        here = {"catalog": seen.catalog, "identity": seen.identity}
        return [
            gauges("autonomy_holds", "Actions that wait for people, or were approved.", "state", stored.holds),
            gauge("autonomy_hold_oldest_seconds", "Age of the oldest of them.", self._age(stored.oldest_hold_at, 0)),
            gauges("autonomy_actions_open", "Actions begun and not ended, in any process.", "state", stored.open),
            gauge("autonomy_log_leaves", "Leaves of the log.", stored.size),
            gauge("autonomy_log_unsigned_leaves", "Leaves under no checkpoint yet.", stored.size - stored.signed),
            gauge("autonomy_checkpoint_age_seconds", "Age of the newest checkpoint.", self._age(stored.signed_at)),
            gauge("autonomy_witness_lag_leaves", "Signed leaves the witness has no copy of.", lag),
            gauges(
                "autonomy_epoch", "Epochs in force.", "of", {"catalog": stored.catalog, "identity": stored.identity}
            ),
            gauges("autonomy_epoch_seen", "Epochs as this process last saw them.", "of", here),
            gauge("autonomy_processes", "Processes that are known to the store.", stored.processes),
            gauge("autonomy_figures_lag_leaves", "Leaves that the figures of work do not hold yet.", stored.uncounted),
            gauge("autonomy_figures_lag_seconds", "Age of the oldest of them.", self._age(stored.uncounted_at, 0)),
            gauge("autonomy_search_lag_leaves", "Leaves that the search does not know yet.", stored.unfound),
            gauge("autonomy_search_lag_seconds", "Age of the oldest of them.", self._age(stored.unfound_at, 0)),
            gauge("autonomy_memory_meanings_waiting", "Items that wait for their vector.", stored.meanings),
        ]

    def _life(self) -> list[Family]:
        return [
            gauge("autonomy_ready", "Whether this process takes work.", int(not self._system.stopping)),
            gauge("autonomy_beat_age_seconds", "Age of the last beat.", self._system.lifeline.silent_seconds),
        ]

    def _connectors(self) -> list[Family]:
        found = self._system.connectors.breakers()
        opened = {name: int(breaker.is_open) for name, breaker in found.items()}
        failed = {name: breaker.failures for name, breaker in found.items()}
        return [
            gauges("autonomy_connector_open", "Whether calls are kept from a system that fails.", "connector", opened),
            gauges("autonomy_connector_failures", "Failures in a row.", "connector", failed),
        ]

    def _followers(self) -> list[Family]:
        followers = self._system.followers
        lags = {each.name: each.lag for each in followers if each.lag is not None}
        failed = [
            Sample({"target": each.name, "code": code}, count)
            for each in followers
            for (code,), count in each.failures.counts.items()
        ]
        return [
            gauges("autonomy_forward_lag_leaves", "Leaves a target has not got, where we carry them.", "target", lags),
            Family("autonomy_forward_failures_total", "counter", "Deliveries that failed.", failed),
        ]

    def _age(self, at: int | None, otherwise: float | None = None) -> float | None:
        return otherwise if at is None else max(0.0, (self._clock() - at) / 1000)


def read_stored(connection: Connection) -> Stored:
    """What the store says of work, log and epochs."""
    size, _, catalog, identity = read_head(connection)
    newest: Any = connection.execute(
        select(checkpoint.c.size, checkpoint.c.at).order_by(checkpoint.c.size.desc()).limit(1)
    ).one_or_none()
    oldest = select(func.min(hold.c.created_at)).where(IS_ALIVE)
    behind, unfound = behind_of(connection), taken.behind_of(connection)
    return Stored(
        size=size,
        catalog=catalog,
        identity=identity,
        holds=dict.fromkeys(sorted(ALIVE), 0) | _counts(connection, hold.c.state, IS_ALIVE),
        oldest_hold_at=connection.execute(oldest).scalar_one(),
        open=dict.fromkeys(OPEN_STATES, 0) | _counts(connection, action.c.state, IS_OPEN),
        signed=newest.size if newest else 0,
        signed_at=newest.at if newest else None,
        processes=connection.execute(select(func.count()).select_from(process)).scalar_one(),
        uncounted=behind.size - behind.counted,
        uncounted_at=behind.oldest_at,
        unfound=unfound.size - unfound.counted,
        unfound_at=unfound.oldest_at,
        meanings=waiting(connection),
    )


def _counts(connection: Connection, state: Any, where: Any) -> dict[str, int]:
    query = select(state, func.count()).where(where).group_by(state)
    return {found: count for found, count in connection.execute(query)}


def _about_us() -> Family:
    labels = {"version": version("autonomy-os"), "python": platform.python_version()}
    return Family("autonomy_build_info", "gauge", "Which release this is.", [Sample(labels, 1)])


def _tally(counts: Counter[str]) -> Tally:
    found = Tally()
    for code, count in list(counts.items()):
        found.add(code, count=count)
    return found
