"""The twenty control-flow patterns of van der Aalst, ter Hofstede, Kiepuszewski and Barros (2003), one test for each
that is supported; `docs/reference/workflow_patterns.md` has the table.
"""

from __future__ import annotations

import re
from pathlib import Path

from autonomy.workflow.events import Cancelled
from autonomy.workflow.model import Emit, PerformTool, StartChild

from .works import Run, steps

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "workflow_patterns.md"


def tools(run: Run) -> list[str]:
    """The paths of the tools under way."""
    return sorted(command.path for command in run.commands(PerformTool))


def test_sequence() -> None:
    run = Run(steps("{ a: { tool: t }, b: { needs: [a], tool: t } }"))
    assert tools(run) == ["a"]
    run.done("a")
    assert tools(run) == ["b"]


def test_parallel_split() -> None:
    run = Run(steps("{ a: { tool: t }, b: { needs: [a], tool: t }, c: { needs: [a], tool: t } }"))
    run.done("a")
    assert tools(run) == ["b", "c"]


def test_synchronization() -> None:
    run = Run(steps("{ a: { tool: t }, b: { tool: t }, c: { needs: [a, b], tool: t } }"))
    run.done("b")
    assert tools(run) == ["a"]
    run.done("a")
    assert tools(run) == ["c"]


def test_exclusive_choice() -> None:
    ways = (
        "{ small: { when: input.n < 10, steps: { a: { tool: t } } },"
        " big: { when: input.n >= 10, steps: { b: { tool: t } } } }"
    )
    for number, path in ((5, "way[small]/a"), (50, "way[big]/b")):
        run = Run(steps(f"{{ way: {{ choose: {{ match: unique, branches: {ways} }} }} }}"), {"n": number})
        assert tools(run) == [path]


def test_simple_merge() -> None:
    text = """
    a: { tool: t, when: input.n < 10 }
    b: { tool: t, when: input.n >= 10 }
    c: { needs: [a, b], join: any, tool: t }
    """
    run = Run(steps(text), {"n": 5})
    run.done("a")
    assert (tools(run), run.status("b")) == (["c"], "skipped")


def test_multi_choice() -> None:
    text = "{ a: { tool: t, when: input.n > 1 }, b: { tool: t, when: input.n > 2 }, c: { tool: t, when: input.n > 3 } }"
    assert tools(Run(steps(text), {"n": 3})) == ["a", "b"]


def test_structured_synchronizing_merge() -> None:
    text = """
    a: { tool: t, when: input.n > 1 }
    b: { tool: t, when: input.n > 2 }
    c: { tool: t, when: input.n > 3 }
    d: { needs: [a, b, c], tool: t }
    """
    run = Run(steps(text), {"n": 3})
    run.done("a")
    assert tools(run) == ["b"], "it waits for those that were chosen, not for the one that was not"
    run.done("b")
    assert tools(run) == ["d"]


def test_structured_discriminator() -> None:
    text = "{ a: { tool: t }, b: { tool: t }, c: { tool: t }, d: { needs: [a, b, c], join: any, tool: t } }"
    run = Run(steps(text))
    run.done("b")
    assert tools(run) == ["a", "c", "d"]
    run.done("a")
    run.done("d")
    assert run.status("d") == "done", "the others come and change nothing"
    run.done("c")
    assert run.state.status == "done"


def test_arbitrary_cycles_as_bounded_repetition() -> None:
    loop = "{ draft: { tool: t }, review: { needs: [draft], tool: t } }"
    text = f"{{ again: {{ repeat: {{ steps: {loop}, until: steps.review.output == 'good', most: 5 }} }} }}"
    run = Run(steps(text))
    for number, said in enumerate(("bad", "good")):
        run.done(f"again[{number}]/draft")
        run.done(f"again[{number}]/review", said)
    assert run.state.status == "done"


def test_implicit_termination() -> None:
    run = Run(steps("{ a: { tool: t }, b: { tool: t } }"))
    run.done("a")
    assert run.state.status == "running"
    run.done("b")
    assert run.state.status == "done"


def test_multiple_instances_without_synchronization() -> None:
    inner = "{ go: { workflow: { name: other, detached: true } } }"
    run = Run(steps(f"{{ each: {{ foreach: {{ items: input.all, steps: {inner} }} }} }}"), {"all": [1, 2, 3]})
    assert len([one for one in run.told if isinstance(one, StartChild)]) == 3
    assert run.state.status == "done"


def test_multiple_instances_known_when_it_is_written() -> None:
    text = """
    each: { foreach: { items: "['north', 'south']", steps: { a: { tool: t } } } }
    after: { needs: [each], tool: t }
    """
    run = Run(steps(text))
    run.done("each[0]/a")
    assert tools(run) == ["each[1]/a"]
    run.done("each[1]/a")
    assert tools(run) == ["after"]


