"""Runs that were begun when states were of the first version go on where they were.

`first_version.json` holds workflows, what happened to a run of each, and the state that a process of that version
stored of it.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from autonomy.kernel.errors import AutonomyError, Corrupt
from autonomy.workflow import State, decode, encode
from autonomy.workflow.events import AnyEvent, Paused, Resumed, Started
from autonomy.workflow.migration import migrate

from .works import Run, steps

STORED: dict[str, dict[str, Any]] = json.loads(Path(__file__).with_name("first_version.json").read_text())


def stored(name: str) -> State:
    return decode(base64.b64decode(STORED[name]["state"]))


def run_of(name: str) -> Run:
    """The run as this process does it."""
    run = Run(steps(STORED[name]["steps"]))
    for said in STORED[name]["events"]:
        event = msgspec.convert(said, AnyEvent)
        if not isinstance(event, Started):
            run.send(event)
    return run


@pytest.mark.parametrize("name", STORED)
def test_a_state_of_the_first_version_is_read_as_this_version_would_have_written_it(name: str) -> None:
    expected = uncounted(run_of(name).state)
    assert uncounted(stored(name)) == expected
    assert decode(encode(stored(name))) == stored(name)


def uncounted(state: State) -> State:
    """The first version did not count what was done and skipped, or broke its contract."""
    steps = {path: replace(found, order=0) for path, found in state.steps.items()}
    return replace(state, steps=steps, completed=0)


def without(name: str, *fields: str) -> State:
    """The state of a run whose loop was begun before these fields of it were written down."""
    state = msgspec.msgpack.decode(base64.b64decode(STORED[name]["state"]))
    for field in fields:
        del state["steps"]["e"]["data"][field]
    return decode(msgspec.msgpack.encode(state))


def test_a_loop_of_which_it_was_not_written_down_what_is_under_way_is_gone_through() -> None:
    name = "a loop under way"
    run = run_of(name)
    run.state = without(name, "begun", "of")
    for path in ("e[0]/a", "e[2]/a"):
        run.done(path)
    assert run.state.status == "done"


def test_a_run_that_was_paused_before_it_was_kept_by_whom_goes_on_at_any_word() -> None:
    run = Run(steps("{ a: { tool: t } }"))
    run.send(Paused(run.tick(), "person:suzi"))
    state = msgspec.msgpack.decode(encode(run.state))
    del state["paused_by"]
    run.state = decode(msgspec.msgpack.encode(state))
    assert (run.state.paused, run.state.paused_by) == (True, "")
    assert not run.send(Resumed(run.tick(), "incident:inc_1")).ignored


def test_a_state_that_cannot_be_read_is_told_apart_from_one_of_a_newer_version() -> None:
    stored = encode(run_of("a branch").state)
    for damaged in (stored[:-3], b"", msgspec.msgpack.encode({"run": 1})):
        with pytest.raises(AutonomyError) as raised:
            decode(damaged)
        assert raised.value.code == "workflow.state"
    version = msgspec.msgpack.decode(stored)["version"]
    with pytest.raises(AutonomyError) as raised:
        decode(msgspec.msgpack.encode({"in": "words of its own", "version": version + 1}))
    assert raised.value.code == "workflow.version"


LOOP = "e: { foreach: { items: '[1, 2, 3]', atOnce: 1, most: 4, steps: { a: { tool: t, compensate: { tool: u } } } } }"


def test_a_loop_of_the_first_version_whose_items_come_to_nothing_is_moved() -> None:
    run = Run(steps(f"{{ {LOOP}, z: {{ tool: t }} }}"))
    run.done("e[0]/a")
    state = msgspec.msgpack.decode(encode(run.state))
    del state["version"]
    for step in state["steps"].values():
        if loop := step.pop("loop", None):
            step["data"] = {key: loop[key] for key in ("items", "next", "left", "results")}
    run.state = decode(msgspec.msgpack.encode(state))
    new = steps(f"{{ {LOOP}, z: {{ tool: t }}, more: {{ tool: t }} }}")
    run.move(new, migrate(run.state, run.definition, new, run.tick()))
    assert run.status("e[2]/a") == "-", run.statuses


@pytest.mark.parametrize("steps_", [[], {"a": 1}, {"a": {"state": "done", "data": [1]}}])
def test_a_damaged_state_of_the_first_version_is_told_as_one(steps_: Any) -> None:
    with pytest.raises(Corrupt):
        decode(msgspec.msgpack.encode({"run": "r", "workflow": "w", "digest": "d", "steps": steps_}))
