"""The waterfall of a case: every part below what it belongs to, with the times that the log tells."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from autonomy.insight.cases import spans

DECIDED = {"agent": "spiffe://a/agent/1", "agent_name": "w1", "tool": "look", "decision": {"effect": "allow"}}
STORY: list[dict[str, Any]] = [
    {"kind": "run", "event": "started", "run": "run_1", "workflow": "counting", "actor": "person:sam", "at": 10},
    {"kind": "task", "event": "opened", "action": "task_1", "run": "run_1", "role": "worker", "actor": "run", "at": 20},
    {"kind": "task", "event": "claimed", "action": "task_1", "role": "worker", "actor": "agent:w1", "at": 30},
    {"kind": "intent", "action": "act_1", "task": "task_1", "at": 40, "cost": {"money": 5}, **DECIDED},
    {"kind": "outcome", "action": "act_1", "status": "failed", "code": "x.y", "cost": {"money": 3}, "at": 55},
    {"kind": "task", "event": "handed_off", "action": "task_1", "role": "boss", "actor": "agent:w1", "at": 60},
    {"kind": "task", "event": "done", "action": "task_1", "role": "boss", "actor": "person:bea", "at": 70},
    {"kind": "run", "event": "exception", "run": "run_1", "exception": "tool.failed", "role": "boss", "at": 75},
    {"kind": "run", "event": "ended", "run": "run_1", "status": "done", "at": 90},
]


def test_runs_tasks_handoffs_and_actions_lie_inside_each_other() -> None:
    found = {span.id: span for span in spans(enumerate(STORY))}
    assert (found["run_1"].at, found["run_1"].ended_at, found["run_1"].state) == (10, 90, "done")
    task, action = found["task_1"], found["act_1"]
    assert (task.parent, task.at, task.ended_at, task.state) == ("run_1", 20, 70, "done")
    assert (action.parent, action.at, action.ended_at, action.state, action.money) == ("task_1", 40, 55, "failed", 3)
    inside = [(span.kind, span.parent, span.what) for span in found.values() if span.kind in ("handoff", "exception")]
    assert inside == [
        ("handoff", "task_1", "claimed"),
        ("handoff", "task_1", "handed_off"),
        ("exception", "run_1", "tool.failed"),
    ]


def test_what_is_under_way_has_no_end() -> None:
    found = {span.id: span for span in spans(enumerate(STORY[:4]))}
    assert found["run_1"].ended_at is found["task_1"].ended_at is found["act_1"].ended_at is None
    assert found["act_1"].money == 5


@given(st.sets(st.integers(0, len(STORY) - 1)))
def test_of_any_part_of_a_story_each_span_belongs_to_one_that_is_told(kept: set[int]) -> None:
    found = spans((index, STORY[index]) for index in kept)
    names = {span.id for span in found}
    assert len(names) == len(found)
    assert all(span.parent is None or span.parent in names for span in found)
    assert all(span.ended_at is None or span.ended_at >= span.at for span in found)
    assert [span.at for span in found] == sorted(span.at for span in found)
    assert {index for span in found for index in span.leaves} <= kept
