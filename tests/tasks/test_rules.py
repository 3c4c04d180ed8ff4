"""Whatever holders do to a task, in whatever order: it is somebody's, or free to be taken, or over; and it does end."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from autonomy.kernel.errors import Conflict, Forbidden, Invalid
from autonomy.tasks import rules
from autonomy.tasks.model import Candidate, Change, Note, Task

AGENT = Candidate("agent:a", "agent", ("worker", "checker"), ("acme",), at_once=9)
PERSON = Candidate("person:p", "person", ("worker", "checker", "boss", "chief"))
ABOVE = {"worker": "boss", "checker": "boss", "boss": "chief"}
MOVES = ("claim", "take", "done", "returned", "hand_off", "refuse", "give_back", "escalate", "silent", "stopped")
NOTE = Note(0, "agent:a", "progress")


def new(run: bool) -> Task:
    said = {"run": "run_1", "command": "run_1:s:1"} if run else {}
    return Task("t", "acme", "worker", "worker", "anybody", "anybody", "open", 2, "person:p", 0, 9, 4, **said)


def move(task: Task, what: str, at: int) -> Change:
    above = ABOVE.get(task.role)
    if task.state == "returned" and task.command is None and task.run:
        return rules.asked_again(task, f"run_1:s:{at}", at)
    if what == "claim":
        return rules.claim(task, AGENT, at, 10)
    if what == "take":
        return rules.claim(task, PERSON, at, 10, over=True)
    rules.check_holder(task, task.holder or "", task.claim)
    match what:
        case "done":
            return rules.done(task)
        case "returned":
            return rules.returned(task, at, above, "it does not fit")
        case "hand_off":
            return rules.hand_off(task, NOTE, at, above, "checker" if task.role == "worker" else "worker", None)
        case "refuse":
            return rules.refuse(task, task.holder or "", NOTE, at, above)
        case "give_back":
            return rules.give_back(task, NOTE, at, above)
        case "escalate":
            return rules.raised(task, at, above, "", NOTE)
    return rules.lose(task, what, at, above)


@given(st.booleans(), st.lists(st.sampled_from(MOVES), max_size=60))
def test_a_task_is_always_free_or_held_or_over(run: bool, moves: list[str]) -> None:
    task, claims = new(run), 0
    for at, what in enumerate(moves):
        try:
            change = move(task, what, at)
        except (Conflict, Forbidden, Invalid):
            continue
        task = change.task
        assert task.claim >= claims
        claims = task.claim
        assert (task.state == "claimed") == (task.lease_until is not None)
        assert task.state != "claimed" or task.holder is not None
        assert task.is_over or task.is_free or task.state == "claimed" or (task.run and task.command is None)
        assert task.handovers <= task.handovers_most + 1
        if task.is_free:
            assert task.holder is None
        if task.state == "escalated":
            assert task.by == "person"


@given(st.lists(st.sampled_from(["hand_off", "silent", "returned"]), min_size=9, max_size=20))
def test_agents_alone_never_go_on_for_ever(moves: list[str]) -> None:
    task = new(False)
    for at, what in enumerate(moves):
        if task.by == "person" or task.is_over:
            break
        task = move(move(task, "claim", at).task, what, at).task
    assert task.state == "escalated"
    assert task.limit in ("limit.handovers", "limit.losses", "limit.returns")


@given(st.integers(1, 9), st.sampled_from(["done", "hand_off", "refuse", "silent"]))
def test_the_word_of_a_former_holder_counts_no_more(lease: int, what: str) -> None:
    held = rules.claim(new(False), AGENT, 0, lease).task
    after = move(held, what, lease).task
    for claim in (held.claim, held.claim + 1):
        try:
            rules.check_holder(after, AGENT.id, claim)
        except Conflict as error:
            assert error.code == "task.lost"
        else:
            raise AssertionError("it counted")
