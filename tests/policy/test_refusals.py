"""What `Bundle.build` refuses: every kind of fault, with its place and what would be right."""

from typing import Any

import pytest

from autonomy.catalog.organisation import Revision
from autonomy.kernel.errors import Invalid
from autonomy.policy import Bundle

from .organisations import INVOICE_RULES, company, policy, tool, unit

ALL = '@id("a") permit(principal, action, resource)'
PAY = 'principal, action == Action::"invoice.pay", resource'


def problems(*more: Revision) -> list[dict[str, Any]]:
    with pytest.raises(Invalid) as refused:
        Bundle.build(company(*more))
    found: list[dict[str, Any]] = refused.value.detail["problems"]
    assert all(problem["fix"] and problem["what"] and problem["file"] for problem in found)
    return found


@pytest.mark.parametrize(
    ("code", "text", "says"),
    [
        ("policy.syntax", ALL + ' when { 1 + };', "unexpected token"),
        ("policy.syntax", ALL, "unexpected end of input"),
        ("policy.syntax", '@id("a") @id("b") permit(principal, action, resource);', "duplicate annotation"),
        ("policy.syntax", '@id("a") permit(principal == ?principal, action, resource);', "templates"),
        ("policy.syntax", ALL + ' when {' + "(" * 5000, "nested deeper"),
        ("policy.syntax", ALL + ' when { true' + " && true" * 300 + " };", "too many"),
        ("policy.syntax", ALL + ' when { 1' + " + 1" * 401 + " > 1 };", "400 oper"),
        ("policy.syntax", ALL + ' when { "' + "x" * 16384 + '" == "" };', "longer"),
        ("policy.too_large", "//" + "x" * 262144, "longer than 262144"),
        ("policy.missing_id", f"permit({PAY});", "no `@id`"),
        ("policy.missing_id", f"@id permit({PAY});", "no `@id`"),
        ("policy.bad_id", f'@id("a b") permit({PAY});', "`a b`"),
        ("policy.duplicate_id", f'@id("a") permit({PAY});\n@id("a") permit({PAY});', "already taken by p, line 1"),
        ("policy.unknown_annotation", f'@id("a") @reson("x") permit({PAY});', "`@reson`"),
        ("policy.bad_incident", f'@id("a") @incident("awful") permit({PAY});', "`awful`"),
        ("policy.empty_annotation", f'@id("a") @reason("") permit({PAY});', "`@reason` is empty"),
        ("policy.empty_annotation", f'@id("a") @obligation_label(",") permit({PAY});', "`@obligation_label` is"),
        ("policy.approval_on_permit", f'@id("a") @outcome("require_approval") permit({PAY});', "on a `permit`"),
        ("policy.obligation_on_forbid", f'@id("a") @obligation_label("x") forbid({PAY});', "never lets"),
        ("policy.missing_outcome", f'@id("a") @escalate("cfo") forbid({PAY});', "without `@outcome`"),
        ("policy.unknown_action", '@id("a") permit(principal, action == Action::"invoice.burn", resource);', "burn"),
        ("policy.unknown_action", '@id("a") permit(principal, action in Action::"pay.*", resource);', "pay.*"),
        ("policy.unknown_action", f'@id("a") permit({PAY}) when {{ action in Action::"zz" }};', "zz"),
        ("policy.unknown_type", f'@id("a") permit({PAY}) when {{ principal in Group::"x" }};', "Group"),
        ("policy.unknown_attribute", f'@id("a") permit({PAY}) when {{ context.arguments.amuont > 5 }};', "amuont"),
        ("policy.unknown_attribute", f'@id("a") permit({PAY}) when {{ context.arguments.weight > 5 }};', "weight"),
        ("policy.unknown_attribute", f'@id("a") permit({PAY}) when {{ principal.salary > 5 }};', "salary"),
        ("policy.optional_attribute", f'@id("a") permit({PAY}) when {{ context.arguments.note == "x" }};', "note"),
        ("policy.unknown_role", f'@id("a") forbid({PAY}) when {{ principal in Role::"clrk" }};', "`clrk`"),
        ("policy.unknown_unit", f'@id("a") forbid({PAY}) when {{ principal in [Unit::"emea", Unit::"eu"] }};', "`eu`"),
        ("policy.unknown_agent", f'@id("a") forbid({PAY}) when {{ principal == Agent::"nobody" }};', "`nobody`"),
        ("policy.unknown_tool", '@id("a") forbid(principal, action, resource == Tool::"x");', "`x`"),
        ("policy.group_as_action", '@id("a") permit(principal, action == Action::"write", resource);', "is a group"),
        ("policy.unknown_mask", f'@id("a") @obligation_mask("iban") permit({PAY});', "`iban`"),
    ],
)  # fmt: skip
def test_a_fault_is_named_with_its_place(code: str, text: str, says: str) -> None:
    found = [problem for problem in problems(policy("p", text)) if problem["code"] == code]
    assert found, "not refused with this code"
    assert says in found[0]["what"]
    assert found[0]["file"] == "p"


@pytest.mark.parametrize(
    "condition", ['context.arguments.amount > "5"', "context.arguments.invoice > 5", "context.cost"]
)
def test_wrong_types_are_refused(condition: str) -> None:
    assert {
        problem["code"] for problem in problems(policy("p", f'@id("a") permit({PAY}) when {{ {condition} }};'))
    } == {"policy.type"}


