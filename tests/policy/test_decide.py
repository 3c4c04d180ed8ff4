from typing import Any

import pytest
from msgspec.structs import replace

from autonomy.catalog.organisation import Revision
from autonomy.kernel.clock import DAY, HOUR
from autonomy.policy import Ask, Bundle, Question, Verdict

from .organisations import INVOICE_RULES, PAY_INPUT, agent, company, invoice_desk, policy, role, tool

DESK = Bundle.build(invoice_desk())
PAY = Question(
    principals=("inv1",),
    tool="invoice.pay",
    arguments={"invoice": "i-1", "amount": "120.00", "currency": "EUR"},
    facts={"region": "EU", "left": 500},
    windows={"paid_today": 12000},
    cost=12000,
)
READ = Question(("inv1",), "invoice.read", {"invoice": "i-1"})


def ruled(text: str, *more: Revision) -> Bundle:
    return Bundle.build(company(policy("p", text), *more))


def paying(bundle: Bundle, **changes: Any) -> Verdict:
    """The verdict on PAY with some arguments changed; None takes an argument out."""
    arguments = {name: value for name, value in {**PAY.arguments, **changes}.items() if value is not None}
    return bundle.decide(replace(PAY, arguments=arguments))


def when(condition: str) -> Bundle:
    """One permit for paying, under a condition."""
    return ruled(f'@id("it") permit(principal, action == Action::"invoice.pay", resource) when {{ {condition} }};')


def test_without_a_policy_everything_is_denied_and_says_so() -> None:
    verdict = Bundle.build(company()).decide(PAY)
    assert verdict == Verdict("deny", reasons=("no policy permits `invoice.pay` for `inv1`",), obligations={})


def test_an_allowance_carries_the_obligations_of_every_permit_that_fits() -> None:
    extra = """@id("also") @obligation_mask("email") @obligation_redact("phone")
    permit(principal, action in Action::"read", resource);"""
    verdict = Bundle.build(invoice_desk(policy("extra", extra))).decide(READ)
    assert verdict.effect == "allow"
    assert verdict.policies == ("also", "read")
    assert verdict.obligations == {"mask": ("email", "iban"), "redact": ("phone",)}


def test_a_denial_names_the_rule_its_reason_and_what_would_be_needed() -> None:
    verdict = paying(DESK, amount="60000")
    assert verdict.effect == "deny"
    assert verdict.policies == ("pay-never",)
    assert verdict.reasons == ("above 50,000 is never paid by an agent",)
    assert verdict.needs == ("a person with access to the bank",)
    assert verdict.errors == ()


def test_a_hold_says_whom_to_ask_and_when_to_escalate() -> None:
    verdict = paying(DESK, amount="20000")
    assert verdict.effect == "hold"
    assert verdict.needed == (Ask("finance-manager", "pay-fm-approval", 4 * HOUR, "cfo", 2 * DAY),)
    assert verdict.obligations == {}


def test_a_hold_is_not_lifted_by_another_role() -> None:
    question = replace(PAY, arguments={**PAY.arguments, "amount": "20000"}, approvals=frozenset({"cfo"}))
    assert DESK.decide(question).effect == "hold"


def test_nobody_is_asked_where_no_permit_would_let_it_pass() -> None:
    verdict = DESK.decide(replace(PAY, principals=("appr",), arguments={**PAY.arguments, "amount": "20000"}))
    assert (verdict.effect, verdict.needed) == ("deny", ())
    assert verdict.reasons == ("no policy permits `invoice.pay` for `appr`",)


def test_an_approval_rule_that_its_approval_does_not_lift_denies() -> None:
    text = """@id("ok") permit(principal, action, resource);
    @id("stuck") @outcome("require_approval") @escalate("cfo") forbid(principal, action, resource)
    unless { context.approvals.contains("cfo") && context.site == "hq" };"""
    assert ruled(text).decide(READ).effect == "deny"
    assert ruled(text).decide(replace(READ, site="hq")).effect == "hold"


