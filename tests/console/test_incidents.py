"""An incident about more than a page holds: all that was stopped, and every line of its timeline, can be listed."""

from __future__ import annotations

from playwright.sync_api import Browser, expect

from autonomy.db import Tx
from autonomy.incidents import Stop, store
from tests.server.desk import Desk

from .visitor import visiting

MANY = 230


def test_all_that_was_stopped_and_every_line_is_listed(hall: Desk, browser: Browser) -> None:
    suzi = hall.person("suzi")
    opened = suzi.post("/api/incidents", {"about": "agent", "id": "w1", "text": "the first word"})
    incident = opened.json["incident"]["id"]

    def write(tx: Tx) -> None:
        store.mark_all(
            tx, incident, [Stop("agent", f"spiffe://x/{n:04}", "confirmed", 1, f"a{n}") for n in range(MANY)]
        )
        store.mark(tx, incident, "run", "run_back", "resumed", 1)
        for number in range(MANY):
            store.note(tx, incident, 1, "person:suzi", "noted", f"word {number}")

    hall.system.queue.run(write)
    with visiting(browser, hall, "suzi") as visitor:
        page = visitor.go(f"/incidents/{incident}")
        expect(page.get_by_text("200 of 231 are listed")).to_be_visible()
        page.get_by_role("button", name="List all of them").click()
        expect(page.get_by_role("cell", name="spiffe://x/0099")).to_have_count(2)
        page.get_by_role("button", name="Show more: List all of them").click()
        expect(page.get_by_role("cell", name="spiffe://x/0199")).to_have_count(2)
        page.get_by_role("button", name="Show more: List all of them").click()
        expect(page.get_by_text("run_back").last).to_be_visible()
        expect(page.get_by_text("the first word")).to_have_count(0)
        page.get_by_role("button", name="Show older lines").click()
        expect(page.get_by_text("the first word")).to_be_visible()
        assert not visitor.findings()
    with visiting(browser, hall, "suzi", (360, 740), "dark") as narrow:
        narrow.go(f"/incidents/{incident}").get_by_role("button", name="List all of them").click()
        narrow.settle()
        assert narrow.overhang() <= 0
