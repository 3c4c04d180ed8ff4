"""The published JSON Schemas are those of the models, and editors can use them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema_rs
import pytest

from autonomy.catalog import yaml_text
from autonomy.catalog.schemas import documents
from autonomy.catalog.words import FORMS

from .company import FILES

PUBLISHED = Path(__file__).parents[2] / "docs" / "reference" / "schemas"


def test_the_published_schemas_are_current() -> None:
    published = {path.name: path.read_text(encoding="utf-8") for path in PUBLISHED.glob("*.json")}
    assert published == documents(), "run `python -m autonomy.catalog.schemas docs/reference/schemas`"


def test_each_schema_admits_the_manifests_of_its_kind_and_no_others() -> None:
    manifests = [document.value for name in FILES if name.endswith(".yaml") for document in yaml_text.read(FILES[name])]
    for name, text in documents().items():
        validator = jsonschema_rs.validator_for(json.loads(text))
        for manifest in manifests:
            of_this_kind = name in ("manifest.json", f"{manifest['kind'].lower()}.json")
            assert validator.is_valid(manifest) == of_this_kind, (name, manifest)


@pytest.mark.parametrize("schema", ["person.json", "manifest.json"])
def test_a_schema_refuses_what_the_reader_refuses(schema: str) -> None:
    validator = jsonschema_rs.validator_for(json.loads(documents()[schema]))
    ada = {"displayName": "Ada", "email": "ada@acme.example"}
    manifest = {"apiVersion": "autonomy/v1", "kind": "Person", "metadata": {"name": "ada"}, "spec": ada}
    assert validator.is_valid(manifest)
    for changed in (
        {**manifest, "extra": 1},
        {**manifest, "apiVersion": "autonomy/v2"},
        {**manifest, "kind": "Preson"},
        {**manifest, "metadata": {"name": "Ada"}},
        {**manifest, "spec": {**ada, "emial": "x"}},
        {**manifest, "spec": {"displayName": "Ada"}},
    ):
        assert not validator.is_valid(changed), changed


def test_every_pattern_has_words_for_the_message_that_refuses() -> None:
    patterns = {
        json.loads(found) for text in documents().values() for found in re.findall(r'"pattern": ("[^\n]*")', text)
    }
    assert patterns == set(FORMS)
