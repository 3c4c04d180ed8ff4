"""What was begun and not ended, as errands that can be: read together, for a dead process may leave ten thousand."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from autonomy.approvals import Hold
from autonomy.approvals.store import used
from autonomy.audit import Vault, read_leaf
from autonomy.audit.store import intents_of
from autonomy.db import Database
from autonomy.kernel.errors import Corrupt
from autonomy.policy import Question, Verdict
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
    """An action as an errand. `forgotten` where its arguments were erased: then nothing can be repeated or asked.
    `question` is what the rules were asked about it, but for its agents' site and record now."""

    errand: Errand
    forgotten: bool
    question: Question


@dataclass(frozen=True, slots=True)
class _Begun:
    """What the store says of an action: its row and arguments, the hold that people answered, its intent, its facts."""

    waiting: Waiting
    hold: Hold | None
    intent: Mapping[str, Any]
    facts: Mapping[str, Any]


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
        return [await self._leftover(each) for each in begun]

    def _begun(self, connection: Connection, actions: Sequence[str]) -> list[_Begun]:
        waiting = self._results.waiting_all(connection, actions)
        held = used(connection, actions)
        intents = {action: read_leaf(body) for action, body in intents_of(connection, actions)}
        if lost := [each for each in waiting if each not in intents]:
            raise Corrupt(f"the intent of `{lost[0]}` is not in the log", code="audit.no_intent")
        facts = self._facts(connection, actions, held)
        return [_Begun(waiting[each], held.get(each), intents[each], facts.get(each, {})) for each in waiting]

    def _facts(
        self, connection: Connection, actions: Sequence[str], held: Mapping[str, Hold]
    ) -> dict[str, Mapping[str, Any]]:
        """What was looked up when each was decided; of what people approved, when it was decided again."""
        opened = self._vault.open_all(connection, actions, "facts")
        for action, hold in held.items():
            if again := self._vault.open(connection, action, f"facts.{hold.fence}"):
                opened[action] = again
        return {action: json.loads(each.value) for action, each in opened.items()}

    async def _leftover(self, begun: _Begun) -> Leftover:
        errand = await self._errand(begun)
        return Leftover(errand, begun.waiting.arguments is None, _question(begun, errand))

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
            chain=waiting.chain,
            delegations=waiting.delegations,
            credential=waiting.credential,
            approved=begun.hold is not None,
            epoch=begun.intent["epochs"]["catalog"],
            connector=begun.intent.get("connector", ""),
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
            began=max(begun.intent["at"], row.again_at or 0),
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


def _question(begun: _Begun, errand: Errand) -> Question:
    """What the rules were asked, as the log and what was sealed say it."""
    intent, hold = begun.intent, begun.hold
    return Question(
        principals=(errand.agent_name, *errand.behind),
        tool=errand.tool.name,
        arguments=errand.arguments,
        facts=begun.facts,
        windows=intent["decision"].get("windows", {}),
        approvals=frozenset(intent["decision"].get("approvals", ())),
        labels=errand.labels,
        origin=frozenset(intent.get("origin", ())),
        cost=intent["cost"]["money"],
        approvers=hold.approvers if hold else {},
    )
