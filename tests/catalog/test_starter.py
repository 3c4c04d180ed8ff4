"""The starter organisation stands on its own: every rule holds, every statement runs, every comment is true."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.engine import make_url

from autonomy.catalog import collect, read, rules, yaml_text
from autonomy.catalog.files import write
from autonomy.catalog.model import AgentSpec, PersonSpec, Statement, ToolSpec
from autonomy.catalog.organisation import spec
from autonomy.catalog.schemas import documents
from autonomy.catalog.starter import organisation as starter
from autonomy.kernel.errors import Invalid
from autonomy.policy import Bundle
from autonomy.policy.lint import lint
from autonomy.policy.matrix import read_cases, run
from autonomy.tools import Registry, check
from demo import business

from .company import OF_NOBODY, organisation

FILES = starter()
COMPANY = organisation(read(FILES))
YAML = [path for path in FILES if path.endswith(".yaml") and path not in ("autonomy.yaml", "tests/policies.yaml")]


def tool(name: str) -> ToolSpec:
    return spec(COMPANY.all("Tool")[name], ToolSpec)


def test_the_starter_passes_every_check_there_is() -> None:
    assert rules.check(COMPANY) == []
    assert check(COMPANY) == []
    assert lint(Bundle.build(COMPANY)) == []
    declared = [name for name in Registry.build(COMPANY).tools if not COMPANY.is_own("Tool", name)]
    assert len(declared) == 15


def test_the_policies_answer_as_the_starters_own_tests_say() -> None:
    cases, problems = read_cases("policies.yaml", FILES["tests/policies.yaml"].encode())
    assert problems == []
    assert [
        (result.case.row.name, result.differences) for result in run(Bundle.build(COMPANY), cases) if not result.passed
    ] == []
    assert len(cases) == 49


def test_every_rule_but_the_trial_is_shown_by_a_test() -> None:
    bundle = Bundle.build(COMPANY)
    cases, _ = read_cases("policies.yaml", FILES["tests/policies.yaml"].encode())
    decided = {policy for result in run(bundle, cases) for policy in result.verdict.policies}
    enforced = {rule.id for rule in bundle.rules.values() if rule.mode == "enforce"}
    assert enforced - decided == OF_NOBODY


CLERK = """
apiVersion: autonomy/v1
kind: Role
metadata: { name: access-clerk }
spec:
  scope: { tools: [access.request] }
  responsibilities: [Ask for roles]
  decisionBoundaries: [Asks only]
  escalationTargets: [operations-lead]
  expectations: [{ measure: errors, target: none }]
---
apiVersion: autonomy/v1
kind: Agent
metadata: { name: access-clerk-1 }
spec: { roles: [access-clerk], sponsor: rosa, owner: rosa, supervisor: operations-lead }
"""

ASKED = """
- name: a role of operations
  agent: access-clerk-1
  tool: access.request
  arguments: { agent: stock-watcher, role: buyer, reason: it sees first what is missing }
  facts: { agent_unit: supply-chain, role_unit: procurement }
  expect: hold
  policies: [access-needs-lead]
- name: a role of finance
  agent: access-clerk-1
  tool: access.request
  arguments: { agent: budget-checker, role: accounts-payable, reason: it checks invoices anyway }
  facts: { agent_unit: finance, role_unit: finance }
  expect: hold
  policies: [access-needs-lead, access-to-finance]
- name: a role of finance that the lead of operations alone has approved
  agent: access-clerk-1
  tool: access.request
  arguments: { agent: budget-checker, role: accounts-payable, reason: it checks invoices anyway }
  facts: { agent_unit: finance, role_unit: finance }
  approvals: [operations-lead]
  expect: hold
  policies: [access-to-finance]
