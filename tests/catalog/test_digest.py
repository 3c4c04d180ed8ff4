"""A digest names what was written: formatting, order, quotes and comments do not matter, every word does."""

from __future__ import annotations

import json
import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from autonomy.catalog import read, yaml_text
from autonomy.catalog.revision import body, digest, restore, written
from tests.examples import tried

# Up to U+FFFF: JSON escapes what lies beyond as two halves, which YAML does not know.
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00", max_codepoint=0xFFFF), max_size=20)
NUMBER = st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBER | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
NAME = st.from_regex(r"[a-z0-9]([a-z0-9_.-]{0,20}[a-z0-9])?", fullmatch=True)
WORDS = TEXT.filter(lambda text: bool(text.strip()))

TOOLS = st.fixed_dictionaries(
    {
        "connector": NAME,
        "call": st.fixed_dictionaries({"function": st.just("f")}),
        "input": st.dictionaries(TEXT, JSON, max_size=4),
        "effect": st.sampled_from(["read", "write-keyed"]),
    },
    optional={"tags": st.lists(NAME, max_size=3), "egress": st.booleans(), "risk": st.just("low")},
)


def manifest(spec: dict[str, Any], name: str, description: str) -> dict[str, Any]:
    metadata = {"name": name, "description": description}
    return {"apiVersion": "autonomy/v1", "kind": "Tool", "metadata": metadata, "spec": spec}


def shuffled(value: Any, chance: random.Random) -> Any:
    if isinstance(value, dict):
        names = list(value)
        chance.shuffle(names)
        return {name: shuffled(value[name], chance) for name in names}
    return [shuffled(item, chance) for item in value] if isinstance(value, list) else value


def digest_of(text: str) -> str:
    return digest(written(read({"t.yaml": text}).declared[0].manifest))


@given(TOOLS, NAME, TEXT, st.randoms(use_true_random=False), st.sampled_from([None, 1, 7]))
@settings(max_examples=tried(80), deadline=None)
def test_the_same_words_have_the_same_digest_however_they_are_written(
    spec: dict[str, Any], name: str, description: str, chance: random.Random, indent: int | None
) -> None:
    value = manifest(spec, name, description)
    as_block = yaml_text.write(value)
    as_json = json.dumps(shuffled(value, chance), indent=indent)  # JSON is YAML
    commented = "# a comment\n" + as_block.replace("apiVersion:", "\n# another\napiVersion:", 1)
    assert digest_of(as_json) == digest_of(as_block) == digest_of(commented) == digest(value)


@given(TOOLS, NAME, WORDS, NAME)
@settings(max_examples=tried(60), deadline=None)
def test_another_word_is_another_digest(spec: dict[str, Any], name: str, description: str, other: str) -> None:
    value = manifest(spec, name, description)
    before = digest_of(yaml_text.write(value))
    assert digest_of(yaml_text.write(manifest({**spec, "connector": other}, name, description))) != before or (
        other == spec["connector"]
    )
    assert digest_of(yaml_text.write(manifest(spec, name, description + "."))) != before


def test_a_default_written_out_is_another_wording() -> None:
    value = manifest({"connector": "a", "call": {"function": "f"}, "input": {}, "effect": "read"}, "t", "")
    said = {**value, "spec": {**value["spec"], "risk": "low"}}
    assert digest_of(yaml_text.write(value)) != digest_of(yaml_text.write(said))


@given(TOOLS, NAME, TEXT)
@settings(max_examples=tried(60), deadline=None)
def test_a_stored_wording_comes_back_whole(spec: dict[str, Any], name: str, description: str) -> None:
    value = manifest(spec, name, description)
    found = read({"t.yaml": yaml_text.write(value)}).declared[0].manifest
    again = restore(body(written(found)))
    assert again == found
    assert written(again) == value
    assert list(json.loads(body(written(found)))["spec"]["input"]) == list(spec["input"])


@given(JSON.filter(lambda value: value is not None))
@settings(max_examples=tried(200), deadline=None)
def test_what_is_written_as_yaml_is_read_back_the_same(value: Any) -> None:
    [document] = yaml_text.read(yaml_text.write(value))
    assert document.value == value
    assert json.dumps(document.value) == json.dumps(value)


@given(st.text("abcx01.-+eEo~nulTr:#\"'[]{}&*!|>%@`,?\n\t ", max_size=12))
@settings(max_examples=tried(200), deadline=None)
def test_any_text_survives_as_a_field(text: str) -> None:
    assert yaml_text.read(yaml_text.write({"a": text}))[0].value == {"a": text}


def test_policies_keep_their_words_whatever_the_line_ends() -> None:
    text = "// unit: sales\n\npermit (principal, action, resource);"
    unix, windows = (read({"p.cedar": t}).declared[0].manifest for t in (text, text.replace("\n", "\r\n") + "\r\n"))
    assert digest(written(unix)) == digest(written(windows))
    assert windows.metadata.unit == "sales"
