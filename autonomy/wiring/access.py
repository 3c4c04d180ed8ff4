"""The tool `access.request`: a role more for an agent, once people approved it, becomes a change of the catalog."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import partial

from autonomy.approvals.model import Vote
from autonomy.approvals.store import find as find_hold
from autonomy.catalog import Catalog, access
from autonomy.catalog.own_tools import ACCESS_REQUEST
from autonomy.db import Database
from autonomy.kernel.canonical import Json
from autonomy.kernel.errors import Conflict, Invalid, NotFound
from autonomy.tools import Invocation, Refused, Result

Arguments = Mapping[str, Json]


class AccessTools:
    """The connector of the tool by which agents ask for access."""

    def __init__(self, catalog: Catalog, database: Database) -> None:
        self._catalog = catalog
        self._database = database
        self._functions: Mapping[str, Callable[[str, str, Invocation], Json]] = {
            "request": self._given,
            "granted": self._granted,
            "about": self._about,
        }

    async def __call__(self, function: str, arguments: Arguments, invocation: Invocation) -> Result:
        """Give the role, say whether it was given, or say what rules may ask about it. Raises Refused with its code."""
        agent, role = str(arguments["agent"]), str(arguments["role"])
        try:
            return Result(await asyncio.to_thread(self._functions[function], agent, role, invocation))
        except (Conflict, Invalid, NotFound) as error:
            raise Refused(error.message, code=error.code, hint=error.hint) from None

    def _given(self, agent: str, role: str, invocation: Invocation) -> Json:
        """Give it; where the organisation changes meanwhile, once more on what it has become."""
        votes = self._approvals(invocation.action_id)
        try:
            return self._give(agent, role, invocation, votes)
        except Conflict as error:
            if error.code != "catalog.moved":
                raise
            return self._give(agent, role, invocation, votes)

    def _give(self, agent: str, role: str, invocation: Invocation, votes: list[Vote]) -> Json:
        access.find(self._catalog.organisation(), invocation.agent, agent, role)
        people: list[Json] = [*sorted({vote.person for vote in votes})]
        said = (
            f"{invocation.action_id}: `{invocation.agent}` asked for the role `{role}` for `{agent}`, "
            f"{self._on_whose_word(invocation.action_id)}approved by {', '.join(map(str, people))}"
        )
        # The log knows one actor for a change: the person whose yes was the last that was needed.
        by = f"person:{max(votes, key=lambda vote: vote.at).person}"
        change = self._catalog.amend("Agent", agent, partial(access.with_role, role=role), by, said)
        answer: dict[str, Json] = {"agent": agent, "role": role, "approved_by": people}
        return answer | ({"change": change.id, "epoch": change.epoch} if change else {})

    def _on_whose_word(self, action: str) -> str:
        """Who asked through the agent, in words; nothing where the agent asked by itself, or its own people did."""
        with self._database.reading() as connection:
            hold = find_hold(connection, action)
        if hold is None:
            return ""
        own = {person for link in hold.behind for person in (link.sponsor, link.owner)}
        people = sorted(set(hold.requesters) - own)
        return f"on the word of {', '.join(people)}, " if people else ""

    def _granted(self, agent: str, role: str, invocation: Invocation) -> Json:
        """Whether the agent has the role, or this action gave it: what people took away since is not given again."""
        found = self._catalog.organisation().get("Agent", agent)
        mine = f"{invocation.action_id}: "
        held = found is not None and access.has_role(found, role)
        if held or any(period.message.startswith(mine) for period in self._catalog.history("Agent", agent)):
            return {"agent": agent, "role": role}
        return None

    def _about(self, agent: str, role: str, invocation: Invocation) -> Json:
        """What rules may ask. Looked up before anybody is asked: nobody approves what cannot be."""
        asked = access.find(self._catalog.organisation(), invocation.agent, agent, role)
        return {"agent_unit": asked.agent.unit, "role_unit": asked.role.unit}

    def _approvals(self, action: str) -> list[Vote]:
        """The votes by which people approved the action. Raises Refused (`access.not_approved`) where there are none:
        no rule gives access by itself."""
        with self._database.reading() as connection:
            hold = find_hold(connection, action)
        if hold is not None and (hold.tool, hold.state) == (ACCESS_REQUEST, "performed"):
            votes = [vote for vote in hold.given if vote.verdict == "approve"]
            if votes:
                return votes
        hint = f"write a rule that requires an approval for `{ACCESS_REQUEST}`"
        raise Refused("no person has approved it", code="access.not_approved", hint=hint)