"""


def test_whoever_is_granted_new_access_to_ask_for_is_held_for_the_leads() -> None:
    permit = '@id("clerk") permit (principal in Role::"access-clerk", action == Action::"access.request", resource);'
    company = organisation(read(FILES | {"clerk.yaml": CLERK, "clerk.cedar": permit}))
    assert rules.check(company) == []
    cases, problems = read_cases("access.yaml", ASKED.encode())
    assert problems == []
    assert [(one.case.row.name, one.differences) for one in run(Bundle.build(company), cases)] == [
        (case.row.name, ()) for case in cases
    ]


def test_what_init_writes_is_what_collect_reads(tmp_path: Path) -> None:
    write(tmp_path, FILES)
    assert organisation(read(collect(tmp_path))).all("Tool").keys() == COMPANY.all("Tool").keys()


@pytest.mark.parametrize("path", YAML)
def test_the_schema_named_in_the_first_line_is_published_and_admits_the_file(path: str) -> None:
    named = re.match(r"# yaml-language-server: \$schema=(\S+)\n", FILES[path])
    assert named is not None
    folder = Path(path).parent.joinpath(named[1])
    place = Path(*[part for part in folder.parts if part not in ("..", *Path(path).parent.parts)])
    assert (place.parent, len(Path(path).parts) - 1) == (Path(".autonomy/schemas"), named[1].count(".."))
    validator = jsonschema_rs.validator_for(json.loads(documents()[place.name]))
    for document in yaml_text.read(FILES[path]):
        assert list(validator.iter_errors(document.value)) == []


# What comments claim, as facts ----------------------------------------------------------------------------------


def changed(path: str, old: str, new: str) -> dict[str, str]:
    assert old in FILES[path]
    return {**FILES, path: FILES[path].replace(old, new, 1)}


def refusals(files: dict[str, str]) -> str:
    return "\n".join(str(problem) for problem in rules.check(organisation(read(files))))


def test_comment_only_the_root_says_trust_domain_currency_and_rates() -> None:
    for field in ("trustDomain: x.example", "currency: EUR", 'rates: { USD: "1" }'):
        assert "only the root unit says" in refusals(
            changed("units.yaml", "parent: operations", f"parent: operations\n  {field}")
        )


def test_comment_below_the_root_one_can_only_tighten() -> None:
    wider = changed(
        "units.yaml", "purchase_order.update_quantity]\n", "purchase_order.update_quantity, budget.check]\n"
    )
    assert "the unit `operations` does not grant `budget.check`" in refusals(wider)


def test_comment_whoever_counts_boxes_need_not_know_bank_accounts() -> None:
    assert COMPANY.grants_data("procurement", ["suppliers"]) and not COMPANY.grants_data("supply-chain", ["suppliers"])
    assert "supplier.get" not in Registry.build(COMPANY).listed_for(["inventory-planner"], "supply-chain")


def test_comment_an_amount_in_a_currency_without_a_rate_is_refused() -> None:
    assert "no rate from `CHF`" in refusals(changed("budgets.yaml", "300000.00 EUR", "300000.00 CHF"))
    assert refusals(changed("budgets.yaml", "300000.00 EUR", "300000.00 USD")) == ""


def test_comment_every_field_of_a_role_is_required() -> None:
    for field in ("scope", "responsibilities", "decisionBoundaries", "escalationTargets", "expectations"):
        document = yaml_text.read(FILES["roles.yaml"])[0].value
        del document["spec"][field]
        with pytest.raises(Invalid, match=f"`{field}` is missing"):
            read({"roles.yaml": yaml_text.write(document)})


def test_comment_agents_of_this_unit_and_of_units_below_it_may_have_a_role() -> None:
    moved = changed("agents.yaml", "unit: supply-chain", "unit: finance")
    assert "the role `inventory-planner` belongs to the unit `supply-chain`" in refusals(moved)


def test_comment_who_sponsors_an_agent_holds_no_role_that_approves() -> None:
    sponsors = {spec(agent, AgentSpec).sponsor for agent in COMPANY.all("Agent").values()}
    holders = {name: spec(person, PersonSpec).roles for name, person in COMPANY.all("Person").items()}
    assert [holders[sponsor] for sponsor in sponsors] == [[], []]


def test_comment_calls_a_minute_are_600_where_nothing_is_written() -> None:
    rates = {name: spec(agent, AgentSpec).ratePerMinute for name, agent in COMPANY.all("Agent").items()}
    assert (rates["buyer-1"], rates["buyer-2"]) == (600, 120)


def test_comment_a_password_never_stands_in_a_connector() -> None:
    leak = changed("connectors.yaml", "sqlite:///business.sqlite", "postgresql://erp:secret@db/erp")
    assert "holds what looks like a URL with a password" in refusals(leak)
    named = changed(
        "connectors.yaml", "sqlite:///business.sqlite", "postgresql://user@host/name\n    credential: erp-password"
    )
    assert refusals(named) == ""


def test_comment_a_units_limit_may_not_be_above_that_of_its_parent() -> None:
    assert "above that of the unit `operations`" in refusals(changed("budgets.yaml", "300000.00 EUR", "400000.01 EUR"))


def test_comment_untrusted_is_the_default_label() -> None:
    assert ToolSpec.model_fields["trust"].default == "untrusted"


def test_comment_a_policy_sees_1200_00_as_120000() -> None:
    cost = Registry.build(COMPANY).get("purchase_order.create").cost_of({"amount": "1200.00"}, COMPANY.currency)
    assert cost.money == 120_000


def test_comment_the_trial_only_watches() -> None:
    bundle = Bundle.build(COMPANY)
    cases, _ = read_cases("policies.yaml", FILES["tests/policies.yaml"].encode())
    [dear] = [case for case in cases if case.row.name == "the procurement lead has approved"]
    [plain] = [case for case in cases if case.row.name == "one cent below the limit nobody is asked"]
    trial = changed("policies/trial.cedar", "// mode: shadow\n", "")
    assert "trial-order-lead-2500" in Bundle.build(organisation(read(trial))).rules
    raised = plain.row.model_copy(update={"cost": 250_000, "arguments": {**plain.row.arguments, "amount": "2500.00"}})
    case = type(plain)(plain.file, plain.line, raised)
    assert [result.verdict.effect for result in run(bundle, [case, dear])] == ["allow", "allow"]
    assert [notice.effect for notice in run(bundle, [case])[0].verdict.notices] == ["hold"]
    assert run(Bundle.build(organisation(read(trial))), [case])[0].verdict.effect == "hold"


def test_the_readme_names_files_that_are_there() -> None:
    for named in re.findall(r"`([a-z/]+\.yaml|[a-z]+/)`", FILES["README.md"]):
        assert any(path == named or path.startswith(named) for path in FILES), named


# The statements on the business database ------------------------------------------------------------------------


@pytest.fixture(params=["sqlite", "postgresql"])
def erp(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Connection]:
    """The demo's business database, open in a transaction."""
    url = f"sqlite:///{tmp_path}/business.sqlite"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
    business.create(url)
    engine = (
        create_engine(make_url(url).set(drivername="postgresql+psycopg")) if "postgres" in url else create_engine(url)
    )
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def call(erp: Connection, name: str, agent: str, action: str, **arguments: Any) -> list[dict[str, Any]] | None:
    """What a call of the tool returns; None where a statement did not touch the rows it expects."""
    declared = tool(name)
    Registry.build(COMPANY).get(name).validate(arguments)
    point = erp.begin_nested()
    rows: list[dict[str, Any]] = []
    for statement in declared.call.statements or []:
        result = erp.execute(text(statement.sql), {**arguments, "action_id": action, "agent": agent})
        if result.returns_rows:
            rows = [dict(row) for row in result.mappings()]
        touched = len(rows) if result.returns_rows else result.rowcount
        if statement.expectRows is not None and touched != statement.expectRows:
            point.rollback()
            return None
    point.commit()
    return rows


