"""Live runs go on under another definition, or are told what stands in the way."""

from __future__ import annotations

import re
from typing import Any

import pytest

from autonomy.kernel.errors import Conflict
from autonomy.workflow import Definition, advance
from autonomy.workflow.events import Cancelled, Performed
from autonomy.workflow.graph import mermaid
from autonomy.workflow.migration import migrate, obstacles
from autonomy.workflow.model import PerformTool

from .works import Run, definition, steps

BEFORE = """
a: { tool: t, compensate: { tool: u } }
b: { needs: [a], tool: t }
c: { needs: [b], tool: t }
"""


def half_way(text: str = BEFORE) -> Run:
    """A run in which `a` is done and `b` under way."""
    run = Run(steps(text), {"n": 1})
    run.done("a", 5)
    return run


def test_a_run_goes_on_under_the_new_definition_with_all_it_has_done() -> None:
    run = half_way()
    new = steps(BEFORE + "extra: { needs: [a], tool: new, arguments: { n: steps.a.output } }\n")
    found = migrate(run.state, run.definition, new, at=9)
    [command] = found.commands
    assert isinstance(command, PerformTool)
    assert (command.id, command.arguments, found.state.digest) == ("run_1:extra:1", {"n": 5}, new.digest)
    state = advance(new, found.state, Performed(10, "run_1:b:1", "done")).state
    assert {path: one.state for path, one in state.steps.items()} == {
        "a": "done",
        "b": "done",
        "c": "running",
        "extra": "running",
    }


def test_the_same_definition_changes_nothing() -> None:
    run = half_way()
    found = migrate(run.state, run.definition, run.definition, at=9)
    assert (found.state, found.commands) == (run.state, ())


@pytest.mark.parametrize(
    ("text", "path", "reason"),
    [
        ("a: { tool: t, compensate: { tool: u } }", "b", "it is running, and no longer there"),
        (BEFORE.replace("a: { tool: t,", "a: { tool: v,"), "a", "it was done, and asks for something else now"),
        (
            BEFORE.replace("b: { needs: [a], tool: t }", "b: { needs: [a], tool: v }"),
            "b",
            "it is running, and asks for",
        ),
        (
            BEFORE.replace("compensate: { tool: u }", "compensate: { tool: v }"),
            "a",
            "would be undone by something else",
        ),
        (
            BEFORE.replace("compensate: { tool: u }", "compensate: { tool: u, arguments: { n: 2 } }"),
            "a",
            "would be undone by something else",
        ),
        ("{ b: { tool: t }, c: { needs: [b], tool: t } }", "a", "it was done, and could no longer be undone"),
        ("{ a: { tool: t }, b: { needs: [a], tool: t } }", "a", "it was done, and could no longer be undone"),
        (
            BEFORE.replace("b: { needs: [a], tool: t }", "b: { needs: [a], wait: { duration: 1d } }"),
            "b",
            "another kind",
        ),
        (BEFORE.replace("b: { needs: [a]", "d: { tool: t }\nb: { needs: [a, d]"), "b", "needs `d` first now"),
        (
            BEFORE.replace("a: { tool: t,", "a: { tool: t, output: { type: string },"),
            "a",
            "its output does not fit",
        ),
        (
            "{ a: { tool: t, compensate: { tool: u } }, w: { choose: { branches: { x: { when: 'true', steps: "
            "{ b: { tool: t } } } } } } }",
            "b",
            "moved into or out of another step",
        ),
    ],
)
def test_a_step_in_the_way_is_named_and_nothing_changes(text: str, path: str, reason: str) -> None:
    run = half_way()
    with pytest.raises(Conflict) as raised:
        migrate(run.state, run.definition, steps(text), at=9)
    told = raised.value.detail["obstacles"]
    assert raised.value.code == "workflow.migration"
    assert any(one["path"] == path and reason in one["reason"] for one in told), told


def test_what_failed_goes_on_as_the_new_wording_says_and_what_may_have_been_done_does_not() -> None:
    new = steps(BEFORE.replace("b: { needs: [a], tool: t }", "b: { needs: [a], tool: better }"))
    failed, unknown = half_way(), half_way()
    failed.ended("b", "failed")
    unknown.ended("b", "unknown")
    assert reasons(failed, new) == []
    assert reasons(unknown, new) == ["`b`: it is blocked, and asks for something else now"]


