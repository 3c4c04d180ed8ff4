"""Tools as compiled: arguments, records, costs, and who may see which."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autonomy.catalog.organisation import Organisation
from autonomy.kernel.errors import Invalid, NotFound
from autonomy.tools import Registry, Tool
from autonomy.tools.registry import unknown

from .organisations import arguments, organisation, revision, role, tool


def built(**spec: Any) -> Tool:
    return Registry.build(organisation(tool("t", **spec))).get("t")


ORDER = arguments(
    "sku",
    "lines",
    sku={"type": "string", "pattern": "^[A-Z]+$"},
    when={"type": "string", "format": "date"},
    size={"enum": ["s", "l"]},
    lines={"type": "array", "items": {"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}}},
)

FAULTS: list[tuple[Any, str, str]] = [
    ({"lines": []}, "", "add `sku`"),
    ({"sku": 7, "lines": []}, "/sku", "send string"),
    ({"sku": "a", "lines": []}, "/sku", "the schema asks for pattern (pattern ^[A-Z]+$)"),
    ({"sku": "A", "lines": [], "when": "2026-02-30"}, "/when", "write it as date"),
    ({"sku": "A", "lines": [], "size": "m"}, "/size", "send one of `s`, `l`"),
    ({"sku": "A", "lines": [], "admin": True}, "", "leave out `admin`"),
    ({"sku": "A", "lines": [{"n": 0}]}, "/lines/0/n", "the schema asks for minimum (limit 1)"),
    ({"sku": "A", "lines": [{"n": 1, "price": 0}]}, "/lines/0", "leave out `price`"),
    ([], "", "send object"),
]


@pytest.mark.parametrize(("sent", "pointer", "remedy"), FAULTS)
def test_arguments_that_do_not_fit_are_refused_with_place_and_remedy(sent: Any, pointer: str, remedy: str) -> None:
    with pytest.raises(Invalid) as caught:
        built(input=ORDER).validate(sent)
    assert caught.value.code == "arguments.invalid"
    problem = caught.value.detail["problems"][0]
    assert (problem["at"], problem["right"]) == (pointer, remedy)


def test_a_fault_does_not_repeat_the_value_that_was_sent() -> None:
    with pytest.raises(Invalid) as caught:
        built(input=ORDER).validate({"sku": "secret-canary", "lines": []})
    assert "canary" not in str(caught.value.as_dict())


def test_arguments_that_fit_are_admitted() -> None:
    built(input=ORDER).validate({"sku": "A", "when": "2026-02-28", "size": "s", "lines": [{"n": 1}, {}]})


def test_a_schema_that_allows_more_is_taken_at_its_word() -> None:
    built(input={"type": "object", "additionalProperties": True}).validate({"anything": 1})
    combined = {
        "type": "object",
        "allOf": [{"properties": {"a": {"type": "integer"}}}, {"$ref": "#/$defs/named"}],
        "$defs": {"named": {"properties": {"name": {"type": "string"}}}},
    }
    built(input=combined).validate({"a": 1, "name": "x"})
    with pytest.raises(Invalid):
        built(input=combined).validate({"a": 1, "other": "x"})


def test_a_pattern_that_backtracks_for_ever_refuses_instead() -> None:
    slow = built(input=arguments(a={"type": "string", "pattern": "^(a|aa)+(?=b)$"}))
    with pytest.raises(Invalid):
        slow.validate({"a": "a" * 5_000})


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"type": "string"},
        {"type": "object", "properties": {"a": {"type": "strng"}}},
        {"type": "object", "properties": {"a": {"pattern": "("}}},
        {"type": "object", "properties": {"a": {"format": "no-such-format"}}},
        {"type": "object", "properties": {"a": {"$ref": "http://127.0.0.1:9/schema"}}},
        {"type": "object", "$schema": "http://json-schema.org/draft-07/schema#"},
    ],
)
def test_a_schema_that_cannot_be_enforced_is_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as caught:
        built(input=schema)
    assert caught.value.code == "schema.invalid"


RECORD = {"record": {"kind": "order", "key": "id"}, "input": arguments(id={"type": ["string", "number"]})}


def test_the_record_is_named_by_its_argument() -> None:
    assert built(**RECORD).record_of({"id": "o-1"}) == ("order", "o-1")
    assert built().record_of({}) is None


def test_one_number_in_two_spellings_is_one_record() -> None:
    assert built(**RECORD).record_of({"id": 7}) == built(**RECORD).record_of({"id": 7.0}) == ("order", "7")


@pytest.mark.parametrize("sent", [{}, {"id": None}, {"id": ""}])
def test_a_record_that_is_not_named_is_an_error(sent: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        built(**RECORD).record_of(sent)


EURO = organisation().currency


@pytest.mark.parametrize(
    ("cost", "sent", "money", "tokens"),
    [
        ({}, {}, 0, 0),
        ({"amount": "12.50"}, {}, 1250, 0),
        ({"amount": "10.00 USD", "tokens": 5}, {}, 500, 5),
        ({"amount": "amount"}, {"amount": "99.995"}, 10_000, 0),
        ({"amount": "amount"}, {"amount": 0.1}, 10, 0),
        ({"amount": "amount", "currency": "currency"}, {"amount": 3, "currency": "USD"}, 150, 0),
        ({"amount": "amount", "tokens": "max"}, {"amount": "1 USD", "max": 7}, 50, 7),
    ],
)
def test_the_worst_case_is_told_in_minor_units(cost: Any, sent: Any, money: int, tokens: int) -> None:
    assert built(cost=cost).cost_of(sent, EURO) == (money, tokens)


@pytest.mark.parametrize(
    ("cost", "sent", "code"),
    [
        ({"amount": "amount"}, {}, "cost.missing"),
        ({"amount": "amount"}, {"amount": None}, "cost.missing"),
        ({"amount": "amount"}, {"amount": True}, "cost.amount"),
        ({"amount": "amount"}, {"amount": [1]}, "cost.amount"),
        ({"amount": "amount"}, {"amount": "-1"}, "cost.negative"),
        ({"amount": "amount"}, {"amount": -0.01}, "cost.negative"),
        ({"amount": "amount"}, {"amount": "a lot"}, "money.invalid"),
        ({"amount": "amount"}, {"amount": "5 GBP"}, "money.no_rate"),
        ({"amount": "amount", "currency": "c"}, {"amount": 5, "c": "GBP"}, "money.no_rate"),
        ({"amount": "amount", "currency": "c"}, {"amount": 5}, "cost.missing"),
        ({"amount": "amount", "currency": "c"}, {"amount": 5, "c": 7}, "cost.currency"),
        ({"tokens": "n"}, {"n": 1.5}, "cost.tokens"),
        ({"tokens": "n"}, {"n": -1}, "cost.negative"),
    ],
)
def test_a_cost_that_cannot_be_told_is_an_error(cost: Any, sent: Any, code: str) -> None:
    with pytest.raises(Invalid) as caught:
        built(cost=cost).cost_of(sent, EURO)
    assert caught.value.code == code


@given(st.decimals(0, 10**9, places=6, allow_nan=False))
def test_a_worst_case_never_shrinks(amount: Any) -> None:
    money, _ = built(cost={"amount": "amount"}).cost_of({"amount": str(amount)}, EURO)
    assert money >= amount * 100


def test_the_subject_is_named_by_its_argument() -> None:
    assert built(subject="person").subject_of({"person": "ada"}) == "ada"
    assert built(subject="person").subject_of({"person": 7}) == "7"
    assert built(subject="person").subject_of({}) is None
    assert built().subject_of({"person": "ada"}) is None


def test_a_read_that_carries_data_out_counts_as_a_write() -> None:
    assert not built().is_write
    assert built(egress=True).is_write
    assert built(effect="write-neither").is_write


def units(**root: Any) -> Organisation:
    declared = {"parent": "root", "tools": ["order.*", "stock.list"], "data": ["orders"]}
    return organisation(
        tool("order.create", tags=["orders"]),
        tool("order.pay", tags=["orders", "finance"]),
        tool("stock.list"),
        tool("stock.get"),
        revision("Unit", "buying", declared),
        revision("Unit", "desk", {"parent": "buying", "tools": ["*"]}),
        role("buyer", ["order.*", "stock.*"], ["orders", "finance"]),
        role("clerk", ["*"]),
        role("payer", ["order.pay"], ["finance"]),
    )


@pytest.mark.parametrize(
    ("roles", "unit", "seen"),
    [
        (["buyer"], "root", {"order.create", "order.pay", "stock.list", "stock.get"}),
        (["buyer"], "buying", {"order.create", "stock.list"}),
        (["buyer"], "desk", {"order.create", "stock.list"}),
        (["clerk"], "root", {"stock.list", "stock.get"}),
        (["clerk", "payer"], "root", {"stock.list", "stock.get"}),
        ([], "root", set()),
        (["nobody"], "root", set()),
        (["buyer"], "no-such-unit", set()),
    ],
)
def test_an_agent_sees_what_its_roles_admit_and_its_units_were_granted(roles: Any, unit: str, seen: set[str]) -> None:
    assert Registry.build(units()).listed_for(roles, unit) == seen


def test_an_unknown_tool_and_a_hidden_one_get_the_same_answer() -> None:
    with pytest.raises(NotFound) as caught:
        Registry.build(organisation()).get("order.pay")
    assert caught.value.as_dict() == unknown("order.pay").as_dict()