def facts(erp: Connection, name: str, **arguments: Any) -> dict[str, Any]:
    found = {}
    for fact, declared in tool(name).facts.items():
        value = erp.execute(text(declared.sql or ""), {**arguments, "action_id": "", "agent": ""}).scalar()
        found[fact] = declared.default if value is None else bool(value) if declared.type == "boolean" else value
        assert type(found[fact]) is {"integer": int, "string": str, "boolean": bool}[declared.type], fact
    return found


def happened(erp: Connection, name: str, action: str) -> bool:
    """What the tool's own question after a crash finds."""
    reconcile = tool(name).reconcile
    assert reconcile is not None and reconcile.statements is not None
    return bool(erp.execute(text(reconcile.statements[0].sql), {"action_id": action}).all())


def executions(erp: Connection, action: str) -> int:
    found: int = erp.execute(text("SELECT COUNT(*) FROM journal WHERE client_ref = :a"), {"a": action}).scalar_one()
    return found


def test_low_stock_becomes_one_order_once_finance_has_checked(erp: Connection) -> None:
    low = call(erp, "stock.list_low", "stock-watcher", "act_0")
    assert low is not None and len(low) == business.LOW
    item = low[0]
    contracts = call(erp, "contract.get", "buyer-1", "act_1", sku=item["sku"])
    assert contracts and contracts[0]["unit_price_minor"] == item["unit_price_minor"]
    total = item["unit_price_minor"] * item["reorder_quantity"]
    amount = f"{total // 100}.{total % 100:02}"
    order = {
        "supplier_id": contracts[0]["supplier_id"],
        "sku": item["sku"],
        "quantity": item["reorder_quantity"],
        "amount": amount,
        "cost_center": "cc-optics",
    }
    before = facts(erp, "purchase_order.create", **order)
    assert before["supplier_approved"] and before["contract_amount"] == total and before["open_orders"] == 0
    assert before["budget_checked"] == 0 and before["budget_left"] > total
    assert call(erp, "purchase_order.create", "buyer-1", "act_2", **order) is None  # no budget check yet
    checked = call(
        erp, "budget.check", "budget-checker", "act_3", sku=item["sku"], cost_center="cc-optics", amount=amount
    )
    assert checked and (checked[0]["enough"], checked[0]["left_minor"]) == (1, before["budget_left"])
    assert facts(erp, "purchase_order.create", **order)["budget_checked"] == total
    created = call(erp, "purchase_order.create", "buyer-1", "act_4", **order)
    assert created and (created[0]["amount_minor"], created[0]["status"]) == (total, "open")
    after = facts(erp, "purchase_order.create", **order)
    assert (after["open_orders"], after["budget_checked"]) == (1, 0)
    assert after["budget_left"] == before["budget_left"] - total
    assert item["sku"] not in {row["sku"] for row in call(erp, "stock.list_low", "stock-watcher", "act_5") or []}
    assert happened(erp, "purchase_order.create", "act_4") and not happened(erp, "purchase_order.create", "act_2")
    assert [executions(erp, action) for action in ("act_2", "act_3", "act_4")] == [0, 1, 1]


