"""Units of runs judged in order, from what is read once for all of them. Nothing here does IO.

`run.ver` is the fence: of two who took in an event of the same run, one is written, and the other looks again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from autonomy.db import Plan
from autonomy.db.ports import Page, Read, Row

from .ports import Offer
from .store import (
    COMMAND_COLUMNS,
    DROP_COMMAND,
    END_RUN,
    MOVE_RUN,
    PARK_COMMAND,
    PIN_RUN,
    PUT_COMMAND,
    PUT_RUN,
    RAISE_COMMANDS,
    WAKE_COMMAND,
    read_live,
    read_owners,
    read_versions,
)
from .units import Answer, Begin, Change, Fence, Joined, Lost, Move, Settle, Stale, Stay, Wish, Written

ID, PRIORITY, DUE = (COMMAND_COLUMNS.index(name) for name in ("id", "priority", "due"))
WOKEN = 0  # when a command that waited for another run is due: it has waited long enough

_ORDER = (PUT_RUN, MOVE_RUN, PIN_RUN, END_RUN, DROP_COMMAND, PARK_COMMAND, PUT_COMMAND, WAKE_COMMAND, RAISE_COMMANDS)


class RunJournal:
    """The units of runs in one group of commits."""

    def __init__(self, units: Sequence[Begin | Move | Settle]) -> None:
        self._units = units
        self._rows: defaultdict[str, list[Row]] = defaultdict(list)
        self._live: dict[str, str] = {}
        self._versions: dict[str, int] = {}
        self._owners: dict[str, str | None] = {}
        self._priorities: dict[str, int] = {}
        self._freed: list[Offer] = []
        self._standing = list(dict.fromkeys(_standing(units)))
        self._stands: set[Read] = set()

    def reads(self) -> list[Read]:
        keys = [unit.key for unit in self._units if isinstance(unit, Begin) and unit.key]
        runs = [unit.run for unit in self._units if not isinstance(unit, Settle)]
        commands = [id for unit in self._units for id in _touched(unit)]
        wanted = ((read_live, keys), (read_versions, runs), (read_owners, commands))
        return [*((sql(len(padded)), padded) for sql, names in wanted for padded in [_padded(names)]), *self._standing]

    def judge(self, rows: list[list[Row]], page: Page) -> Plan:
        live, versions, owners, *stands = rows
        self._stands = {one for one, found in zip(self._standing, stands, strict=True) if found}
        self._live = {key: run for key, run in live}
        self._versions = {run: ver for run, ver in versions}
        self._owners = {command: owner for command, owner, _ in owners}
        self._priorities = {command: priority for command, _, priority in owners}
        answers = [self._answer(unit, page) for unit in self._units]
        return Plan(answers, [(sql, self._rows[sql]) for sql in _ORDER if self._rows[sql]], self._freed)

    def _answer(self, unit: Begin | Move | Settle, page: Page) -> Answer:
        match unit:
            case Begin():
                return self._begin(unit, page)
            case Move():
                return self._move(unit, page)
            case Settle():
                return self._settle(unit)

    def _begin(self, unit: Begin, page: Page) -> Answer:
        if unit.run in self._versions:
            return Joined(unit.run)
        if unit.key is not None:
            if unit.key in self._live:
                return Joined(self._live[unit.key])
            self._live[unit.key] = unit.run
        self._versions[unit.run] = 1
        self._rows[PUT_RUN].append(unit.row)
        return self._write(unit.run, unit.change, page)

    def _move(self, unit: Move, page: Page) -> Answer:
        if self._is_lost(unit.fence):
            return Lost()
        if self._versions.get(unit.run) != unit.ver:
            return Stale()
        self._versions[unit.run] = unit.ver + 1
        if unit.ended_at is None:
            self._rows[MOVE_RUN].append((*unit.values, unit.run))
        else:
            self._rows[END_RUN].append((*unit.values, unit.ended_at, unit.run))
        return self._write(unit.run, unit.change, page)

    def _settle(self, unit: Settle) -> Answer:
        if self._is_lost(unit.fence):
            return Lost()
        if unit.stay is not None:
            self._stay(unit.stay)
        else:
            self._drop(unit.fence.command)
        return Written()

    def _write(self, run: str, change: Change, page: Page) -> Written:
        for id in change.gone:
            self._drop(id)
        for one in change.stay:
            self._stay(one)
        for row in change.put:
            self._put(row)
        for id in change.due:
            self._rows[WAKE_COMMAND].append((WOKEN, id))
            self._offer(id, WOKEN)
        if change.priority is not None:
            self._rows[RAISE_COMMANDS].append((change.priority, run))
        if change.digest is not None:
            self._rows[PIN_RUN].append((change.digest, run))
        for leaf in change.leaves:
            page.append(leaf)
        return Written()

    def _put(self, row: Row) -> None:
        self._rows[PUT_COMMAND].append(row)
        self._priorities[row[ID]] = row[PRIORITY]
        if row[DUE] is not None:
            self._freed.append(Offer(row[ID], row[DUE], row[PRIORITY]))

    def _drop(self, id: str) -> None:
        self._owners.pop(id, None)
        self._rows[DROP_COMMAND].append((id,))

    def _stay(self, stay: Stay) -> None:
        self._owners[stay.command] = None
        self._rows[PARK_COMMAND].append((stay.due, stay.action, stay.forgiven, stay.command))
        if stay.due is not None:
            self._offer(stay.command, stay.due)

    def _offer(self, id: str, due: int) -> None:
        """Offer a command that is there already; one that is gone meanwhile is nobody's."""
        if id in self._priorities:
            self._freed.append(Offer(id, due, self._priorities[id]))

    def _is_lost(self, fence: Fence | Wish | None) -> bool:
        if fence is None:
            return False
        if isinstance(fence, Wish):
            return (fence.sql, fence.values) not in self._stands
        return fence.command not in self._owners or self._owners[fence.command] != fence.owner


def _fence_of(unit: Begin | Move | Settle) -> Fence | None:
    if isinstance(unit, Begin) or isinstance(unit.fence, Wish):
        return None
    return unit.fence


def _standing(units: Sequence[Begin | Move | Settle]) -> Iterator[Read]:
    for unit in units:
        if isinstance(unit, Move) and isinstance(unit.fence, Wish):
            yield unit.fence.sql, unit.fence.values


def _touched(unit: Begin | Move | Settle) -> list[str]:
    """The commands that a unit answers, lets stay or makes due."""
    fence = _fence_of(unit)
    stay = [unit.stay] if isinstance(unit, Settle) and unit.stay else []
    kept, due = (stay, []) if isinstance(unit, Settle) else (unit.change.stay, unit.change.due)
    return [*([fence.command] if fence else []), *(one.command for one in kept), *due]


def _padded(names: Sequence[str]) -> tuple[str, ...]:
    """The names without repeats, the last repeated up to a power of two, so that few statements differ. One that no row
    has where there are none: what is read has always these three parts."""
    found = list(dict.fromkeys(names)) or [""]
    return (*found, *[found[-1]] * ((1 << (len(found) - 1).bit_length()) - len(found)))
