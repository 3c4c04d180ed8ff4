"""What happens appears by itself: for everybody who may see it, in every tab, and after the stream was refused."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, Page, Route, expect

from tests.server.desk import Desk, eventually

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


def test_what_happened_while_a_stream_broke_off_before_its_first_event_is_seen(hall: Desk, browser: Browser) -> None:
    """It bears no id yet, so that the browser cannot say how far it was told when it connects again by itself."""
    streams: list[Route] = []

    def has_asked(page: Page, times: int) -> bool:
        page.title()  # while it is asked, the browser tells what has happened
        return len(streams) == times

    with visiting(browser, hall, "bea") as visitor:
        visitor.page.add_init_script("window.setInterval = () => 0")  # nothing is looked at because time has passed
        visitor.context.route("**/api/events*", lambda route: streams.append(route))
        page = visitor.go("/inbox")
        eventually(lambda: has_asked(page, 1), "the first stream")
        with page.expect_response(re.compile(r"/api/approvals\?.*limit=200")) as looked:
            streams[0].fulfill(status=200, body="retry: 10\n\n", content_type="text/event-stream")
        looked.value.finished()
        eventually(lambda: has_asked(page, 2), "the second stream")
        action = hall.held("778.00")
        assert "last-event-id" not in streams[1].request.headers
        streams[1].continue_()
        is_live(page)
        expect(page.locator(f"a[href='/inbox/{action}']")).to_be_visible()
