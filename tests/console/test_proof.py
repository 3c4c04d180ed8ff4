"""A proof is of the very thing on the page: whoever holds the server cannot show one and prove another."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.server.desk import Desk

from .test_rooms import changed
from .visitor import Visitor, visiting

HOLDS = re.compile(r"in the log of [\d,]+ leaves, as signed")
FORGED = "This page does not show what the log says"


@pytest.fixture(scope="module")
def approved(hall: Desk) -> str:
    """A payment that somebody approved, that was made, and whose result somebody called right."""
    action = hall.held("300.00")
    bea = hall.person("bea")
    shown = bea.get(f"/api/approvals/{action}").json["shown"]
    bea.post(f"/api/approvals/{action}/decision", {"verdict": "approve", "shown": shown, "reason": "as agreed"})
    assert hall.finished(action)["status"] == "done"
    assert hall.person("suzi").post(f"/api/actions/{action}/label", {"verdict": "right"}).status == 200
    return action


def proved(visitor: Visitor, action: str) -> Locator:
    page = visitor.go(f"/actions/{action}")
    page.get_by_role("button", name="Verify in this browser").click()
    return page.get_by_role("region", name="Proof")


def test_what_the_page_shows_is_what_the_leaves_say(hall: Desk, browser: Browser, approved: str) -> None:
    refused = hall.act("pay", payee="acme", amount="5000000.00")["action"]
    with visiting(browser, hall, "aldo") as visitor:
        for action in (approved, refused):
            expect(proved(visitor, action).get_by_text(HOLDS)).to_be_visible()


FORGERIES: dict[str, Callable[[str], str]] = {
    "the sponsor": lambda body: body.replace('"sponsor":"sam","acts_for"', '"sponsor":"olga","acts_for"'),
    "who approved": lambda body: body.replace('"actor":"person:bea","round"', '"actor":"person:bob","round"'),
    "the case": lambda body: body.replace('"tool":"pay","case":"', '"tool":"pay","case":"x'),
    "how it ended": lambda body: re.sub(r'"status":"done","result"', '"status":"failed","result"', body),
    "what was asked for": lambda body: body.replace('"value":{"amount":"300.00"', '"value":{"amount":"900.00"'),
    "the commitment": lambda body: re.sub(r'("value":\{"amount".*?"commitment":")..', r"\1zz", body),
}


def test_a_page_that_says_something_else_is_called_forged(hall: Desk, browser: Browser, approved: str) -> None:
    real = hall.person("aldo").get(f"/api/actions/{approved}").body.decode()
    with visiting(browser, hall, "aldo") as visitor:
        for what, forge in FORGERIES.items():
            assert forge(real) != real, what
            changed(visitor.page, f"**/api/actions/{approved}", forge)
            expect(proved(visitor, approved).get_by_role("alert"), what).to_contain_text(FORGED)
            visitor.page.unroute(f"**/api/actions/{approved}")


def test_the_proof_of_another_action_proves_nothing(hall: Desk, browser: Browser, approved: str) -> None:
    other = hall.act("press", n=8)["action"]
    proofs = hall.person("aldo").get(f"/api/actions/{other}/proofs").body.decode()
    with visiting(browser, hall, "aldo") as visitor:
        changed(visitor.page, f"**/api/actions/{approved}/proofs", lambda _: proofs)
        expect(proved(visitor, approved).get_by_role("alert")).to_contain_text("is about another action")
