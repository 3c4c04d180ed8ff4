"""JSON Schemas of the manifests, for editors: `# yaml-language-server: $schema=…` at the top of a file.

`python -m autonomy.catalog.schemas FOLDER` writes them; `docs/reference/schemas` holds the published ones.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from pydantic.json_schema import models_json_schema

from .files import write
from .model import API_VERSION, SPECS, Metadata

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def documents() -> dict[str, str]:
    """File name to text: one schema for each kind written in YAML, and `manifest.json` for files of mixed kinds."""
    kinds = [kind for kind in SPECS if kind != "Policy"]  # policies are `.cedar` files
    files = {f"{kind.lower()}.json": _text(_manifest(kind)) for kind in kinds}
    files["manifest.json"] = _text(_any_of(kinds))
    return files


def _manifest(kind: str) -> dict[str, Any]:
    references, definitions = models_json_schema([(Metadata, "validation"), (SPECS[kind], "validation")])
    return {
        "$schema": DIALECT,
        "title": kind,
        "description": (SPECS[kind].__doc__ or "").strip(),
        "type": "object",
        "properties": {
            "apiVersion": {"const": API_VERSION},
            "kind": {"const": kind},
            "metadata": references[Metadata, "validation"],
            "spec": references[SPECS[kind], "validation"],
        },
        "required": ["apiVersion", "kind", "metadata", "spec"],
        "additionalProperties": False,
        **definitions,
    }


def _any_of(kinds: list[str]) -> dict[str, Any]:
    """A schema that first looks at `kind`, so that an editor's messages are about that kind only."""
    definitions: dict[str, Any] = {}
    branches = []
    for kind in kinds:
        whole = _manifest(kind)
        definitions |= whole.pop("$defs")
        del whole["$schema"]
        definitions[f"{kind}Manifest"] = whole
        when = {"properties": {"kind": {"const": kind}}, "required": ["kind"]}
        branches.append({"if": when, "then": {"$ref": f"#/$defs/{kind}Manifest"}})
    return {
        "$schema": DIALECT,
        "title": "Manifest",
        "type": "object",
        "properties": {"kind": {"enum": kinds}},
        "required": ["kind"],
        "allOf": branches,
        "$defs": definitions,
    }


def _text(schema: dict[str, Any]) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    write(Path(sys.argv[1]), documents())
