"""What agents do, in words."""

from __future__ import annotations

from typing import Any

import pytest
from rich.text import Text

from demo import words
from demo.teller import Teller

ORDER = {"quantity": 40, "sku": "sku-0004", "supplier_id": "sup-002", "amount": "12879.60", "cost_center": "cc-optics"}


def _event(**said: Any) -> dict[str, Any]:
    return {"tool": "purchase_order.create", "arguments": ORDER, "action": "act_1", "result": None, **said}


def _plain(markup: str) -> str:
    return Text.from_markup(markup).plain


def test_a_call_is_told_with_its_amount_as_people_read_it() -> None:
    line = words.line(_event(status="done"), "")
    assert _plain(line.deed) == "orders 40 × sku-0004 from sup-002 for 12,879.60 EUR"
    assert _plain(line.ending) == "allowed"


@pytest.mark.parametrize(
    ("before", "told"), [("held", "done, as approved"), ("done", "done already: the same answer again")]
)
def test_what_was_heard_before_changes_what_done_means(before: str, told: str) -> None:
    assert _plain(words.line(_event(status="done"), before).ending) == told


def test_a_denial_names_rule_and_reason() -> None:
    event = _event(status="denied", policies=["order-not-twice"], message="there is an open order [already]")
    ending = words.line(event, "").ending
    assert _plain(ending) == "denied by order-not-twice: there is an open order [already]"


def test_a_refusal_without_a_rule_names_its_code() -> None:
    ending = words.line(_event(status="denied", code="budget.exceeded", message="nothing left"), "").ending
    assert _plain(ending) == "denied by budget.exceeded: nothing left"


def test_a_long_id_is_shortened_and_a_text_is_not() -> None:
    assert words.short("po_01m7ydxcsz97hmbtzdfrwhd2pm") == "po_…hd2pm"
    assert words.short("a text of many words") == "a text of many words"


@pytest.mark.parametrize(("used", "filled"), [(0, 0), (1, 1), (500, 14), (1000, 28), (2000, 28)])
def test_a_bar_is_filled_as_far_as_the_budget_is_used(used: int, filled: int) -> None:
    plain = _plain(words.bar(used, 1000))
    assert plain == "█" * filled + "░" * (28 - filled)


def test_what_is_not_so_is_told_and_kept_as_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    teller = Teller()
    teller.check(True, "the shelf is full")
    teller.check(False, "the till is right")
    assert teller.failures == ["the till is right"]
    assert "NOT SO: the till is right" in capsys.readouterr().out
