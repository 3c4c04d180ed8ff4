"""Somebody in front of the console: a real Chromium, signed in, that remembers whatever went wrong in it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect

from tests.server.desk import Desk

AXE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
WIDE = (1360, 900)
NARROW = (360, 740)
SERIOUS = {"serious", "critical"}
PATIENCE_MS = 60_000
"""How long anything may take: what is looked for comes as soon as it is there, and a busy machine is no mistake."""

expect.set_options(timeout=PATIENCE_MS)

_AXE_RUN = """async () => {
  const found = await axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] });
  const where = (one) => one.nodes.map((node) => node.html).slice(0, 3);
  return found.violations.map((one) => ({ id: one.id, impact: one.impact, at: where(one) }));
}"""
_SETTLED = (
    "() => document.querySelector('h1') && !document.querySelector('.mantine-Skeleton-root, .mantine-Loader-root')"
)


@contextmanager
def visiting(
    browser: Browser, desk: Desk, name: str = "", size: tuple[int, int] = WIDE, scheme: Any = "light"
) -> Iterator[Visitor]:
    """A visitor, signed in as the person `name` unless that is empty; nothing may have gone wrong in the end."""
    width, height = size
    viewport = {"width": width, "height": height}
    context = browser.new_context(viewport=viewport, color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
    try:
        visitor = Visitor(context, desk)
        if name:
            visitor.sign_in(name)
        yield visitor
        assert not visitor.wrong, visitor.wrong
    finally:
        _leave(context)


def _leave(context: BrowserContext) -> None:
    """What a page still asks for when its visitor leaves is answered by nobody, and that is no mistake."""
    context.unroute_all(behavior="ignoreErrors")
    for page in context.pages:
        page.unroute_all(behavior="ignoreErrors")
    context.close()


class Visitor:
    """A page in a context of its own. `wrong` gathers errors of scripts and breaches of the content security policy."""

    def __init__(self, context: BrowserContext, desk: Desk) -> None:
        self.desk = desk
        self.context = context
        context.set_default_timeout(PATIENCE_MS)
        self.page: Page = context.new_page()
        self.wrong: list[str] = []
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("console", self._note)

    def sign_in(self, name: str) -> None:
        """With a session made by the house, as the identity provider would."""
        token = self.desk.person(name).token
        cookie = {"name": "autonomy_session", "value": token, "domain": "127.0.0.1", "path": "/api", "httpOnly": True}
        self.context.add_cookies([cookie | {"sameSite": "Strict"}])  # type: ignore[list-item]

    def go(self, path: str) -> Page:
        """Open a page of the console, and wait until it shows what it has."""
        self.page.goto(self.desk.url + path)
        self.settle()
        return self.page

    def settle(self) -> None:
        """Wait until nothing is loading."""
        self.page.wait_for_function(_SETTLED)

    def findings(self) -> list[dict[str, Any]]:
        """What axe finds that keeps people out."""
        if not self.page.evaluate("() => 'axe' in window"):
            self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found: list[dict[str, Any]] = self.page.evaluate(_AXE_RUN)
        return [one for one in found if one["impact"] in SERIOUS]

    def overhang(self) -> int:
        """By how many pixels the page is wider than what is seen of it."""
        return int(self.page.evaluate("() => document.documentElement.scrollWidth - innerWidth"))

    def _note(self, message: ConsoleMessage) -> None:
        # An answer that refuses is no mistake of the page; the browser notes each as an error.
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            self.wrong.append(json.dumps(message.text))
