"""What an action would do: its tool pinned, its arguments checked, its record, cost, limits and facts found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, select

from autonomy.audit import SubjectKey, Vault
from autonomy.budget import Charge, Refusal, charges, judge, limits_for
from autonomy.budget.store import read_balances
from autonomy.db import Database
from autonomy.identity import Identity
from autonomy.kernel import canonical
from autonomy.kernel.errors import AutonomyError, Invalid
from autonomy.tools import Connectors, Invocation, Tool

from .cases import holdings
from .model import Action, Attempt, Denied, Papers
from .seen import Seen
from .store import case_label, record_state, window_bucket
from .units import Drift, RecordUse
from .windows import WindowUse, gather, uses

FACTS_SECONDS = 0.5  # all look-ups of one action together


class Describer:
    """Turns an attempt into an action, or raises Denied with the first thing that is wrong with it."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        identity: Identity,
        connectors: Connectors,
        master: bytes,
        seen: Seen,
    ) -> None:
        self._database = database
        self._vault = vault
        self._identity = identity
        self._connectors = connectors
        self._window_key = canonical.Keyed(canonical.derive(master, b"autonomy windows"))
        self._seen = seen

    async def describe(self, attempt: Attempt) -> Action:
        """The action that `attempt` asks for, with its facts looked up."""
        tool = self._find(attempt)
        self._check_contained(attempt, tool)
        arguments = attempt.request.arguments
        try:
            tool.validate(arguments)
            named = tool.record_of(arguments)
            money, tokens = tool.cost_of(arguments, attempt.house.organisation.currency)
            papers = await self.papers(attempt, tool)
            used = self._windows(attempt, tool, named, money, papers.key)
        except Invalid as error:
            raise Denied(error.code, error.message, **error.detail) from None
        record = await self._record(tool, named)
        facts = await self._facts(attempt, tool)
        _check_version(tool, arguments, facts)
        if facts:
            # An approved action looks its facts up again; both findings are kept.
            papers.seal(papers.part("facts"), canonical.encode(facts))
        drift = attempt.drift
        return Action(
            attempt=attempt,
            tool=tool,
            papers=papers,
            bind=papers.key.bind(_canonical_action(attempt, tool)),
            money=money,
            tokens=tokens,
            charges=_charges(attempt, tool, money, tokens),
            windows=used,
            about=_about(papers.key, tool, arguments, named),
            named=named,
            record=record,
            facts=facts,
            assumed=drift.windows if drift else {use.name: use.value({}) for use in used},
            labels=drift.labels if drift else self._seen.guess(attempt.case),
            origin=drift.origin if drift else attempt.bearing.origin,
        )

    async def papers(self, attempt: Attempt, tool: Tool | None) -> Papers:
        """Arguments and rationale, sealed for the subject they are about."""
        key = await self._key(attempt, tool)
        papers = Papers(key, attempt.id, attempt.at, attempt.hold.fence if attempt.hold else None)
        if attempt.hold is not None:
            return papers  # sealed when it was held
        papers.seal("arguments", attempt.arguments)
        if attempt.request.rationale:
            papers.seal("rationale", attempt.request.rationale.encode())
        return papers

    async def truth(self, action: Action) -> Drift:
        """Windows, labels and origin as committed now, for a refusal must not rest on a guess."""
        attempt = action.attempt

        def read(connection: Connection) -> Drift:
            keys = [use.key for use in action.windows]
            columns = window_bucket.c
            query = select(columns.key, columns.bucket, columns.count, columns.total).where(columns.key.in_(keys))
            buckets = gather(tuple(row) for row in connection.execute(query)) if keys else {}
            found = connection.execute(select(case_label.c.label).where(case_label.c.case_id == attempt.case))
            windows = {use.name: use.value(buckets) for use in action.windows}
            labels, origin = holdings(connection, attempt.bearing.agents)
            return Drift(windows, labels.union(found.scalars()), origin | attempt.bearing.origin)

        found = await self._database.read(read)
        self._seen.note(attempt.case, found.labels)
        return found

    async def no_room(self, action: Action) -> Refusal | None:
        """The budget that has no room for the action now; its intent's own transaction looks again."""
        keys = [charge.account for charge in action.charges]
        balances = await self._database.read(lambda connection: read_balances(connection, keys))
        return judge(action.charges, balances)

    def _find(self, attempt: Attempt) -> Tool:
        """The tool, if every agent of the chain is scoped for it. An unseen one looks like one that does not exist."""
        caller, house, name = attempt.caller, attempt.house, attempt.request.tool
        tool = house.registry.tools.get(name)
        if tool is None or not caller.may_use(name) or not house.visible_to(caller, name):
            raise Denied("tool.unknown", f"there is no tool `{name[:80]}`")
        if name in house.quarantined:
            raise Denied("tool.quarantined", f"`{name}` is not in its accepted wording; a person has to accept it")
        return tool

    def _check_contained(self, attempt: Attempt, tool: Tool) -> None:
        stop = self._identity.contained(attempt.identity, attempt.caller, tool.name)
        if stop is not None:
            raise Denied("contained", f"`{tool.name}` is contained: {stop.reason}", containment=stop.id)

    async def _facts(self, attempt: Attempt, tool: Tool) -> Mapping[str, Any]:
        if not tool.spec.facts:
            return {}
        invocation = Invocation(attempt.id, attempt.caller.name, FACTS_SECONDS)
        try:
            return await self._connectors.facts(tool, attempt.request.arguments, invocation, FACTS_SECONDS)
        except AutonomyError as error:
            raise Denied(error.code, error.message) from None

    async def _record(self, tool: Tool, named: tuple[str, str] | None) -> RecordUse | None:
        """The record to be changed, with the log index of its last change. Read before the facts, so that no change
        between the two goes unseen."""
        if named is None or not tool.is_write:
            return None
        key = self._window_key.hash("|".join((tool.spec.connector, *named)).encode())
        query = select(record_state.c.moved).where(record_state.c.key == key)
        moved = await self._database.read(lambda connection: connection.execute(query).scalar_one_or_none())
        return RecordUse(key, -1 if moved is None else moved)

    async def _key(self, attempt: Attempt, tool: Tool | None) -> SubjectKey:
        named = tool.subject_of(attempt.request.arguments) if tool else None
        return await self._vault.key(named or f"agent:{attempt.caller.agent_id}", attempt.identity)

    def _windows(
        self, attempt: Attempt, tool: Tool, named: tuple[str, str] | None, money: int, key: SubjectKey
    ) -> tuple[WindowUse, ...]:
        if not tool.spec.windows:
            return ()
        caller, priced = attempt.caller, tool.spec.cost.amount
        subjects = {"agent": caller.agent_id, "unit": caller.unit, "record": "|".join(named or ())}
        amounts = {priced: money} if priced else {}
        arguments = attempt.request.arguments
        own = self._window_key
        of_subject = key.binding if tool.subject_of(arguments) else own
        return uses(tool.name, tool.spec, subjects, arguments, amounts, attempt.at, own, of_subject)


