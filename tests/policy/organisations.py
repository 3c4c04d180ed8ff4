"""Organisations built in code: a company with business units, a handful of tools, and the policies a test gives it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from autonomy.catalog.model import SPECS
from autonomy.catalog.organisation import Organisation, Revision

ROOT = "acme"

PAY_INPUT = {
    "type": "object",
    "required": ["invoice", "amount", "currency"],
    "properties": {
        "invoice": {"type": "string"},
        "amount": {"type": "string", "x-money": "currency"},
        "currency": {"type": "string"},
        "note": {"type": ["string", "null"]},
        "urgent": {"type": "boolean"},
        "quantity": {"type": "integer"},
        "weight": {"type": "number"},
        "lines": {"type": "array", "items": {"type": "string"}},
        "to": {"type": "object", "required": ["iban"], "properties": {"iban": {"type": "string"}}},
    },
}
READ_INPUT = {"type": "object", "required": ["invoice"], "properties": {"invoice": {"type": "string"}}}


def revision(kind: str, name: str, spec: Mapping[str, Any], unit: str = ROOT) -> Revision:
    return Revision(kind, name, unit, "", "", SPECS[kind].model_validate(dict(spec)))


def unit(name: str, parent: str | None = ROOT, **spec: Any) -> Revision:
    return revision("Unit", name, {"parent": parent, **spec}, parent or name)


def root(**spec: Any) -> Revision:
    return unit(ROOT, None, **{"currency": "EUR", "rates": {"USD": "0.5"}, **spec})


def role(name: str, tools: Iterable[str] = ("*",), data: Iterable[str] = ()) -> Revision:
    words = {
        "responsibilities": ["work"],
        "decisionBoundaries": ["its own"],
        "escalationTargets": [name],
        "expectations": [{"measure": "errors", "target": "0"}],
    }
    return revision("Role", name, {"scope": {"tools": list(tools), "data": list(data)}, **words})


def agent(name: str, *roles: str, unit: str = ROOT) -> Revision:
    spec = {"roles": list(roles), "sponsor": "ada", "owner": "ada", "supervisor": "team-lead"}
    return revision("Agent", name, spec, unit)


def tool(name: str, input: Mapping[str, Any] = READ_INPUT, effect: str = "read", **spec: Any) -> Revision:
    words = {"connector": "erp", "call": {"function": "do"}, "input": dict(input), "effect": effect}
    return revision("Tool", name, {**words, **spec})


def policy(name: str, text: str, unit: str = ROOT, mode: str = "enforce") -> Revision:
    return revision("Policy", name, {"text": text, "mode": mode}, unit)


def company(*more: Revision) -> Organisation:
    """`acme` with the units `emea` (and `retail` below it) and `apac`, and the invoice tools; later ones replace."""
    declared = [
        root(),
        unit("emea", tools=["invoice.*"]),
        unit("retail", "emea"),
        unit("apac", tools=["invoice.read"]),
        role("clerk"),
        role("approver"),
        role("finance-manager"),
        role("team-lead"),
        role("cfo"),
        agent("inv1", "clerk", "approver", unit="emea"),
        agent("junior", "clerk", unit="retail"),
        agent("appr", "approver", unit="emea"),
        agent("far", "clerk", unit="apac"),
        tool("invoice.read", tags=[], mask=["iban", "email"]),
        tool("invoice.create", PAY_INPUT, "write-keyed"),
        tool(
            "invoice.approve",
            effect="write-queryable",
            facts={"created_by": {"type": "string", "sql": "select 1"}},
        ),
        tool(
            "invoice.pay",
            PAY_INPUT,
            "write-neither",
            risk="high",
            facts={
                "region": {"type": "string", "sql": "select 1", "default": "EU"},
                "left": {"type": "money", "sql": "select 1", "default": "5.00"},
            },
            windows={"paid_today": {"over": "24h", "sum": "amount"}},
        ),
        tool("stock.read"),
    ]
    unique = {(one.kind, one.name): one for one in (*declared, *more)}
    return Organisation(1, unique.values())


INVOICE_RULES = """\
@id("pay-base") @obligation_label("paid")
permit(principal in Role::"clerk", action == Action::"invoice.pay", resource);

@id("read") @obligation_mask("iban, email")
permit(principal in Role::"clerk", action in [Action::"invoice.create", Action::"invoice.read"], resource);

@id("approve")
permit(principal in Role::"approver", action == Action::"invoice.approve", resource);

@id("pay-fm-approval") @outcome("require_approval") @escalate("finance-manager")
@escalate_after("4h") @escalate_to("cfo") @expires("2d")
forbid(principal, action == Action::"invoice.pay", resource)
when { context.arguments.amount >= 1000000 && context.arguments.amount <= 5000000 }
unless { context.approvals.contains("finance-manager") };

@id("pay-never") @reason("above 50,000 is never paid by an agent") @needs("a person with access to the bank")
forbid(principal, action == Action::"invoice.pay", resource) when { context.arguments.amount > 5000000 };

@id("sod-approve") @reason("who created an invoice cannot approve it")
forbid(principal, action == Action::"invoice.approve", resource) when { context.facts.created_by == principal.name };

@id("eu-data") @reason("EU data only in the EU")
forbid(principal, action == Action::"invoice.pay", resource)
when { context.facts.region == "EU" && context.site == "us" };
"""

RETAIL_RULES = """\
@id("retail-pay") @outcome("require_approval") @escalate("team-lead")
forbid(principal, action == Action::"invoice.pay", resource)
unless { context.approvals.contains("team-lead") };
"""


def invoice_desk(*more: Revision) -> Organisation:
    """The company with the rules of its invoice desk, and one that only its unit `retail` made."""
    return company(policy("invoices", INVOICE_RULES), policy("retail", RETAIL_RULES, "retail"), *more)
