"""Three-way: what the folder says, what the server says, and what both last agreed on."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autonomy.catalog.plan import Difference, Held, Plan, compare, differences
from tests.examples import tried

KEY = ("Person", "ada")

# What the folder, the base and the server hold of one object, and what applying does; `None`: it is not there.
WAYS = [
    ("a", None, None, "added"),
    ("a", "a", "a", "unchanged"),
    ("b", "a", "a", "changed"),
    ("b", "a", "b", "unchanged"),  # both moved to the same words
    ("a", "a", "b", "conflict"),  # only the server moved
    ("c", "a", "b", "conflict"),  # both moved
    ("a", None, "b", "conflict"),  # both added it
    ("a", "a", None, "conflict"),  # the server retired it
    ("b", "a", None, "conflict"),
    (None, "a", "a", "retired"),
    (None, "a", "b", "conflict"),  # retiring would undo what somebody else did
    (None, None, "a", "conflict"),
    (None, "a", None, "nothing"),
]


def plan(mine: str | None, base: dict[str, str] | None, server: str | None, retire: bool = True) -> Plan:
    held = {} if server is None else {KEY: Held(server, "acme", "default", 1)}
    return compare(7, "default", {} if mine is None else {KEY: mine}, held, base, retire)


def outcome(found: Plan) -> str:
    if found.conflicts:
        return "conflict"
    kinds = {"added": found.added, "changed": found.changed, "retired": found.retired, "unchanged": found.unchanged}
    return next((name for name, entries in kinds.items() if entries), "nothing")


@pytest.mark.parametrize(("mine", "base", "server", "wanted"), WAYS)
def test_each_way_two_sides_can_move_has_one_outcome(
    mine: str | None, base: str | None, server: str | None, wanted: str
) -> None:
    assert outcome(plan(mine, {} if base is None else {"Person/ada": base}, server)) == wanted


@pytest.mark.parametrize(
    ("mine", "server", "wanted"), [("a", "b", "changed"), (None, "b", "retired"), ("a", None, "added")]
)
def test_a_folder_that_never_agreed_with_the_server_decides(mine: str | None, server: str | None, wanted: str) -> None:
    assert outcome(plan(mine, None, server)) == wanted


def test_absence_alone_retires_nothing() -> None:
    found = plan(None, {"Person/ada": "a"}, "a", retire=False)
    assert (found.empty, found.retired, [entry.key for entry in found.absent]) == (True, (), ["Person/ada"])


def test_what_was_left_out_can_still_be_retired_later() -> None:
    first = plan(None, {"Person/ada": "a"}, "a", retire=False)
    assert outcome(plan(None, dict(first.agreed), "a")) == "retired"


def test_other_scopes_are_out_of_reach() -> None:
    held = {KEY: Held("a", "acme", "north", 1)}
    assert compare(1, "default", {}, held, None, True).absent == ()
    [conflict] = compare(1, "default", {KEY: "a"}, held, None, False).conflicts
    assert conflict.reason == "belongs to the scope `north`"


STATES = st.dictionaries(st.sampled_from("pqrstu"), st.sampled_from("abc"), max_size=6)


@given(STATES, st.none() | STATES, STATES, st.booleans())
@settings(max_examples=tried(200), deadline=None)
def test_after_an_apply_folder_and_server_agree(
    mine: dict[str, str], base: dict[str, str] | None, server: dict[str, str], retire: bool
) -> None:
    def keyed(state: dict[str, str]) -> dict[tuple[str, str], str]:
        return {("Person", name): digest for name, digest in state.items()}

    def held(state: dict[str, str]) -> dict[tuple[str, str], Held]:
        return {key: Held(digest, "acme", "default", 1) for key, digest in keyed(state).items()}

    agreed = None if base is None else {f"Person/{name}": digest for name, digest in base.items()}
    found = compare(1, "default", keyed(mine), held(server), agreed, retire)
    assert len(found.added) + len(found.changed) + found.unchanged + len(found.conflicts) >= len(mine)
    if found.conflicts:
        return
    after = {**server, **mine}
    for entry in found.retired:
        del after[entry.name]
    again = compare(2, "default", keyed(mine), held(after), found.agreed, retire)
    assert again.empty and not again.conflicts and again.unchanged == len(mine)


def test_differences_are_the_smallest_fields_that_say_it() -> None:
    before = {"a": 1, "b": {"c": [1, 2], "d": "x"}, "gone": True, "same": None}
    after = {"a": 1, "b": {"c": [1, 3], "d": "x"}, "new": [1], "same": None}
    assert list(differences(before, after)) == [
        Difference("b.c[1]", 2, 3),
        Difference("gone", True, None),
        Difference("new", None, [1]),
    ]
    assert list(differences({"a": [1]}, {"a": [1, 2]})) == [Difference("a", [1], [1, 2])]
    assert list(differences({"a": 1}, {"a": True})) == [Difference("a", 1, True)]
