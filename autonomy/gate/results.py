"""What became of an action: results wait for their caller, and a repeat hears what the first call heard."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, or_, select

from autonomy.approvals import Hold
from autonomy.approvals.store import find
from autonomy.audit import Vault
from autonomy.audit.vault import Opened
from autonomy.budget import Warned, amount_in_words
from autonomy.db import Database
from autonomy.identity import Caller
from autonomy.identity.store import agent as agents
from autonomy.kernel import canonical
from autonomy.kernel.canonical import Json
from autonomy.kernel.errors import Conflict, NotFound
from autonomy.policy import Verdict

from . import obligations
from .model import Action, Reply, Request, Status
from .store import action

_STATUS: dict[str, Status] = {
    "held": "held",
    "intent": "running",
    "done": "done",
    "failed": "failed",
    "unknown": "unknown",
    "denied": "denied",
}

STOP_RETRYING = "do not send it again; ask for its result with the handle"

_ENDS: dict[str, str] = {
    "rejected": "rejected",
    "returned": "sent back, a change is wanted",
    "expired": "nobody decided in time",
    "withdrawn": "withdrawn",
}
"""How a hold ends without the action being done, in words for its agent."""


Settled = Callable[[str], Awaitable[None]]
"""Returns once nothing of how an action ended here is on its way to the store any more, or after a moment."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """An action as it was written down: enough to decide it again, or to end it. No `arguments`: they were erased."""

    row: Any
    request: Request
    arguments: bytes | None
    chain: tuple[str, ...]
    delegations: tuple[str, ...]
    credential: str
    bind: str
    tokens: int
    behind: tuple[str, ...]


class Results:
    """Reads what the journal wrote. An agent sees its own actions only; another's looks like none."""

    def __init__(self, database: Database, vault: Vault, settled: Settled) -> None:
        self._database = database
        self._vault = vault
        self._settled = settled

    async def of(self, caller: Caller, action_id: str) -> Reply:
        """The present state of one of the caller's actions; raises NotFound for any other."""
        if not action_id.isprintable():  # PostgreSQL would not even look for U+0000
            raise _no_action(action_id)
        await self._settled(action_id)
        reply = await self._database.read(lambda connection: self._find(connection, action_id, caller.agent_id))
        if reply is None:
            raise _no_action(action_id)
        return reply

    async def outcome(self, action_id: str) -> Reply:
        """What became of an action, whoever asked for it; for whoever runs workflows. Raises NotFound."""
        await self._settled(action_id)
        reply = await self._database.read(lambda connection: self._find(connection, action_id, None))
        if reply is None:
            raise _no_action(action_id)
        return reply

    async def repeated(self, caller: Caller, key: str) -> Reply | None:
        """What the first call with this key heard; None where there was none. Raises Conflict where it still runs."""
        where = action.c.repeat_key == repeat_key(caller, key)
        query = select(action.c.id).where(where)
        row = await self._database.read(lambda connection: connection.execute(query).one_or_none())
        if row is None:
            return None
        return await self.unless_in_flight(caller, row.id)

    async def unless_in_flight(self, caller: Caller, action_id: str) -> Reply:
        """As `of`; raises Conflict where it still runs."""
        reply = await self.of(caller, action_id)
        if reply.status == "running":
            raise in_flight(action_id)
        return reply

    async def begun(self, agent: str, key: str) -> str | None:
        """The action that an agent (id or name) has asked for under this key; None where it never has."""
        called = select(agents.c.id).where(or_(agents.c.id == agent, agents.c.name == agent)).limit(1)
        query = select(action.c.id).where(action.c.repeat_key == called.scalar_subquery() + f"|{key}")
        return await self._database.read(lambda connection: connection.execute(query).scalar_one_or_none())

    async def check_same(self, caller: Caller, action_id: str, request: Request) -> None:
        """Raise Conflict unless the action that has this key was this very call: of the same agents, the same tool with
        the same arguments. Where nobody can say any more, for the arguments are erased, it is `key.erased`."""
        found = (await self._database.read(lambda connection: self.waiting_all(connection, [action_id])))[action_id]
        if (found.chain, found.request.tool) != (tuple(view.id for view in caller.chain), request.tool):
            raise mismatch(request.key or "")
        if found.arguments is None:
            raise erased(action_id, found.row.state)
        if found.arguments != canonical.encode(request.arguments):
            raise mismatch(request.key or "")

    async def waiting(self, action_id: str) -> Waiting:
        """What an action was, to take it up again. Raises NotFound."""
        found = await self._database.read(lambda connection: self.waiting_all(connection, [action_id]))
        if action_id not in found:
            raise _no_action(action_id)
        return found[action_id]

    def waiting_all(self, connection: Connection, actions: Sequence[str]) -> dict[str, Waiting]:
        """What each of the actions was, of those that there are."""
        rows = connection.execute(select(action).where(action.c.id.in_(actions))).all()
        opened = self._vault.open_all(connection, actions, "arguments")
        return {row.id: _waiting(row, opened.get(row.id)) for row in rows}

    def _find(self, connection: Connection, action_id: str, agent: str | None) -> Reply | None:
        whose = [] if agent is None else [action.c.agent == agent]
        row = connection.execute(select(action).where(action.c.id == action_id, *whose)).one_or_none()
        return None if row is None else self._reply(connection, row)

    def _reply(self, connection: Connection, row: Any) -> Reply:
        if row.state == "held" and (hold := find(connection, row.id)):
            return hold_reply(hold)
        result: Json = None
        if row.state == "done" and (opened := self._vault.open(connection, row.id, "result")):
            result = json.loads(opened.value)
        message = row.message
        if message is None and row.code and (said := self._vault.open(connection, row.id, "message")):
            message = said.value.decode()
        return Reply(row.id, _STATUS[row.state], row.case_id, result, row.code, message, cost=row.money)


