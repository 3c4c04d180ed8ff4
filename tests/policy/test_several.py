"""Approvals by several people of one role or of several: what rules may say, and that too few are never enough."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from autonomy.catalog.organisation import Organisation, Revision
from autonomy.kernel.clock import DAY, HOUR
from autonomy.kernel.errors import Invalid
from autonomy.policy import Ask, Bundle, Question, unanswerable
from autonomy.policy.approvers import can_be_given
from autonomy.policy.lint import lint

from .organisations import company, invoice_desk, policy, revision

FORBID = 'forbid(principal, action == Action::"invoice.pay", resource)'
PAY = Question(
    ("inv1",),
    "invoice.pay",
    {"invoice": "i1", "amount": "60.00", "currency": "EUR", "to": {"iban": "x"}},
    facts={"region": "US", "left": 500},
    windows={"paid_today": 6000},
)


def rule(approvals: str, lifted: str, more: str = "", id: str = "huge") -> str:
    return f"""@id("{id}") @outcome("require_approval") @approvals("{approvals}") {more}
{FORBID} unless {{ context.approvals.{lifted} }};"""


TWO = rule("2 of finance-manager", 'contains("finance-manager")')
MIXED = rule("2 of finance-manager, cfo", 'containsAll(["finance-manager", "cfo"])', '@expires("2d") @remind("4h, 1d")')
ONE = rule("finance-manager", 'contains("finance-manager")', id="one")


def desk(*rules: str, more: tuple[Revision, ...] = ()) -> Bundle:
    return Bundle.build(invoice_desk(policy("several", "\n".join(rules)), *more))


def test_a_rule_asks_as_many_people_of_as_many_roles_as_it_says() -> None:
    verdict = desk(MIXED).decide(PAY)
    remind = (DAY, 4 * HOUR)
    assert verdict.effect == "hold"
    assert verdict.needed == (
        Ask("cfo", "huge", expires=2 * DAY, remind=remind),
        Ask("finance-manager", "huge", expires=2 * DAY, people=2, remind=remind),
    )
    assert verdict.reasons == ("rule `huge` asks for an approval by `2 of finance-manager` and `cfo`",)


@pytest.mark.parametrize(
    ("given", "effect"),
    [
        ({}, "hold"),
        ({"finance-manager": 1}, "hold"),
        ({"finance-manager": 2}, "allow"),
        ({"finance-manager": 3}, "allow"),
        ({"cfo": 2}, "hold"),
    ],
)
def test_fewer_people_than_a_rule_asks_do_not_lift_it(given: dict[str, int], effect: str) -> None:
    asked = replace(PAY, approvals=frozenset(given), approvers=given)
    verdict = desk(TWO).decide(asked)
    assert verdict.effect == effect
    assert [ask.wanted for ask in verdict.needed] == ([] if effect == "allow" else ["2 of finance-manager"])


def test_one_is_enough_where_only_a_rule_that_does_not_apply_asks_for_two() -> None:
    never = TWO.replace(f"{FORBID} unless", f"{FORBID} when {{ context.cost > 999999 }} unless")
    asked = replace(PAY, approvals=frozenset({"finance-manager"}), approvers={"finance-manager": 1})
    assert desk(never, ONE).decide(asked).effect == "allow"
    assert desk(never, ONE).decide(replace(asked, cost=1_000_000)).effect == "hold"


def test_a_role_that_nobody_counted_has_as_many_as_any_rule_asks() -> None:
    assert desk(TWO).decide(replace(PAY, approvals=frozenset({"finance-manager"}))).effect == "allow"


def test_nobody_is_asked_where_a_denial_would_stay() -> None:
    assert desk(TWO).decide(replace(PAY, facts={"region": "EU", "left": 0}, site="us")).effect == "deny"


@pytest.mark.parametrize(
    ("annotations", "code", "says"),
    [
        ('@approvals("two of finance-manager")', "policy.bad_approvals", "does not say how many"),
        ('@approvals("0 of finance-manager")', "policy.bad_approvals", "must be 1 to 20"),
        ('@approvals("21 of finance-manager")', "policy.bad_approvals", "must be 1 to 20"),
        ('@approvals("2 of cfo, cfo")', "policy.bad_approvals", "named twice"),
        ('@approvals("")', "policy.bad_approvals", "does not say"),
        ('@approvals("2 of nobody")', "policy.unknown_role", "`@approvals` names the unknown role `nobody`"),
        ('@approvals("2 of finance-manager, cfo")', "policy.never_lifted", "no approval by `cfo`"),
        ('@escalate("finance-manager") @approvals("cfo")', "policy.missing_escalate", "says twice"),
        ("", "policy.missing_escalate", "does not say who approves"),
        ('@escalate("finance-manager") @remind("1d")', "policy.bad_reminder", "`1d`"),
        ('@escalate("finance-manager") @expires("2h") @remind("2h")', "policy.bad_reminder", "within the time"),
        ('@escalate("finance-manager") @remind("soon")', "policy.bad_reminder", "not a duration"),
        ('@escalate("finance-manager") @remind(" ")', "policy.bad_reminder", "names 0 times"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_place(annotations: str, code: str, says: str) -> None:
    text = f"""@id("a") @outcome("require_approval") {annotations}
{FORBID} unless {{ context.approvals.contains("finance-manager") }};"""
    with pytest.raises(Invalid) as refused:
        desk(text)
    found: list[dict[str, Any]] = refused.value.detail["problems"]
    assert any(problem["code"] == code and says in problem["what"] for problem in found), found
    assert all(problem["file"] == "several" and problem["line"] == 1 and problem["fix"] for problem in found)


@pytest.mark.parametrize("annotation", ['@approvals("2 of cfo")', '@remind("1h")'])
def test_both_belong_to_an_approval_rule(annotation: str) -> None:
    for text, code in ((FORBID, "policy.missing_outcome"), (FORBID.replace("forbid", "permit"), "approval_on_permit")):
        with pytest.raises(Invalid) as refused:
            desk(f'@id("a") {annotation} {text};')
        assert code in refused.value.code


def person(name: str, *roles: str) -> Revision:
    return revision("Person", name, {"displayName": name, "email": f"{name}@acme.example", "roles": list(roles)})


def staffed(text: str, *people: Revision) -> list[tuple[int, str, str]]:
    bundle = Bundle.build(company(policy("several", text), *people))
    return [(problem.line, problem.what, problem.fix) for problem in unanswerable(bundle)]


def test_more_people_than_hold_the_role_can_never_approve() -> None:
    fiona, felix = person("fiona", "finance-manager"), person("felix", "finance-manager")
    assert staffed(TWO, fiona, felix) == []
    assert staffed("\n" + TWO, fiona) == [
        (
            2,
            "rule `huge` asks for 2 of `finance-manager`, a role that one person holds",
            "give the role to 1 more, or ask for fewer people",
        )
    ]
    assert staffed(ONE)[0][1] == "rule `one` asks for 1 of `finance-manager`, a role that nobody holds"


def test_nobody_counts_for_two_roles_of_one_rule() -> None:
    both, other = person("fiona", "finance-manager", "cfo"), person("felix", "finance-manager")
    assert staffed(MIXED, both, other)[0][1] == (
        "rule `huge` asks for `2 of finance-manager` and `cfo`: 3 different people, and nobody counts for two roles"
    )
    assert staffed(MIXED, both, other, person("carla", "cfo")) == []


def test_seats_are_given_so_that_as_many_as_possible_are_filled() -> None:
    held = {"a": frozenset({"x", "y"}), "b": frozenset({"x"}), "c": frozenset({"y", "z"})}
    everybody = [Ask("a", "p"), Ask("b", "p"), Ask("c", "p")]
    assert can_be_given(everybody, held)
    assert not can_be_given(everybody, held, barred={"z"})
    assert not can_be_given([Ask("a", "p", people=2), Ask("b", "p")], held)


def test_an_agent_whose_sponsor_is_needed_for_the_approval_is_found() -> None:
    def remarks(organisation: Organisation) -> list[str]:
        found = lint(Bundle.build(organisation))
        return [problem.what for problem in found if problem.code == "policy.lint_no_approver"]

    ada, fiona = person("ada", "finance-manager"), person("fiona", "finance-manager")
    rules = policy("several", ONE)
    assert remarks(company(rules, ada, fiona)) == []
    assert remarks(company(rules, ada)) == [
        "nobody may give the approval to `appr` and 2 more: who sponsors or owns an agent never decides"
    ]
