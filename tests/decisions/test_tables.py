"""Decision tables: what is refused before it goes live, with an example of each fault, and what they answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autonomy.catalog.decision import DecisionSpec
from autonomy.catalog.organisation import Organisation, Revision
from autonomy.decisions import Table, check
from autonomy.decisions.gaps import faults
from autonomy.kernel.errors import Conflict, Invalid
from tests.examples import tried
from tests.memory.team import team

INTEGER = {"type": "integer"}
AMOUNT = {"amount": {"type": "integer", "minimum": 0}}
ROUTE = {"route": {"type": "string", "enum": ["self", "lead", "board"]}}


def table(rows: list[tuple[str, Any]], inputs: Any = AMOUNT, hit: str = "unique", **more: Any) -> Table:
    """A table with one output, `route`."""
    said = {"inputs": inputs, "outputs": ROUTE, "hit": hit, **more}
    said["rows"] = [{"when": when, "then": {"route": route}} for when, route in rows]
    return Table("t", "0" * 64, DecisionSpec.model_validate(said))


def problems(one: Table) -> list[str]:
    """What `apply` would say."""
    revision = Revision("Decision", one.name, "acme", one.revision, "", one.spec)
    return [f"{each.field}: {each.message}" for each in check(Organisation(1, [revision]))]


def test_a_table_without_gap_and_overlap_answers_every_case() -> None:
    found = table([("amount < 1000", "self"), ("amount >= 1000 && amount < 5000", "lead"), ("amount >= 5000", "board")])
    assert problems(found) == []
    answers = {amount: found.decide({"amount": amount}) for amount in (0, 999, 1000, 4999, 5000, 10**12)}
    assert [each.outputs for each in answers.values()] == [
        {"route": route} for route in ("self", "self", "lead", "lead", "board", "board")
    ]
    assert answers[1000].rows == (2,) and answers[1000].revision == "0" * 12


GAPS = [
    (table([("amount < 1000", "self"), ("amount > 1000", "lead")]), "no row fits amount = 1000"),
    (table([("amount <= 1000", "self"), ("amount >= 1000", "lead")]), "row 1 both fit amount = 1000"),
    (table([("flag", "self")], {"flag": {"type": "boolean"}}), "no row fits flag = false"),
    (table([('c == "DE"', "self")], {"c": {"type": "string"}}), 'no row fits c = "something else"'),
    (table([("x < 1.5", "self"), ("x > 1.5", "lead")], {"x": {"type": "number"}}), "no row fits x = 1.5"),
    (table([('c in ["a", "b"]', "self")], {"c": {"enum": ["a", "b", "c"]}}), 'no row fits c = "c"'),
    (table([("amount >= 0", "self"), ("amount >= 5", "lead")], hit="first"), "no case reaches this row"),
    (
        table([("n == null", "self"), ("n < 5", "lead"), ("n >= 5", "board")], {"n": {"type": ["integer", "null"]}}),
        "it fails for n = null",
    ),
]


@pytest.mark.parametrize(("found", "said"), GAPS, ids=[said for _, said in GAPS])
def test_a_fault_is_told_with_an_example(found: Table, said: str) -> None:
    assert any(said in problem for problem in problems(found)), problems(found)


def test_what_compares_more_than_inputs_with_literals_needs_a_row_for_all_others() -> None:
    two = {"a": INTEGER, "b": INTEGER}
    for condition in ("a > b", "a + 1 > 3", "a * 2 == b"):
        refused = problems(table([(condition, "self"), (f"!({condition})", "lead")], two))
        assert any("nobody can tell" in each for each in refused), refused
        assert problems(table([(condition, "self"), ("true", "lead")], two, hit="first")) == []


def test_wrong_names_types_outputs_and_tests_are_told_at_their_places() -> None:
    wrong = problems(table([("amuont < 3", "self"), ("amount + 1", "lead")]))
    assert [each.split(":")[0] for each in wrong] == ["spec.rows[0].when", "spec.rows[1].when"]
    (value,) = problems(table([("amount >= 0", "nobody")]))
    assert value.startswith("spec.rows[0].then.route")
    tests = [{"name": "big", "inputs": {"amount": 9}, "expect": {"route": "board"}}]
    (failing,) = problems(table([("amount >= 0", "self")], tests=tests))
    assert failing.startswith("spec.tests[0]") and "by row 1" in failing
    with pytest.raises(ValueError, match="is no output, in row 1"):
        DecisionSpec.model_validate(
            {"inputs": AMOUNT, "outputs": ROUTE, "rows": [{"when": "true", "then": {"route": "self", "x": 1}}]}
        )


def test_collect_gives_all_rows_that_fit_and_none_where_none_does() -> None:
    found = table([("amount > 10", "self"), ("amount > 100", "lead")], hit="collect")
    assert problems(found) == []
    assert found.decide({"amount": 500}).outputs == [{"route": "self"}, {"route": "lead"}]
    assert found.decide({"amount": 1}).outputs == []


def test_a_case_that_does_not_fit_its_inputs_is_refused() -> None:
    found = table([("amount >= 0", "self")])
    for wrong in ({}, {"amount": -1}, {"amount": "1"}, {"amount": 1, "more": 2}):
        with pytest.raises(Invalid) as refused:
            found.decide(wrong)
        assert refused.value.code == "decision.inputs"


LITERAL = st.integers(-3, 3)
ATOM = st.one_of(
    st.tuples(st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), LITERAL).map(lambda one: f"a {one[0]} {one[1]}"),
    st.tuples(st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), LITERAL).map(lambda one: f"{one[1]} {one[0]} b"),
    st.lists(LITERAL, min_size=1, max_size=3).map(lambda some: f"a in {some}"),
    st.sampled_from(["f", "!f", "true"]),
)
CONDITION = st.recursive(
    ATOM,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda two: f"({two[0]} && {two[1]})"),
        st.tuples(inner, inner).map(lambda two: f"({two[0]} || {two[1]})"),
        inner.map(lambda one: f"!({one})"),
    ),
    max_leaves=4,
)
CASE = st.fixed_dictionaries({"a": st.integers(-50, 50), "b": st.integers(-6, 6), "f": st.booleans()})


@given(st.lists(CONDITION, min_size=1, max_size=4), st.lists(CASE, min_size=1, max_size=20))
@settings(max_examples=tried(150), deadline=None)
def test_a_table_in_which_no_fault_is_found_has_none(conditions: list[str], cases: list[Any]) -> None:
    """Every gap and every overlap is found: random cases of a table that passed have exactly one row."""
    inputs = {"a": INTEGER, "b": INTEGER, "f": {"type": "boolean"}}
    found = table([(condition, "self") for condition in conditions], inputs)
    told = {each.message.split(" {")[0][:15] for each in faults(found)}
    for case in cases:
        fitting = [number for number in range(1, len(conditions) + 1) if found.holds(number, case)]
        if not fitting:
            assert any(each.startswith("no row fits") for each in told), (conditions, case)
            with pytest.raises(Conflict):
                found.decide(case)
        if len(fitting) > 1:
            assert any(each.startswith("this row and") for each in told), (conditions, case)


DECISION = """
apiVersion: autonomy/v1
kind: Decision
metadata: { name: refund, description: Who decides on a refund }
spec:
  inputs: { amount: { type: integer, minimum: 0 }, loyal: { type: boolean } }
  outputs: { route: { type: string }, days: { type: integer } }
  rows:
    - { when: "amount < 5000 && loyal", then: { route: agent, days: 1 } }
    - { when: "amount < 1000 && !loyal", then: { route: agent, days: 3 } }
    - { when: "(amount >= 5000 && loyal) || (amount >= 1000 && !loyal)", then: { route: person, days: 5 } }
  tests:
    - { name: small, inputs: { amount: 10, loyal: false }, expect: { route: agent, days: 3 } }
"""


async def test_every_agent_gets_the_same_answer_through_the_door(tmp_path: Path, database_url: str) -> None:
    async with team(tmp_path, database_url, decisions=DECISION) as it:
        case = {"amount": 4999, "loyal": True}
        answers = [await it.done(agent, "decision.refund", **case) for agent in ("seller", "helper", "recruiter")]
        assert answers[0]["outputs"] == {"route": "agent", "days": 1} and answers[0]["rows"] == [1]
        assert answers[1:] == answers[:1] * 2
        wrong = await it.ask("seller", "decision.refund", amount=-1, loyal=True)
        assert (wrong.status, wrong.code) == ("denied", "arguments.invalid")
        listed = await it.system.gate.tools(it.house.key("helper"))
        assert "decision.refund" in [tool.name for tool in listed]
