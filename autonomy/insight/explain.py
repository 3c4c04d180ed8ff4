"""Puts an explanation together from what was stored. Pure: leaves, values and wordings in, explanation out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .model import (
    NOTHING,
    ActionState,
    Cost,
    Decided,
    Ended,
    Explanation,
    Judged,
    Leaves,
    Part,
    Position,
    Said,
    What,
    Who,
    Wording,
)

Wordings = Callable[[int, str], Wording]
"""The rule of an id as it was written at a catalog epoch."""

Remarks = Mapping[tuple[int, str], str]
"""What people added to their votes, by round and name; the log keeps none of it."""

DECISIONS = ("hold", "intent", "denial")
ENDINGS = ("outcome", "reconcile")

_ENDED_BY: dict[str, ActionState] = {
    "reject": "rejected",
    "return": "returned",
    "expire": "expired",
    "withdraw": "withdrawn",
}


def explain(
    action: str,
    leaves: Leaves,
    parts: Mapping[str, Part],
    wordings: Wordings,
    remarks: Remarks,
    checkpoint: int | None,
    currency: str,
) -> Explanation:
    """The explanation of `action`, whose decisions are among `leaves`, which must be those of one (`is_action`).

    `parts` are the committed values by name, as far as the reader may see them; `checkpoint` the size of the first
    signed tree that holds every leaf.
    """
    told = [(index, leaf) for index, leaf in leaves if leaf["kind"] in DECISIONS]
    first = told[0][1] if told else next(leaf for _, leaf in leaves if leaf["kind"] in ENDINGS)
    decisions = tuple(_decided(index, leaf, parts, wordings) for index, leaf in told)
    return Explanation(
        action=action,
        state=state_of(leaves),
        who=_who(first),
        what=_what(first, parts),
        decisions=decisions,
        approvals=tuple(_said(index, leaf, remarks) for index, leaf in leaves if leaf["kind"] == "approval"),
        worst_case=next((_cost(leaf) for _, leaf in leaves if leaf["kind"] == "intent"), None),
        endings=tuple(_ended(index, leaf, parts) for index, leaf in leaves if leaf["kind"] in ENDINGS),
        position=Position(tuple(index for index, _ in leaves), checkpoint),
        currency=currency,
        judged=judged(leaves, parts),
        unexplained=tuple(_unexplained(leaves, parts, decisions, checkpoint)),
    )


def is_action(leaves: Iterable[Mapping[str, Any]]) -> bool:
    """Whether leaves about one thing are about an action: one tells how it was decided, or how it ended."""
    return any(leaf["kind"] in (*DECISIONS, *ENDINGS) for leaf in leaves)


def judged(leaves: Leaves, parts: Mapping[str, Part]) -> tuple[Judged, ...]:
    """What was said of the result, in order."""
    return tuple(_judged(index, leaf, parts) for index, leaf in leaves if leaf["kind"] == "label")


def _judged(index: int, leaf: Mapping[str, Any], parts: Mapping[str, Part]) -> Judged:
    return Judged(
        index=index,
        at=leaf["at"],
        by=leaf["actor"],
        verdict=leaf["verdict"],
        stands=leaf["stands"],
        remark=_part_of(leaf, parts, "remark"),
        correction=_part_of(leaf, parts, "correction"),
        found=_part_of(leaf, parts, "found"),
    )


def state_of(leaves: Leaves) -> ActionState:
    """Where an action stands by its last leaf that says so."""
    for _, leaf in reversed(leaves):
        kind = leaf["kind"]
        if kind in ENDINGS:
            status: ActionState = leaf["status"]
            return status
        if kind == "denial":
            return "denied"
        if kind == "intent":
            return "running"
        if kind == "approval" and leaf["event"] in _ENDED_BY:
            return _ENDED_BY[leaf["event"]]
    return "held"


def _who(leaf: Mapping[str, Any]) -> Who:
    return Who(
        agent=leaf["agent"],
        name=leaf.get("agent_name", ""),
        revision=leaf.get("revision", ""),
        unit=leaf.get("unit", ""),
        sponsor=leaf.get("sponsor", ""),
        acts_for=tuple(leaf.get("act", ())),
        site=leaf.get("site"),
    )


def _what(leaf: Mapping[str, Any], parts: Mapping[str, Part]) -> What:
    return What(
        tool=leaf["tool"],
        case=leaf.get("case", ""),
        arguments=parts.get("arguments", NOTHING),
        rationale=parts.get("rationale", NOTHING),
        tool_revision=leaf.get("tool_revision"),
        tags=tuple(leaf.get("tags", ())),
        parent=leaf.get("parent"),
        run=leaf.get("run"),
        task=leaf.get("task"),
        step=leaf.get("step"),
    )


def _decided(index: int, leaf: Mapping[str, Any], parts: Mapping[str, Part], wordings: Wordings) -> Decided:
    decision, epochs = leaf.get("decision", {}), leaf.get("epochs", {})
    catalog = epochs.get("catalog")
    return Decided(
        index=index,
        at=leaf["at"],
        kind=leaf["kind"],
        effect=decision.get("effect", "deny"),
        rules=tuple(_wording(wordings, catalog, rule) for rule in decision.get("policies", ())),
        reasons=tuple(decision.get("reasons", ())),
        facts=_part_of(leaf, parts, "facts"),
        asks=tuple(dict.fromkeys(ask["role"] for ask in leaf.get("asks", ()))),
        approvals=tuple(decision.get("approvals", ())),
        windows=decision.get("windows", {}),
        labels=tuple(leaf.get("labels", ())),
        obligations={name: tuple(values) for name, values in decision.get("obligations", {}).items()},
        errors=tuple(decision.get("errors", ())),
        trials=tuple(_trial(notice) for notice in decision.get("notices", ())),
        catalog_epoch=catalog,
        identity_epoch=epochs.get("identity"),
        code=leaf.get("code"),
        reason=_words(leaf, parts),
    )


def _wording(wordings: Wordings, epoch: int | None, rule: str) -> Wording:
    return Wording(rule) if epoch is None else wordings(epoch, rule)


def _part_of(leaf: Mapping[str, Any], parts: Mapping[str, Part], kind: str) -> Part:
    """The part this very leaf commits to: what is sealed again about an approved action bears a number."""
    names = [name for name in leaf.get("commitments", {}) if name.partition(".")[0] == kind]
    return parts.get(names[0], NOTHING) if names else NOTHING


def _words(leaf: Mapping[str, Any], parts: Mapping[str, Part]) -> str | None:
    """Why, in words that are sealed because they may repeat what was asked or what an upstream said."""
    said = _part_of(leaf, parts, "message")
    return str(said.value) if said.state == "shown" else None


def _trial(notice: Mapping[str, Any]) -> str:
    return f"{notice['mode']}: would be {notice['effect']} by {', '.join(notice['policies'])}"


def _said(index: int, leaf: Mapping[str, Any], remarks: Remarks) -> Said:
    actor, asked = leaf["actor"], leaf.get("round", 0)
    return Said(
        index=index,
        at=leaf["at"],
        event=leaf["event"],
        actor=actor,
        round=asked,
        role=leaf.get("role"),
        shown=leaf.get("shown"),
        instead_of=leaf.get("instead_of"),
        code=leaf.get("code"),
        reason=remarks.get((asked, actor.removeprefix("person:"))) if leaf.get("shown") else None,
    )


def _ended(index: int, leaf: Mapping[str, Any], parts: Mapping[str, Part]) -> Ended:
    return Ended(
        index=index,
        at=leaf["at"],
        status=leaf["status"],
        result=_part_of(leaf, parts, "result"),
        cost=_cost(leaf),
        code=leaf.get("code"),
        via=leaf.get("via"),
        by=leaf.get("by"),
        reason=_words(leaf, parts),
        labels=tuple(leaf.get("labels", ())),
        overruns=tuple(f"{each['budget']}: {each['excess']}" for each in leaf.get("overruns", ())),
    )


def _cost(leaf: Mapping[str, Any]) -> Cost:
    found = leaf.get("cost") or {}
    return Cost(found.get("money"), found.get("tokens"))


def _unexplained(
    leaves: Leaves, parts: Mapping[str, Part], decisions: tuple[Decided, ...], checkpoint: int | None
) -> list[str]:
    found = [_GONE[part.state].format(name=name) for name, part in sorted(parts.items()) if part.state in _GONE]
    lost = dict.fromkeys(
        f"the rule `{rule.id}` is not found in what was declared at epoch {decided.catalog_epoch}"
        for decided in decisions
        for rule in decided.rules
        if rule.text is None
    )
    if not decisions:
        found.append("no leaf tells how it was decided")
    if checkpoint is None:
        found.append(f"no signed checkpoint holds leaf {leaves[-1][0]} yet")
    return [*found, *lost]


_GONE = {
    "erased": "`{name}` was erased; the log keeps only a commitment to it",
    "changed": "`{name}` as stored is not what was written: look at the store",
    "hidden": "`{name}` is not for you to read",
}