def _about(key: SubjectKey, tool: Tool, arguments: Mapping[str, Any], named: tuple[str, str] | None) -> str | None:
    """Whom or what it is about, as a hash under the subject's own key: past actions about the same are told to
    approvers, until the subject is erased."""
    subject = tool.subject_of(arguments) or "|".join(named or ())
    return key.bind(b"about|" + subject.encode()) if subject else None


def _check_version(tool: Tool, arguments: Mapping[str, Any], facts: Mapping[str, Any]) -> None:
    """Refuse a change of a record that is no longer as the agent has seen it (R040)."""
    record = tool.spec.record
    if record is None or record.version is None or record.current is None:
        return
    seen, current = arguments.get(record.version), facts[record.current]
    if seen != current:
        raise Denied(
            "record.stale",
            f"the {record.kind} is at version {current}, you have seen {seen}; read it again, then decide",
            seen=seen,
            current=current,
        )


def _charges(attempt: Attempt, tool: Tool, money: int, tokens: int) -> tuple[Charge, ...]:
    organisation, workflow = attempt.house.organisation, attempt.request.workflow
    limits = [
        limit
        for view in attempt.caller.chain
        for limit in limits_for(organisation, view.name, view.unit, tool.name, view.roles, workflow)
    ]
    return charges(limits, attempt.at, money, 1, tokens)


def _canonical_action(attempt: Attempt, tool: Tool) -> bytes:
    """What an approval binds to: who, for whom, which tool in which wording, where, with which arguments."""
    chain = [view.id for view in attempt.caller.chain]
    return canonical.encode_plain([chain, tool.name, tool.wording, tool.destination]) + attempt.arguments