# Faults deny.


@pytest.mark.parametrize(
    ("question", "says"),
    [
        (replace(PAY, principals=()), "nobody asks"),
        (replace(PAY, principals=("ghost",)), "no agent `ghost`"),
        (replace(PAY, principals=("inv1", "ghost")), "no agent `ghost`"),
        (replace(PAY, principals=('Agent::"inv1"',)), "no agent"),
        (replace(PAY, tool="invoice.burn"), "no tool `invoice.burn`"),
        (replace(PAY, tool="write"), "no tool `write`"),
        (replace(PAY, arguments={}), "argument `invoice` is missing"),
        (replace(PAY, arguments={**PAY.arguments, "invoice": 7}), "argument `invoice` is not a string"),
        (
            replace(PAY, arguments={**PAY.arguments, "invoice": {"__entity": {"type": "Agent", "id": "x"}}}),
            "not a string",
        ),
        (replace(PAY, arguments={**PAY.arguments, "invoice": None}), "argument `invoice` is missing"),
        (replace(PAY, arguments={**PAY.arguments, "invoice": "\ud800"}), "half a character"),
        (replace(PAY, arguments={**PAY.arguments, "urgent": "yes"}), "argument `urgent` is not true or false"),
        (replace(PAY, arguments={**PAY.arguments, "quantity": True}), "argument `quantity` is not a whole number"),
        (replace(PAY, arguments={**PAY.arguments, "quantity": 1.5}), "argument `quantity` is not a whole number"),
        (replace(PAY, arguments={**PAY.arguments, "quantity": 2**63}), "argument `quantity` is not a whole number"),
        (replace(PAY, arguments={**PAY.arguments, "lines": "x"}), "argument `lines` is not a list"),
        (replace(PAY, arguments={**PAY.arguments, "lines": ["a", 1]}), "argument `lines` is not a string"),
        (replace(PAY, arguments={**PAY.arguments, "to": "x"}), "argument `to` is not an object"),
        (replace(PAY, arguments={**PAY.arguments, "to": {}}), "argument `to.iban` is missing"),
        (replace(PAY, facts={"region": "EU"}), "fact `left` is missing"),
        (replace(PAY, facts={"region": 5, "left": 0}), "fact `region` is not a string"),
        (replace(PAY, windows={}), "window `paid_today` is missing"),
        (replace(PAY, windows={"paid_today": 2**63}), "window `paid_today` is not a whole number"),
        (replace(PAY, cost=2**63), "field `cost` is not a whole number"),
        (replace(PAY, record=("invoice", 7)), "field `record` is not a string"),  # type: ignore[arg-type]
    ],
)
def test_a_question_that_cannot_be_put_is_denied_with_the_error_named(question: Question, says: str) -> None:
    verdict = DESK.decide(question)
    assert verdict.effect == "deny"
    assert says in verdict.errors[0]
    assert verdict.reasons == verdict.errors


def test_an_evaluation_error_denies_and_names_the_rule_but_no_value() -> None:
    verdict = ruled("""@id("ok") permit(principal, action, resource);
    @id("sum") forbid(principal, action, resource) when { context.cost + 9223372036854775807 < 0 };""").decide(
        replace(READ, cost=77)
    )
    assert verdict.effect == "deny"
    assert verdict.errors == ("rule `sum` could not be evaluated",)


def test_an_error_in_a_permit_denies_although_another_permits() -> None:
    verdict = ruled("""@id("ok") permit(principal, action, resource);
    @id("sum") permit(principal, action, resource) when { context.cost + 9223372036854775807 > 0 };""").decide(
        replace(READ, cost=1)
    )
    assert (verdict.effect, verdict.errors) == ("deny", ("rule `sum` could not be evaluated",))