def test_multiple_instances_known_when_it_runs() -> None:
    text = """
    find: { tool: t }
    each: { needs: [find], foreach: { items: steps.find.output, steps: { a: { tool: t } } } }
    """
    run = Run(steps(text))
    run.done("find", ["x", "y", "z"])
    assert tools(run) == ["each[0]/a", "each[1]/a", "each[2]/a"]


def test_multiple_instances_not_known_before_they_come() -> None:
    inner = """{
      next: { wait: { events: { more: { event: order }, over: { event: closing } } } },
      go: { needs: [next], when: steps.next.output.by == 'more', workflow: { name: other, detached: true } } }"""
    text = f"{{ each: {{ repeat: {{ steps: {inner}, until: steps.next.output.by == 'over', most: 100 }} }} }}"
    run = Run(steps(text))
    for number in range(3):
        run.arrives(f"each[{number}]/next", "more")
    run.arrives("each[3]/next", "over")
    assert len([one for one in run.told if isinstance(one, StartChild)]) == 3
    assert run.state.status == "done"


def test_deferred_choice() -> None:
    text = """
    first: { wait: { events: { paid: { event: payment }, void: { event: cancellation } }, duration: 7d } }
    ship: { needs: [first], when: steps.first.output.by == 'paid', tool: t }
    close: { needs: [first], when: steps.first.output.by != 'paid', tool: t }
    """
    run = Run(steps(text))
    run.arrives("first", "paid")
    assert (tools(run), run.status("close")) == (["ship"], "skipped")


def test_interleaved_parallel_routing() -> None:
    run = Run(steps("{ a: { tool: t, alone: bench }, b: { tool: t, alone: bench }, c: { tool: t, alone: bench } }"))
    assert tools(run) == ["a"]
    run.done("a")
    assert tools(run) == ["b"]
    run.done("b")
    run.done("c")
    assert run.state.status == "done"


def test_milestone() -> None:
    text = """
    open: { tool: t }
    check: { tool: t }
    change: { needs: [open, check], before: [closing], tool: t }
    closing: { needs: [open], tool: t }
    """
    early, late = Run(steps(text)), Run(steps(text))
    early.done("check")
    early.ended("open", "failed")
    early.choose("open", "edit")
    assert early.status("change") == "running", "it is open, and not closing yet"
    late.done("open")
    late.done("check")
    assert late.status("change") == "skipped", "closing has begun"


def test_cancel_task() -> None:
    text = """
    slow: { task: { role: clerk, goal: Look into it } }
    news: { wait: { events: { solved: { event: solved } } } }
    stop: { needs: [news], cancel: [slow] }
    """
    run = Run(steps(text))
    run.arrives("news", "solved")
    assert run.status("slow") == "stopping", "whoever has it may have done it already"
    run.ended("slow", "failed", reason="withdrawn")
    assert run.status("slow") == "cancelled"
    assert run.state.status == "done"


def test_cancel_case() -> None:
    text = (
        "{ a: { tool: t }, b: { tool: t }, c: { needs: [a], end: { status: cancelled, reason: Not needed any more } } }"
    )
    run = Run(steps(text))
    run.done("a")
    assert (run.state.status, run.state.reason) == ("cancelled", "Not needed any more")
    other = Run(steps(text))
    other.send(Cancelled(other.tick(), by="ada", reason="stop"))
    assert (other.state.status, other.state.reason) == ("cancelled", "stop")


def test_multi_merge_as_a_workflow_of_its_own() -> None:
    text = """
    a: { tool: t }
    b: { tool: t }
    after_a: { needs: [a], workflow: { name: follow_up } }
    after_b: { needs: [b], workflow: { name: follow_up } }
    """
    run = Run(steps(text))
    run.done("b")
    run.done("a")
    started = [one for one in run.told if isinstance(one, StartChild)]
    assert [(one.workflow, one.path) for one in started] == [("follow_up", "after_b"), ("follow_up", "after_a")]
    assert not run.commands(Emit)


def test_the_table_names_every_pattern_and_its_test() -> None:
    rows = re.findall(r"^\| (\d+) \| ([^|]+) \| ([^|]+) \| [^|]+ \| `(test_\w+)` \|$", PAGE.read_text("utf-8"), re.M)
    assert [int(number) for number, *_ in rows] == list(range(1, 21))
    shown = {name for name in globals() if name.startswith("test_")} - {
        "test_the_table_names_every_pattern_and_its_test"
    }
    assert {name for *_, name in rows} == shown
