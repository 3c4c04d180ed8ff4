"""Every page, as it is met: by everybody, in light and dark, on a telephone, with hostile content."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.server.desk import Desk

from .visitor import NARROW, visiting

PAGES = ["/", "/inbox", "/work", "/workforce", "/budgets", "/figures", "/nowhere"]
"""Pages that are the same for everybody. Whoever adds a page adds its address."""

HOSTILE = (
    "Pay <img src=x onerror=\"document.title='owned'\"> **bold** [x](javascript:alert(1)) "
    "\u202egnp.exe\u202c a\u200bb \u0440\u0430\u0443\u0440al Z\u0301\u0301\u0301\u0301algo "
    "\U0001d429\U0001d41a\U0001d432"
)


@pytest.fixture(scope="module")
def held(hall: Desk) -> str:
    """A held payment whose words are hostile, and long ones with it."""
    asked = {"tool": "pay", "arguments": {"payee": HOSTILE[:180], "amount": "250.00"}, "rationale": HOSTILE * 8}
    reply = hall.agent().post("/v1/actions", asked).json
    assert reply["status"] == "held", reply
    return str(reply["action"])


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_no_page_keeps_anybody_out(hall: Desk, browser: Browser, held: str, scheme: str) -> None:
    with visiting(browser, hall, "bea", scheme=scheme) as visitor:
        for path in (*PAGES, f"/inbox/{held}"):
            visitor.go(path)
            assert not visitor.findings(), path


def test_no_page_is_wider_than_a_telephone(hall: Desk, browser: Browser, held: str) -> None:
    with visiting(browser, hall, "bea", NARROW) as visitor:
        for path in (*PAGES, f"/inbox/{held}"):
            visitor.go(path)
            assert visitor.overhang() <= 0, path


FIRST = {
    "ada": ("IT", "The system"),
    "carl": ("Supervisor", "Waits for you"),
    "suzi": ("Supervisor", "Waits for you"),
    "aldo": ("Auditor", "The record"),
    "vera": ("Executive", "The workforce"),
}
"""As whom everybody sees Today, unless they choose, and its first card."""


def audience(page: Page) -> str:
    return page.get_by_label("Seen as").evaluate("(choice) => choice.selectedOptions[0].textContent")  # type: ignore[no-any-return]


@pytest.mark.parametrize("name", FIRST)
def test_everybody_has_a_today_of_their_own(hall: Desk, browser: Browser, name: str) -> None:
    with visiting(browser, hall, name) as visitor:
        page = visitor.go("/")
        assert page.inner_text("h1") == "Today"
        assert (audience(page), page.locator("main section h2").first.inner_text()) == FIRST[name]
        assert page.locator("[role=alert]").count() == 0


AUDIENCES = {"auditor": "The record", "risk": "Contained now", "it": "The system"}


def test_today_is_seen_with_the_eyes_of_others_and_its_address_says_so(hall: Desk, browser: Browser) -> None:
    with visiting(browser, hall, "suzi") as visitor:
        for audience_, card in AUDIENCES.items():
            page = visitor.go("/")
            page.get_by_label("Seen as").select_option(audience_)
            expect(page.get_by_role("region", name=card)).to_be_visible()
            assert page.url.endswith(f"/?audience={audience_}")
            visitor.go(f"/?audience={audience_}")
            expect(page.get_by_role("region", name=card)).to_be_visible()


@pytest.mark.parametrize(
    "audience_", ["it", pytest.param("auditor", marks=pytest.mark.slow), pytest.param("risk", marks=pytest.mark.slow)]
)
def test_today_keeps_nobody_out_whoever_sees_it(hall: Desk, browser: Browser, audience_: str) -> None:
    with visiting(browser, hall, "suzi") as visitor:
        page = visitor.go(f"/?audience={audience_}")
        expect(page.get_by_role("region", name=AUDIENCES[audience_])).to_be_visible()
        assert not visitor.findings()


def test_what_an_agent_says_is_inert_and_shown_as_what_it_is(hall: Desk, browser: Browser, held: str) -> None:
    with visiting(browser, hall, "bea") as visitor:
        page = visitor.go(f"/inbox/{held}")
        said = page.locator("section[aria-label='What the agent says about it']")
        text = said.inner_text()
        assert "<img src=x" in text and "**bold**" in text and "[x](javascript:alert(1))" in text
        assert said.locator("img, a, strong").count() == 0
        hidden = said.locator("[data-foreign=hidden]").all_inner_texts()
        assert {"U+202E", "U+202C", "U+200B"} <= set(hidden)
        lookalikes = said.locator("[data-foreign=lookalike]").all_inner_texts()
        assert any("Cyrillic and Latin" in one for one in lookalikes) and any("for pay" in one for one in lookalikes)
        assert page.title().startswith("Inbox")
        before = len(text)
        said.get_by_role("button", name="Show more").click()
        assert len(said.inner_text()) > before


def test_the_palette_finds_rooms_and_declared_objects_by_name(hall: Desk, browser: Browser) -> None:
    with visiting(browser, hall, "ada") as visitor:
        page = visitor.go("/")
        page.get_by_text("Find", exact=True).last.click()
        page.get_by_placeholder("A page, an agent, a tool, an id …").fill("inb")
        page.locator(".mantine-Spotlight-action", has_text="Inbox").first.wait_for()
        page.keyboard.press("Enter")
        page.wait_for_url("**/inbox")
        page.keyboard.press("Control+k")
        page.get_by_placeholder("A page, an agent, a tool, an id …").fill("w1")
        page.get_by_text("Agent", exact=True).first.click()
        page.wait_for_url("**/workforce/w1")


def test_what_is_typed_before_the_palette_is_there_is_not_lost(hall: Desk, browser: Browser) -> None:
    with visiting(browser, hall, "ada") as visitor:
        kept: list[Route] = []
        visitor.page.route("**/Palette*.js", lambda route: kept.append(route))
        page = visitor.go("/budgets")
        page.keyboard.press("Control+k")
        page.keyboard.type("inbx")
        page.keyboard.press("Backspace")
        for route in kept:
            route.continue_()
        expect(page.get_by_placeholder("A page, an agent, a tool, an id …")).to_have_value("inb")
        page.locator(".mantine-Spotlight-action", has_text="Inbox").first.wait_for()
        page.keyboard.type("o")
        page.keyboard.press("Enter")
        page.wait_for_url("**/inbox")
        assert kept
