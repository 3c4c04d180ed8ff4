"""Content that is there to deceive or to choke: shown as what it is, as much of it as a person can look at."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.server.desk import Desk, desk, files
from tests.server.test_memory import SPACES

from .visitor import visiting

TURNED = "pay \u202e000,01\u202c EUR to \u0430cme"
LARGEST = 262_000  # bytes: the input of a task may have hardly more


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with desk(tmp_path_factory.mktemp("hall"), organisation=files(spaces=SPACES)) as found:
        yield found


def opened(hall: Desk, goal: str, **input: Any) -> str:
    """A task with `input`."""
    asked = {"role": "boss", "goal": goal, "by": "person", "input": input}
    answer = hall.person("suzi").post("/api/tasks", asked)
    assert answer.status == 201, answer.body
    return str(answer.json["task"])


def test_however_deep_it_lies_a_deceit_is_marked(hall: Desk, browser: Browser) -> None:
    value: Any = TURNED
    for _ in range(14):
        value = {"x": value}
    task = opened(hall, "look", deep=value)
    with visiting(browser, hall, "bea") as visitor:
        page = visitor.go(f"/inbox/tasks/{task}")
        expect(page.locator("[data-foreign=hidden]")).to_have_count(2)
        expect(page.locator("[data-foreign=lookalike]")).to_have_count(1)
        assert "\u202e" not in page.locator("article").inner_text()


def test_what_is_as_large_as_the_api_lets_through_is_drawn_at_once(hall: Desk, browser: Browser) -> None:
    numbers = list(range(40_000))
    written = len(json.dumps(numbers, separators=(",", ":")))
    task = opened(hall, "look", a=numbers, text="x" * (LARGEST - written))
    with visiting(browser, hall, "bea") as visitor:
        page = visitor.go(f"/inbox/tasks/{task}")
        page.get_by_role("button", name="Show more (39,950 entries)").click()
        expect(page.get_by_role("button", name="Show more (39,450 entries)")).to_be_visible()
        assert page.evaluate("document.querySelectorAll('*').length") < 10_000
        page.get_by_text("Exact text").click()
        expect(page.locator("pre")).to_contain_text('"a": [')


def test_the_title_of_what_is_remembered_is_foreign(hall: Desk, browser: Browser) -> None:
    title = "Approved \u202eyb\u202c CF\u041e"
    assert hall.act("memory.write", space="shop", title=title, text="the lathe hums")["status"] == "done"
    with visiting(browser, hall, "bea") as visitor:
        page = visitor.go("/memory/shop")
        page.get_by_role("textbox").first.fill("lathe")
        page.keyboard.press("Enter")
        heading = page.get_by_role("heading", name="Approved")
        expect(heading.locator("[data-foreign=hidden]")).to_have_count(2)
        assert "\u202e" not in page.locator("main").inner_text()
