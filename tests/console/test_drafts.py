"""What somebody has begun to write is theirs: nothing closes it under the sign-in, and nobody else ever sees it."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, Page, expect

from tests.server.desk import Desk

from .visitor import visiting

PASSWORD = "a long sentence nobody guesses"


def sign_in_again(page: Page, name: str) -> None:
    page.get_by_role("textbox", name="Name").fill(name)
    page.get_by_role("textbox", name="Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def test_nobody_sees_what_somebody_else_has_begun_to_write(hall: Desk, browser: Browser) -> None:
    for name in ("bea", "bob"):
        hall.invited(name, PASSWORD)
    action = hall.held("402.00")
    with visiting(browser, hall, "bea") as visitor:
        page = visitor.go(f"/inbox/{action}")
        page.keyboard.press("r")
        page.locator("textarea:focus").wait_for()
        page.keyboard.type("a suspicion about bob")
        visitor.context.clear_cookies()
        page.keyboard.press("Enter")
        with page.expect_navigation():
            sign_in_again(page, "bob")
        visitor.settle()
        page = visitor.go(f"/inbox/{action}")
        page.keyboard.press("a")
        expect(page.locator("textarea").first).to_have_value("")
        assert "suspicion" not in page.evaluate("JSON.stringify(sessionStorage)")


def test_an_incident_begun_in_a_dialog_outlives_the_session_and_its_escape(hall: Desk, browser: Browser) -> None:
    hall.invited("suzi", PASSWORD)
    with visiting(browser, hall, "suzi") as visitor:
        page = visitor.go("/workforce/w1")
        page.get_by_role("button", name=re.compile("incident", re.I)).first.click()
        text = page.get_by_role("dialog").locator("textarea:not([aria-hidden])").first
        text.fill("what I have seen, in many words")
        submit = page.get_by_role("dialog").locator("button[type=submit]").element_handle()
        visitor.context.clear_cookies()
        submit.dispatch_event("click")  # whatever else asked first may have covered it by now
        page.get_by_role("textbox", name="Password").wait_for()
        page.keyboard.press("Escape")
        sign_in_again(page, "suzi")
        expect(page.get_by_role("textbox", name="Password")).to_be_hidden()
        expect(text).to_have_value("what I have seen, in many words")
        page.reload()
        visitor.settle()
        page.get_by_role("button", name=re.compile("incident", re.I)).first.click()
        expect(text).to_have_value("what I have seen, in many words")
