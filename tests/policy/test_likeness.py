"""Requests that the rules cannot tell apart have one key, and all others have different ones."""

from __future__ import annotations

import json
from typing import Any

import cedarpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autonomy.catalog.organisation import Organisation
from autonomy.policy import Bundle, Question
from autonomy.policy.likeness import MOST_MARKS, Crowd, Likeness
from autonomy.policy.shapes import Field, RecordOf, Scalar, SetOf
from tests.examples import tried

from .organisations import agent, company, policy, unit

TEXT = Scalar("String")
SHAPE = RecordOf(
    {
        "cost": Field(Scalar("Long"), True),
        "site": Field(TEXT, True),
        "approvals": Field(SetOf(TEXT), True),
        "arguments": Field(
            RecordOf({"quantity": Field(Scalar("Long"), False), "urgent": Field(Scalar("Bool"), True)}), True
        ),
    }
)
CONTEXT = {"cost": 5, "site": "hq", "approvals": ["cfo"], "arguments": {"quantity": 3, "urgent": False}}


def likeness(*rules: str, declared: Organisation | None = None) -> Likeness:
    forms = json.loads(cedarpy.policies_to_json_str("\n".join(rules)))["staticPolicies"].values()
    return Likeness(forms, SHAPE, Crowd(declared or company()))


def alike(condition: str, one: dict[str, Any], other: dict[str, Any]) -> bool:
    told = likeness(f"permit(principal, action, resource) when {{ {condition} }};")
    return told.key("inv1", CONTEXT | one) == told.key("inv1", CONTEXT | other)


@pytest.mark.parametrize(
    ("condition", "one", "other", "expected"),
    [
        ("context.cost > 100", {"cost": 1}, {"cost": 100}, False),
        ("context.cost > 100", {"cost": 1}, {"cost": 99}, True),
        ("context.cost > 100", {"cost": 101}, {"cost": 2**62}, True),
        ("100 > context.cost", {"cost": 99}, {"cost": 101}, False),
        ("context.cost > -1", {"cost": -5}, {"cost": -1}, False),
        ("context.cost > 100", {"site": "a"}, {"site": "b"}, True),
        ("context.cost + 1 > 100", {"cost": 1}, {"cost": 2}, False),
        ("context.cost > 5 && [7, 8].contains(context.cost)", {"cost": 7}, {"cost": 9}, False),
        ('context.site == "hq"', {"site": "a"}, {"site": "b"}, True),
        ('context.site != "hq"', {"site": "a"}, {"site": "hq"}, False),
        ('context.site like "h*"', {"site": "ha"}, {"site": "hb"}, False),
        ("context.site == principal.unit", {"site": "a"}, {"site": "b"}, False),
        ('context.approvals.contains("cfo")', {"approvals": []}, {"approvals": ["cfo"]}, False),
        ("context.arguments has quantity", {"arguments": {"quantity": 1}}, {"arguments": {"quantity": 2}}, True),
        ("context.arguments has quantity", {"arguments": {"quantity": 0}}, {"arguments": {}}, False),
        (
            "context.arguments has quantity && context.arguments.quantity > 5",
            {"arguments": {"quantity": 0}},
            {"arguments": {}},
            False,
        ),
        ("context.arguments.urgent", {"arguments": {"urgent": True}}, {"arguments": {"urgent": False}}, False),
        ("context.arguments.urgent == true", {"arguments": {"urgent": True}}, {"arguments": {"urgent": False}}, False),
        ("context.arguments == context.arguments", {}, {"arguments": {"urgent": True}}, False),
        ("context == context", {}, {"cost": 6}, False),
        ('{"in": context.cost, ".": 1, "Var": "context"}["in"] > 5', {"cost": 1}, {"cost": 2}, False),
        ("ip(context.site).isLoopback()", {"site": "127.0.0.1"}, {"site": "10.0.0.1"}, False),
        ("(if context.arguments.urgent then context.cost else 0) > 5", {"cost": 1}, {"cost": 2}, False),
        ("true", {"cost": 1, "site": "a"}, {"cost": 2, "site": "b"}, True),
    ],
)
def test_values_are_alike_where_no_rule_tells_them_apart(
    condition: str, one: dict[str, Any], other: dict[str, Any], expected: bool
) -> None:
    assert alike(condition, one, other) is expected


