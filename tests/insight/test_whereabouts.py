"""Where the time of a run goes: working and waiting are all of it, whatever happened."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from autonomy.insight.cases import Span, SpanKind
from autonomy.insight.whereabouts import stays
from autonomy.workflow.definition import Block, Caps, Definition, Step, TaskWork, ToolWork, WaitWork
from autonomy.workflow.model import State, StepState

CAPS = Caps(steps=10, time=1_000, attempts=3, depth=1, fan_out=10)
STEPS = {
    "buy": Step("buy", "", ToolWork("buy", "w1"), followers=("rest",)),
    "rest": Step("rest", "", WaitWork(duration=10), needs=("buy",), followers=("look",)),
    "look": Step("look", "", TaskWork("boss", "Look at it"), needs=("rest",)),
}
DEFINITION = Definition("work", "boss", CAPS, STEPS, {"": Block("", ("buy", "rest", "look"))}, {}, {})


def span(id: str, kind: SpanKind, at: int, end: int | None, parent: str | None, step: str | None, what: str) -> Span:
    return Span(id, kind, parent, "w1", what, "done", at, end, (0,), step=step)


def told(state: State, *spans: Span, now: int = 1_000) -> dict[str, tuple[int, int | None, int, int, int]]:
    found = stays(DEFINITION, state, spans, now)
    return {one.step: (one.at, one.ended_at, one.working, one.waiting, one.tries) for one in found}


def test_tries_and_the_pause_between_them_are_told_apart() -> None:
    tries = [
        span("a", "action", 100, 150, None, "buy", "buy"),
        span("a/1", "perform", 110, 150, "a", None, "buy"),
        span("b", "action", 250, 300, None, "buy", "buy"),
        span("b/1", "perform", 260, 300, "b", None, "buy"),
    ]
    state = State("run_1", "work", "d", status="running", started=90, steps={"buy": StepState("done", since=95)})
    assert told(state, *tries) == {"buy": (95, 300, 80, 125, 2)}


def test_a_task_is_waited_for_until_somebody_takes_it_and_again_when_it_is_given_back() -> None:
    moves = [
        span("t", "task", 500, None, None, "look", "opened"),
        span("t/1", "handoff", 600, 600, "t", None, "claimed"),
        span("t/2", "handoff", 650, 650, "t", None, "given_back"),
        span("t/3", "handoff", 700, 700, "t", None, "claimed"),
    ]
    state = State("run_1", "work", "d", status="running", started=90, steps={"look": StepState("running", since=500)})
    assert told(state, *moves) == {"look": (500, None, 350, 150, 1)}
    assert told(state, moves[0]) == {"look": (500, None, 0, 500, 1)}, "nobody has taken it yet"


def test_a_wait_ends_where_the_step_begins_that_needed_it() -> None:
    steps = {"rest": StepState("done", since=200), "look": StepState("running", since=900)}
    state = State("run_1", "work", "d", status="running", started=90, steps=steps)
    assert told(state)["rest"] == (200, 900, 0, 700, 0)
    forgotten = State(
        "run_1", "work", "d", status="running", started=90, steps={"look": StepState("running", since=900)}
    )
    bought = span("a", "action", 100, 150, None, "buy", "buy")
    assert told(forgotten, bought)["rest"] == (150, 900, 0, 750, 0), "of what was forgotten the gap tells"


@st.composite
def happenings(draw: st.DrawFn) -> list[Span]:
    """Actions with parts, and tasks with moves, in any order and overlap."""
    found: list[Span] = []
    for number in range(draw(st.integers(0, 4))):
        step = draw(st.sampled_from(["buy", "look"]))
        at, length = draw(st.integers(0, 900)), draw(st.integers(0, 300))
        end = draw(st.sampled_from([None, at + length]))
        kind: SpanKind = "action" if step == "buy" else "task"
        inner: SpanKind = "perform" if step == "buy" else "handoff"
        found.append(span(f"s{number}", kind, at, end, None, step, "opened"))
        for part in range(draw(st.integers(0, 3))):
            begun = at + draw(st.integers(0, 300))
            what = draw(st.sampled_from(["claimed", "given_back", "taken_over"]))
            until = begun if inner == "handoff" else begun + draw(st.integers(0, 300))
            found.append(span(f"s{number}/{part}", inner, begun, until, f"s{number}", None, what))
    return found


@given(happenings(), st.sampled_from(["done", "running"]), st.integers(0, 1_000))
def test_working_and_waiting_are_all_of_it_and_never_less_than_nothing(
    spans: list[Span], status: str, since: int
) -> None:
    step = StepState("running" if status == "running" else "done", since=since)
    state = State("run_1", "work", "d", status="running", started=0, steps={"buy": step, "look": step})
    for one in stays(DEFINITION, state, spans, 1_500):
        end = 1_500 if one.ended_at is None else one.ended_at
        assert one.working >= 0 and one.waiting >= 0 and one.working + one.waiting == end - one.at
