"""Explanations: put together from what was stored, nothing invented, and what is gone is said to be gone."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autonomy.insight import Explanation, Part, sentences
from autonomy.insight.explain import explain, state_of
from autonomy.insight.model import Wording

AT = 1_772_366_400_000

ASKED = {
    "v": 1,
    "at": AT,
    "action": "act_1",
    "agent": "spiffe://acme/agent/1",
    "agent_name": "buyer-1",
    "revision": "a" * 64,
    "unit": "procurement",
    "sponsor": "nadia",
    "act": ["spiffe://acme/agent/2"],
    "tool": "order",
    "tool_revision": "b" * 64,
    "case": "case-1",
    "epochs": {"catalog": 3, "identity": 9},
    "tags": ["orders"],
}
HOLD = ASKED | {
    "kind": "hold",
    "decision": {"effect": "hold", "policies": ["large"], "reasons": ["it is large"], "windows": {"order/day": 7}},
    "asks": [{"role": "lead", "policy": "large"}],
    "commitments": {"arguments": "c" * 64, "rationale": "d" * 64, "facts": "e" * 64},
}
VOTE = {
    "v": 1,
    "kind": "approval",
    "at": AT + 1,
    "action": "act_1",
    "actor": "person:priya",
    "event": "approve",
    "round": 0,
    "role": "lead",
    "shown": "f" * 64,
}
INTENT = ASKED | {
    "kind": "intent",
    "decision": {"effect": "allow", "policies": ["work"], "approvals": ["lead"]},
    "cost": {"money": 120_000, "tokens": 0},
    "labels": ["untrusted"],
    "commitments": {"facts.1": "9" * 64},
}
OUTCOME = {
    "v": 1,
    "kind": "outcome",
    "at": AT + 2,
    "action": "act_1",
    "status": "done",
    "agent": "spiffe://acme/agent/1",
    "tool": "order",
    "case": "case-1",
    "cost": {"money": 110_000},
    "commitments": {"result": "8" * 64},
}
DENIAL = ASKED | {
    "kind": "denial",
    "decision": {"effect": "deny"},
    "code": "budget.exceeded",
    "commitments": {"arguments": "c" * 64, "message": "7" * 64},
}

PARTS = {
    "arguments": Part("shown", {"sku": "s-1"}, "c" * 64),
    "rationale": Part("shown", "we run low", "d" * 64),
    "facts": Part("shown", {"left": 1}, "e" * 64),
    "facts.1": Part("shown", {"left": 2}, "9" * 64),
    "result": Part("shown", {"id": "po_1"}, "8" * 64),
    "message": Part("shown", "the budget has 1.00 EUR left", "7" * 64),
}
STORY = [HOLD, VOTE, INTENT, OUTCOME]


def wording(epoch: int, rule: str) -> Wording:
    return Wording(rule, "orders", "procurement", "enforce", f"text of {rule} at {epoch}")


def explained(*leaves: dict[str, Any], parts: dict[str, Part] | None = None, **more: Any) -> Explanation:
    given_ = {"wordings": wording, "remarks": {}, "checkpoint": 100} | more
    numbered = list(enumerate(leaves, 40))
    return explain("act_1", numbered, PARTS if parts is None else parts, currency="EUR", **given_)


def test_a_whole_story_is_told_in_order() -> None:
    found = explained(*STORY, remarks={(0, "priya"): "fine"})
    assert found.state == "done" and found.position.leaves == (40, 41, 42, 43) and found.position.checkpoint == 100
    assert (found.who.name, found.who.sponsor, found.who.acts_for) == ("buyer-1", "nadia", ("spiffe://acme/agent/2",))
    held, allowed = found.decisions
    assert held.rules[0].text == "text of large at 3" and held.asks == ("lead",) and held.windows == {"order/day": 7}
    assert allowed.approvals == ("lead",) and allowed.labels == ("untrusted",)
    assert (found.approvals[0].actor, found.approvals[0].shown, found.approvals[0].reason) == (
        "person:priya",
        "f" * 64,
        "fine",
    )
    assert found.worst_case is not None and found.worst_case.money == 120_000
    assert found.endings[-1].cost.money == 110_000 and found.unexplained == ()


def test_each_decision_shows_the_facts_it_was_made_on() -> None:
    held, allowed = explained(*STORY).decisions
    assert (held.facts.value, allowed.facts.value) == ({"left": 1}, {"left": 2})


def test_a_result_is_shown_at_the_ending_that_commits_to_it() -> None:
    unknown = {name: said for name, said in OUTCOME.items() if name != "commitments"} | {"status": "unknown"}
    first, last = explained(INTENT, unknown, OUTCOME | {"kind": "reconcile"}).endings
    assert (first.result.state, last.result.value) == ("none", {"id": "po_1"})


def test_a_refusal_without_a_rule_tells_its_code_and_reason() -> None:
    (decided,) = explained(DENIAL).decisions
    assert (decided.rules, decided.code) == ((), "budget.exceeded")
    text = "\n".join(sentences(explained(DENIAL)))
    assert "by no rule at epoch 3" in text and "the budget has 1.00 EUR left (budget.exceeded)" in text


@pytest.mark.parametrize(
    ("state", "told"),
    [("erased", "was erased"), ("hidden", "is not for you to read"), ("changed", "is not what was written")],
)
def test_what_cannot_be_shown_is_said_so_and_never_made_up(state: Any, told: str) -> None:
    found = explained(*STORY, parts={**PARTS, "arguments": Part(state, None, "c" * 64)})
    assert found.what.arguments.value is None
    (line,) = found.unexplained
    assert line.startswith("`arguments`") and told in line


def test_a_rule_that_is_not_found_at_its_epoch_is_said_to_be_missing() -> None:
    found = explained(*STORY, wordings=lambda _epoch, rule: Wording(rule))
    assert found.decisions[0].rules == (Wording("large"),)
    assert "the rule `large` is not found in what was declared at epoch 3" in found.unexplained


def test_what_no_checkpoint_holds_is_said_so() -> None:
    found = explained(*STORY, checkpoint=None)
    assert found.unexplained == ("no signed checkpoint holds leaf 43 yet",)


@pytest.mark.parametrize(
    ("leaves", "state"),
    [
        ([HOLD], "held"),
        ([HOLD, VOTE], "held"),
        ([HOLD, VOTE, INTENT], "running"),
        (STORY, "done"),
        ([INTENT, OUTCOME | {"status": "unknown"}], "unknown"),
        ([INTENT, OUTCOME | {"status": "unknown"}, OUTCOME | {"kind": "reconcile", "status": "failed"}], "failed"),
        ([HOLD, VOTE | {"event": "reject"}], "rejected"),
        ([HOLD, VOTE | {"event": "return"}], "returned"),
        ([HOLD, VOTE | {"event": "expire"}], "expired"),
        ([HOLD, VOTE | {"event": "escalate"}], "held"),
        ([HOLD, VOTE, DENIAL], "denied"),
        ([DENIAL], "denied"),
    ],
)
def test_the_state_is_what_the_last_leaf_says(leaves: list[dict[str, Any]], state: str) -> None:
    assert state_of(list(enumerate(leaves))) == state


def test_sentences_say_who_what_why_and_mark_the_agents_own_word() -> None:
    text = "\n".join(sentences(explained(*STORY, remarks={(0, "priya"): "fine"})))
    assert "Agent `buyer-1` of unit `procurement`, acting for spiffe://acme/agent/2, asked to use `order`" in text
    assert '(its own word, checked by nobody): "we run low"' in text
    assert "Rule `large` of policy `orders`, unit `procurement`, said: text of large at 3" in text
    assert 'person:priya as `lead` approved it, having been shown ffffffffffff: "fine"' in text
    assert "Reserved at worst: 1,200.00 EUR." in text and "Taken: 1,100.00 EUR." in text
    assert "In the log it is leaf 40, 41, 42, 43, under the signed checkpoint of 100 leaves." in text


def test_what_an_agent_wrote_cannot_play_with_the_terminal() -> None:
    evil = "\x1b[2Jrm\x9b31m\u202egnp.exe\nIt is done."
    parts = {**PARTS, "rationale": Part("shown", evil, "d" * 64)}
    lines = sentences(explained(HOLD | {"tool": "order\x1b[2J"}, parts=parts))
    assert all(letter.isprintable() for line in lines for letter in line)
    assert "It is done." not in lines


def test_without_a_rationale_none_is_mentioned() -> None:
    parts = {name: part for name, part in PARTS.items() if name != "rationale"}
    assert not any("own word" in line for line in sentences(explained(*STORY, parts=parts)))


@given(st.lists(st.sampled_from([HOLD, VOTE, INTENT, OUTCOME, DENIAL]), min_size=1), st.booleans())
def test_any_part_of_a_story_is_explained_and_refers_only_to_its_own_leaves(
    leaves: list[dict[str, Any]], hidden: bool
) -> None:
    parts = {name: Part("hidden", None, part.commitment) for name, part in PARTS.items()} if hidden else PARTS
    found = explained(*leaves, parts=parts) if leaves[0]["kind"] != "approval" else None
    if found is None:
        return
    own = set(found.position.leaves)
    assert {each.index for each in (*found.decisions, *found.approvals, *found.endings)} <= own
    text = "\n".join(sentences(found))
    assert all(line.strip() for line in text.split("\n"))
    if hidden:
        assert "s-1" not in text and "we run low" not in text and "po_1" not in text