@pytest.mark.parametrize(
    ("rule", "one", "other", "expected"),
    [
        ("permit(principal, action, resource);", "inv1", "far", True),
        ('permit(principal in Role::"clerk", action, resource);', "inv1", "junior", True),
        ('permit(principal in Role::"clerk", action, resource);', "inv1", "appr", False),
        ('permit(principal in Unit::"emea", action, resource);', "inv1", "junior", True),
        ('permit(principal in Unit::"emea", action, resource);', "inv1", "far", False),
        ('permit(principal == Agent::"inv1", action, resource);', "junior", "far", True),
        ('permit(principal == Agent::"inv1", action, resource);', "inv1", "far", False),
        ("permit(principal is Agent, action, resource);", "inv1", "far", True),
        ('permit(principal is Agent in Unit::"apac", action, resource);', "inv1", "far", False),
        ("permit(principal, action, resource) when { principal is Agent };", "inv1", "far", True),
        ('permit(principal, action, resource) when { principal is Agent in Unit::"apac" };', "inv1", "far", False),
        ('permit(principal, action, resource) when { principal in [Role::"clerk"] };', "inv1", "junior", False),
        ('permit(principal, action, resource) when { principal.unit == "emea" };', "inv1", "appr", True),
        ('permit(principal, action, resource) when { principal.unit == "emea" };', "inv1", "junior", False),
        ('permit(principal, action, resource) when { principal.roles.contains("x") };', "junior", "far", True),
        ('permit(principal, action, resource) when { principal.roles.contains("x") };', "junior", "appr", False),
        ('permit(principal, action, resource) when { principal.sponsor == "ada" };', "junior", "far", False),
        ('permit(principal, action, resource) when { Agent::"far" == principal };', "junior", "inv1", False),
        ('permit(principal, action, resource) when { resource.unit == "emea" };', "junior", "far", True),
        ("permit(principal, action, resource);", "inv1", "nobody", False),
    ],
)
def test_agents_are_alike_where_no_rule_tells_them_apart(rule: str, one: str, other: str, expected: bool) -> None:
    told = likeness(rule)
    assert (told.key(one, CONTEXT) == told.key(other, CONTEXT)) is expected


def test_agents_of_whom_very_much_is_asked_are_told_apart_by_name() -> None:
    rules = [f'permit(principal == Agent::"a{n}", action, resource);' for n in range(MOST_MARKS + 1)]
    told = likeness(*rules)
    assert told.key("junior", CONTEXT) != told.key("far", CONTEXT)
    assert told.key("junior", CONTEXT) == told.key("junior", CONTEXT)


COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")
atoms = st.builds(
    lambda operator, literal, left: (
        f"(context.cost {operator} {literal})" if left else f"({literal} {operator} context.cost)"
    ),
    st.sampled_from(COMPARISONS),
    st.integers(-4, 12),
    st.booleans(),
)
conditions = st.recursive(
    atoms | st.sampled_from(['principal in Unit::"emea"', 'context.site == "hq"', "context.cost - 3 > 0"]),
    lambda inner: st.tuples(inner, st.sampled_from(("&&", "||")), inner).map(lambda parts: f"({' '.join(parts)})"),
    max_leaves=5,
)
RANGE = range(-5, 14)


@settings(deadline=None, max_examples=tried(50))
@given(st.lists(st.tuples(st.sampled_from(("permit", "forbid")), conditions), min_size=1, max_size=4))
def test_what_is_remembered_is_what_the_engine_would_say(written: list[tuple[str, str]]) -> None:
    """Every cost in the range, of two agents and at two sites: once remembering, once with nothing remembered."""
    rules = [
        f'@id("r{n}") {effect}(principal, action, resource) when {{ {body} }};'
        for n, (effect, body) in enumerate(written)
    ]
    opened = [unit("emea"), unit("apac"), agent("far", "clerk", unit="apac")]
    bundle = Bundle.build(company(*opened, policy("p", "\n".join(rules))))
    asked = [
        Question((name,), "invoice.read", {"invoice": "i"}, cost=cost, site=site)
        for cost in RANGE
        for name in ("inv1", "far")
        for site in ("hq", "elsewhere")
    ]
    remembering = [bundle.decide(question) for question in asked]
    for question, remembered in zip(asked, remembering, strict=True):
        bundle.engine.forget()
        assert bundle.decide(question) == remembered


def test_the_engine_is_asked_once_for_what_is_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    rule = '@id("r") permit(principal in Role::"clerk", action, resource) when { context.cost <= 100 };'
    bundle = Bundle.build(company(policy("p", rule)))
    asked: list[str] = []
    put = bundle.engine.put
    monkeypatch.setattr(
        bundle.engine, "put", lambda request, policies: asked.append(request.agent) or put(request, policies)
    )
    decided = [
        bundle.decide(Question((name,), "invoice.read", {"invoice": f"i-{cost}"}, cost=cost)).effect
        for cost in (1, 50, 99, 101, 200)
        for name in ("inv1", "junior")
    ]
    assert decided == ["allow"] * 6 + ["deny"] * 4
    assert asked == ["inv1", "inv1"]


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autonomy.policy.engine.MOST_ANSWERS", 3)
    rule = '@id("r") permit(principal, action, resource) when { context.cost * 2 <= 10 };'
    bundle = Bundle.build(company(policy("p", rule)))
    for cost in (0, 1, 5, 6, 7, 5, 6, 0):
        verdict = bundle.decide(Question(("inv1",), "invoice.read", {"invoice": "i"}, cost=cost))
        assert verdict.effect == ("allow" if cost <= 5 else "deny")