def test_a_compensation_that_a_done_step_did_not_have_and_another_agent_are_no_obstacles() -> None:
    run = half_way(BEFORE.replace(", compensate: { tool: u }", ""))
    assert reasons(run, steps(BEFORE.replace("tool: t,", "tool: t, agent: another,"))) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("approval: { roles: { lead: 1 }, question: q }", "approval: { roles: { clerk: 1 }, question: q }"),
        ("wait: { duration: 1h }", "wait: { duration: 2h }"),
        ("task: { role: clerk, goal: count }", "task: { role: clerk, goal: weigh }"),
        ("workflow: { name: one }", "workflow: { name: two }"),
        ("decide: terms", "decide: prices"),
    ],
)
def test_whatever_was_asked_is_what_is_answered(before: str, after: str) -> None:
    run = Run(steps(f"{{ a: {{ {before} }} }}"))
    assert reasons(run, steps(f"{{ a: {{ {after} }} }}")) == ["`a`: it is running, and asks for something else now"]


def test_a_run_that_has_ended_is_undone_or_does_not_fit_stays_where_it_is() -> None:
    run = half_way()
    new = definition(
        {
            "steps": {"a": {"tool": "t", "compensate": {"tool": "u"}}, "b": {"tool": "t"}},
            "input": {"type": "object", "properties": {"n": {"type": "string"}}},
        }
    )
    assert "its input does not fit" in str(obstacles(run.state, run.definition, new)[0])
    run.send(Cancelled(run.tick(), compensate=True))
    assert "the run is being undone" in reasons(run, run.definition)
    run.ended("b", "failed")
    run.done("a")
    assert "the run is compensated" in reasons(run, run.definition)


def reasons(run: Run, new: Definition) -> list[str]:
    return [str(one) for one in obstacles(run.state, run.definition, new)]


def test_a_loop_under_way_goes_on_where_its_steps_are_the_same() -> None:
    loop = "{ x: { tool: t }, y: { needs: [x], tool: t }, z: { needs: [y], tool: old } }"
    text = f"{{ each: {{ foreach: {{ items: '[1, 2]', steps: {loop} }} }} }}"
    run = Run(steps(text))
    run.done("each[0]/x")
    new = steps(text.replace("old", "new"))
    found = migrate(run.state, run.definition, new, at=9)
    state, commands, _ = advance(new, found.state, Performed(10, "run_1:each[0]/y:1", "done"))
    assert [command.tool for command in commands if isinstance(command, PerformTool)] == ["new"]
    assert state.steps["each[1]/x"].state == "running"


# ── pictures ──

DRAWN = """
look: { tool: stock.get, arguments: { sku: '"a<b>"' } }
ask: { needs: [look], when: 'steps.look.output.text == "#1"', approval: { roles: { lead: 1 }, question: q } }
each: { needs: [look], foreach: { items: '[1, 2, 3]', atOnce: 2, steps: {
  buy: { tool: order }, tell: { needs: [buy], emit: { event: e } } } } }
way: { choose: { branches: { left: { when: 'true', steps: { wait_here: { wait: { duration: 1d } } } } },
  otherwise: {} } }
last: { needs: [ask, each], join: any, end: { reason: over } }
"""


def test_a_picture_shows_steps_what_they_need_and_what_is_inside_them() -> None:
    text = mermaid(steps(DRAWN))
    assert text.startswith("flowchart TD\n")
    for line in (
        'step_look["look: stock.get"]',
        'step_ask{{"ask: approval by lead"}}',
        'subgraph step_each["each: for each of [1, 2, 3]"]',
        "step_buy --> step_tell",
        'subgraph step_way_left["left"]',
        'step_way_otherwise_nothing["nothing"]',
        "step_ask -. first .-> step_last",
        'step_look -- "steps.look.output.text == #quot;#35;1#quot;" --> step_ask',
    ):
        assert line in text, line
    assert text.count("subgraph") == len(re.findall(r"^\s+end$", text, re.M))


def test_a_picture_of_a_run_shows_where_each_step_is() -> None:
    run = Run(steps(DRAWN))
    run.done("look", {"text": "#1"})
    run.ended("each[0]/buy", "denied")
    text = mermaid(run.definition, run.state)
    assert "class step_look done" in text
    assert "class step_ask running" in text
    assert "class step_buy blocked" in text
    assert "buy: order (1 blocked, 1 running)" in text
    assert "classDef blocked" in text and "classDef undone" not in text


def test_every_kind_of_step_can_be_drawn() -> None:
    found: Any = steps("""
    a: { task: { role: clerk, goal: g } }
    b: { decide: terms }
    c: { workflow: { name: other } }
    d: { repeat: { steps: { x: { tool: t } }, until: "true" } }
    e: { wait: { events: { p: { event: payment } } } }
    f: { agree: { figures: { one: "1", two: "1" } } }
    g: { cancel: [a] }
    """)
    for label in (
        "task for clerk",
        "decide terms",
        "workflow other",
        "until true",
        "wait for payment",
        "agree: one, two",
    ):
        assert label in mermaid(found)
    assert "g: cancel a" in mermaid(found)