def test_an_error_that_shows_only_once_approved_denies() -> None:
    verdict = ruled("""@id("ok") permit(principal, action, resource);
    @id("ask") @outcome("require_approval") @escalate("cfo") forbid(principal, action, resource)
    unless { context.approvals.contains("cfo") && context.cost + 9223372036854775807 > 0 };""").decide(
        replace(READ, cost=1)
    )
    assert (verdict.effect, verdict.errors) == ("deny", ("rule `ask` could not be evaluated",))


# What an agent sends is data.


def test_an_entity_in_an_argument_stays_out_of_the_decision() -> None:
    admin = {"__entity": {"type": "Role", "id": "cfo"}}
    verdict = paying(DESK, __entity=admin, extra=admin, to={"iban": "x", "__entity": admin["__entity"]})
    assert verdict.effect == "allow"
    assert paying(DESK, to=admin).errors == ("argument `to.iban` is missing",)


def test_a_schema_cannot_declare_cedars_own_keys() -> None:
    odd = {"type": "object", "properties": {"__entity": {"type": "object", "properties": {"type": {"type": "string"}}}}}
    bundle = ruled('@id("a") permit(principal, action, resource);', tool("odd", odd))
    assert "__entity" not in bundle.schema
    assert bundle.decide(Question(("inv1",), "stock.read", {"invoice": "x"})).effect == "deny"


@pytest.mark.parametrize("name", ['a"b', "a\\b", "a b", "", "ü", "\n", "in", "has", "type", "{", "\u200b", "\0"])
def test_any_name_of_an_argument_survives_into_the_schema(name: str) -> None:
    schema = {"type": "object", "required": [name], "properties": {name: {"type": "string"}}}
    bundle = ruled(
        '@id("a") permit(principal, action == Action::"odd", resource);', tool("odd", schema), agent("o", "clerk")
    )
    assert bundle.decide(Question(("o",), "odd", {name: "x"})).effect == "allow"
    assert bundle.decide(Question(("o",), "odd", {})).effect == "deny"


def test_approvals_are_never_taken_from_arguments() -> None:
    assert paying(DESK, amount="20000", approvals=["finance-manager"]).effect == "hold"


@pytest.mark.parametrize("text", ['") || true //', 'Agent::"x"', "*", "\0", "'; drop table", "\u202e"])
def test_text_is_compared_and_never_read_as_policy(text: str) -> None:
    assert paying(when('context.arguments.invoice == "i-1"'), invoice=text).effect == "deny"


# Money.


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [("120.00", "EUR", 12000), ("120", "USD", 6000), ("0.01", "USD", 1), ("1.005", "EUR", 101), ("-5", "EUR", -500)],
)
def test_money_is_compared_in_minor_units_of_the_base_rounded_up(amount: str, currency: str, minor: int) -> None:
    assert paying(when(f"context.arguments.amount == {minor}"), amount=amount, currency=currency).effect == "allow"


@pytest.mark.parametrize(
    ("amount", "currency", "says"),
    [
        ("120", "CHF", "cannot be converted to `EUR`"),
        ("120", None, "argument `currency` is missing"),
        ("120", 5, "`currency` is missing or not a string"),
        ("a lot", "EUR", "is not an amount of money"),
        ("1e9", "EUR", "is not an amount of money"),
        (True, "EUR", "is not an amount of money"),
        (1e300, "EUR", "too large"),
        (float("nan"), "EUR", "is not an amount of money"),
        (float("inf"), "EUR", "is not an amount of money"),
        ("999999999999999", "EUR", "too large"),
        ([], "EUR", "is not an amount of money"),
    ],
)
def test_what_is_no_money_is_denied_without_repeating_it(amount: Any, currency: Any, says: str) -> None:
    verdict = paying(when("true"), amount=amount, currency=currency)
    assert verdict.effect == "deny"
    assert says in verdict.errors[0]
    assert "a lot" not in verdict.errors[0]


