"""What a rule reads of the context is found in its text, no less and hardly more."""

from __future__ import annotations

import json

import cedarpy
import pytest

from autonomy.policy.reads import Path, kept, narrowed, paths_of
from autonomy.policy.shapes import Field, RecordOf, Scalar

TEXT = Scalar("String")
SHAPE = RecordOf(
    {
        "cost": Field(Scalar("Long"), True),
        "record": Field(RecordOf({"kind": Field(TEXT, True), "key": Field(TEXT, True)}), True),
        "arguments": Field(
            RecordOf({"to": Field(RecordOf({"iban": Field(TEXT, True), "name": Field(TEXT, False)}), True)}), True
        ),
    }
)


def paths(condition: str) -> set[Path]:
    text = f"permit(principal, action, resource) {condition};"
    [form] = json.loads(cedarpy.policies_to_json_str(text))["staticPolicies"].values()
    return set(paths_of(form))


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("", set()),
        ("when { principal.unit == resource.unit }", set()),
        ("when { context.cost > 5 }", {("cost",)}),
        ('when { context["cost"] > 5 }', {("cost",)}),
        ('when { context.arguments.to.iban like "DE*" }', {("arguments", "to", "iban")}),
        ("when { context.arguments.to has name }", {("arguments", "to", "name")}),
        ('when { context.approvals.contains("cfo") } unless { context.delegated }', {("approvals",), ("delegated",)}),
        ('when { context.record == {kind: "a", key: "b"} }', {("record",)}),
        ("when { if context.delegated then context.cost < 5 else true }", {("delegated",), ("cost",)}),
        ("when { [context.site, context.record.key].contains(principal.unit) }", {("site",), ("record", "key")}),
        ("when { {a: context.cost}.a > 5 }", {("cost",)}),
        ("when { context has site }", {("site",)}),
        ("when { context == {} }", {()}),
        ("when { [context].contains({}) }", {()}),
        ('when { {"has": context.cost, ".": 1}["has"] > 5 }', {("cost",)}),
    ],
)
def test_the_paths_of_a_rule_are_those_it_names(condition: str, expected: set[Path]) -> None:
    assert paths(condition) == expected


def test_an_extended_has_keeps_what_it_looks_into() -> None:
    shape = narrowed(SHAPE, paths("when { context has arguments.to.name }"))
    values = {"arguments": {"to": {"iban": "x", "name": "n"}}, "cost": 1}
    assert kept(shape, values)["arguments"]["to"]["name"] == "n"


@pytest.mark.parametrize(
    ("found", "values"),
    [
        ([], {}),
        ([("cost",)], {"cost": 7}),
        ([("record", "key")], {"record": {"key": "k"}}),
        ([("record", "key"), ("record",)], {"record": {"kind": "i", "key": "k"}}),
        ([("arguments", "to", "iban")], {"arguments": {"to": {"iban": "x"}}}),
        ([()], {"cost": 7, "record": {"kind": "i", "key": "k"}, "arguments": {"to": {"iban": "x", "name": "n"}}}),
    ],
)
def test_only_what_is_read_is_kept(found: list[Path], values: object) -> None:
    whole = {"cost": 7, "record": {"kind": "i", "key": "k"}, "arguments": {"to": {"iban": "x", "name": "n"}}}
    assert kept(narrowed(SHAPE, found), whole) == values


def test_an_optional_value_that_is_not_there_stays_away() -> None:
    shape = narrowed(SHAPE, [("arguments", "to", "name")])
    assert kept(shape, {"arguments": {"to": {"iban": "x"}}}) == {"arguments": {"to": {}}}
