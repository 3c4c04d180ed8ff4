"""Takes the pictures of the console: `python -m tests.console.pictures URL FOLDER`, while the demo is at work there."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from playwright.sync_api import Browser, Page, sync_playwright

from tests.signon.test_real_provider import started

IMAGES = Path(__file__).parents[2] / "docs" / "images"
SIZE = {"width": 1280, "height": 800}
ORDER = "purchase_order.create"
SETTLED = (
    "() => document.querySelector('h1') && document.fonts.status === 'loaded'"
    " && !document.querySelector('.mantine-Skeleton-root, .mantine-Loader-root')"
)


class Shot(NamedTuple):
    """A picture: what it shows, to whom, in which colours; `find` gives the address, `ready` makes the page ready."""

    name: str
    person: str
    schemes: tuple[str, ...]
    find: Callable[[Page], str]
    ready: Callable[[Page], None]


def _api(page: Page, path: str) -> Any:
    return page.evaluate("(path) => fetch(path).then((answer) => answer.json())", path)


def _approved_order(page: Page) -> str:
    """The order that two people approved."""
    approved = [one["leaf"]["action"] for one in _api(page, "/api/audit/leaves?kind=approval")["leaves"]]
    twice = next(action for action in approved if approved.count(action) > 1)
    return f"/actions/{twice}"


def _run(page: Page) -> str:
    return f"/work/runs/{_api(page, '/api/runs?workflow=reorder')['items'][0]['id']}"


def _at(path: str) -> Callable[[Page], str]:
    return lambda _: path


def _charted(page: Page) -> None:
    page.locator("section canvas").first.wait_for()


def _opened(page: Page) -> None:
    page.locator("ul[aria-label='What waits for you'] a").first.wait_for()
    page.keyboard.press("j")
    page.locator("article [role=group]").wait_for()


def _proved(page: Page) -> None:
    page.get_by_role("button", name="Verify in this browser").click()
    page.get_by_text("as signed").wait_for()


def _verified(page: Page) -> None:
    page.get_by_role("button", name="Verify the whole log").click()
    page.get_by_text("leaves are as they were signed").wait_for()


def _drawn(page: Page) -> None:
    page.locator(".react-flow__node").first.wait_for()


SHOTS = (
    Shot("today", "priya", ("light", "dark"), _at("/"), _charted),
    Shot("inbox", "priya", ("light", "dark"), _at("/inbox"), _opened),
    Shot("agent", "priya", ("dark",), _at("/workforce/buyer-2"), _charted),
    Shot("run", "priya", ("light",), _run, _drawn),
    Shot("action", "aldo", ("light",), _approved_order, _proved),
    Shot("audit", "aldo", ("dark",), _at("/audit"), _verified),
)


def take(browser: Browser, url: str, folder: Path, shot: Shot, scheme: str) -> None:
    """Sign in as a person of the demo, by the form, and take the picture."""
    context = browser.new_context(viewport=SIZE, color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(f"{url}/login")
    page.fill("#name", shot.person)
    page.fill("#password", (folder / "passwords" / shot.person).read_text(encoding="utf-8").strip())
    page.click("button")
    page.wait_for_function(SETTLED)
    page.goto(url + shot.find(page))
    page.wait_for_function(SETTLED)
    shot.ready(page)
    page.wait_for_function(SETTLED)
    page.screenshot(path=IMAGES / f"console-{shot.name}-{scheme}.png")
    context.close()


def main(url: str, folder: Path) -> None:
    """Every picture."""
    with sync_playwright() as playwright, started(playwright) as browser:
        for shot in SHOTS:
            for scheme in shot.schemes:
                take(browser, url, folder, shot, scheme)


if __name__ == "__main__":
    main(sys.argv[1].rstrip("/"), Path(sys.argv[2]))
