"""Decisions in runs: the table in force answers, the log says which row it was, and what follows knows the types."""

from __future__ import annotations

from pathlib import Path

import pytest

from autonomy.catalog import read, rules
from autonomy.workflow.events import Chosen
from tests.catalog.company import organisation as catalog_of
from tests.gate.works import organisation
from tests.workflow.office import office, workflow

TABLE = """
apiVersion: autonomy/v1
kind: Decision
metadata: { name: terms, unit: works }
spec:
  inputs: { n: { type: integer, minimum: 0 } }
  outputs: { days: { type: integer }, word: { type: string } }
  hit: unique
  rows:
    - { when: n < 10, then: { days: 30, word: small } }
    - { when: n >= 10, then: { days: 14, word: large } }
"""
TERMS = """
steps:
  terms: { decide: terms, arguments: { n: input.n } }
  press: { needs: [terms], tool: press, arguments: { n: steps.terms.output.outputs.days } }
result: { terms: steps.terms.output, pressed: steps.press.output }
"""


def problems(steps: str, decision: str) -> list[str]:
    files = organisation(workflows=workflow("deciding", steps), decisions=decision)
    return [f"{one.field}: {one.message}" for one in rules.check(catalog_of(read(files)))]


@pytest.mark.parametrize(("n", "days", "row"), [(3, 30, 1), (30, 14, 2)])
async def test_the_table_in_force_answers_and_the_log_says_which_row_it_was(
    tmp_path: Path, database_url: str, n: int, days: int, row: int
) -> None:
    async with office(tmp_path, database_url, more={"decisions": TABLE + "  tags: [prices]"}, deciding=TERMS) as it:
        run = await it.start("deciding", n=n)
        state = await it.ended(run)
        assert state.status == "done", (state.reason, state.steps)
        answer = state.output["terms"]  # type: ignore[index,call-overload]
        assert (answer["outputs"]["days"], answer["rows"]) == (days, [row])
        [leaf] = [leaf for leaf in it.works.leaves("run") if leaf["event"] == "decided"]
        assert (leaf["run"], leaf["command"], leaf["table"]) == (run, f"{run}:terms:1", "terms")
        assert (leaf["table_revision"], leaf["rows"]) == (answer["revision"], [row])
        [intent] = it.works.leaves("intent")
        assert intent["labels"] == ["data:prices"], "what follows has seen what the table is of"


async def test_a_case_that_no_row_answers_is_an_exception_that_a_person_decides(
    tmp_path: Path, database_url: str
) -> None:
    async with office(tmp_path, database_url, more={"decisions": TABLE}, deciding=TERMS) as it:
        run = await it.start("deciding", n=-1)
        [asked] = await it.excepted(run)
        assert (asked.command.kind, asked.command.path) == ("failed", "terms")
        again = Chosen(0, asked.command.id, "retry", arguments={"n": 21}, by="person:bea")
        await it.flows.runs.choose(run, again, ["boss"], anyway=False)
        assert (await it.ended(run)).status == "done"


WRONG = [
    (
        "output.outputs.days",
        "output.outputs.word",
        "spec.steps.press.arguments.n: does not fit: `whole number` is wanted",
    ),
    ("output.outputs.days", "output.outputs.hours", "there is no `hours`"),
    ("{ n: input.n } }", "{ n: \"'three'\" } }", "spec.steps.terms.arguments.n: does not fit"),
    ("{ n: input.n } }", "{ m: input.n } }", "spec.steps.terms.arguments.m: there is no argument `m`"),
    ("{ n: input.n } }", "{} }", "spec.steps.terms.arguments: `n` is missing"),
    ("decide: terms", "decide: term", "spec.steps.terms.decide: there is no decision `term`"),
]


@pytest.mark.parametrize(("right", "wrong", "told"), WRONG)
def test_a_workflow_that_does_not_fit_its_decision_is_refused_with_the_place(right: str, wrong: str, told: str) -> None:
    assert problems(TERMS, TABLE) == []
    found = problems(TERMS.replace(right, wrong, 1), TABLE)
    assert any(told in one for one in found), found


def test_a_decision_that_is_renamed_or_asks_for_more_is_refused_while_a_workflow_asks_it() -> None:
    assert any(
        "there is no decision `terms`" in one for one in problems(TERMS, TABLE.replace("name: terms", "name: x"))
    )
    more = TABLE.replace("outputs: {", "outputs: {").replace("inputs: {", "inputs: { late: { type: boolean },")
    assert any("`late` is missing" in one for one in problems(TERMS, more))