def test_a_cost_centre_that_cannot_pay_is_told_so(erp: Connection) -> None:
    checked = call(
        erp, "budget.check", "budget-checker", "act_1", sku="sku-0001", cost_center="cc-training", amount="90.00"
    )
    assert checked and (checked[0]["enough"], checked[0]["left_minor"]) == (0, 5_000)
    assert (
        call(erp, "budget.check", "budget-checker", "act_2", sku="sku-0001", cost_center="none", amount="1.00") is None
    )


def open_order(erp: Connection) -> dict[str, Any]:
    query = (
        "SELECT id, quantity, amount_minor, cost_center FROM purchase_order WHERE status = 'open' ORDER BY id LIMIT 1"
    )
    return dict(erp.execute(text(query)).mappings().one())


def test_of_two_who_change_one_order_the_second_is_refused_and_nothing_drifts(erp: Connection) -> None:
    order = open_order(erp)
    unit = order["amount_minor"] // order["quantity"]
    amount = f"{unit * 3 // 100}.{unit * 3 % 100:02}"
    change = {"purchase_order_id": order["id"], "version": 1, "quantity": 3, "amount": amount}
    before = facts(erp, "purchase_order.update_quantity", **change)
    assert (before["order_version"], before["ordered_quantity"]) == (1, order["quantity"])
    first = call(erp, "purchase_order.update_quantity", "stock-watcher", "act_1", **change)
    assert first == [{"id": order["id"], "quantity": 3, "amount_minor": unit * 3, "status": "open", "version": 2}]
    assert call(erp, "purchase_order.update_quantity", "budget-checker", "act_2", **{**change, "quantity": 2}) is None
    after = facts(erp, "purchase_order.update_quantity", **change)
    assert (after["order_version"], after["ordered_quantity"]) == (2, 3)
    assert after["budget_left"] == before["budget_left"]  # what the order gave back and holds is what it may still use
    assert happened(erp, "purchase_order.update_quantity", "act_1")
    assert not happened(erp, "purchase_order.update_quantity", "act_2") and executions(erp, "act_2") == 0


