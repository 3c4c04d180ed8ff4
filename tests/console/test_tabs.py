"""The tabs of a browser share a session: who signs in again in one goes on in all, and nobody as somebody else."""

from __future__ import annotations

import json
import re

from playwright.sync_api import Browser, Page, Route, expect

from tests.server.desk import Desk

from .test_drafts import PASSWORD, sign_in_again
from .visitor import Visitor, visiting

NO_LOOKS = "window.setInterval = () => 0"
"""Nothing is looked at again because time has passed: what is renewed is renewed for a reason."""

UNPROVEN = {"error": {"code": "csrf.missing", "message": "a request with the cookie needs the header", "hint": None}}


def begun(visitor: Visitor, action: str, text: str) -> Page:
    """The page of a held action, with a rejection that has been begun."""
    visitor.context.add_init_script(NO_LOOKS)
    page = visitor.go(f"/inbox/{action}")
    page.keyboard.press("r")
    page.locator("textarea:focus").wait_for()
    page.keyboard.type(text)
    return page


def reject(page: Page) -> None:
    page.get_by_role("button", name=re.compile("^Reject")).click()


def test_who_signed_in_again_elsewhere_decides_here_too(hall: Desk, browser: Browser) -> None:
    action = hall.held("411.00")
    with visiting(browser, hall, "bea") as visitor:
        page = begun(visitor, action, "they were late")
        visitor.sign_in("bea")  # which replaces the cookie that the tabs share, and nothing in this one
        reject(page)
        expect(page.get_by_text("Rejected", exact=True).first).to_be_visible()
    (vote,) = hall.system.approvals.get(action).votes
    assert (vote.person, vote.verdict, vote.reason) == ("bea", "reject", "they were late")


def test_what_is_refused_again_is_not_sent_for_ever(hall: Desk, browser: Browser) -> None:
    action, sent = hall.held("412.00"), []

    def refuse(route: Route) -> None:
        sent.append(route.request.post_data_json)
        route.fulfill(status=403, body=json.dumps(UNPROVEN), content_type="application/json")

    with visiting(browser, hall, "bea") as visitor:
        page = begun(visitor, action, "twice")
        page.route("**/decision", refuse)
        reject(page)
        expect(page.get_by_text(UNPROVEN["error"]["message"]).first).to_be_visible()
    assert len(sent) == 2 and sent[0] == sent[1]
    assert hall.system.approvals.get(action).state == "waiting"


def test_whoever_is_somebody_else_by_now_decides_nothing_and_begins_anew(hall: Desk, browser: Browser) -> None:
    action = hall.held("413.00")
    with visiting(browser, hall, "bea") as visitor:
        page = begun(visitor, action, "a suspicion about bob")
        visitor.sign_in("bob")
        with page.expect_navigation(url=hall.url + "/"):
            reject(page)
        visitor.settle()
        expect(page.get_by_role("button", name="Bob")).to_be_visible()
        assert "suspicion" not in page.evaluate("JSON.stringify(sessionStorage)")
    assert not hall.system.approvals.get(action).votes


def test_signing_in_again_in_one_tab_uncovers_the_other_with_what_was_written(hall: Desk, browser: Browser) -> None:
    hall.invited("bea", PASSWORD)
    action = hall.held("414.00")
    with visiting(browser, hall, "bea") as visitor:
        page = begun(visitor, action, "they were late twice")
        other = visitor.context.new_page()
        other.goto(f"{hall.url}/inbox")
        expect(other.locator(f"a[href='/inbox/{action}']")).to_be_visible()
        visitor.context.clear_cookies()
        reject(page)
        page.get_by_role("textbox", name="Password").wait_for()
        other.locator(f"a[href='/inbox/{action}']").click()
        sign_in_again(other, "bea")
        expect(page.get_by_role("textbox", name="Password")).to_be_hidden()
        expect(page.locator("textarea").first).to_have_value("they were late twice")
        reject(page)
        expect(page.get_by_text("Rejected", exact=True).first).to_be_visible()
    (vote,) = hall.system.approvals.get(action).votes
    assert (vote.person, vote.reason) == ("bea", "they were late twice")
