"""Writes the pages of the reference that are made from the code: `python -m tests.docs.reference`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import typer
from typer.core import TyperGroup

from autonomy.catalog.model import SPECS
from autonomy.catalog.schemas import documents as schemas
from autonomy.catalog.words import FORMS
from autonomy.cli.app import app
from autonomy.cli.index import COMMANDS, SECTIONS
from autonomy.protocols.rest_document import rest_document
from autonomy.server.api import the_api

from .pages import ROOT

FOLDER = ROOT / "docs" / "reference"
MADE = "<!-- made by `python -m tests.docs.reference` -->\n\n"
WIDTH = 100
PLAIN = {
    "string": "text",
    "integer": "whole number",
    "boolean": "true or false",
    "number": "number",
    "object": "object",
}

COMMANDS_HEAD = f"""# Commands

{MADE}Every command is a client of the API but `init`, `up`, `serve`, `doctor`, `backup`, `restore`, `policy check`,
`policy test` and `audit verify`, which work on files. `--json` is for programs. A command ends with 0 when all is well,
1 when something was refused or is wrong, 2 when it was called wrongly, 3 when no server answers."""

MANIFESTS_HEAD = f"""# Manifests

{MADE}A manifest is a YAML document with `apiVersion: autonomy/v1`, `kind`, `metadata` and `spec`. The JSON Schemas lie
in [schemas](schemas/); `autonomy init` puts them where editors find them. A policy is a `.cedar` file, see
[write policies](../guides/write-policies.md)."""

Schema = Mapping[str, Any]


def documents() -> dict[str, str]:
    """The pages by name."""
    return {
        "cli.md": commands_page(),
        "manifests.md": manifests_page(),
        "openapi.json": openapi(),
        "openapi-v1.json": openapi_v1(),
    }


def openapi() -> str:
    """The OpenAPI document of this release."""
    return json.dumps(the_api().openapi(), indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def openapi_v1() -> str:
    """The OpenAPI document of actions over HTTP."""
    return json.dumps(rest_document("https://autonomy.example"), indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def commands_page() -> str:
    """Every command with its help, under its heading."""
    parts = [COMMANDS_HEAD]
    root = typer.main.get_command(app)
    assert isinstance(root, TyperGroup)
    for section in SECTIONS:
        parts.append(f"## {section}")
        for name, entry in COMMANDS.items():
            if entry.section == section:
                command = root.get_command(typer.Context(root), name)
                parts += [_command(words, each) for words, each in _leaves(command, ("autonomy", name))]
    return "\n\n".join(parts) + "\n"


def manifests_page() -> str:
    """Every kind of manifest with its fields."""
    parts = [MANIFESTS_HEAD]
    definitions: dict[str, Schema] = {}
    for kind in SPECS:
        if kind != "Policy":
            definitions |= json.loads(schemas()[f"{kind.lower()}.json"])["$defs"]
    order = ["Metadata", *(f"{kind}Spec" for kind in SPECS if kind != "Policy")]
    for name in [*order, *sorted(definitions.keys() - order)]:
        parts.append(_definition(name, definitions[name]))
    return "\n\n".join(parts) + "\n"


def _leaves(command: Any, words: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    if not isinstance(command, TyperGroup) or command.invoke_without_command:
        yield words, command
    if isinstance(command, TyperGroup):
        for name in command.list_commands(typer.Context(command)):
            yield from _leaves(command.get_command(typer.Context(command), name), (*words, name))


def _command(words: tuple[str, ...], command: Any) -> str:
    context = typer.Context(command, info_name=" ".join(words), terminal_width=WIDTH, max_content_width=WIDTH)
    return f"### {' '.join(words)}\n\n```text\n{command.get_help(context).strip()}\n```"


def _definition(name: str, schema: Schema) -> str:
    told = [f"## {name}"]
    if schema.get("description"):
        told.append(" ".join(schema["description"].split()))
    rows = ["| field | value | needed | default | meaning |", "|---|---|---|---|---|"]
    for field, one in schema.get("properties", {}).items():
        needed = "yes" if field in schema.get("required", ()) else ""
        default = one.get("default")
        shown = "" if default is None else f"`{json.dumps(default, ensure_ascii=False)}`"
        rows.append(f"| `{field}` | {_value(one)} | {needed} | {shown} | {_escaped(one.get('description', ''))} |")
    return "\n\n".join([*told, "\n".join(rows)])


def _value(schema: Schema) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            return ", or ".join(_value(each) for each in schema[choice] if each.get("type") != "null")
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return ", ".join(f"`{each}`" for each in schema["enum"])
    if schema.get("type") == "array":
        return f"list of: {_value(schema['items'])}" if schema["items"] else "list"
    for values in [schema.get("additionalProperties"), *schema.get("patternProperties", {}).values()]:
        if isinstance(values, dict):
            return f"object of: {_value(values)}"
    if "pattern" in schema:
        return _escaped(FORMS[schema["pattern"]])
    return PLAIN[schema["type"]] if "type" in schema else "anything"


def _escaped(words: str) -> str:
    """Words within the cell of a table."""
    return words.replace("|", "\\|")


if __name__ == "__main__":
    for name, text in documents().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
