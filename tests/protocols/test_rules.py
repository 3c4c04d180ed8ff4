"""Words, pages and header values for every input."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from mcp.shared.inbound import encode_header_value

from autonomy.kernel.clock import rfc3339
from autonomy.kernel.errors import Invalid
from autonomy.kernel.ids import new_id
from autonomy.protocols.mcp import eras, tasks
from autonomy.protocols.rules import MCP_WORDS, REST_WORDS, page, to_request

from .wires import Reply

names = st.sets(st.text("abc._-", min_size=1, max_size=8), max_size=30)


@given(names, st.integers(1, 7))
def test_pages_hold_every_name_once_in_order(all_names: set[str], size: int) -> None:
    seen: list[str] = []
    cursor: str | None = None
    while True:
        window, cursor = page(list(all_names), cursor, size)
        seen += window
        assert len(window) <= size
        if cursor is None:
            break
    assert seen == sorted(all_names)


@given(names, st.integers(1, 7), names)
def test_a_cursor_stays_good_while_tools_come_and_go(before: set[str], size: int, after: set[str]) -> None:
    window, cursor = page(list(before), None, size)
    if cursor is not None:
        following, _ = page(list(after), cursor, 100)
        assert following == sorted(name for name in after if name > window[-1])


@given(st.text(max_size=50))
def test_only_cursors_given_here_are_taken(text: str) -> None:
    try:
        window, _ = page(["a", "b"], text, 5)
    except Invalid as error:
        assert error.code == "cursor.invalid"
    else:
        assert set(window) <= {"a", "b"}


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_header_values_are_read_as_the_official_client_writes_them(value: str) -> None:
    assert eras.decoded(encode_header_value(value)) == value


@given(st.text(max_size=60))
def test_two_header_values_that_read_alike_are_not_both_taken(value: str) -> None:
    found = eras.decoded(value)
    assert found is None or found == value or encode_header_value(found) == value or value.startswith("=?base64?")


@given(
    st.dictionaries(st.text(max_size=16) | st.sampled_from(sorted({*REST_WORDS, *MCP_WORDS})), st.none() | st.text())
)
def test_only_known_words_become_a_request(said: dict[str, str | None]) -> None:
    for words in (REST_WORDS, MCP_WORDS):
        try:
            request = to_request("a.tool", {}, said, words)
        except Invalid as error:
            assert error.code == "request.field"
        else:
            assert set(said) <= set(words)
            assert request.dry_run is False


@given(st.integers(0, 4_000_000_000_000))
def test_a_task_was_born_when_its_action_was(at: int) -> None:
    shown = tasks.created(Reply(new_id("act", at), "held", "c"))
    assert shown["createdAt"] == shown["lastUpdatedAt"] == rfc3339(at)
