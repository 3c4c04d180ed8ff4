"""Filters, paths and patches hold for anything that is sent: they are read or refused, and never break."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autonomy.kernel.errors import Invalid
from autonomy.protocols.scim.documents import cleaned
from autonomy.protocols.scim.filters import holds, read_filter, read_place
from autonomy.protocols.scim.patch import PATCH, patched
from autonomy.protocols.scim.schemas import OF_USERS, USER

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
@settings(max_examples=200, deadline=None)
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
@settings(max_examples=200, deadline=None)
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
@settings(max_examples=200, deadline=None)
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
