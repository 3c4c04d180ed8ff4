"""Results that are content already: pictures, sound and documents arrive as such, and only where they are whole."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autonomy.gate import Reply
from autonomy.protocols.mcp.blocks import content_of

from .spec import check_result
from .wires import ACTION, VERSION, Wires

IMAGE = {"type": "image", "data": "aGk=", "mimeType": "image/png"}
DOCUMENT = {"type": "resource", "resource": {"uri": "a://b", "mimeType": "text/plain", "text": "hello"}}
LINK = {"type": "resource_link", "uri": "a://b", "name": "b"}
BLOCKS = [{"type": "text", "text": "look"}, IMAGE, DOCUMENT, LINK]


@pytest.mark.parametrize("version", [VERSION, "2025-11-25"])
def test_content_arrives_as_content_and_only_once(wires: Wires, version: str) -> None:
    wires.door.says["stock.get"] = Reply(ACTION, "done", "case-1", {"content": BLOCKS}, notices=("mind this",))
    params = {"name": "stock.get", "arguments": {}}
    answer = wires.call("stock.get") if version == VERSION else wires.legacy("tools/call", params)
    found = check_result("tools/call", version, answer.json())
    assert found["content"] == [*BLOCKS, {"type": "text", "text": "notices: mind this"}]
    assert "structuredContent" not in found


@pytest.mark.parametrize(
    "value",
    [
        {"content": []},
        {"content": "text"},
        {"content": [IMAGE], "more": 1},
        {"content": [IMAGE, {"type": "unknown"}]},
        {"content": [{"type": "image", "data": 7, "mimeType": "image/png"}]},
        {"content": [{"type": "resource", "resource": {"uri": "a://b"}}]},
        {"content": [{"type": "resource", "resource": {"uri": "a://b", "text": "", "blob": ""}}]},
        {"content": [{"type": ["text"], "text": "x"}]},
        [IMAGE],
        None,
    ],
)
def test_what_is_not_wholly_content_is_data(wires: Wires, value: Any) -> None:
    assert content_of(value) is None
    wires.door.says["stock.get"] = Reply(ACTION, "done", "case-1", value)
    found = check_result("tools/call", VERSION, wires.call("stock.get").json())
    assert found["structuredContent"] == value


def test_members_that_the_protocol_does_not_know_are_left_out() -> None:
    assert content_of({"content": [IMAGE | {"_meta": {"x": 1}, "onclick": "…"}]}) == [IMAGE]


@given(
    st.recursive(
        st.none() | st.text() | st.integers(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(st.sampled_from(["content", "type", "text", "data", "resource", "uri"]), inner)
        ),
    )
)
def test_any_value_is_content_or_data(value: Any) -> None:
    found = content_of(value)
    assert found is None or all(
        block["type"] in ("text", "image", "audio", "resource", "resource_link") for block in found
    )
