"""Takes the pictures of the console: `python -m tests.console.pictures URL FOLDER`, while the demo is at work there."""

from __future__ import annotations

import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.signon.test_real_provider import started

IMAGES = Path(__file__).parents[2] / "docs" / "images"
SIZE = {"width": 1280, "height": 800}
PAGES = {"today": "/", "inbox": "/inbox"}
DRAWN = "() => document.fonts.status === 'loaded' && !document.querySelector('.mantine-Skeleton-root')"
SETTLED = "() => document.querySelector('h1') && !document.querySelector('.mantine-Skeleton-root')"


def take(page: Page, url: str, scheme: str) -> None:
    """One picture of each page; of the inbox, with the first of what waits."""
    for name, path in PAGES.items():
        page.goto(url + path)
        page.wait_for_function(SETTLED)
        if name == "today":
            page.locator("section[aria-label='The workforce'] canvas").first.wait_for()
        if name == "inbox":
            page.locator("ul[aria-label='What waits for you'] a").first.wait_for()
            page.keyboard.press("j")
            page.locator("article [role=group]").wait_for()
        page.wait_for_function(DRAWN)
        page.screenshot(path=IMAGES / f"console-{name}-{scheme}.png")


def main(url: str, folder: Path, name: str = "priya") -> None:
    """Sign in as a person of the demo, by the form."""
    password = (folder / "passwords" / name).read_text(encoding="utf-8").strip()
    with sync_playwright() as playwright, started(playwright) as browser:
        for scheme in ("light", "dark"):
            context = browser.new_context(viewport=SIZE, color_scheme=scheme)  # type: ignore[arg-type]
            page = context.new_page()
            page.goto(f"{url}/login")
            page.fill("#name", name)
            page.fill("#password", password)
            page.click("button")
            page.wait_for_function(SETTLED)
            take(page, url, scheme)
            context.close()


if __name__ == "__main__":
    main(sys.argv[1].rstrip("/"), Path(sys.argv[2]))
