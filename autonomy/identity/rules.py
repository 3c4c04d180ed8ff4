"""Pure rules: the states of an agent, trees and chains, delegation, separation of duties, waiting after failures."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from autonomy.kernel.clock import MINUTE, SECOND
from autonomy.kernel.errors import Conflict, Forbidden, Invalid, Unauthenticated

from .model import (
    AgentRecord,
    AgentView,
    Authority,
    Delegation,
    PersonCaller,
    PersonRecord,
    State,
    UnitRecord,
)
from .permissions import ROLES, Permission

MOVES: Mapping[State, frozenset[State]] = {
    State.DRAFT: frozenset({State.PILOT, State.ACTIVE, State.SUSPENDED, State.CONTAINED, State.RETIRED}),
    State.PILOT: frozenset({State.ACTIVE, State.SUSPENDED, State.CONTAINED, State.RETIRED}),
    State.ACTIVE: frozenset({State.SUSPENDED, State.CONTAINED, State.RETIRED}),
    State.SUSPENDED: frozenset({State.DRAFT, State.PILOT, State.ACTIVE, State.CONTAINED, State.RETIRED}),
    State.CONTAINED: frozenset({State.DRAFT, State.PILOT, State.ACTIVE, State.SUSPENDED, State.RETIRED}),
    State.RETIRED: frozenset(),
}
"""From each state, the states an agent may come to next. Out of suspension and containment only by reinstatement."""

WORKING = frozenset({State.PILOT, State.ACTIVE})

MAX_DELEGATIONS = 8
"""Links in one chain. Longer chains have no business meaning, and nobody can say who is answerable."""

FREE_FAILURES = 5
"""Failed sign-ins in a row before waiting begins."""

FIRST_WAIT = 30 * SECOND
LONGEST_WAIT = 15 * MINUTE  # never for good: whoever knows a name could otherwise lock its owner out
FORGET_FAILURES = LONGEST_WAIT

MAX_REASON = 1_000
MAX_DERIVED = 50  # characters of a name made from a user name; room for a number behind it

_PLAIN = re.compile(r"[a-z0-9_.-]")
_ACTOR = re.compile(r"system|service:skey_[0-9a-z]{26}|person:[a-z0-9][a-z0-9_.-]{0,62}|agent:spiffe://\S{1,300}")
_NAME = re.compile(r"[a-z0-9]([a-z0-9_.-]{0,61}[a-z0-9])?")
_TRUST_DOMAIN = re.compile(r"[a-z0-9.-]{1,255}")
_TOOL = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}")


def check_move(agent: AgentView, to: State) -> None:
    """Raise Conflict (`agent.move`) where `agent` may not come to the state `to` from where it is."""
    if to not in MOVES[agent.state]:
        allowed = ", ".join(sorted(MOVES[agent.state])) or "nothing"
        raise Conflict(
            f"`{agent.name}` is {agent.state} and cannot become {to}",
            code="agent.move",
            hint=f"from {agent.state} an agent can become: {allowed}",
        )


def check_suspendable(agent: AgentView) -> None:
    """Raise Conflict (`agent.move`) where a person cannot suspend `agent`.

    What is contained, or rests because its sponsor left, can be: it then stays suspended when that is over.
    """
    if agent.suspended == "person":
        raise Conflict(f"`{agent.name}` is suspended already", code="agent.move")
    if agent.state not in (State.SUSPENDED, State.CONTAINED):
        check_move(agent, State.SUSPENDED)


def first_stage(agent: AgentRecord) -> State:
    """Where an agent begins: a draft while it has no role, then a pilot where so declared, else active."""
    if not agent.roles:
        return State.DRAFT
    return State.PILOT if agent.pilot else State.ACTIVE


def check_working(agent: AgentView) -> None:
    """Raise Unauthenticated (`agent.draft`, `.suspended`, `.contained`, `.retired`) unless `agent` may act."""
    if agent.state not in WORKING:
        raise Unauthenticated(f"the agent `{agent.name}` is {agent.state}", code=f"agent.{agent.state}")


def check_actor(by: str) -> None:
    """Raise Invalid unless `by` is `system`, `person:NAME`, `agent:SPIFFE-ID` or `service:KEY`, as the log says it."""
    if not _ACTOR.fullmatch(by):
        raise Invalid(f"`{by[:80]}` names no actor", code="actor.invalid", hint="write for example `person:ana`")


def is_name(text: str) -> bool:
    """Whether `text` has the form of a name: lower case letters, digits, `-`, `_`, `.`; 1 to 63 characters."""
    return _NAME.fullmatch(text) is not None


def is_trust_domain(text: str) -> bool:
    """Whether `text` has the form of a SPIFFE trust domain."""
    return _TRUST_DOMAIN.fullmatch(text) is not None


def check_name(kind: str, name: str) -> None:
    """Raise Invalid unless `name` has the form of a name."""
    if not is_name(name):
        raise Invalid(
            f"`{name[:80]}` cannot name a {kind}",
            code=f"{kind}.name",
            hint="lower case letters, digits, `-`, `_`, `.`, at most 63",
        )


def check_once(kind: str, declared: Iterable[str]) -> None:
    """Raise Invalid where a name is declared twice."""
    seen: set[str] = set()
    for name in declared:
        if name in seen:
            raise Invalid(f"the {kind} `{name}` is declared twice", code=f"{kind}.twice")
        seen.add(name)


def check_reason(reason: str) -> None:
    """Raise Invalid for reasons that are no line of text people can read."""
    if len(reason) > MAX_REASON or not reason.isprintable():
        raise Invalid(f"a reason is one line of at most {MAX_REASON} characters", code="reason.invalid")


def check_person_with_reason(by: str, reason: str) -> None:
    """Raise Forbidden or Invalid unless a person gives a reason: nothing else may set an agent free again."""
    if not by.startswith("person:"):
        raise Forbidden("only a person may reinstate", code="reinstate.person")
    check_reason(reason)
    if not reason.strip():
        raise Invalid("reinstating needs a reason", code="reinstate.reason", hint="say why it is safe again")


def require(person: PersonCaller, permission: Permission) -> None:
    """Raise Forbidden (`permission.missing`) unless `person` holds `permission`."""
    if permission not in person.permissions:
        holders = sorted(role for role, admitted in ROLES.items() if permission in admitted)
        raise Forbidden(
            f"`{person.name}` may not do this",
            code="permission.missing",
            hint=f"`{permission}` comes with access as {' or '.join(holders)}",
        )


def subtree(parents: Mapping[str, str | None], roots: Iterable[str]) -> frozenset[str]:
    """`roots` and everything below them; `parents` maps each node to the one above it."""
    children: dict[str, list[str]] = {}
    for node, parent in parents.items():
        if parent is not None:
            children.setdefault(parent, []).append(node)
    found: set[str] = set()
    waiting = list(roots)
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.add(node)
            waiting += children.get(node, ())
    return frozenset(found)


def lineage(parents: Mapping[str, str | None], node: str) -> tuple[str, ...]:
    """`node` and everything above it, nearest first. A cycle, which cannot be stored, would end it."""
    found: list[str] = []
    current: str | None = node
    while current is not None and current not in found:
        found.append(current)
        current = parents.get(current)
    return tuple(found)


def check_tree(what: str, parents: Mapping[str, str | None]) -> None:
    """Raise Invalid where a parent is unknown or something is above itself. `what` names the kind for people."""
    sound: set[str] = set()
    for start in parents:
        path: list[str] = []
        node: str | None = start
        while node is not None and node not in sound:
            if node not in parents:
                raise Invalid(f"the {what} `{path[-1]}` has an unknown parent `{node}`", code=f"{what}.parent")
            if node in path:
                raise Invalid(f"the {what} `{node}` is its own ancestor", code=f"{what}.cycle")
            path.append(node)
            node = parents[node]
        sound.update(path)


def check_references(
    units: Collection[str], people: Collection[str], records: Iterable[PersonRecord | AgentRecord]
) -> None:
    """Raise Invalid where a record names a unit or a person that nobody declared."""
    for record in records:
        if isinstance(record, PersonRecord):
            kind, named = "person", {"manager": record.manager} if record.manager else {}
        else:
            kind, named = "agent", {"sponsor": record.sponsor, "owner": record.owner}
            if record.unit not in units:
                raise Invalid(f"`{record.name}` is in an unknown unit `{record.unit}`", code="agent.unit")
        for part, person in named.items():
            if person not in people:
                raise Invalid(f"the {part} `{person}` of `{record.name}` is not a person here", code=f"{kind}.{part}")


def check_accounts(declared: Iterable[PersonRecord], accounts: Mapping[str, str]) -> None:
    """Raise Conflict where manifest and SCIM both say who somebody is; `accounts` maps people to their user names."""
    owners = {user_name.casefold(): name for name, user_name in accounts.items()}
    for person in declared:
        if person.user_name is None and person.name in accounts:
            raise Conflict(
                f"`{person.name}` is the SCIM account `{accounts[person.name]}`",
                code="person.provisioned",
                hint="declare it with its `userName`, without name, e-mail and subject, or choose another name",
            )
        owner = owners.get((person.user_name or "").casefold(), person.name)
        if owner != person.name:
            raise Conflict(
                f"the SCIM account `{person.user_name}` is the person `{owner}` already",
                code="person.user_name",
                hint=f"declare it under the name `{owner}`",
            )


def check_own_account(person: PersonRecord, user_name: str, provider: str) -> None:
    """Raise Conflict where the account that the person of this name has by now is not the one declared: whoever had
    the name first must not become whom it is declared for."""
    if user_key(person.user_name or "") != user_key(user_name) or person.provider not in (None, provider):
        raise Conflict(
            f"the person `{person.name}` is the SCIM account `{user_name}` of `{provider}`",
            code="person.user_name",
            hint="declare whom you mean under another name, or with this `userName` and `provider`",
        )


def user_key(user_name: str) -> str:
    """A user name without regard to case, as SCIM compares them (RFC 7643 section 4.1.1)."""
    return user_name.casefold()


def check_version(present: int, wanted: int | None) -> None:
    """Raise Conflict (`scim.version`) where somebody changes what is no longer as they have seen it."""
    if wanted is not None and present != wanted:
        raise Conflict("it has been changed meanwhile", code="scim.version", hint="read it again, then decide")


def person_name(user_name: str, is_taken: Callable[[str], bool]) -> str:
    """A name nobody has had for the person with this user name: `ana` for `Ana@example.com`, else `ana-2` and so on."""
    folded = "".join(char if _PLAIN.fullmatch(char) else "-" for char in user_name.partition("@")[0].lower())
    base = folded[:MAX_DERIVED].strip("-_.") or "person"
    found, number = base, 1
    while is_taken(found):
        number += 1
        found = f"{base}-{number}"
    return found


def unit_parents(stored: Mapping[str, str | None], declared: Iterable[UnitRecord]) -> dict[str, str | None]:
    """The tree of units once `declared` is in force. Raises Invalid where it is no tree."""
    parents = {**stored, **{unit.name: unit.parent for unit in declared}}
    check_tree("unit", parents)
    return parents


def check_tools(tools: Collection[str]) -> frozenset[str]:
    """The tools of a grant: at least one, exact names. A pattern could grow into what nobody meant to grant."""
    wrong = [tool for tool in tools if not _TOOL.fullmatch(tool)]
    if wrong or not tools:
        shown = f"`{wrong[0][:80]}` is not a tool's name" if wrong else "a delegation needs at least one tool"
        raise Invalid(shown, code="delegation.tools", hint="name each tool; patterns are not delegated")
    return frozenset(tools)


def live(delegation: Delegation, at: int) -> bool:
    """Whether the grant holds at `at`."""
    return delegation.revoked_at is None and at < delegation.expires_at


def check_delegation(edges: Iterable[tuple[str, str]], giver: str, taker: str) -> None:
    """Raise Conflict where a grant from `giver` to `taker` would close a circle or make a chain too long.

    `edges` are the live grants, each from giver to taker; they contain no circle.
    """
    onward: dict[str, list[str]] = {}
    backward: dict[str, list[str]] = {}
    for source, target in edges:
        onward.setdefault(source, []).append(target)
        backward.setdefault(target, []).append(source)
    if giver == taker or giver in _reached(onward, taker):
        raise Conflict("this delegation would come back to where it began", code="delegation.cycle")
    links = _longest(backward, giver, {}) + 1 + _longest(onward, taker, {})
    if links > MAX_DELEGATIONS:
        raise Conflict(
            f"this would make a chain of {links} delegations",
            code="delegation.depth",
            hint=f"{MAX_DELEGATIONS} are the most",
        )


def authority(links: Sequence[Delegation | None], chain: Sequence[str], at: int) -> Authority | None:
    """What a chain of agents (acting first) may do by the grants `links`, `links[i]` from `chain[i+1]` to `chain[i]`.

    The tools are those of every link, the expiry the earliest: a child never has more than its parent, nor for longer.
    None where nothing is delegated. Raises Unauthenticated (`delegation.ended`, `delegation.invalid`) where a link
    is missing, ended, or joins other agents than these.
    """
    if len(chain) != len(links) + 1 or len(links) > MAX_DELEGATIONS or len(set(chain)) != len(chain):
        raise Unauthenticated("the chain of delegations does not fit together", code="delegation.invalid")
    found: Authority | None = None
    for taker, giver, link in zip(chain, chain[1:], links, strict=False):
        if link is None or (link.from_agent, link.to_agent) != (giver, taker):
            raise Unauthenticated("the chain of delegations does not fit together", code="delegation.invalid")
        if not live(link, at):
            raise Unauthenticated("a delegation this rests on has ended", code="delegation.ended")
        found = link_authority(found, link)
    return found


def link_authority(above: Authority | None, link: Delegation) -> Authority:
    """What is left of `above` when it passes through one more grant."""
    if above is None:
        return Authority(link.tools, link.expires_at)
    return Authority(above.tools & link.tools, min(above.expires_at, link.expires_at))


def people_behind(agents: Iterable[AgentView]) -> frozenset[str]:
    """The human beings answerable for any of `agents`: sponsors and owners."""
    return frozenset(person for agent in agents for person in (agent.sponsor, agent.owner))


def same_person_behind(chain: Iterable[AgentView], approver: str) -> bool:
    """Whether `approver` is answerable for somebody in the requester's chain and would so approve their own request."""
    return approver in people_behind(chain)


def wait_after(failures: int) -> int:
    """Milliseconds to wait after so many failed sign-ins in a row: none, then 30 s doubling up to 15 minutes."""
    if failures < FREE_FAILURES:
        return 0
    doublings = min(failures - FREE_FAILURES, 16)
    return int(min(FIRST_WAIT << doublings, LONGEST_WAIT))


def _reached(onward: Mapping[str, list[str]], start: str) -> set[str]:
    found: set[str] = set()
    waiting = [start]
    while waiting:
        node = waiting.pop()
        for following in onward.get(node, ()):
            if following not in found:
                found.add(following)
                waiting.append(following)
    return found


def _longest(edges: Mapping[str, list[str]], node: str, known: dict[str, int]) -> int:
    """Links of the longest path from `node`; the graph has no circle and, by this very rule, short paths only."""
    if node not in known:
        known[node] = max((1 + _longest(edges, following, known) for following in edges.get(node, ())), default=0)
    return known[node]
