"""From the engine's answers to a verdict: deny wins, holds unite, and whatever went wrong denies."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import cedarpy
from msgspec import Struct
from msgspec.structs import replace

from autonomy.kernel.canonical import Json

from .context import encoded
from .model import Ask, Effect, Rule, Verdict
from .reads import kept
from .shapes import RecordOf

_UNANSWERED = "the request could not be evaluated"
_FAILED = re.compile(r"policy `([^`]*)`")


class Answer(Struct, frozen=True):
    """What the engine said once: `policies` matched and decided; `failed` names what could not be evaluated."""

    allowed: bool
    policies: tuple[str, ...]
    failed: tuple[str, ...]


class Request(Struct, frozen=True):
    """One agent before one tool, in one context; `text` is what the rules `read` of it, as JSON."""

    agent: str
    tool: str
    entities: cedarpy.Entities
    context: Mapping[str, Json]
    read: RecordOf
    text: str

    def with_approvals(self, roles: Iterable[str]) -> Request:
        """The same request, had these roles approved it."""
        context = {**self.context, "approvals": sorted({*self.context["approvals"], *roles})}
        return replace(self, context=context, text=encoded(kept(self.read, context)))


def put(request: Request, policies: cedarpy.PolicySet, schema: cedarpy.Schema) -> cedarpy.AuthzResult:
    """Put one request to the engine; always with the schema, without which it skips what it cannot evaluate."""
    question = {
        # Written as objects: the text form would be parsed by Cedar at every call, at a quarter of the decision's cost.
        "principal": {"type": "Agent", "id": request.agent},
        "action": {"type": "Action", "id": request.tool},
        "resource": {"type": "Tool", "id": request.tool},
        "context": request.text,
    }
    return cedarpy.is_authorized(question, policies, request.entities, schema)


def ask(request: Request, policies: cedarpy.PolicySet, schema: cedarpy.Schema) -> Answer:
    """The engine's answer. A request it refuses is an answer with a failure, never an exception."""
    try:
        result = put(request, policies, schema)
    except (ValueError, TypeError):
        return Answer(False, (), (_UNANSWERED,))
    failed = tuple(map(_failure, result.diagnostics.errors))
    if result.decision is cedarpy.Decision.NoDecision and not failed:
        failed = (_UNANSWERED,)
    return Answer(result.allowed, tuple(sorted(result.diagnostics.reasons)), failed)


def _failure(text: str) -> str:
    # The engine's own words may repeat an argument's value, which must not reach a log; `why` shows them.
    found = _FAILED.search(text)
    return f"rule `{found[1]}` could not be evaluated" if found else _UNANSWERED


Allowance = Callable[[tuple[str, ...]], Verdict]
"""What it means that these rules, and no others, matched and allowed."""


def allowance(rules: Mapping[str, Rule], policies: tuple[str, ...]) -> Verdict:
    """The verdict where `policies` matched and allowed."""
    decided = [rules[policy] for policy in policies]
    return Verdict("allow", policies, _reasons(decided), obligations=united(rule.obligations for rule in decided))


def judge(
    request: Request,
    policies: cedarpy.PolicySet,
    schema: cedarpy.Schema,
    rules: Mapping[str, Rule],
    allowed: Allowance,
) -> Verdict:
    """The verdict for one agent. A denial by approval rules alone is a hold, if the approvals they ask would lift it:
    nobody is asked for what stays denied."""
    answer = ask(request, policies, schema)
    if answer.failed:
        return Verdict("deny", answer.policies, answer.failed, errors=answer.failed)
    if answer.allowed:
        return allowed(answer.policies)
    decided = [rules[policy] for policy in answer.policies]
    asks = tuple(sorted(rule.ask for rule in decided if rule.ask))
    if not asks or len(asks) < len(decided):
        return _denied(request, [rule for rule in decided if not rule.ask])
    approved = ask(request.with_approvals(wanted.role for wanted in asks), policies, schema)
    if approved.failed:
        return Verdict("deny", answer.policies, approved.failed, errors=approved.failed)
    if approved.allowed:
        return Verdict("hold", answer.policies, _reasons(decided), _needs(decided), asks)
    return _denied(request, [rules[policy] for policy in approved.policies])


def _denied(request: Request, decided: Sequence[Rule]) -> Verdict:
    if decided:
        return Verdict("deny", tuple(rule.id for rule in decided), _reasons(decided), _needs(decided))
    return Verdict("deny", (), (f"no policy permits `{request.tool}` for `{request.agent}`",))


def _reasons(decided: Sequence[Rule]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(rule.annotations.get("reason") or _sentence(rule) for rule in decided))


def _sentence(rule: Rule) -> str:
    if rule.ask:
        return f"rule `{rule.id}` asks for an approval by `{rule.ask.role}`"
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
    return tuple({ask.policy: ask for verdict in verdicts for ask in verdict.needed}.values())


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
