"""Checks of a whole organisation's statements beyond what Cedar's own validation sees."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import cedarpy

from autonomy.catalog.organisation import Organisation

from .annotations import annotation_problems, obligations_of, walk
from .problems import Problem
from .scope import Reach, named_actions, tools_beyond, tools_of
from .source import Statement
from .tool import RESERVED_NAMES, Tool

_PREFIX = re.compile(r"^for policy `[^`]*`, ")
_NO_ACTION = "unable to find an applicable action"
_NAME_ACTION = 'name a declared tool, or a group such as `"write"`, `"connector:erp"`, `"risk:high"`, `"erp.*"`'
_TYPE_FAULTS = (
    (_NO_ACTION, "policy.no_action", _NAME_ACTION),
    ("unrecognized action", "policy.unknown_action", _NAME_ACTION),
    ("unrecognized entity type", "policy.unknown_type", "the types are `Agent`, `Role`, `Unit`, `Tool`"),
    (
        "optional attribute",
        "policy.optional_attribute",
        "ask `has` before reading it: `context.arguments has note && context.arguments.note == …`",
    ),
    (
        "not found",
        "policy.unknown_attribute",
        "name an argument, fact or window that every tool of the rule declares; name the action where only some do",
    ),
)
_MISTYPED = ("policy.type", "compare values of one type; money and integers are whole numbers")
_KINDS = ("Agent", "Role", "Tool", "Unit")


def tool_problems(tools: Mapping[str, Tool]) -> Iterator[Problem]:
    """Tools whose names mean something else to a rule."""
    for name in sorted(RESERVED_NAMES & tools.keys()):
        yield Problem(
            name, 0, "policy.reserved_name", f"a tool cannot be called `{name}`", "every rule knows it as a group"
        )


def statement_problems(
    statements: Sequence[Statement], organisation: Organisation, reach: Reach, tools: Mapping[str, Tool]
) -> Iterator[Problem]:
    """Every fault of every statement, apart from types."""
    yield from _doubled(statements)
    roles = organisation.all("Role")
    for statement in statements:
        yield from annotation_problems(statement, roles)
        yield from _unknown_names(statement, organisation)
        yield from _group_as_action(statement, reach, tools)
        if statement.form["effect"] == "permit":
            yield from _beyond_grant(statement, organisation, tools)
            yield from _masks(statement, reach, tools)


def type_problems(statements: Sequence[Statement], schema: cedarpy.Schema) -> Iterator[Problem]:
    """What Cedar's validation finds against the schema: unknown actions, types and arguments, wrong types."""
    found: dict[int, list[str]] = defaultdict(list)
    for error in cedarpy.validate_policies("\n".join(statement.text for statement in statements), schema).errors:
        # Cedar numbers the policies of a text in their order.
        found[int(error.policy_id.removeprefix("policy"))].append(_PREFIX.sub("", error.error))
    for number, errors in found.items():
        # That no action applies follows from the others, where there are others.
        for what in [error for error in errors if _NO_ACTION not in error] or errors:
            code, fix = next(((code, fix) for words, code, fix in _TYPE_FAULTS if words in what), _MISTYPED)
            yield statements[number].problem(code, what, fix)


def _doubled(statements: Sequence[Statement]) -> Iterator[Problem]:
    by_id: dict[str, list[Statement]] = defaultdict(list)
    for statement in statements:
        by_id[statement.annotations.get("id", "")].append(statement)
    by_id.pop("", None)
    for name, found in by_id.items():
        for other in found[1:]:
            what = f"the id `{name}` is already taken by {found[0].file}, line {found[0].line}"
            yield other.problem("policy.duplicate_id", what, "give each rule its own `@id`")


def _unknown_names(statement: Statement, organisation: Organisation) -> Iterator[Problem]:
    """A rule about a misspelt role or unit would silently never match."""
    for kind, name in sorted(_literals(statement.form)):
        if kind in _KINDS and organisation.get(kind, name) is None:
            fix = f"declare it, or name a {kind} that is declared"
            yield statement.problem(f"policy.unknown_{kind.lower()}", f"there is no {kind} `{name}`", fix)


def _literals(form: Mapping[str, Any]) -> set[tuple[str, str]]:
    """Every entity a statement names, in its head or its conditions, as type and id."""
    nodes = walk({key: form[key] for key in form if key != "annotations"})
    return {(node["type"], node["id"]) for node in nodes if _is_literal(node)}


def _is_literal(node: Any) -> bool:
    return isinstance(node, dict) and node.keys() == {"type", "id"} and isinstance(node["id"], str)


def _group_as_action(statement: Statement, reach: Reach, tools: Mapping[str, Tool]) -> Iterator[Problem]:
    if statement.form["action"]["op"] != "==":
        return
    for name in named_actions(statement.form) or ():
        if name in reach and name not in tools:
            fix = f'write `action in Action::"{name}"`'
            yield statement.problem("policy.group_as_action", f"`{name}` is a group: no action is equal to it", fix)


def _beyond_grant(statement: Statement, organisation: Organisation, tools: Mapping[str, Tool]) -> Iterator[Problem]:
    if statement.unit == organisation.root.name:
        return
    for name in tools_beyond(statement.form, statement.unit, organisation, tools):
        what = f"unit `{statement.unit}` permits `{name}`, which was not granted to it"
        fix = "let the units above grant the tool and its data (`tools`, `data`), or leave it out"
        yield statement.problem("policy.not_granted", what, fix)


def _masks(statement: Statement, reach: Reach, tools: Mapping[str, Tool]) -> Iterator[Problem]:
    """A field that no tool in reach can mask would be a promise nobody keeps."""
    fields = obligations_of(statement).get("mask", ())
    maskable = {field for name in tools_of(statement.form, reach, tools) for field in tools[name].spec.mask}
    for field in sorted(set(fields) - maskable):
        what = f"`@obligation_mask` names `{field}`, which no tool of this rule lists under `mask`"
        yield statement.problem("policy.unknown_mask", what, "add the field to the tool's `mask`, or leave it out")
