"""What happens appears by itself: for everybody who may see it, in every tab, and after the stream was refused."""

from __future__ import annotations

from playwright.sync_api import Browser, Page, Route, expect

from tests.server.desk import Desk

from .visitor import visiting


def is_live(page: Page) -> None:
    expect(page.get_by_text("Live", exact=True)).to_be_visible()


def test_a_viewer_sees_a_suspension_and_an_administrator_a_secret(hall: Desk, browser: Browser) -> None:
    suzi, ada = hall.person("suzi"), hall.person("ada")
    with visiting(browser, hall, "vera") as viewer, visiting(browser, hall, "ada") as administrator:
        page, other = viewer.go("/workforce/w1"), administrator.go("/settings/secrets")
        is_live(page)
        is_live(other)
        assert suzi.post("/api/agents/w1/suspend", {"reason": "rest"}).status == 200
        assert ada.send("PUT", "/api/secrets/erp-password", {"value": "a long value"}).status == 200
        expect(page.locator("h1 ~ *, header, main").get_by_text("suspended").first).to_be_visible()
        expect(other.get_by_text("erp-password").first).to_be_visible()
    assert suzi.post("/api/agents/w1/reinstate", {"reason": "go on"}).status == 200


def test_a_second_tab_is_as_live_as_the_first(hall: Desk, browser: Browser) -> None:
    with visiting(browser, hall, "bea") as visitor:
        is_live(visitor.go("/inbox"))
        second = visitor.context.new_page()
        second.goto(hall.url + "/inbox")
        is_live(second)
        action = hall.held("701.00")
        expect(second.locator(f"a[href='/inbox/{action}']")).to_be_visible()
        visitor.page.close()
        is_live(second)
        later = hall.held("702.00")
        expect(second.locator(f"a[href='/inbox/{later}']")).to_be_visible()


def test_what_happened_while_the_stream_was_refused_is_seen_when_it_is_there(hall: Desk, browser: Browser) -> None:
    refused: list[str] = []

    def once(route: Route) -> None:
        if refused:
            route.continue_()
            return
        refused.append(route.request.url)
        route.fulfill(status=503, body="{}", content_type="application/json")

    with visiting(browser, hall, "bea") as visitor:
        visitor.context.route("**/api/events*", once)
        visitor.page.add_init_script(
            "const later = setTimeout; window.setTimeout = (act, ms) => later(act, ms === 5_000 ? 50 : ms)"
        )
        page = visitor.go("/inbox")
        action = hall.held("777.00")
        expect(page.get_by_text("Live", exact=True)).to_be_visible()
        expect(page.locator(f"a[href='/inbox/{action}']")).to_be_visible()
        assert refused