def _waiting(row: Any, opened: Opened | None) -> Waiting:
    arguments = opened.value if opened else None
    context = json.loads(row.context)
    lineage, origin = context["lineage"], context.get("origin", ())
    request = Request(row.tool, json.loads(arguments or b"{}"), row.case_id, **lineage, origin=origin)
    chain, delegations = tuple(context["chain"]), tuple(context["delegations"])
    behind = tuple(context["behind"])
    credential, tokens = context["credential"], context["tokens"]
    return Waiting(row, request, arguments, chain, delegations, credential, row.bind, tokens, behind)


def _no_action(action_id: str) -> NotFound:
    return NotFound(f"there is no action `{action_id[:40]}`", code="action.unknown")


def repeat_key(caller: Caller, key: str) -> str:
    """An idempotency key counts for one agent; two agents may choose the same."""
    return f"{caller.agent_id}|{key}"


def mismatch(key: str) -> Conflict:
    return Conflict(
        f"the key `{key[:80]}` was used for another call", code="key.mismatch", hint="use a new key for new arguments"
    )


def erased(action_id: str, state: str) -> Conflict:
    return Conflict(
        "what the first call with this key said was erased",
        code="key.erased",
        hint=STOP_RETRYING,
        action=action_id,
        status=_STATUS[state],
    )


def in_flight(action_id: str) -> Conflict:
    return Conflict(
        "the first call with this key is still running", code="key.in_flight", hint="wait for it", action=action_id
    )


def hold_reply(hold: Hold, told: tuple[str, ...] = ()) -> Reply:
    """What an agent hears of an action that people were asked about: the handle, whom it waits for and that repeating
    does not help; or that they did not allow it, and why. `told` are notices."""
    policies = tuple(dict.fromkeys(policy for seat in hold.seats for policy in seat.policies))
    if hold.state in _ENDS:
        said = ": ".join((_ENDS[hold.state], *(vote.reason for vote in hold.given[-1:] if vote.reason)))
        return Reply(hold.action, "rejected", hold.case_id, None, f"approval.{hold.state}", said, policies)
    roles = tuple(sorted({role for seat in hold.open_seats for role in seat.roles}))
    message = f"waits for {', '.join(hold.waits_for) or 'its turn'}; {STOP_RETRYING}"
    detail: dict[str, Json] = {"expires_at": hold.expires_at, "consequence": hold.consequence}
    return Reply(hold.action, "held", hold.case_id, None, "approval.needed", message, policies, roles, told, detail)


NO_TRACE = "a dry run: nothing was done, and the log has no leaf of it"


def plan_reply(decided: Action, verdict: Verdict) -> Reply:
    """The answer to a dry run: the rule, the facts as the call itself would have met them (what a permit would hide is
    hidden), and the approval that would be needed."""
    status: Status = "allowed" if verdict.effect == "allow" else "held"
    needed = tuple(dict.fromkeys(ask.role for ask in verdict.needed))
    found: dict[str, Json] = {
        "facts": obligations.apply(verdict.obligations, dict(decided.facts)),
        "windows": dict(decided.assumed),
        "cost": decided.money,
    }
    if verdict.obligations:
        found["obligations"] = {name: list(values) for name, values in verdict.obligations.items()}
    message = "; ".join(verdict.reasons) or None
    case = decided.attempt.case
    return Reply("", status, case, None, None, message, verdict.policies, needed, (NO_TRACE, *notices(verdict)), found)


def notices(verdict: Verdict) -> tuple[str, ...]:
    """What rules in `warn` mode would have decided, in words for the caller; `shadow` is for the log alone."""
    return tuple(
        f"would be {'denied' if notice.effect == 'deny' else notice.effect} by {', '.join(notice.policies)}"
        for notice in verdict.notices
        if notice.mode == "warn"
    )


def budget_notices(warned: tuple[Warned, ...], currency: str) -> tuple[str, ...]:
    """The budgets that near their end, in words for the caller; `currency` is the base currency."""
    return tuple(_nears_its_end(each, currency) for each in warned)


def _nears_its_end(warned: Warned, currency: str) -> str:
    used, limit = (amount_in_words(amount, warned.measure, currency) for amount in (warned.used, warned.limit))
    return f"the budget `{warned.budget}` has come to {used} of {limit}"
