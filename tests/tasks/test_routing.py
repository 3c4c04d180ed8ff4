"""Who may do a task and who gets it, for every task and every worker: rules that hold whatever is declared."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from autonomy.tasks.model import Candidate, Task
from autonomy.tasks.routing import assign, best, could_ever, is_eligible, obstacle, standing

UNITS = {"acme": ("acme",), "works": ("works", "acme"), "hall": ("hall", "works", "acme"), "office": ("office", "acme")}
ROLES = ("worker", "checker", "boss")
ABLE = ("count", "weigh")

workers = st.builds(
    Candidate,
    id=st.sampled_from(["agent:a", "agent:b", "agent:c", "agent:d", "person:p", "person:q"]),
    kind=st.just("agent"),
    roles=st.lists(st.sampled_from(ROLES), unique=True, max_size=3).map(tuple),
    lineage=st.sampled_from(list(UNITS.values())),
    capabilities=st.lists(st.sampled_from(ABLE), unique=True).map(tuple),
    at_once=st.integers(1, 3),
    busy=st.integers(0, 4),
    done=st.integers(0, 50),
    missed=st.integers(0, 50),
    funded=st.booleans(),
    spent_for=st.sampled_from([frozenset(), frozenset({"w"})]),
    fit=st.booleans(),
).map(lambda one: replace(one, kind=one.id.partition(":")[0]))
teams = st.lists(workers, max_size=6, unique_by=lambda one: one.id)
tasks = st.builds(
    Task,
    id=st.uuids().map(str),
    unit=st.sampled_from(list(UNITS)),
    role=st.sampled_from(ROLES),
    home=st.just("worker"),
    by=st.sampled_from(["anybody", "agent", "person"]),
    home_by=st.just("anybody"),
    state=st.just("open"),
    priority=st.integers(0, 3),
    opened_by=st.just("person:p"),
    opened_at=st.integers(0, 9),
    until=st.just(100),
    handovers_most=st.just(10),
    capability=st.none() | st.sampled_from(ABLE),
    workflow=st.none() | st.just("w"),
    prefer=st.lists(st.sampled_from(["a", "b", "c"]), unique=True).map(tuple),
    meant=st.none() | st.sampled_from(["agent:a", "agent:b"]),
    refused=st.lists(st.sampled_from(["agent:a", "agent:c"]), unique=True).map(tuple),
)


@given(st.lists(tasks, max_size=8, unique_by=lambda one: one.id), teams)
def test_nobody_is_given_what_is_out_of_their_scope(found: list[Task], team: list[Candidate]) -> None:
    for task, worker in assign(found, team):
        assert worker.fit
        assert task.role in worker.roles
        assert task.by in ("anybody", worker.kind)
        assert worker.id not in task.refused
        assert task.meant in (None, worker.id)
        if worker.kind == "agent":
            assert task.unit in worker.lineage
            assert task.capability is None or task.capability in worker.capabilities
            assert worker.funded
            assert task.workflow not in worker.spent_for
            assert worker.busy < worker.at_once


@given(st.lists(tasks, max_size=8, unique_by=lambda one: one.id), teams)
def test_each_gets_one_and_nothing_is_left_that_somebody_left_may_have(
    found: list[Task], team: list[Candidate]
) -> None:
    given_out = assign(found, team)
    assert len({one.task.id for one in given_out}) == len({one.candidate.id for one in given_out}) == len(given_out)
    idle = [worker for worker in team if worker not in [one.candidate for one in given_out]]
    left = [task for task in found if task not in [one.task for one in given_out]]
    assert not any(is_eligible(task, worker) for task in left for worker in idle)


@given(tasks, teams)
def test_the_best_is_the_preferred_one_then_the_idle_one_then_the_one_that_succeeds(
    task: Task, team: list[Candidate]
) -> None:
    chosen = best(task, team)
    fit = [one for one in team if is_eligible(task, one)]
    assert (chosen is None) == (not fit)
    assert chosen is None or all(standing(task, chosen) <= standing(task, one) for one in fit)


@given(tasks, workers)
def test_who_may_have_it_now_could_have_it_ever_and_every_obstacle_has_a_name(task: Task, worker: Candidate) -> None:
    why = obstacle(task, worker)
    assert could_ever(task, worker) or why
    assert not why or ": " in why


def test_success_counts_only_between_those_who_are_equally_free() -> None:
    task = Task("t", "acme", "worker", "worker", "anybody", "anybody", "open", 2, "person:p", 0, 9, 10)
    good = Candidate("agent:a", "agent", ("worker",), ("acme",), at_once=2, busy=1, done=9)
    poor = Candidate("agent:b", "agent", ("worker",), ("acme",), at_once=2, busy=1, done=1, missed=9)
    assert best(task, [poor, good]) == good
    assert best(task, [replace(poor, busy=0), good]) == replace(poor, busy=0)
    assert best(replace(task, prefer=("b",)), [poor, good]) == poor
