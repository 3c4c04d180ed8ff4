"""Slicing, confinement and our own combination decide exactly as plain Cedar does on the whole text."""

import json
from typing import Any

import cedarpy
from hypothesis import given, settings
from hypothesis import strategies as st

from autonomy.catalog.organisation import Organisation
from autonomy.policy import Bundle, Question
from autonomy.policy.model import Fact
from tests.examples import tried

from .organisations import agent, company, policy, unit

AGENTS = ("inv1", "junior", "appr", "far", "boss")
TOOLS = ("invoice.read", "invoice.create", "invoice.approve", "invoice.pay", "stock.read")
UNITS = ("acme", "emea", "retail", "apac")

PRINCIPALS = (
    "principal",
    'principal in Role::"clerk"',
    'principal in Unit::"emea"',
    'principal == Agent::"junior"',
    'principal is Agent in Unit::"retail"',
)
ACTIONS = (
    "action",
    'action == Action::"invoice.pay"',
    'action == Action::"invoice.read"',
    'action in [Action::"invoice.read", Action::"invoice.create"]',
    'action in Action::"write"',
    'action in Action::"invoice.*"',
    'action in [Action::"risk:high", Action::"read"]',
)
RESOURCES = ("resource", 'resource == Tool::"invoice.read"', "resource is Tool")
CONDITIONS = (
    "",
    "when { context.cost > 10 }",
    "when { context.cost + 9223372036854775800 > 0 }",
    'when { principal.roles.contains("approver") } unless { context.site == "hq" }',
    'unless { context.labels.contains("untrusted") }',
    'when { action in Action::"write" || resource.risk == "high" }',
    'when { context.arguments.invoice == "i-1" && context.record.key != "" }',
    'when { context has site && context.arguments has invoice } unless { context.record == {kind: "", key: ""} }',
    'when { if context.delegated then context.cost > 3 else context.record.key == "i-1" }',
    'when { [context.site, context.record.kind].contains("hq") }',
    "when { context.cost >= 5 && context.cost != 7 }",
    "when { 3 < context.cost && 11 >= context.cost } unless { context.cost == 9 }",
    "unless { context.cost * 2 == 10 || context.cost == -1 }",
    'when { context.site == "hq" || context.record.key != "i-2" }',
    'when { "i-1" == context.record.key || context.site like "h*" }',
    'when { principal == Agent::"boss" || principal in [Role::"approver", Role::"cfo"] }',
    'when { principal in Unit::"emea" && principal.supervisor == "team-lead" }',
    'when { principal is Agent in Role::"cfo" || principal.name == "far" }',
    'when { Unit::"retail" in Unit::"emea" && principal.unit == "retail" }',
)

rules = st.tuples(
    st.sampled_from(("permit", "permit", "forbid")),
    st.sampled_from(PRINCIPALS),
    st.sampled_from(ACTIONS),
    st.sampled_from(RESOURCES),
    st.sampled_from(CONDITIONS),
    st.sampled_from(UNITS),
)
questions = st.tuples(
    st.sampled_from(AGENTS),
    st.sampled_from(TOOLS),
    st.integers(0, 20),
    st.sampled_from(("", "hq")),
    st.booleans(),
    st.sampled_from(("i-1", "i-2")),
)


def organisation(*found: Any) -> Organisation:
    # Every unit is granted every tool here: grants narrow by scope, and have their own tests.
    opened = [unit("emea"), unit("retail", "emea"), unit("apac"), agent("boss", "clerk", "cfo")]
    return company(*opened, *found)


def text_of(number: int, rule: tuple[str, ...], within: str = "") -> str:
    effect, principal, action, resource, condition, _ = rule
    return f'@id("r{number}") {effect}({principal}, {action}, {resource}) {within} {condition};'


def confined_by_hand(number: int, rule: tuple[str, ...]) -> str:
    within = "" if rule[-1] == "acme" else f'when {{ principal in Unit::"{rule[-1]}" }}'
    return text_of(number, rule, within)


def whole(declared: Organisation) -> list[dict[str, Any]]:
    """All entities of the organisation, put together apart from the code under test."""

    def entity(kind: str, name: str, attrs: dict[str, Any], parents: list[tuple[str, str]]) -> dict[str, Any]:
        return {
            "uid": {"type": kind, "id": name},
            "attrs": attrs,
            "parents": [{"type": kind, "id": name} for kind, name in parents],
        }

    found = [entity("Role", name, {}, []) for name in declared.all("Role")]
    for name, revision in declared.all("Unit").items():
        parent = revision.spec.parent  # type: ignore[attr-defined]
        found.append(entity("Unit", name, {}, [("Unit", parent)] if parent else []))
    for name, revision in declared.all("Agent").items():
        spec: Any = revision.spec
        attrs = {"name": name, "unit": revision.unit, "roles": spec.roles, "sponsor": spec.sponsor}
        attrs |= {"owner": spec.owner, "supervisor": spec.supervisor}
        found.append(entity("Agent", name, attrs, [("Unit", revision.unit), *(("Role", role) for role in spec.roles)]))
    for name, revision in declared.all("Tool").items():
        tool: Any = revision.spec
        attrs = {"name": name, "connector": tool.connector, "risk": tool.risk, "effect": tool.effect}
        attrs |= {"unit": revision.unit, "tags": tool.tags, "egress": tool.egress, "site": ""}
        found.append(entity("Tool", name, attrs, []))
    return found


