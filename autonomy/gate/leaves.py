"""What the log says of an action. Pure; the one place where the shape of an action's leaf is written down."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autonomy.audit import Leaf, make_leaf
from autonomy.budget import Overrun, Usage, Warned
from autonomy.policy import Ask, Notice, Verdict

from .model import Action, Attempt, Denied, Papers
from .units import State

MAX_NAME = 128  # characters of a tool's name as an agent wrote it
MAX_REASON = 300  # characters of a reason that a leaf keeps; the rule's own text is kept with its revision


def intent_leaf(action: Action, verdict: Verdict) -> Leaf:
    """Durable before the effect: who is about to do what, allowed by which rules, at what worst case."""
    cost = {"money": action.money, "tokens": action.tokens}
    return make_leaf(
        "intent",
        action.attempt.at,
        action.id,
        **_asked(action.attempt),
        **_described(action),
        decision=_decision(action.attempt, verdict, action.assumed),
        approval=action.attempt.hold.action if action.attempt.hold else None,
        cost=cost,
        moves=action.tool.spec.cost.is_moved or None,
        commitments=action.papers.commitments,
    )


def hold_leaf(action: Action, verdict: Verdict) -> Leaf:
    """What waits for people, and for which of them."""
    return make_leaf(
        "hold",
        action.attempt.at,
        action.id,
        **_asked(action.attempt),
        **_described(action),
        decision=_decision(action.attempt, verdict, action.assumed),
        asks=[_ask(ask) for ask in verdict.needed],
        cost={"money": action.money, "tokens": action.tokens},
        commitments=action.papers.commitments,
    )


def _ask(ask: Ask) -> dict[str, Any]:
    said: dict[str, Any] = {"role": ask.role, "policy": ask.policy}
    return said if ask.people == 1 else said | {"people": ask.people}


def denial_leaf(attempt: Attempt, refusal: Denied, papers: Papers) -> Leaf:
    """What was refused, by which rule, on which facts. Words that may repeat an argument are sealed, not said."""
    described = attempt.described
    windows = described.assumed if described else {}
    decision = _decision(attempt, refusal.verdict, windows) if refusal.verdict else {"effect": "deny"}
    return make_leaf(
        "denial",
        attempt.at,
        attempt.id,
        **_asked(attempt),
        **(_described(described) if described else {}),
        decision=decision,
        code=refusal.code,
        commitments=papers.commitments,
    )


LATER = frozenset({"person", "delivery"})
"""Who finds out about an action that has its outcome already: that it is unknown."""


def outcome_leaf(
    action: str,
    at: int,
    state: State,
    *,
    agent: str,
    tool: str,
    case: str,
    usage: Usage | None,
    overruns: tuple[Overrun, ...] = (),
    code: str | None = None,
    via: str | None = None,
    by: str | None = None,
    labels: frozenset[str] = frozenset(),
    commitments: Mapping[str, str] | None = None,
) -> Leaf:
    """How it ended. `via` says who found out when it was not the performer: `reconcile`, `recovery`, `person`,
    `delivery`.

    An action has one outcome; what is found out about an `unknown` one later is a leaf of its own kind.
    """
    return make_leaf(
        "reconcile" if via in LATER else "outcome",
        at,
        action,
        status=state,
        agent=agent,
        tool=tool,
        case=case,
        cost=_usage(usage) or None,
        overruns=[{"budget": each.budget, "excess": each.excess, "unbooked": each.unbooked} for each in overruns]
        or None,
        code=code,
        via=via,
        by=by,
        labels=sorted(labels) or None,
        commitments=dict(commitments) if commitments else None,
    )


def warning_leaf(warned: Warned, action: str, at: int) -> Leaf:
    """A budget has come to the share of its limit from which it warns; `crossed_by` is the action that did it."""
    return make_leaf(
        "budget",
        at,
        event="warned",
        budget=warned.budget,
        account=warned.account,
        measure=warned.measure,
        limit=warned.limit,
        warn=warned.warn,
        used=warned.used,
        crossed_by=action,
    )


def _asked(attempt: Attempt) -> dict[str, Any]:
    caller, request = attempt.caller, attempt.request
    return {
        **request.lineage(),
        "case": attempt.case,
        "agent": caller.agent_id,
        "agent_name": caller.name,
        "revision": caller.revision,
        "unit": caller.unit,
        "roles": list(caller.roles),
        "sponsor": caller.sponsor,
        "act": [view.id for view in caller.chain[1:]] or None,
        "tool": request.tool[:MAX_NAME],
        "site": caller.site or None,
        "epochs": {"catalog": attempt.house.epoch, "identity": attempt.identity},
    }


def _described(action: Action) -> dict[str, Any]:
    return {
        "tool_revision": action.tool.revision,
        "connector": action.tool.destination,
        "tags": list(action.tool.spec.tags) or None,
        "labels": sorted(action.labels) or None,
        "origin": sorted(action.origin) or None,
    }


def _decision(attempt: Attempt, verdict: Verdict, windows: Mapping[str, int]) -> dict[str, Any]:
    decided = {
        "effect": verdict.effect,
        "bundle": attempt.house.bundle.sha256,
        "policies": list(verdict.policies),
        "reasons": [reason[:MAX_REASON] for reason in verdict.reasons],
        "errors": [error[:MAX_REASON] for error in verdict.errors],
        "approvals": sorted(attempt.approvals),
        "windows": dict(windows),
        "obligations": {name: list(values) for name, values in verdict.obligations.items()},
        "notices": [_notice(notice) for notice in verdict.notices],
    }
    return {name: value for name, value in decided.items() if value}


def _notice(notice: Notice) -> dict[str, Any]:
    return {"mode": notice.mode, "effect": notice.effect, "policies": list(notice.policies)}


def _usage(usage: Usage | None) -> dict[str, int]:
    named = {} if usage is None else {"money": usage.money, "tokens": usage.tokens}
    return {name: value for name, value in named.items() if value is not None}
