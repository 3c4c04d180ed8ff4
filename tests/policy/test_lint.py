import pytest

from autonomy.catalog.organisation import Revision
from autonomy.policy import Bundle
from autonomy.policy.lint import lint

from .organisations import company, invoice_desk, policy, role, tool


def findings(*more: Revision) -> list[tuple[str, str]]:
    return [(finding.file, finding.code) for finding in lint(Bundle.build(company(*more)))]


def test_good_rules_have_no_findings() -> None:
    assert lint(Bundle.build(invoice_desk())) == []


@pytest.mark.parametrize(
    ("effect", "group", "code"),
    [("permit", "stock.*", "policy.lint_no_tool"), ("forbid", "stock.*", "policy.lint_not_granted")],
)
def test_a_units_rule_about_tools_it_was_not_granted_never_matches(effect: str, group: str, code: str) -> None:
    text = f'@id("a") {effect}(principal, action in Action::"{group}", resource);'
    assert findings(policy("p", text, "retail")) == [("p", code)]


def test_a_permit_for_a_tool_that_no_role_admits_is_found() -> None:
    text = '@id("a") permit(principal, action == Action::"pii.read", resource);'
    assert findings(policy("p", text), tool("pii.read", tags=["pii"])) == [("p", "policy.lint_no_role")]
    assert findings(policy("p", text), tool("pii.read", tags=["pii"]), role("reader", data=["pii"])) == []


@pytest.mark.parametrize("head", ['principal in Unit::"apac"', 'principal is Agent in Unit::"apac"'])
def test_a_rule_about_a_unit_elsewhere_is_found(head: str) -> None:
    text = f'@id("a") forbid({head}, action in Action::"write", resource);'
    assert findings(policy("p", text, "emea")) == [("p", "policy.lint_other_unit")]
    assert findings(policy("p", text.replace("apac", "retail"), "emea")) == []
    assert findings(policy("p", text)) == []
