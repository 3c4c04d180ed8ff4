"""Admission: from what a client presents to who it is, judged by the state of identity at one epoch.

What a signature said is remembered while the token lives. Whom it admitted is remembered only until the epoch moves:
every revocation, suspension, containment and ended grant moves it, so none is ever overlooked.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from autonomy.kernel.errors import NotFound, Unauthenticated

from . import rules, tokens
from .base import Base
from .credentials import check_secret, check_unexpired, check_unrevoked, read_api_key
from .directory import Directory
from .model import AgentView, Caller, Containment, State
from .recent import Admitted
from .tokens import Claims

EMPLOYED = "workflow"
"""In the place of a credential: the agent acts because a run of a workflow names it. No credential has such an id, and
no token of ours says it."""


@dataclass(frozen=True, slots=True)
class _Presented:
    """What was presented and found genuine: whom it names, and until when. `claims` where it is a token."""

    chain: tuple[str, ...]
    grants: tuple[str, ...]
    credential: str
    until: int
    claims: Claims | None = None


class Admission(Base):
    """Who calls. Everything here only reads, and raises rather than guess."""

    def acquaint(self, connection: Connection) -> int:
        """Read what has changed since the epoch known; returns the epoch known from now on, for `admit` and others.

        An event loop has this done in a thread before it names an epoch, for reading by a known epoch never blocks.
        """
        return self._directory.read(connection)

    def authenticate(self, bearer: str) -> Caller:
        """`admit` at the epoch in force now, for callers that hold none; costs a query."""
        return self.admit(bearer, self._directory.refresh().epoch)

    def admit(self, bearer: str, epoch: int) -> Caller:
        """The agent that presents `bearer`, an access token or an API key, judged at identity epoch `epoch`.

        Reads the store only when `epoch` is newer than what is known. Raises Unauthenticated with one of the codes
        `token.invalid .expired .early .audience .revoked`, `credential.invalid .expired .revoked`,
        `agent.draft .suspended .contained .retired .parent`, `delegation.ended .invalid`; Unavailable.
        """
        if len(bearer) > tokens.MAX_BEARER or not bearer.isascii():
            raise Unauthenticated("the token is not valid", code="token.invalid")
        directory = self._directory.at(epoch)
        at, seen = self._clock(), directory.epoch
        digest = hashlib.sha256(bearer.encode()).digest()
        known = self._admitted.get(digest)
        if known and known.epoch == seen and at < known.until:
            return known.caller
        caller, until = _caller(directory, self._read(directory, bearer, digest, at), at)
        self._admitted.put(digest, Admitted(seen, until, caller))
        return caller

    def readmit(self, chain: Sequence[str], delegations: Sequence[str], credential: str, epoch: int) -> Caller:
        """The caller of an action that waited, judged by what its agents are at `epoch`, not by its old token.

        The arguments are ids as `Caller` gave them. Raises Unauthenticated as `admit` does: where an agent of the
        chain may no longer act, a grant has ended, or the credential was revoked since.
        """
        directory, at = self._directory.at(epoch), self._clock()
        caller, _ = _caller(directory, _Presented(tuple(chain), tuple(delegations), credential, at), at)
        return caller

    def stand_in(self, agent: str, epoch: int) -> Caller:
        """The caller that an agent (id or name) would be at `epoch`, acting for itself, whatever it presents.

        For questions only: nothing is ever done for who has shown no credential. Raises NotFound, Unauthenticated.
        """
        directory = self._directory.at(epoch)
        found = directory.agent(agent)
        directory.check_admissible(found)
        behind = rules.people_behind(directory.lineage(found))
        return _describe((found,), None, behind, _Presented((found.id,), (), "", self._clock()))

    def lineages(self) -> Callable[[Iterable[str]], tuple[AgentView, ...]]:
        """What finds the agents of ids that there are, and all above them, as the store has them now."""
        directory = self._directory.refresh()

        def of(agents: Iterable[str]) -> tuple[AgentView, ...]:
            known = (directory.agents[agent] for agent in agents if agent in directory.agents)
            return tuple(above for agent in known for above in directory.lineage(agent))

        return of

    def employ(self, agent: str, person: str, epoch: int) -> Caller:
        """The agent (id or name) at work for a run of a workflow that names it, or on the word of `person`, who is then
        behind what it does; judged as it is at `epoch`.

        It shows no credential: that it is declared as who performs a step is what lets it act, and whoever may start
        the run decides that it does. Raises Unauthenticated as `admit` does, also where there is no such agent.
        """
        directory = self._directory.at(epoch)
        try:
            found = directory.agent(agent)
        except NotFound:
            raise Unauthenticated(f"there is no agent `{agent[:80]}`", code="agent.unknown") from None
        caller = self.readmit((found.id,), (), EMPLOYED, epoch)
        return replace(caller, accountable=caller.accountable | {person}) if person else caller

    def state_of(self, agent: str, epoch: int) -> State:
        """The state in force of an agent (id or name). Raises NotFound."""
        return self._directory.at(epoch).agent(agent).state

    def contained(self, epoch: int, caller: Caller | None = None, tool: str | None = None) -> Containment | None:
        """The containment that stops this caller or this tool at `epoch`; None where none does."""
        directory = self._directory.at(epoch)
        stop = None if tool is None else directory.containment_of_tool(tool)
        chain = caller.chain if caller and stop is None else ()
        found = (directory.containment_over(directory.agent(one.id)) for one in chain)
        return stop or next((one for one in found if one), None)

    def containment_of(self, epoch: int, agent: str) -> Containment | None:
        """The containment that stops an agent (id or name) at `epoch`; None where none does. Raises NotFound."""
        directory = self._directory.at(epoch)
        return directory.containment_over(directory.agent(agent))

    def _read(self, directory: Directory, bearer: str, digest: bytes, at: int) -> _Presented:
        api_key = read_api_key(bearer)
        if api_key is not None:
            found = check_secret(directory, "api_key", *api_key)
            check_unexpired(found, at)
            return _Presented((found.agent,), (), found.id, found.expires_at)
        claims = self._verified.get(digest)
        if claims is None:
            claims = tokens.decode(bearer, self._issuer, directory.keys.get)
            self._verified.put(digest, claims)
        tokens.check_time(claims, at)
        self._audience.check(claims.audience)
        until = claims.expires_at + tokens.LEEWAY
        return _Presented(claims.chain, claims.grants, claims.credential, until, claims)


def _caller(directory: Directory, presented: _Presented, at: int) -> tuple[Caller, int]:
    """The caller, and until when (milliseconds) it stays one if no epoch moves."""
    chain = tuple(_member(directory, agent) for agent in presented.chain)
    for agent in chain:
        # The state before the revocations that follow from it: it tells the operator more.
        directory.check_admissible(agent)
    until = min(presented.until, _check_unrevoked(directory, presented, chain, at))
    links = [directory.delegations.get(grant) for grant in presented.grants]
    left = rules.authority(links, presented.chain, at)
    behind = (above for agent in chain for above in directory.lineage(agent))
    caller = _describe(chain, None if left is None else left.tools, rules.people_behind(behind), presented)
    return caller, until if left is None else min(until, left.expires_at)


def _member(directory: Directory, agent: str) -> AgentView:
    found = directory.agents.get(agent)
    if found is None:
        raise Unauthenticated("the token is not valid", code="token.invalid")
    return found


def _check_unrevoked(directory: Directory, presented: _Presented, chain: tuple[AgentView, ...], at: int) -> int:
    """Until when the key that signed, if one did, is trusted (milliseconds); raises where anything was revoked."""
    if presented.credential == EMPLOYED and presented.claims is None:
        return presented.until
    credential = directory.credentials.get(presented.credential)
    if credential is None or credential.agent != chain[0].id:
        raise Unauthenticated("the token is not valid", code="token.invalid")
    claims = presented.claims
    if claims is None:
        check_unrevoked(credential)
        return presented.until
    retired_at = directory.keys[claims.kid].retired_at
    overtaken = any(agent.tokens_since > claims.epoch for agent in chain)
    if overtaken or credential.revoked_at is not None or (retired_at is not None and at >= retired_at):
        raise Unauthenticated("the token was revoked", code="token.revoked")
    return presented.until if retired_at is None else retired_at


def _describe(
    chain: tuple[AgentView, ...], tools: frozenset[str] | None, accountable: frozenset[str], presented: _Presented
) -> Caller:
    acting = chain[0]
    return Caller(
        agent_id=acting.id,
        name=acting.name,
        state=acting.state,
        revision=acting.revision,
        unit=acting.unit,
        roles=acting.roles,
        sponsor=acting.sponsor,
        owner=acting.owner,
        supervisor=acting.supervisor,
        site=acting.site,
        rate_per_minute=acting.rate_per_minute,
        chain=chain,
        tools=tools,
        delegations=presented.grants,
        accountable=accountable,
        credential=presented.credential,
    )
