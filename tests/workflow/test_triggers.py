"""What a trigger begins: the input it gives, and the key that collapses it onto a live run (R039)."""

from __future__ import annotations

import pytest

from autonomy.kernel.errors import AutonomyError
from autonomy.workflow.triggers import input_of, key_of

from .works import definition

SPEC = """
input: { type: object, properties: { sku: { type: string }, at: { type: string } } }
key: "'stock-' + input.sku"
triggers:
  - { event: stock.low, when: trigger.left < 5, input: { sku: trigger.sku, at: string(now) } }
  - { schedule: 0 6 * * *, input: { sku: "'all'" } }
  - { webhook: erp }
  - { ended: other }
steps: { a: { tool: t } }
"""


def test_a_trigger_gives_the_run_its_input_where_its_condition_is_true() -> None:
    low, daily, webhook, ended = definition(SPEC).triggers
    assert input_of(low, {"sku": "b-1", "left": 2}, 1_000) == {"sku": "b-1", "at": "1970-01-01T00:00:01Z"}
    assert input_of(low, {"sku": "b-1", "left": 9}, 1_000) is None
    assert (daily.source, daily.name, input_of(daily, None, 1_000)) == ("schedule", "0 6 * * *", {"sku": "all"})
    assert (webhook.source, webhook.name, ended.source, ended.name) == ("webhook", "erp", "ended", "other")


def test_triggers_with_the_same_key_are_the_same_run() -> None:
    wanted = definition(SPEC)
    assert key_of(wanted, {"sku": "b-1", "at": "now"}) == key_of(wanted, {"sku": "b-1", "at": "later"}) == "stock-b-1"
    assert key_of(definition({"steps": {"a": {"tool": "t"}}}), {}) is None


def test_a_trigger_that_cannot_be_read_begins_nothing() -> None:
    with pytest.raises(AutonomyError) as raised:
        input_of(definition(SPEC).triggers[0], {"left": 1}, 1_000)
    assert raised.value.code == "expression.missing"
