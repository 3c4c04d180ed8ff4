"""Items and rounds of loops come to their end once, though what they did is remembered to be undone. Pure."""

from __future__ import annotations

import pytest

from autonomy.workflow.events import Cancelled
from autonomy.workflow.migration import migrate, obstacles
from autonomy.workflow.model import PerformTool

from .works import Run, steps

EACH = """
e:
  foreach:
    items: "[1, 2, 3]"
    most: 3
    atOnce: 1
    steps:
      a: { tool: t, compensate: { tool: u, arguments: { n: item } } }
      b: { needs: [a], FOLLOWS }
z: { needs: [e], tool: t }
"""
FOLLOWS = ['when: "item == 7", tool: t', "emit: { event: x }"]

ROUNDS = """
e:
  repeat: { until: "steps.a.output.n == 3", most: 5, steps: { a: { tool: t, compensate: { tool: u } } } }
z: { needs: [e], tool: t }
"""


@pytest.mark.parametrize("follows", FOLLOWS)
def test_one_item_is_done_after_the_other_and_what_follows_after_all(follows: str) -> None:
    run, done = Run(steps(EACH.replace("FOLLOWS", follows))), []
    while found := run.commands(PerformTool):
        assert len(found) == 1, "one at once"
        done.append(found[0].path)
        run.done(found[0].path)
    assert done == ["e[0]/a", "e[1]/a", "e[2]/a", "z"]


def test_an_item_of_which_something_is_unknown_is_done_once() -> None:
    text = EACH.replace("compensate: { tool: u, arguments: { n: item } }", "onException: [{ then: skip }]")
    run = Run(steps(text.replace("FOLLOWS", "tool: t")))
    run.ended("e[0]/a", "unknown")
    assert [one.path for one in run.commands(PerformTool)] == ["e[1]/a"]


@pytest.mark.parametrize("text", [EACH.replace("FOLLOWS", FOLLOWS[0]), ROUNDS])
def test_a_loop_that_is_moved_goes_on_where_it_was(text: str) -> None:
    old, new = steps(text), steps(text + "y: { needs: [z], tool: t }")
    run = Run(old)
    run.done("e[0]/a", {"n": 1})
    run.done("e[1]/a", {"n": 2})
    assert obstacles(run.state, old, new) == []
    run.move(new, migrate(run.state, old, new, run.tick()))
    assert [one.path for one in run.commands(PerformTool)] == ["e[2]/a"]
    run.done("e[2]/a", {"n": 3})
    assert run.status("e") == "done"
    assert [one.path for one in run.commands(PerformTool)] == ["z"]


def test_a_loop_to_which_a_person_gave_what_it_came_to_is_undone() -> None:
    loop = 'foreach: { items: "[1, 2]", most: 2, atOnce: 1, steps: { a: { tool: t } } }'
    run = Run(steps(f"{{ e: {{ {loop}, deadline: 1h, compensate: {{ tool: u }} }}, z: {{ tool: t }} }}"))
    run.done("e[0]/a")
    run.timer("e", "deadline")
    run.ended("e[1]/a", "failed")
    run.choose("e", "edit", output=[1, 2])
    run.send(Cancelled(run.tick(), "person:x", "r", compensate=True))
    run.ended("z", "failed")
    assert [one.path for one in run.commands(PerformTool)] == ["e"]


@pytest.mark.parametrize("now", ["[7]", "[7, 8, 9]"])
def test_what_was_done_for_the_items_of_an_earlier_attempt_is_undone_with_those(now: str) -> None:
    text = EACH.replace("FOLLOWS", FOLLOWS[0]).replace("\nz:", "\n  deadline: 1h\ny: { tool: t }\nz:")
    old, new = steps(text), steps(text.replace("[1, 2, 3]", now))
    run = Run(old)
    run.done("e[0]/a")
    run.timer("e", "deadline")
    run.ended("e[1]/a", "failed")
    assert obstacles(run.state, old, new) == []
    run.move(new, migrate(run.state, old, new, run.tick()))
    run.choose("e", "retry")
    run.done("e[2.0]/a")
    run.send(Cancelled(run.tick(), "person:x", "r", compensate=True))
    for one in run.commands(PerformTool):
        run.ended(one.path, "failed")
    undone = []
    while found := [one for one in run.commands(PerformTool) if one.undoes]:
        undone.append((found[0].path, found[0].arguments))
        run.done(found[0].path)
    assert undone == [("e[2.0]/a", {"n": 7}), ("e[0]/a", {"n": 1})]
