"""The journal: intents, endings and denials of one transaction, judged in order from rows read once for all of them.

Nothing here does IO: `reads` says what must be known, `judge` turns what was found into answers, rows and leaves. A
unit that is refused writes nothing, so that no savepoint is needed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from autonomy.approvals.rules import is_meant, still_answers
from autonomy.approvals.store import CONSUME, read_answers, read_claims
from autonomy.audit.store import INSERT_PAYLOAD
from autonomy.budget import Balance, Warned, judge
from autonomy.budget.rules import reserve, settle, warned
from autonomy.budget.store import MARK_WARNED, PUT_WARNING, READ_ACCOUNTS, UPSERT_ACCOUNT
from autonomy.db import Plan
from autonomy.db.ports import Page, Read, Row, Write

from .cases import held, task_of
from .leaves import warning_leaf
from .store import (
    END_ACTION,
    PUT_ACTION,
    PUT_LABEL,
    PUT_RECORD,
    PUT_WINDOW,
    padded,
    read_holdings,
    read_labels,
    read_records,
    read_repeats,
    read_states,
    read_windows,
)
from .units import (
    ANY_EPOCHS,
    Answer,
    ClaimLost,
    Committed,
    Denial,
    Drift,
    Ended,
    Ending,
    HoldClaim,
    Intent,
    Moved,
    OverBudget,
    RecordBusy,
    RecordMoved,
    Repeat,
)
from .windows import add, gather

INSERT_ORDER = (
    *(PUT_ACTION, END_ACTION, UPSERT_ACCOUNT, MARK_WARNED, PUT_WARNING),
    *(PUT_WINDOW, PUT_RECORD, PUT_LABEL, CONSUME, INSERT_PAYLOAD),
)


Text = Callable[[int], str]
"""SQL for a number of keys."""


class Journal:
    """The hot units of one group of commits."""

    def __init__(self, units: Sequence[Intent | Ending | Denial]) -> None:
        self._units = units
        self._intents = [unit for unit in units if isinstance(unit, Intent)]
        self._endings = [unit for unit in units if isinstance(unit, Ending)]
        self._wanted = self._sources()
        self._rows: defaultdict[str, list[Row]] = defaultdict(list)
        self._accounts: dict[str, Row] = {}
        self._records: dict[str, Row] = {}

    def reads(self) -> list[Read]:
        return [(sql(len(keys)), keys) for sql, keys in self._wanted.values()]

    def judge(self, rows: list[list[Row]], page: Page) -> Plan:
        self._take(dict(zip(self._wanted, rows, strict=True)))
        self._page = page
        answers = [self._answer_alone(unit) for unit in self._units]
        return Plan(answers, self._writes())

    def _sources(self) -> dict[str, tuple[Text, tuple[str, ...]]]:
        """What to read, by name, each with its keys; what nobody needs is not read."""
        keys: dict[str, tuple[Text, Iterable[str]]] = {
            "states": (read_states, (unit.action for unit in self._endings)),
            "repeats": (read_repeats, (unit.repeat_key for unit in self._intents if unit.repeat_key)),
            "labels": (read_labels, (unit.case for unit in self._intents)),
            "holdings": (read_holdings, (agent for unit in self._intents for agent in unit.bearing.agents)),
            "windows": (read_windows, (use.key for unit in self._intents for use in unit.windows)),
            "accounts": (READ_ACCOUNTS, self._account_keys()),
            "records": (read_records, self._record_keys()),
            "claims": (read_claims, (unit.hold.action for unit in self._intents if unit.hold)),
            "answers": (read_answers, (unit.bind for unit in self._intents if not unit.hold)),
        }
        found = {name: (sql, list(dict.fromkeys(wanted))) for name, (sql, wanted) in keys.items()}
        return {name: (sql, padded(wanted)) for name, (sql, wanted) in found.items() if wanted}

    def _account_keys(self) -> Iterable[str]:
        yield from (charge.account for unit in self._intents for charge in unit.charges)
        yield from (charge.account for unit in self._endings for charge in unit.charges)

    def _record_keys(self) -> Iterable[str]:
        yield from (unit.record.key for unit in self._intents if unit.record)
        yield from (unit.record for unit in self._endings if unit.record)

    def _take(self, rows: dict[str, list[Row]]) -> None:
        self._states = {action: (state, owner) for action, state, owner in rows.get("states", ())}
        self._repeats = {key: tuple(found) for key, *found in rows.get("repeats", ())}
        accounts = rows.get("accounts", ())
        self._balances = {key: Balance(settled, reserved) for key, settled, reserved, _ in accounts}
        self._warned = {key: mark for key, _, _, mark in accounts}
        self._buckets = gather(rows.get("windows", ()))
        self._holders = {key: (holder, moved) for key, holder, moved in rows.get("records", ())}
        self._claims = {action: (state, fence, expires) for action, state, fence, expires in rows.get("claims", ())}
        self._answers: defaultdict[str, list[Row]] = defaultdict(list)
        for bind, *answer in rows.get("answers", ()):
            self._answers[bind].append(tuple(answer))
        labels: defaultdict[str, set[str]] = defaultdict(set)
        for case, label in rows.get("labels", ()):
            labels[case].add(label)
        self._labels = labels
        self._holdings: defaultdict[str, list[Row]] = defaultdict(list)
        for row in rows.get("holdings", ()):
            self._holdings[row[0]].append(row)

    def _answer_alone(self, unit: Intent | Ending | Denial) -> Answer | Exception:
        """The answer to a unit; where judging it fails, that failure, which is nobody else's. Nothing is booked before
        the last thing that can fail."""
        try:
            return self._answer(unit)
        except Exception as error:  # noqa: BLE001 - it is the unit's answer, raised where the unit was submitted
            return error

    def _answer(self, unit: Intent | Ending | Denial) -> Answer:
        if isinstance(unit, Intent):
            return self._intend(unit)
        if isinstance(unit, Ending):
            return self._end(unit)
        return self._moved(unit) or self._deny(unit)

    def _intend(self, unit: Intent) -> Answer:
        refusal = (
            self._moved(unit)
            or self._lost(unit.hold)
            or self._repeated(unit)
            or self._asked(unit)
            or self._no_room(unit)
        )
        if refusal is not None:
            return refusal
        drift = self._drift(unit)
        leaf = unit.leaf if drift is None else unit.rejudge(drift)
        if leaf is None:
            assert drift is not None  # the leaf as submitted is never None
            return drift
        return self._begin(unit, leaf)

    def _moved(self, unit: Intent | Denial) -> Moved | None:
        epochs = self._page.epochs
        decided_under = (unit.catalog, unit.identity)
        if decided_under in ((epochs.catalog, epochs.identity), ANY_EPOCHS):
            return None
        return Moved(epochs.catalog, epochs.identity)

    def _lost(self, hold: HoldClaim | None) -> ClaimLost | None:
        if hold is None:
            return None
        state, fence, expires = self._claims.get(hold.action, ("", -1, 0))
        return None if state == "claimed" and fence == hold.fence and expires > hold.at else ClaimLost()

    def _repeated(self, unit: Intent) -> Repeat | None:
        earlier = self._repeats.get(unit.repeat_key) if unit.repeat_key else None
        if earlier is None or earlier[0] == unit.action:
            return None
        action, bind = earlier
        return Repeat(action, bind == unit.bind)

    def _asked(self, unit: Intent) -> Repeat | None:
        """What people were asked about is not done beside their answer, even where the rules would allow it now."""
        if unit.hold is not None:
            return None
        for agent, case, action, key, state, expires_at, ended_at in self._answers.get(unit.bind, ()):
            alike = (agent, case) == (unit.agent, unit.case) and is_meant(unit.repeat_key or "", key, state)
            if alike and still_answers(state, expires_at, ended_at, unit.leaf.at):
                return Repeat(action, True)
        return None

    def _no_room(self, unit: Intent) -> Answer | None:
        if unit.record is not None:
            holder, moved = self._holders.get(unit.record.key, (None, -1))
            if holder is not None and holder != unit.action:
                return RecordBusy(unit.record.key)
            if moved != unit.record.seen:
                return RecordMoved(moved)
        refusal = judge(unit.charges, self._balances)
        return None if refusal is None else OverBudget(refusal)

    def _drift(self, unit: Intent) -> Drift | None:
        windows = {use.name: use.value(self._buckets) for use in unit.windows}
        labels, origin = self._held(unit)
        found = Drift(windows, labels.union(self._labels[unit.case]), origin | unit.bearing.origin)
        return None if found == unit.assumed else found

    def _held(self, unit: Intent) -> tuple[frozenset[str], frozenset[str]]:
        """Labels and origins of the tasks that whoever is behind an intent has."""
        return held(self._has(unit))

    def _has(self, unit: Intent) -> list[Row]:
        """The tasks of whoever is behind an intent."""
        return [row for agent in unit.bearing.agents for row in self._holdings[agent]]

    def _row(self, unit: Intent) -> Row:
        """The values of the action table: what is done by somebody who has a task is done for one that they have."""
        has = self._has(unit)
        return unit.row if not has else (*unit.row[:-1], task_of(has, unit.row[-1], unit.case))

    def _begin(self, unit: Intent, leaf: Any) -> Committed:
        self._book(unit, reserve(self._balances, unit.charges))
        add(self._buckets, unit.windows)
        self._pass_on(unit)
        self._rows[PUT_ACTION].append(self._row(unit))
        self._rows[PUT_WINDOW] += [use.row() for use in unit.windows]
        self._rows[INSERT_PAYLOAD] += unit.payloads
        if unit.record is not None:
            self._move_record(unit.record.key, unit.action, unit.record.seen)
        if unit.hold is not None:
            self._claims[unit.hold.action] = ("performed", unit.hold.fence, 0)
            self._rows[CONSUME].append((unit.hold.at, unit.hold.action, unit.hold.fence, unit.hold.at))
        if unit.repeat_key:
            self._repeats[unit.repeat_key] = (unit.action, unit.bind)
        index = self._page.append(leaf)
        return Committed(index, self._warn(unit))

    def _pass_on(self, unit: Intent) -> None:
        """The case in which an agent acts knows from then on what the agent knows from the tasks it has."""
        labels, _ = self._held(unit)
        new = labels - self._labels[unit.case]
        self._rows[PUT_LABEL] += [(unit.case, label, unit.leaf.at) for label in sorted(new)]
        self._labels[unit.case] |= new

    def _warn(self, unit: Intent) -> tuple[Warned, ...]:
        """The budgets of which too little is left for comfort; those that have just come so far get a leaf, once."""
        found = warned(self._balances, unit.charges)
        for each in found:
            if self._warned.get(each.account, 0) != each.warn:
                self._warned[each.account] = each.warn
                self._rows[MARK_WARNED].append((each.warn, each.account))
                said = (each.budget, each.measure, each.limit, each.used, unit.action, unit.leaf.at)
                self._rows[PUT_WARNING].append((each.account, each.warn, *said))
                self._page.append(warning_leaf(each, unit.action, unit.leaf.at))
        return found

    def _end(self, unit: Ending) -> Answer:
        state, owner = self._states.get(unit.action, ("unknown", None))
        if state not in ("intent", "unknown") or owner != unit.owner:
            return Ended(state)
        settlement = settle(self._balances, unit.charges, unit.usage)
        leaf = unit.leaf(settlement.overruns)
        self._book(unit, settlement.balances)
        if unit.record is not None:
            self._move_record(unit.record, None, self._page.size)
        self._rows[PUT_WINDOW] += [use.row(-1) for use in unit.undone]
        # An action of unknown ending stays with its owner, so that a person's word can still end it.
        self._states[unit.action] = (unit.state, unit.owner)
        self._rows[END_ACTION].append((unit.state, unit.at, unit.code, unit.message, unit.money, unit.action))
        self._rows[PUT_LABEL] += [(unit.case, label, unit.at) for label in sorted(unit.labels)]
        self._labels[unit.case] |= unit.labels
        self._rows[INSERT_PAYLOAD] += unit.payloads
        return Committed(self._page.append(leaf))

    def _deny(self, unit: Denial) -> Committed:
        self._rows[INSERT_PAYLOAD] += unit.payloads
        return Committed(self._page.append(unit.leaf))

    def _book(self, unit: Intent | Ending, balances: dict[str, Balance]) -> None:
        budgets = {charge.account: charge.budget for charge in unit.charges}
        self._balances.update(balances)
        for key, balance in balances.items():
            self._accounts[key] = (key, budgets[key], balance.settled, balance.reserved)

    def _move_record(self, key: str, holder: str | None, moved: int) -> None:
        self._holders[key] = (holder, moved)
        self._records[key] = (key, holder, moved)

    def _writes(self) -> list[Write]:
        self._rows[UPSERT_ACCOUNT] = list(self._accounts.values())
        self._rows[PUT_RECORD] = list(self._records.values())
        return [(sql, self._rows[sql]) for sql in INSERT_ORDER if self._rows[sql]]
