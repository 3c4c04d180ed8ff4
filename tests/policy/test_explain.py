from msgspec.structs import replace

from autonomy.policy import Bundle, Question
from autonomy.policy.explain import why

from .organisations import invoice_desk, policy

DESK = Bundle.build(invoice_desk())
PAY = Question(
    principals=("inv1",),
    tool="invoice.pay",
    arguments={"invoice": "i-1", "amount": "20000", "currency": "EUR"},
    facts={"region": "EU", "left": 500},
    windows={"paid_today": 12000},
)


def test_it_shows_every_rule_of_the_slice_and_which_decided() -> None:
    explained = why(DESK, PAY)
    assert explained.verdict == DESK.decide(PAY)
    assert [one.rule.id for one in explained.rules] == [
        "pay-base",
        "pay-fm-approval",
        "pay-never",
        "eu-data",
        "retail-pay",
    ]
    assert [one.rule.id for one in explained.matched] == ["pay-base", "pay-fm-approval"]
    assert [one.rule.id for one in explained.rules if one.decided] == ["pay-fm-approval"]
    approval = explained.rules[1].rule
    assert approval.ask in explained.verdict.needed
    assert approval.text.startswith('@id("pay-fm-approval")')
    assert (approval.effect, approval.annotations["escalate_to"]) == ("forbid", "cfo")


def test_it_names_the_clause_a_rule_turned_on() -> None:
    never = next(one for one in why(DESK, PAY).rules if one.rule.id == "pay-never")
    assert not never.matched
    assert never.turned_on is not None
    assert (never.turned_on.kind, never.turned_on.text) == ("when", "context.arguments.amount > 5000000")


def test_an_approval_turns_the_unless() -> None:
    explained = why(DESK, replace(PAY, approvals=frozenset({"finance-manager"})))
    lifted = next(one for one in explained.rules if one.rule.id == "pay-fm-approval")
    assert [(clause.kind, clause.passes) for clause in lifted.clauses] == [
        ("head", True),
        ("when", True),
        ("when", True),
        ("unless", False),
    ]
    assert lifted.turned_on is not None
    assert lifted.turned_on.text == 'context.approvals.contains("finance-manager")'


def test_confinement_is_a_clause_like_any_other() -> None:
    retail = next(one for one in why(DESK, PAY).rules if one.rule.id == "retail-pay")
    assert retail.turned_on is not None
    assert retail.turned_on.text == 'principal in Unit::"retail"'
    assert [clause.passes for clause in retail.clauses] == [True, False, None]


def test_the_head_is_a_clause() -> None:
    base = why(DESK, replace(PAY, principals=("appr",))).rules[0]
    assert base.turned_on is not None
    assert base.turned_on.text == 'principal in Role::"clerk", action == Action::"invoice.pay", resource'


def test_an_error_is_shown_in_the_engines_words_and_matches_nothing() -> None:
    text = '@id("sum") forbid(principal, action, resource) when { context.cost + 9223372036854775807 < 0 };'
    explained = why(Bundle.build(invoice_desk(policy("sum", text))), replace(PAY, cost=7))
    broken = next(one for one in explained.rules if one.rule.id == "sum")
    assert not broken.matched
    assert broken.turned_on is not None
    assert "overflow" in broken.turned_on.error
    assert explained.verdict.effect == "deny"


def test_everyone_acted_for_is_explained() -> None:
    explained = why(DESK, replace(PAY, principals=("inv1", "junior")))
    assert {one.agent for one in explained.rules} == {"inv1", "junior"}
    assert {(one.agent, one.rule.id) for one in explained.rules if one.decided} == {
        ("inv1", "pay-fm-approval"),
        ("junior", "pay-fm-approval"),
        ("junior", "retail-pay"),
    }


def test_a_question_that_cannot_be_put_has_a_verdict_and_no_rules() -> None:
    explained = why(DESK, replace(PAY, tool="nothing"))
    assert explained.verdict.errors == ("there is no tool `nothing`",)
    assert explained.rules == ()


def test_the_matched_rules_and_the_verdict_agree_on_an_allowance() -> None:
    explained = why(DESK, Question(("inv1",), "invoice.read", {"invoice": "x"}))
    assert tuple(one.rule.id for one in explained.matched) == explained.verdict.policies == ("read",)
