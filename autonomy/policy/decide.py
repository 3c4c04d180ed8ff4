"""From the engine's answers to a verdict: deny wins, holds unite, and whatever went wrong denies."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import cedarpy

from .engine import Engine, Request
from .model import Ask, Effect, Rule, Verdict

Allowance = Callable[[tuple[str, ...]], Verdict]
"""What it means that these rules, and no others, matched and allowed."""


def allowance(rules: Mapping[str, Rule], policies: tuple[str, ...]) -> Verdict:
    """The verdict where `policies` matched and allowed."""
    decided = [rules[policy] for policy in policies]
    return Verdict("allow", policies, _reasons(decided), obligations=united(rule.obligations for rule in decided))


def judge(
    engine: Engine, request: Request, policies: cedarpy.PolicySet, rules: Mapping[str, Rule], allowed: Allowance
) -> Verdict:
    """The verdict for one agent. A denial by approval rules alone is a hold, if the approvals they ask would lift it:
    nobody is asked for what stays denied."""
    if request.approvers:
        request = request.with_approvals(request.approvals - _short(engine, request, policies, rules))
    answer = engine.ask(request, policies)
    if answer.failed:
        return Verdict("deny", answer.policies, answer.failed, errors=answer.failed)
    if answer.allowed:
        return allowed(answer.policies)
    decided = [rules[policy] for policy in answer.policies]
    asks = tuple(sorted(wanted for rule in decided for wanted in rule.asks))
    if not asks or not all(rule.asks for rule in decided):
        return _denied(request, [rule for rule in decided if not rule.asks])
    approved = engine.ask(request.with_approvals(request.approvals.union(wanted.role for wanted in asks)), policies)
    if approved.failed:
        return Verdict("deny", answer.policies, approved.failed, errors=approved.failed)
    if approved.allowed:
        return Verdict("hold", answer.policies, _reasons(decided), _needs(decided), asks)
    return _denied(request, [rules[policy] for policy in approved.policies])


def _short(engine: Engine, request: Request, policies: cedarpy.PolicySet, rules: Mapping[str, Rule]) -> frozenset[str]:
    """The roles that have approved, but with fewer people than a rule asks that holds the action without them.

    Cedar knows who approved, not how many: a rule in its slice may ask for more than it applies to this request.
    """
    doubtful = {wanted.role for rule in rules.values() for wanted in rule.asks if _lacks(request, wanted)}
    if not doubtful:
        return frozenset()
    answer = engine.ask(request.with_approvals(request.approvals - doubtful), policies)
    found = (wanted for policy in answer.policies for wanted in rules[policy].asks)
    return frozenset(wanted.role for wanted in found if _lacks(request, wanted))


def _lacks(request: Request, wanted: Ask) -> bool:
    """Whether fewer people have approved in the role than are wanted; in a role that nobody counted, never."""
    return request.approvers.get(wanted.role, wanted.people) < wanted.people


def _denied(request: Request, decided: Sequence[Rule]) -> Verdict:
    if decided:
        return Verdict("deny", tuple(rule.id for rule in decided), _reasons(decided), _needs(decided))
    return Verdict("deny", (), (f"no policy permits `{request.tool}` for `{request.agent}`",))


def _reasons(decided: Sequence[Rule]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(rule.annotations.get("reason") or _sentence(rule) for rule in decided))


def _sentence(rule: Rule) -> str:
    if rule.asks:
        return f"rule `{rule.id}` asks for an approval by {' and '.join(f'`{wanted.wanted}`' for wanted in rule.asks)}"
    return f"rule `{rule.id}` {'permits' if rule.effect == 'permit' else 'forbids'} it"


def _needs(decided: Sequence[Rule]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(rule.annotations["needs"] for rule in decided if "needs" in rule.annotations))


def unite(verdicts: Sequence[Verdict]) -> Verdict:
    """One verdict for everybody concerned: denied if one is denied, held if one is held; obligations add up."""
    if len(verdicts) == 1:
        return verdicts[0]
    effect: Effect = min((verdict.effect for verdict in verdicts), key=("deny", "hold", "allow").index)
    deciding = [verdict for verdict in verdicts if verdict.effect == effect]
    return Verdict(
        effect,
        _joined(verdict.policies for verdict in deciding),
        _joined(verdict.reasons for verdict in deciding),
        _joined(verdict.needs for verdict in deciding),
        _asks(deciding),
        united(verdict.obligations for verdict in deciding),
        errors=_joined(verdict.errors for verdict in deciding),
    )


def _joined(parts: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for part in parts for text in part))


def _asks(verdicts: Sequence[Verdict]) -> tuple[Ask, ...]:
    return tuple({(ask.policy, ask.role): ask for verdict in verdicts for ask in verdict.needed}.values())


def united(obligations: Iterable[Mapping[str, tuple[str, ...]]]) -> dict[str, tuple[str, ...]]:
    """All obligations of all who permit: an allowance never sheds what another one asks."""
    found: dict[str, set[str]] = {}
    for kind, name in _each(obligations):
        found.setdefault(kind, set()).add(name)
    return {kind: tuple(sorted(names)) for kind, names in found.items()}


def _each(obligations: Iterable[Mapping[str, tuple[str, ...]]]) -> Iterator[tuple[str, str]]:
    for one in obligations:
        for kind, names in one.items():
            for name in names:
                yield kind, name