APPROVED = 'unless { context.approvals.contains("cfo") }'


@pytest.mark.parametrize(
    ("code", "annotations", "condition"),
    [
        ("policy.unknown_outcome", '@outcome("ask") @escalate("cfo")', APPROVED),
        ("policy.missing_escalate", '@outcome("require_approval")', APPROVED),
        ("policy.never_lifted", '@outcome("require_approval") @escalate("cfo")', ""),
        (
            "policy.never_lifted",
            '@outcome("require_approval") @escalate("cfo")',
            'unless { context.labels.contains("cfo") }',
        ),
        ("policy.never_lifted", '@outcome("require_approval") @escalate("team-lead")', APPROVED),
        (
            "policy.unknown_role",
            '@outcome("require_approval") @escalate("king")',
            'unless {context.approvals.contains("king")}',
        ),
        (
            "policy.unknown_role",
            '@outcome("require_approval") @escalate("cfo") @escalate_after("1h") @escalate_to("god")',
            APPROVED,
        ),
        ("policy.half_escalation", '@outcome("require_approval") @escalate("cfo") @escalate_after("4h")', APPROVED),
        ("policy.half_escalation", '@outcome("require_approval") @escalate("cfo") @escalate_to("cfo")', APPROVED),
        ("policy.bad_duration", '@outcome("require_approval") @escalate("cfo") @expires("soon")', APPROVED),
        ("policy.bad_duration", '@outcome("require_approval") @escalate("cfo") @expires("0s")', APPROVED),
    ],
)
def test_a_faulty_approval_rule_is_refused(code: str, annotations: str, condition: str) -> None:
    found = problems(policy("p", f'@id("a") {annotations} forbid({PAY}) {condition};'))
    assert [problem["code"] for problem in found] == [code]


@pytest.mark.parametrize("condition", ['containsAny(["cfo", "team-lead"])', 'containsAll(["cfo"])'])
def test_an_approval_may_be_looked_for_in_any_way_cedar_has(condition: str) -> None:
    approval = '@id("a") @outcome("require_approval") @escalate("cfo")'
    text = f"{approval} forbid({PAY}) unless {{ context.approvals.{condition} }};"
    assert "a" in Bundle.build(company(policy("p", text))).rules


def test_the_line_is_that_of_the_statement_whatever_its_strings_and_comments_hold() -> None:
    text = f'// one; "two\n@id("a;\\"") // three;\npermit({PAY});\n\n/// four\n@id("b")\n@nope("1")\npermit({PAY});'
    found = {(problem["code"], problem["line"]) for problem in problems(policy("p", text))}
    assert found == {("policy.bad_id", 2), ("policy.unknown_annotation", 6)}


def test_all_problems_of_all_files_are_listed_in_order() -> None:
    found = problems(policy("b", f"permit({PAY});"), policy("a", f"oops;\npermit({PAY}) when {{ context.nope }};"))
    assert [(problem["file"], problem["line"], problem["code"]) for problem in found] == [
        ("a", 1, "policy.syntax"),
        ("a", 2, "policy.missing_id"),
        ("a", 2, "policy.unknown_attribute"),
        ("b", 1, "policy.missing_id"),
    ]


def test_one_id_is_taken_once_in_the_whole_organisation() -> None:
    found = problems(policy("a", INVOICE_RULES), policy("b", f'\n@id("approve") permit({PAY});'))
    assert [(problem["file"], problem["line"], problem["code"]) for problem in found] == [
        ("b", 2, "policy.duplicate_id")
    ]


def test_the_error_has_the_problems_code_where_they_agree() -> None:
    with pytest.raises(Invalid, match="p, line 1: the rule has no `@id`") as one:
        Bundle.build(company(policy("p", f"permit({PAY});")))
    assert one.value.code == "policy.missing_id"
    with pytest.raises(Invalid, match="2 problems in the policies") as several:
        Bundle.build(company(policy("p", f"permit({PAY}); oops;")))
    assert several.value.code == "policy.invalid"


def test_a_tool_cannot_have_the_name_of_a_group() -> None:
    assert [problem["code"] for problem in problems(tool("read"))] == ["policy.reserved_name"]


def test_a_unit_cannot_permit_what_it_was_not_granted() -> None:
    text = '@id("a") permit(principal, action in [Action::"invoice.read", Action::"stock.read"], resource);'
    found = problems(policy("p", text, "retail"))
    assert [(problem["code"], "`stock.read`" in problem["what"]) for problem in found] == [("policy.not_granted", True)]


def test_a_unit_cannot_permit_data_it_was_not_granted() -> None:
    text = '@id("a") permit(principal, action == Action::"invoice.read", resource);'
    tagged = tool("invoice.read", tags=["pii"])
    found = problems(policy("p", text, "lab"), unit("lab", data=["finance"]), tagged)
    assert [problem["code"] for problem in found] == ["policy.not_granted"]
    assert Bundle.build(company(policy("p", text, "lab"), unit("lab", data=["pii"]), tagged)).rules


def test_an_organisation_without_policies_builds_and_denies() -> None:
    assert Bundle.build(company()).rules == {}
