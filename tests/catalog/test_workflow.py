"""Workflows when they are applied: a good one passes, and each mistake is told with its field and its fix."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from autonomy.catalog import read, rules
from autonomy.catalog.cron import parse, zone_of
from autonomy.catalog.export import files_of
from autonomy.catalog.references import users
from autonomy.catalog.revision import body, written
from autonomy.kernel.errors import AutonomyError, Invalid

from .company import folder, organisation

TOOL = """  input: { type: object }
  effect: read
---
apiVersion: autonomy/v1
kind: Tool
metadata: { name: ledger.read"""
TYPED_TOOL = """  input: { type: object, properties: { customer: { type: string } }, required: [customer] }
  output:
    type: object
    properties:
      total: { type: integer }
      lines: { type: array, items: { type: object, properties: { sku: { type: string } } } }
  effect: read
---
apiVersion: autonomy/v1
kind: Tool
metadata: { name: ledger.read"""

VISIT = """
apiVersion: autonomy/v1
kind: Workflow
metadata: { name: visit, unit: sales }
spec:
  input: { type: object, properties: { customer: { type: string }, count: { type: integer } }, required: [customer] }
  key: input.customer
  agent: seller-1
  escalation: lead
  caps: { fanOut: 500 }
  triggers: [{ schedule: 0 6 * * 1-5, input: { customer: "'north'", count: 1 } }]
  steps:
    look: { tool: crm.read, arguments: { customer: input.customer } }
    decide_on:
      needs: [look]
      when: steps.look.output.total > 5
      task: { role: lead, goal: Look at it, by: person }
      output: { type: object, properties: { note: { type: string } }, required: [note] }
    ask:
      needs: [look, decide_on]
      task: { role: seller, goal: Plan a visit, input: {
        note: "has(steps.decide_on.output) ? steps.decide_on.output.note : ''" } }
    sign: { needs: [ask], approval: { roles: { lead: 1 }, question: May we go there? } }
    each: { needs: [look], foreach: { items: steps.look.output.lines, most: 10, item: line, steps: {
      read_line: { tool: crm.read, arguments: { customer: line.sku } } } } }
    pause: { needs: [sign], wait: { duration: 1d } }
    after: { needs: [pause], emit: { event: visited, key: input.customer } }
  result: { total: steps.look.output.total }
"""


def problems(workflow: str) -> list[str]:
    found = rules.check(organisation(folder((TOOL, TYPED_TOOL), visit=workflow)))
    return sorted(f"{one.field}: {one.message}" + (f"; {one.hint}" if one.hint else "") for one in found)


def test_a_good_workflow_has_no_problem() -> None:
    assert problems(VISIT) == []


CASES = yaml.safe_load((Path(__file__).parent / "workflows.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES, ids=[case["by"][:60] for case in CASES])
def test_a_mistake_is_told_with_its_field_and_its_fix(case: dict[str, str]) -> None:
    assert case["replace"] in VISIT
    assert problems(VISIT.replace(case["replace"], case["by"], 1)) == sorted(case["problems"].splitlines())


INNER = """---
apiVersion: autonomy/v1
kind: Workflow
metadata: { name: inner, unit: sales }
spec: { agent: seller-1, escalation: lead, steps: { look: {
  tool: crm.read, arguments: { customer: "'a'" }, compensate: UNDO } } }
---
apiVersion: autonomy/v1
kind: Workflow
metadata: { name: outer, unit: sales }
spec: { agent: seller-1, escalation: lead, steps: { one: { workflow: { name: inner }MORE }, two: {
  needs: [one], tool: crm.read, arguments: { customer: "'a'" }, RULE } } }
"""
LOOK = "{ tool: crm.read, arguments: { customer: \"'a'\" } }"
NOTHING = "{ nothing: it was eaten }"
FAILING = "onException: [{ then: compensate }]"


@pytest.mark.parametrize(
    ("undo", "more", "rule", "refused"),
    [
        (LOOK, "", FAILING, True),
        (LOOK, "", f"compensate: {LOOK}", True),
        (LOOK, "", "when: 'true'", False),
        (LOOK, f", compensate: {NOTHING}", FAILING, False),
        (LOOK, f", compensate: {LOOK}", FAILING, False),
        (NOTHING, "", FAILING, False),
    ],
)
def test_what_would_stay_although_it_can_be_undone_is_refused(undo: str, more: str, rule: str, refused: bool) -> None:
    text = INNER.replace("UNDO", undo).replace("MORE", more).replace("RULE", rule)
    found = problems(VISIT + text)
    assert [one.partition(":")[0] for one in found] == (["spec.steps.one.compensate"] if refused else [])


MIDDLE = """---
apiVersion: autonomy/v1
kind: Workflow
metadata: { name: middle, unit: sales }
spec: { agent: seller-1, escalation: lead, steps: { one: { workflow: { name: inner }MORE } } }
"""


@pytest.mark.parametrize(("more", "refused"), [("", True), (f", compensate: {NOTHING}", False)])
def test_it_is_refused_too_where_a_run_lies_between(more: str, refused: bool) -> None:
    text = INNER.replace("UNDO", LOOK).replace("MORE", "").replace("RULE", FAILING)
    through = text.replace("workflow: { name: inner }", "workflow: { name: middle }")
    found = problems(VISIT + through + MIDDLE.replace("MORE", more))
    assert [one.partition(":")[0] for one in found] == (["spec.steps.one.compensate"] if refused else [])


@pytest.mark.parametrize(
    ("step", "field", "message"),
    [
        ("{ tool: a, wait: { duration: 1s } }", "spec.steps.one", "exactly one of"),
        ("{ needs: [] }", "spec.steps.one", "exactly one of"),
        ("{ wait: {} }", "spec.steps.one.wait", "nothing ends this wait"),
        ("{ wait: { duration: 1s }, arguments: { a: 1 } }", "spec.steps.one", "takes no `arguments`"),
        ("{ wait: { duration: 1s }, retry: {} }", "spec.steps.one", "is not retried"),
        ("{ emit: { event: a }, agent: b }", "spec.steps.one", "`agent` says who performs a tool"),
        ("{ tool: a, onException: [{ then: ask }] }", "spec.steps.one.onException[0]", "exactly one of"),
        ("{ tool: a, onException: [{ then: skip, role: b }] }", "spec.steps.one.onException[0]", "asks nobody"),
        ("{ tool: a, compensate: {} }", "spec.steps.one.compensate", "exactly one of"),
        ("{ agree: { figures: { a: '1' } } }", "spec.steps.one.agree.figures", ""),
    ],
)
def test_a_step_that_contradicts_itself_is_refused(step: str, field: str, message: str) -> None:
    text = (
        "apiVersion: autonomy/v1\nkind: Workflow\nmetadata: { name: w }\n"
        f"spec: {{ escalation: lead, steps: {{ one: {step} }} }}\n"
    )
    with pytest.raises(Invalid) as raised:
        read({"w.yaml": text})
    [problem] = raised.value.detail["problems"]
    assert (problem["field"], message in problem["message"]) == (field, True), problem


def test_a_workflow_uses_what_its_steps_name() -> None:
    found = organisation(folder((TOOL, TYPED_TOOL), visit=VISIT))
    for kind, name in (("Tool", "crm.read"), ("Role", "lead"), ("Agent", "seller-1")):
        assert "visit" in [one.name for one in users(found, kind, name)]


def test_every_kind_can_be_pulled_into_a_folder_of_its_own() -> None:
    [declared] = read({"visit.yaml": VISIT}).declared
    pulled = files_of(body(written(declared.manifest)))
    [again] = read(pulled).declared
    assert (list(pulled), again.manifest) == (["workflows/visit.yaml"], declared.manifest)


@pytest.mark.parametrize(
    ("text", "after", "expected"),
    [
        ("0 6 * * 1-5", "2026-11-21T12:00:00Z", "2026-11-23T06:00:00Z"),
        ("*/15 * * * *", "2026-11-21T12:00:00Z", "2026-11-21T12:15:00Z"),
        ("0 0 29 2 *", "2026-11-21T12:00:00Z", "2028-02-29T00:00:00Z"),
        ("30 22 1,15 * *", "2026-11-15T22:30:00Z", "2026-12-01T22:30:00Z"),
        ("0 12 13 * 5", "2026-11-21T12:00:00Z", "2026-11-27T12:00:00Z"),
        ("0 0 * * 7", "2026-11-21T12:00:00Z", "2026-11-22T00:00:00Z"),
        ("59 23 31 12 *", "2026-12-31T23:59:00Z", "2027-12-31T23:59:00Z"),
    ],
)
def test_a_schedule_knows_its_next_time(text: str, after: str, expected: str) -> None:
    assert parse(text).next(_at(after)) == _at(expected)


@pytest.mark.parametrize(
    ("text", "after", "expected"),
    [
        ("0 6 * * *", "2026-07-01T03:59:00Z", "2026-07-01T04:00:00Z"),  # summer
        ("0 6 * * *", "2026-01-01T03:59:00Z", "2026-01-01T05:00:00Z"),  # winter
        ("0 0 1 * *", "2026-06-30T12:00:00Z", "2026-06-30T22:00:00Z"),  # the first of July by that clock
        ("30 2 * * *", "2026-03-28T12:00:00Z", "2026-03-29T01:30:00Z"),  # half past two does not exist on that day
        ("30 2 * * *", "2026-03-29T01:30:00Z", "2026-03-30T00:30:00Z"),
        ("30 2 * * *", "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z"),  # half past two comes twice on that day
        ("30 2 * * *", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"),
        ("*/30 * * * *", "2026-10-25T00:30:00Z", "2026-10-25T01:00:00Z"),
        ("*/30 * * * *", "2026-03-29T00:30:00Z", "2026-03-29T01:00:00Z"),
        ("0 * * * 1", "2026-10-25T12:00:00Z", "2026-10-25T23:00:00Z"),  # Monday begins
    ],
)
def test_a_schedule_goes_by_the_clock_of_its_zone(text: str, after: str, expected: str) -> None:
    assert parse(text).next(_at(after), zone_of("Europe/Berlin")) == _at(expected)


@given(st.sampled_from(["30 2 * * *", "*/20 * * * *", "15 1,2,3 * * 0"]), st.integers(0, 2**41))
def test_a_time_of_a_schedule_is_after_and_there_is_none_between(text: str, after: int) -> None:
    found, zone = parse(text).next(after, zone_of("Europe/Berlin")), zone_of("Europe/Berlin")
    assert found > after
    assert parse(text).next(found - 1, zone) == found


@pytest.mark.parametrize("name", ["Europe/Nowhere", "", "../etc/passwd", "/etc/localtime", "a" * 5_000])
def test_a_zone_that_nobody_knows_is_refused(name: str) -> None:
    with pytest.raises(Invalid) as raised:
        zone_of(name)
    assert raised.value.code == "workflow.zone"


@pytest.mark.parametrize("text", ["", "* * * *", "60 * * * *", "0 6 * * 8", "a * * * *", "1-0 * * * *", "0 0 31 2 *"])
def test_a_schedule_that_never_comes_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as raised:
        parse(text)
    assert raised.value.code == "workflow.schedule"


@given(st.text("0123456789*/,- ", max_size=20))
def test_any_other_text_is_no_more_than_refused(text: str) -> None:
    try:
        assert parse(text).next(0) > 0
    except AutonomyError as error:
        assert error.code == "workflow.schedule"


def _at(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)