def test_a_number_may_be_money_in_a_fixed_currency_and_in_a_nested_object() -> None:
    line = {"type": "object", "required": ["net"], "properties": {"net": {"type": "number", "x-money": "USD"}}}
    schema = {"type": "object", "required": ["line"], "properties": {"line": line}}
    bundle = ruled(
        '@id("a") permit(principal, action == Action::"buy", resource) when { context.arguments.line.net == 615 };',
        tool("buy", schema, "write-keyed"),
        agent("o", "clerk"),
    )
    assert bundle.decide(Question(("o",), "buy", {"line": {"net": 12.3}})).effect == "allow"


def test_a_money_fact_comes_in_minor_units() -> None:
    bundle = when("context.facts.left == 1250")
    assert bundle.decide(replace(PAY, facts={"region": "EU", "left": 1250})).effect == "allow"
    unconverted = bundle.decide(replace(PAY, facts={"region": "EU", "left": "12.50"}))
    assert unconverted.errors == ("fact `left` is not a whole number of 64 bits",)


def test_a_fact_that_was_not_found_is_no_fact() -> None:
    approve = Question(("appr",), "invoice.approve", {"invoice": "i"}, {"created_by": None})  # type: ignore[dict-item]
    assert DESK.decide(approve).errors == ("fact `created_by` is missing",)


# Every field of the context can be asked for.


@pytest.mark.parametrize(
    "condition",
    [
        'context.record.kind == "invoice" && context.record.key == "i-1"',
        'context.site == "hq"',
        'context.labels.contains("untrusted")',
        "context.cost == 12000 && context.windows.paid_today == 12000",
        "context.delegated == false",
        'context.arguments has note && context.arguments.note == "n"',
        'context.arguments has lines && context.arguments.lines.containsAll(["b", "a"])',
        'context.arguments has to && context.arguments.to.iban == "DE1"',
        "context.arguments has urgent && context.arguments.urgent",
        "context.arguments has quantity && context.arguments.quantity == 2",
        'principal.name == "inv1" && principal.unit == "emea" && principal.roles.contains("clerk")',
        'principal.sponsor == "ada" && principal.owner == "ada" && principal.supervisor == "team-lead"',
        'resource.name == "invoice.pay" && resource.connector == "erp" && resource.risk == "high"',
        'resource.effect == "write-neither" && resource.unit == "acme" && resource.egress == false',
        'resource.site == "" && principal.unit != resource.site',
        'principal in Unit::"acme" && principal in Unit::"emea" && !(principal in Unit::"retail")',
        'action in Action::"write" && action in Action::"risk:high" && action in Action::"connector:erp"',
        'action in Action::"invoice.*" && !(action in Action::"read") && Unit::"retail" in Unit::"acme"',
        'Agent::"junior".unit == "retail"',
    ],
)  # fmt: skip
def test_a_rule_can_ask_for(condition: str) -> None:
    arguments = {"note": "n", "lines": ["a", "b"], "to": {"iban": "DE1"}, "urgent": True, "quantity": 2.0}
    question = replace(
        PAY,
        arguments={**PAY.arguments, **arguments},
        record=("invoice", "i-1"),
        site="hq",
        labels=frozenset({"untrusted"}),
    )
    assert when(condition).decide(question).effect == "allow"


def test_a_read_that_carries_data_out_is_a_write() -> None:
    bundle = ruled(
        '@id("a") permit(principal, action in Action::"read", resource);',
        tool("mail", egress=True),
        agent("o", "clerk"),
    )
    assert bundle.decide(Question(("o",), "mail", {"invoice": "x"})).effect == "deny"
    assert bundle.decide(Question(("o",), "stock.read", {"invoice": "x"})).effect == "allow"


# Scope.


