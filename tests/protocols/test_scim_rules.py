"""Filters, paths and patches hold for anything that is sent: they are read or refused, and never break."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autonomy.kernel.errors import Invalid
from autonomy.protocols.scim.documents import cleaned
from autonomy.protocols.scim.filters import holds, read_filter, read_place
from autonomy.protocols.scim.patch import PATCH, patched
from autonomy.protocols.scim.schemas import GROUP, OF_GROUPS, OF_USERS, USER
from tests.examples import tried

WORDS = ["userName", "emails", "emails.value", "name.givenName", "active", "eq", "co", "pr", "and", "or", "not"]
WORDS += ["(", ")", "[", "]", '"a"', "true", "1", f"{USER}:title", ".value", "null"]
VALUES: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS) | st.text(max_size=5), inner),
    max_leaves=12,
)
NAMES = st.sampled_from(["userName", "EMAILS", "name", "active", "title", "groups", "externalId", "schemas", "other"])
DOCUMENT = {"schemas": [USER], "userName": "ada", "active": True, "emails": [{"value": "a@b.c", "type": "work"}]}


@given(st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join) | st.text(max_size=60))
@settings(max_examples=tried(200), deadline=None)
def test_any_text_is_a_filter_or_is_refused(text: str) -> None:
    for read in (read_filter, read_place):
        try:
            found = read(text)
        except Invalid as error:
            assert error.code in ("scim.filter", "scim.path")
        else:
            if read is read_filter:
                assert holds(found, DOCUMENT) in (True, False)  # type: ignore[arg-type]


@given(st.dictionaries(NAMES, VALUES))
@settings(max_examples=tried(200), deadline=None)
def test_what_is_cleaned_is_clean(sent: dict[str, Any]) -> None:
    try:
        found = cleaned({**sent, "schemas": [USER]}, OF_USERS)
    except Invalid as error:
        assert error.code.startswith("scim.")
        return
    assert cleaned({**found, "schemas": [USER]}, OF_USERS) == found
    assert "groups" not in found and "other" not in found


@given(
    st.lists(
        st.fixed_dictionaries(
            {"op": st.sampled_from(["add", "replace", "remove", "Add", "x"])},
            optional={"path": st.lists(st.sampled_from(WORDS), max_size=5).map("".join) | NAMES, "value": VALUES},
        ),
        min_size=1,
        max_size=4,
    )
)
@settings(max_examples=tried(200), deadline=None)
def test_any_patch_is_done_or_refused_and_touches_nothing_else(operations: list[dict[str, Any]]) -> None:
    before = {**DOCUMENT, "emails": [dict(DOCUMENT["emails"][0])]}  # type: ignore[index]
    try:
        cleaned(patched(before, {"schemas": [PATCH], "Operations": operations}, OF_USERS), OF_USERS)
    except Invalid as error:
        assert error.code.startswith("scim.")
    assert before == DOCUMENT


@pytest.mark.parametrize("path", ["emails.value", 'emails[type eq "x"].value', "emails", "name.givenName", "name"])
@pytest.mark.parametrize("verb", ["add", "replace", "remove"])
@pytest.mark.parametrize("first", ["x", 7, None, ["x"], [None], {"a": 1}, [["x"]]])
def test_what_an_earlier_operation_left_is_not_trusted(first: Any, verb: str, path: str) -> None:
    broken = {"op": "replace", "path": path.partition(".")[0].partition("[")[0], "value": first}
    body = {"schemas": [PATCH], "Operations": [broken, {"op": verb, "path": path, "value": ["y"]}]}
    try:
        cleaned(patched(DOCUMENT, body, OF_USERS), OF_USERS)
    except Invalid as error:
        assert error.code.startswith("scim.")


def members(count: int, first: int = 0) -> list[dict[str, str]]:
    return [{"value": f"person-{number}"} for number in range(first, first + count)]


def group_after(held: int, operations: list[dict[str, Any]]) -> list[dict[str, str]]:
    """The members of a group that had `held`, after the operations."""
    before = {"displayName": "all", "members": members(held)}
    body = {"schemas": [PATCH], "Operations": operations}
    found: list[dict[str, str]] = cleaned({**patched(before, body, OF_GROUPS), "schemas": [GROUP]}, OF_GROUPS)[
        "members"
    ]
    return found


def test_a_thousand_operations_on_ten_thousand_members_are_no_more_work_than_both_together() -> None:
    began = time.process_time()
    adds = [{"op": "add", "path": "members", "value": members(2, 9_000 + 2 * each)} for each in range(500)]
    one = [{"op": "remove", "path": f'members[value eq "person-{each}"]'} for each in range(250)]
    several = [{"op": "remove", "path": "members", "value": members(1, 250 + each)} for each in range(250)]
    found = group_after(9_000, adds + one + several)
    assert found == members(9_500, 500)
    assert time.process_time() - began < 2, "a hundred times the work takes ten seconds and more"


@pytest.mark.parametrize(
    "operations",
    [
        [{"op": "add", "path": "members", "value": members(10_001, 1)}],
        [{"op": "add", "path": "members", "value": members(100, 10_000 + 100 * each)} for each in range(100)],
        [{"op": "add", "path": f'members[value eq "new-{each}"]', "value": {}} for each in range(1_000)],
        [{"op": "remove", "path": f'members[value sw "person-{each}"]'} for each in range(1_000)],
        [{"op": "replace", "path": "members.$ref", "value": "x"} for _ in range(1_000)],
    ],
    ids=["one", "many", "described", "filters", "parts"],
)
def test_a_patch_that_is_too_much_is_refused_before_it_is_done(operations: list[dict[str, Any]]) -> None:
    began = time.process_time()
    with pytest.raises(Invalid):
        group_after(9_500, operations)
    assert time.process_time() - began < 3


@given(
    st.lists(
        st.tuples(st.sampled_from(["add", "remove", "choose"]), st.lists(st.integers(0, 6), min_size=1, max_size=3)),
        min_size=1,
        max_size=8,
    )
)
@settings(deadline=None)
def test_members_are_what_a_list_without_an_index_would_hold(steps: list[tuple[str, list[int]]]) -> None:
    held = [f"person-{number}" for number in range(3)]
    operations: list[dict[str, Any]] = []
    for verb, numbers in steps:
        names = [f"person-{number}" for number in numbers]
        if verb == "choose":
            if names[0] not in held:
                continue
            operations.append({"op": "remove", "path": f'members[value eq "{names[0]}"]'})
            held = [name for name in held if name != names[0]]
        else:
            operations.append({"op": verb, "path": "members", "value": [{"value": name} for name in names]})
            held = [name for name in held if name not in names] + (names if verb == "add" else [])
    if operations and held:
        assert [each["value"] for each in group_after(3, operations)] == held
