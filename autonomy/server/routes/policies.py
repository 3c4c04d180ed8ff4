"""Policies in force, what they would say, and decision tests."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Query
from fastapi.concurrency import run_in_threadpool
from pydantic import Field

from autonomy.identity import Permission, PersonCaller
from autonomy.policy import Bundle, Question, Rule, Verdict
from autonomy.policy.explain import Examined, why
from autonomy.policy.matrix import Case, Row, question_of, run
from autonomy.policy.model import Fact

from ..access import allowed
from ..answers import PAGE, After, Answer, Asked, Limit, Page, Text, refusals
from ..here import Here
from ..paging import page
from ..route import api

router = api("policies")

Reader = Annotated[PersonCaller, allowed(Permission.CATALOG_OBJECT_READ)]
Explainer = Annotated[PersonCaller, allowed(Permission.POLICY_DECISION_EXPLAIN)]
Simulator = Annotated[PersonCaller, allowed(Permission.GATE_ACTION_SIMULATE)]

MAX_CASES = 2_000  # of one request; a longer table is several


class Hypothesis(Asked):
    """What an agent might ask. A fact left out counts as not found (its default applies), a window left out as 0.

    Money in `facts`, `windows` and `cost` is in minor units of the base currency.
    """

    agent: Text = Field(examples=["buyer-1"])
    onBehalfOf: list[Text] = Field([], description="agents it acts for; each must be allowed too")
    tool: Text = Field(examples=["order.place"])
    arguments: dict[str, Any] = Field({})
    facts: dict[str, Fact] = Field({})
    windows: dict[str, int] = Field({})
    approvals: list[str] = Field([])
    labels: list[str] = Field([])
    cost: int = 0
    record: list[str] = Field(["", ""], min_length=2, max_length=2, description="kind and key")
    site: str = ""

    def question(self, bundle: Bundle) -> Question:
        """The question as policy takes it; what is expected of the answer does not matter."""
        return question_of(bundle, Row.model_validate({**self.model_dump(), "name": "why", "expect": "deny"}))


class Tests(Asked):
    cases: list[Row] = Field(max_length=MAX_CASES)


class RuleAnswer(Answer):
    """One rule: as written (`text`), where, in which mode."""

    id: str
    file: str
    line: int
    unit: str
    mode: Literal["enforce", "warn", "shadow"]
    effect: Literal["permit", "forbid"]
    text: str


class ClauseAnswer(Answer):
    """One part of a rule. `passes` is null where it was not reached or could not be evaluated."""

    kind: str
    text: str
    passes: bool | None
    error: str


class ExaminedAnswer(Answer):
    """One rule before one agent: whether it applied, whether the verdict rests on it, and why."""

    agent: str
    rule: str
    matched: bool
    decided: bool
    clauses: list[ClauseAnswer]


class VerdictAnswer(Answer):
    effect: Literal["allow", "hold", "deny"]
    policies: list[str]
    reasons: list[str]
    needs: list[str]
    roles: list[str] = Field(description="the approvals that would lift a hold")
    errors: list[str]


class WhyAnswer(Answer):
    """The verdict, and every rule that could have a say."""

    verdict: VerdictAnswer
    rules: list[ExaminedAnswer]


class TestedCaseAnswer(Answer):
    """How one case went; `differences` are sentences, none where it passed."""

    name: str
    passed: bool
    verdict: VerdictAnswer
    differences: list[str]


class TestsAnswer(Answer):
    passed: int
    failed: int
    cases: list[TestedCaseAnswer]


@router.get("/policies", summary="rules in force")
async def list_policies(
    _person: Reader,
    here: Here,
    unit: Annotated[str | None, Query(max_length=63)] = None,
    policy: Annotated[str | None, Query(max_length=63)] = None,
    like: Annotated[str, Query(max_length=100, description="only those whose id or text holds this")] = "",
    after: After = None,
    limit: Limit = PAGE,
) -> Page[RuleAnswer]:
    """Every rule by its id, with its own words."""
    bundle = (await here.system.watch.house()).bundle
    found = (
        one
        for one in bundle.rules.values()
        if unit in (None, one.unit) and policy in (None, one.file) and like.lower() in f"{one.id} {one.text}".lower()
    )
    items, following = page(found, _id, after, limit)
    return Page(items=[RuleAnswer.model_validate(one) for one in items], next=following)


@router.post("/policies/why", summary="what policy would say, and why", responses=refusals(404))
async def explain_policy(asked: Hypothesis, _person: Explainer, here: Here) -> WhyAnswer:
    """Rule by rule. Nothing is looked up and nothing is recorded."""
    bundle = (await here.system.watch.house()).bundle
    found = await run_in_threadpool(lambda: why(bundle, asked.question(bundle)))
    return WhyAnswer(verdict=_verdict(found.verdict), rules=[_examined(one) for one in found.rules])


@router.post("/policies/test", summary="run decision tests")
async def test_policies(asked: Tests, _person: Simulator, here: Here) -> TestsAnswer:
    """Each case says who asks what and what the answer must be."""
    bundle = (await here.system.watch.house()).bundle
    cases = [Case("cases", number, row) for number, row in enumerate(asked.cases, 1)]
    found = await run_in_threadpool(run, bundle, cases)
    shown = [
        TestedCaseAnswer(
            name=one.case.row.name,
            passed=one.passed,
            verdict=_verdict(one.verdict),
            differences=list(one.differences),
        )
        for one in found
    ]
    passed = sum(one.passed for one in shown)
    return TestsAnswer(passed=passed, failed=len(shown) - passed, cases=shown)


def _id(rule: Rule) -> str:
    return rule.id


def _verdict(found: Verdict) -> VerdictAnswer:
    return VerdictAnswer(
        effect=found.effect,
        policies=list(found.policies),
        reasons=list(found.reasons),
        needs=list(found.needs),
        roles=sorted({ask.role for ask in found.needed}),
        errors=list(found.errors),
    )


def _examined(found: Examined) -> ExaminedAnswer:
    return ExaminedAnswer(
        agent=found.agent,
        rule=found.rule.id,
        matched=found.matched,
        decided=found.decided,
        clauses=[ClauseAnswer.model_validate(clause) for clause in found.clauses],
    )