@pytest.mark.parametrize(
    ("principal", "asked", "says"),
    [
        ("far", "invoice.create", "`invoice.create` or its data is not granted to unit `apac`"),
        ("narrow", "stock.read", "`stock.read` is outside the scope of `reader`"),
        ("narrow", "pii.read", "`pii.read` with data `pii` is outside the scope of `reader`"),
    ],
)
def test_a_permit_reaches_no_further_than_the_agents_unit_and_roles(principal: str, asked: str, says: str) -> None:
    bundle = ruled(
        '@id("all") permit(principal, action, resource);',
        role("reader", tools=["invoice.*", "pii.*"]),
        agent("narrow", "reader"),
        tool("pii.read", tags=["pii"]),
    )
    verdict = bundle.decide(Question((principal,), asked, PAY.arguments))
    assert (verdict.effect, verdict.reasons, verdict.errors) == ("deny", (says,), ())


def test_a_role_admits_data_it_names() -> None:
    bundle = ruled(
        '@id("all") permit(principal, action, resource);',
        role("reader", tools=["pii.*"], data=["pii"]),
        agent("narrow", "reader"),
        tool("pii.read", tags=["pii"]),
    )
    assert bundle.decide(Question(("narrow",), "pii.read", {"invoice": "x"})).effect == "allow"
    for agent_name, asked in (("ghost", "pii.read"), ("narrow", "nothing")):
        assert bundle.decide(Question((agent_name,), asked, {"invoice": "x"})).effect == "deny"


# Units.


def test_a_units_forbid_binds_only_agents_within_it() -> None:
    bundle = Bundle.build(invoice_desk(policy("stop", '@id("stop") forbid(principal, action, resource);', "retail")))
    assert bundle.decide(READ).effect == "allow"
    assert bundle.decide(replace(READ, principals=("junior",))).policies == ("stop",)


def test_a_units_rule_is_not_even_evaluated_for_others() -> None:
    text = '@id("sum") forbid(principal, action, resource) when { context.cost + 9223372036854775807 < 0 };'
    bundle = Bundle.build(invoice_desk(policy("sum", text, "retail")))
    assert bundle.decide(replace(READ, cost=1)).effect == "allow"
    assert bundle.decide(replace(READ, cost=1, principals=("junior",))).errors == ("rule `sum` could not be evaluated",)


def test_a_units_permit_counts_for_its_subtree_and_granted_tools_only() -> None:
    bundle = Bundle.build(
        company(policy("p", '@id("all") permit(principal, action, resource);', "emea"), role("clerk"))
    )
    assert bundle.decide(READ).effect == "allow"
    assert bundle.decide(replace(READ, principals=("junior",))).effect == "allow"
    assert bundle.decide(replace(READ, principals=("far",))).effect == "deny"
    assert 'Action::"stock.read"' not in bundle.text


def test_a_units_permit_does_not_lift_an_ancestors_forbid() -> None:
    permit = '@id("yes") permit(principal, action == Action::"invoice.pay", resource);'
    bundle = Bundle.build(invoice_desk(policy("yes", permit, "retail")))
    verdict = paying(bundle, amount="60000")
    assert (verdict.effect, verdict.policies) == ("deny", ("pay-never",))


# Acting for others.


def test_everyone_acted_for_must_be_allowed() -> None:
    assert DESK.decide(replace(PAY, principals=("inv1", "appr"))).reasons == (
        "no policy permits `invoice.pay` for `appr`",
    )
    assert DESK.decide(replace(PAY, principals=("appr", "inv1"))).effect == "deny"
    assert DESK.decide(replace(READ, principals=("inv1", "far"))).effect == "allow"


def test_holds_of_all_principals_unite_and_one_rule_asks_once() -> None:
    verdict = DESK.decide(replace(PAY, principals=("inv1", "junior"), arguments={**PAY.arguments, "amount": "20000"}))
    assert verdict.effect == "hold"
    assert [ask.role for ask in verdict.needed] == ["finance-manager", "team-lead"]
    approved = replace(PAY, principals=("inv1", "junior"), approvals=frozenset({"team-lead"}))
    assert DESK.decide(approved).effect == "allow"


