"""What was begun and not ended, as errands that can be: read together, for a dead process may leave ten thousand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from autonomy.approvals.store import were_held
from autonomy.audit import Vault, read_leaf
from autonomy.audit.store import intents_of
from autonomy.db import Database
from autonomy.kernel.errors import Corrupt
from autonomy.policy import Verdict
from autonomy.tools import Tool

from .epochs import Watch
from .errand import Errand
from .model import Papers
from .results import Results, Waiting
from .rows import read_charges, read_windows

Pinned = Callable[[str, str], Tool]
"""The tool of a name in the wording of a digest, whatever is declared now; blocks on the store."""


@dataclass(frozen=True, slots=True)
class Leftover:
    """An action as an errand. `forgotten` where its arguments were erased: then nothing can be repeated or asked."""

    errand: Errand
    forgotten: bool


@dataclass(frozen=True, slots=True)
class _Begun:
    """What the store says of an action: its row and arguments, whether people allowed it, and its intent."""

    waiting: Waiting
    approved: bool
    intent: Mapping[str, Any]


class Leftovers:
    """Reads them."""

    def __init__(self, database: Database, results: Results, vault: Vault, watch: Watch, pinned: Pinned) -> None:
        self._database = database
        self._results = results
        self._vault = vault
        self._watch = watch
        self._pinned = pinned

    async def read(self, actions: Sequence[str]) -> list[Leftover]:
        """The actions of these ids. Raises Corrupt where one of them cannot be read, Unavailable without a store."""
        begun = await self._database.read(lambda connection: self._begun(connection, actions))
        return [Leftover(await self._errand(each), each.waiting.arguments is None) for each in begun]

    def _begun(self, connection: Connection, actions: Sequence[str]) -> list[_Begun]:
        waiting = self._results.waiting_all(connection, actions)
        approved = were_held(connection, actions)
        intents = {action: read_leaf(body) for action, body in intents_of(connection, actions)}
        if lost := [each for each in waiting if each not in intents]:
            raise Corrupt(f"the intent of `{lost[0]}` is not in the log", code="audit.no_intent")
        return [_Begun(waiting[action], action in approved, intents[action]) for action in waiting]

    async def _errand(self, begun: _Begun) -> Errand:
        """It can be ended with its tool in the wording it was begun in, under the verdict it was begun under."""
        waiting, row = begun.waiting, begun.waiting.row
        tool = await self._tool(row.tool, row.tool_revision)
        subject = tool.subject_of(waiting.request.arguments) or f"agent:{row.agent}"
        key = await self._vault.key(subject, self._watch.identity)
        return Errand(
            action=row.id,
            agent=row.agent,
            agent_name=row.agent_name,
            caller=None,
            approved=begun.approved,
            case=row.case_id,
            tool=tool,
            arguments=dict(waiting.request.arguments),
            charges=read_charges(row.charges),
            windows=read_windows(row.windows),
            record=row.record,
            money=row.money,
            tokens=waiting.tokens,
            verdict=_verdict(begun.intent),
            papers=Papers(key, row.id, row.at),
            # Not when it was asked for: people may have thought about it for days.
            began=begun.intent["at"],
            labels=frozenset(begun.intent.get("labels", ())),
            behind=waiting.behind,
        )

    async def _tool(self, name: str, revision: str) -> Tool:
        tool = (await self._watch.house()).registry.tools.get(name)
        if tool is None or tool.revision != revision:
            return await asyncio.to_thread(self._pinned, name, revision)
        return tool


def _verdict(intent: Mapping[str, Any]) -> Verdict:
    """The verdict an action was begun under, as its intent says: what it obliges to still holds for its result."""
    decision = intent["decision"]
    obliged = {name: tuple(values) for name, values in decision.get("obligations", {}).items()}
    return Verdict("allow", tuple(decision.get("policies", ())), obligations=obliged)