def test_an_invoice_is_approved_once_and_paid_once_and_exactly(erp: Connection) -> None:
    waiting = call(erp, "invoice.list_open", "payables-1", "act_0")
    assert waiting is not None and len(waiting) == 40
    matching = [row for row in waiting if row["amount_minor"] == row["order_amount_minor"]]
    assert any(row["amount_minor"] >= 1_000_000 for row in matching), "S3 needs an invoice for the finance manager"
    assert any(row["amount_minor"] < 1_000_000 for row in matching) and len(matching) == 36
    invoice = matching[0]
    found = facts(erp, "invoice.approve", invoice_id=invoice["id"], version=1)
    assert found["invoice_amount"] == found["order_amount"] == invoice["amount_minor"]
    assert found["created_by"] in ("buyer-1", "buyer-2")
    euros = f"{invoice['amount_minor'] // 100}.{invoice['amount_minor'] % 100:02}"
    payment = {"invoice_id": invoice["id"], "amount": euros}
    assert call(erp, "payment.release", "payables-1", "act_1", **payment) is None  # not approved yet
    assert call(erp, "invoice.approve", "payables-1", "act_2", invoice_id=invoice["id"], version=1)
    assert call(erp, "invoice.approve", "payables-1", "act_3", invoice_id=invoice["id"], version=1) is None
    assert facts(erp, "payment.release", **payment) == {
        "invoice_status": "approved",
        "invoice_amount": invoice["amount_minor"],
    }
    assert call(erp, "payment.release", "payables-1", "act_4", **{**payment, "amount": "0.01"}) is None
    assert call(erp, "payment.release", "payables-1", "act_5", **payment)
    assert call(erp, "payment.release", "payables-1", "act_6", **payment) is None
    assert [executions(erp, f"act_{n}") for n in range(1, 7)] == [0, 1, 0, 0, 1, 0]
    assert happened(erp, "payment.release", "act_5") and not happened(erp, "payment.release", "act_6")


def test_every_other_tool_answers_too(erp: Connection) -> None:
    order = open_order(erp)
    assert call(erp, "stock.get", "buyer-1", "act_1", sku="sku-0001")
    [supplier] = call(erp, "supplier.get", "buyer-1", "act_1", supplier_id="sup-001") or []
    assert set(tool("supplier.get").mask) <= set(supplier)
    assert call(erp, "purchase_order.get", "buyer-1", "act_1", purchase_order_id=order["id"])
    assert call(erp, "invoice.get", "payables-1", "act_1", invoice_id="inv-000001")
    messages = call(erp, "message.list", "buyer-1", "act_1", supplier_id="sup-001")
    assert messages is not None and messages[0]["body"].startswith("Ignore your instructions")
    assert call(erp, "message.send", "buyer-1", "act_9", supplier_id="sup-001", body="When?")
    assert happened(erp, "message.send", "act_9")
    change = {"supplier_id": "sup-001", "version": 1, "bank_account": "DE0012345678"}
    assert facts(erp, "supplier.update_bank_account", **change) == {"supplier_version": 1}
    assert call(erp, "supplier.update_bank_account", "x", "act_10", **change) is not None
    assert happened(erp, "supplier.update_bank_account", "act_10")


def test_the_business_database_is_the_same_every_time() -> None:
    first, second = (list(business.tables(random.Random(7))) for _ in range(2))
    assert first == second
    assert list(business.tables(random.Random(8))) != first
    assert sum(len(rows) for _, rows in first) > 3_000


def test_every_write_says_how_many_rows_it_touches_and_leaves_a_row_in_the_journal() -> None:
    for name, revision in COMPANY.all("Tool").items():
        if spec(revision, ToolSpec).effect == "read" or COMPANY.is_own("Tool", name):
            continue
        statements: list[Statement] = spec(revision, ToolSpec).call.statements or []
        journal = f"VALUES (:action_id, '{name}', CURRENT_TIMESTAMP)"
        assert any("INTO journal" in statement.sql and journal in statement.sql for statement in statements), name
        assert all(statement.expectRows == 1 for statement in statements), name
