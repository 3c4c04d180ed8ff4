"""Whether there are people enough for the approvals that rules ask: a question nobody can answer must not be asked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence

from autonomy.catalog.model import AgentSpec, PersonSpec
from autonomy.catalog.organisation import Organisation, Revision, spec
from autonomy.catalog.scope import is_covered, is_granted

from .bundle import Bundle
from .model import Ask, Rule
from .problems import Problem
from .scope import tools_of

Holders = Mapping[str, frozenset[str]]
"""The people who hold each role."""


def unanswerable(bundle: Bundle) -> list[Problem]:
    """Every rule that asks for more people than hold the roles it names, in order of file and line.

    Nobody counts twice for one action, so that several roles of one rule need different people altogether.
    """
    held = holders_of(bundle.organisation)
    return sorted(problem for rule in bundle.rules.values() for problem in _rule(rule, held))


def holders_of(organisation: Organisation) -> Holders:
    """The declared holders of every role that somebody holds."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for person in organisation.all("Person").values():
        for role in spec(person, PersonSpec).roles:
            found[role].add(person.name)
    return {role: frozenset(people) for role, people in found.items()}


def can_be_given(asks: Sequence[Ask], held: Holders, barred: Collection[str] = ()) -> bool:
    """Whether different people, none of whom is `barred`, can give all the approvals (Kuhn's bipartite matching)."""
    wanted = [ask.role for ask in asks for _ in range(ask.people)]
    seated: dict[str, int] = {}

    def seat(number: int, asked: set[str]) -> bool:
        for person in sorted(held.get(wanted[number], frozenset()) - asked):
            if person in barred:
                continue
            asked.add(person)
            if person not in seated or seat(seated[person], asked):
                seated[person] = number
                return True
        return False

    return all(seat(number, set()) for number in range(len(wanted)))


def left_without(bundle: Bundle, rule: Rule, held: Holders) -> list[str]:
    """The agents that can never get the rule's approvals, by name, because those who could give them answer for the
    agent as its sponsor or owner."""
    if not can_be_given(rule.asks, held):
        return []  # nobody gets them: that is said elsewhere
    tools = tools_of(rule.form, bundle.reach, bundle.tools)
    possible: dict[frozenset[str], bool] = {}
    found = []
    for name, agent in sorted(bundle.organisation.all("Agent").items()):
        declared = spec(agent, AgentSpec)
        behind = frozenset({declared.sponsor, declared.owner})
        if behind not in possible:
            possible[behind] = can_be_given(rule.asks, held, behind)
        if not possible[behind] and any(_is_its_business(bundle, agent, declared, tool) for tool in tools):
            found.append(name)
    return found


def _is_its_business(bundle: Bundle, agent: Revision, declared: AgentSpec, name: str) -> bool:
    tags = bundle.tools[name].spec.tags
    granted = is_granted(bundle.organisation, agent.unit, name, tags)
    return granted and is_covered(bundle.organisation, declared.roles, name, tags)


def _rule(rule: Rule, held: Holders) -> Iterator[Problem]:
    short = [ask for ask in rule.asks if len(held.get(ask.role, ())) < ask.people]
    for ask in short:
        number = len(held.get(ask.role, ()))
        what = f"rule `{rule.id}` asks for {ask.people} of `{ask.role}`, a role that {_people(number)}"
        fix = f"give the role to {ask.people - number} more, or ask for fewer people"
        yield Problem(rule.file, rule.line, "policy.too_few_people", what, fix)
    if not short and not can_be_given(rule.asks, held):
        needed = sum(ask.people for ask in rule.asks)
        roles = " and ".join(f"`{ask.wanted}`" for ask in rule.asks)
        what = f"rule `{rule.id}` asks for {roles}: {needed} different people, and nobody counts for two roles"
        fix = "give the roles to more people, or ask for fewer"
        yield Problem(rule.file, rule.line, "policy.too_few_people", what, fix)


def _people(number: int) -> str:
    if number == 0:
        return "nobody holds"
    return "one person holds" if number == 1 else f"{number} people hold"