def plain(
    policies: cedarpy.PolicySet, schema: cedarpy.Schema, entities: cedarpy.Entities, asked: tuple[Any, ...]
) -> tuple[str, set[str]]:
    name, tool, cost, site, untrusted, invoice = asked
    writes = {"invoice": invoice, "amount": 100} | (
        {"currency": "EUR"} if tool in ("invoice.pay", "invoice.create") else {}
    )
    context = {
        "arguments": writes if "currency" in writes else {"invoice": invoice},
        "facts": {
            "invoice.pay": {"region": "EU", "left": 100},
            "invoice.approve": {"created_by": "x"},
        }.get(tool, {}),
        "windows": {"paid_today": 1} if tool == "invoice.pay" else {},
        "approvals": [],
        "labels": ["untrusted"] if untrusted else [],
        "origin": [],
        "cost": cost,
        "delegated": False,
        "record": {"kind": "invoice", "key": invoice},
        "site": site,
    }
    request = {
        "principal": f'Agent::"{name}"',
        "action": f'Action::"{tool}"',
        "resource": f'Tool::"{tool}"',
        "context": context,
    }
    answer = cedarpy.is_authorized(request, policies, entities, schema)
    if answer.diagnostics.errors or not answer.allowed:
        return "deny", set(answer.diagnostics.id_annotations_by_reason.values())
    return "allow", set(answer.diagnostics.id_annotations_by_reason.values())


def ours(bundle: Bundle, asked: tuple[Any, ...]) -> tuple[str, set[str]]:
    name, tool, cost, site, untrusted, invoice = asked
    verdict = bundle.decide(
        Question(
            principals=(name,),
            tool=tool,
            arguments={"invoice": invoice, "amount": "1.00", "currency": "EUR"},
            facts={"region": "EU", "left": 100, "created_by": "x"},
            windows={"paid_today": 1},
            labels=frozenset({"untrusted"} if untrusted else ()),
            cost=cost,
            record=("invoice", invoice),
            site=site,
        )
    )
    return verdict.effect, set(verdict.policies)


@settings(max_examples=tried(150), deadline=None)
@given(st.lists(rules, max_size=8), st.lists(questions, min_size=15, max_size=25))
def test_a_bundle_decides_as_plain_cedar_on_the_whole_text(
    written: list[tuple[str, ...]], asked: list[tuple[Any, ...]]
) -> None:
    declared = organisation(*(policy(f"p{n}", text_of(n, rule), rule[-1]) for n, rule in enumerate(written)))
    bundle = Bundle.build(declared)
    text = "\n".join(confined_by_hand(number, rule) for number, rule in enumerate(written))
    policies, schema = cedarpy.PolicySet.from_str(text), cedarpy.Schema.from_str(bundle.schema)
    # With the schema, the engine adds the action hierarchy to the entities by itself.
    entities = cedarpy.Entities.from_json_str(json.dumps(whole(declared)), schema)
    for question in asked:
        assert ours(bundle, question) == plain(policies, schema, entities, question)


@settings(max_examples=tried(40), deadline=None)
@given(st.lists(rules, max_size=6), st.lists(questions, min_size=5, max_size=8), st.sampled_from(("warn", "shadow")))
def test_rules_in_trial_never_change_a_decision(
    written: list[tuple[str, ...]], asked: list[tuple[Any, ...]], mode: str
) -> None:
    in_force = [policy(f"p{n}", text_of(n, rule), rule[-1]) for n, rule in enumerate(written) if n % 2]
    trials = [policy(f"p{n}", text_of(n, rule), rule[-1], mode) for n, rule in enumerate(written) if not n % 2]
    alone, beside = Bundle.build(organisation(*in_force)), Bundle.build(organisation(*in_force, *trials))
    for question in asked:
        assert ours(alone, question) == ours(beside, question)


@settings(max_examples=tried(40), deadline=None)
@given(
    st.lists(rules, max_size=6),
    st.lists(questions, min_size=3, max_size=5),
    st.lists(st.sampled_from(AGENTS), max_size=3),
)
def test_acting_for_others_never_allows_more(
    written: list[tuple[str, ...]], asked: list[tuple[Any, ...]], others: list[str]
) -> None:
    bundle = Bundle.build(
        organisation(*(policy(f"p{n}", text_of(n, rule), rule[-1]) for n, rule in enumerate(written)))
    )
    for name, tool, *_ in asked:
        arguments = {"invoice": "i-1", "amount": "1.00", "currency": "EUR"}
        facts: dict[str, Fact] = {"region": "EU", "left": 100, "created_by": "x"}
        alone = [bundle.decide(Question((one,), tool, arguments, facts, {"paid_today": 1})) for one in (name, *others)]
        together = bundle.decide(Question((name, *others), tool, arguments, facts, {"paid_today": 1}))
        assert (together.effect == "allow") == all(verdict.effect == "allow" for verdict in alone)