def test_one_holds_and_another_denies_is_a_denial_that_asks_nobody() -> None:
    verdict = DESK.decide(replace(PAY, principals=("junior", "appr")))
    assert (verdict.effect, verdict.needed) == ("deny", ())


def test_obligations_of_all_principals_add_up() -> None:
    text = """@id("a") @obligation_label("x") permit(principal in Unit::"emea", action in Action::"read", resource);
    @id("b") @obligation_label("y") permit(principal in Unit::"apac", action in Action::"read", resource);"""
    verdict = ruled(text).decide(replace(READ, principals=("inv1", "far")))
    assert verdict.obligations == {"label": ("x", "y")}


def test_a_rule_can_tell_delegated_actions() -> None:
    bundle = when("!context.delegated")
    assert bundle.decide(PAY).effect == "allow"
    assert bundle.decide(replace(PAY, principals=("inv1", "junior"))).effect == "deny"


# Modes.


def test_a_warning_rule_changes_nothing_and_is_shown() -> None:
    stop = '@id("stop") @reason("soon over") forbid(principal, action == Action::"invoice.read", resource);'
    bundle = Bundle.build(invoice_desk(policy("stop", stop, mode="warn")))
    verdict = bundle.decide(READ)
    assert replace(verdict, notices=()) == DESK.decide(READ)
    [notice] = verdict.notices
    assert (notice.mode, notice.effect, notice.policies, notice.reasons) == ("warn", "deny", ("stop",), ("soon over",))


def test_a_shadow_permit_does_not_permit() -> None:
    bundle = Bundle.build(company(policy("new", '@id("new") permit(principal, action, resource);', mode="shadow")))
    verdict = bundle.decide(READ)
    assert (verdict.effect, verdict.policies) == ("deny", ())
    assert [(notice.mode, notice.effect, notice.policies) for notice in verdict.notices] == [
        ("shadow", "allow", ("new",))
    ]


def test_a_trial_approval_rule_would_hold() -> None:
    text = """@id("t") @outcome("require_approval") @escalate("cfo")
    forbid(principal, action, resource) unless { context.approvals.contains("cfo") };"""
    verdict = Bundle.build(invoice_desk(policy("t", text, mode="shadow"))).decide(READ)
    assert (verdict.effect, verdict.needed) == ("allow", ())
    assert [notice.effect for notice in verdict.notices] == ["hold"]


def test_an_error_in_a_trial_rule_changes_nothing_and_is_told() -> None:
    text = '@id("sum") forbid(principal, action, resource) when { context.cost + 9223372036854775807 < 0 };'
    verdict = Bundle.build(invoice_desk(policy("sum", text, mode="shadow"))).decide(replace(READ, cost=1))
    assert (verdict.effect, verdict.errors) == ("allow", ())
    assert [notice.reasons for notice in verdict.notices] == [("rule `sum` could not be evaluated",)]


def test_a_trial_rule_that_does_not_matter_is_not_mentioned() -> None:
    text = '@id("t") forbid(principal, action, resource) when { context.site == "moon" };'
    assert Bundle.build(invoice_desk(policy("t", text, mode="warn"))).decide(READ).notices == ()


# Identity of a bundle.


def test_the_same_policies_have_the_same_hash_and_any_change_another() -> None:
    base = Bundle.build(company(policy("p", INVOICE_RULES)))
    assert base.sha256 == Bundle.build(company(policy("p", "// a remark\n" + INVOICE_RULES))).sha256
    others = [
        company(policy("p", INVOICE_RULES.replace("5000000", "6000000"))),
        company(policy("p", INVOICE_RULES, mode="shadow")),
        company(policy("p", INVOICE_RULES), tool("more", PAY_INPUT)),
        company(policy("p", INVOICE_RULES, "emea")),
    ]
    assert len({base.sha256, *(Bundle.build(other).sha256 for other in others)}) == 5
