"""The console over a house with a long past: what every page asks of the API, its first paint, the way from an event
to the screen, what is sent to a browser, and what the door pays for everything that is kept ready to be found.

The house is made once for each size and kept in a cache (`bench.history`). The server is a process of its own.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import random
import re
import sqlite3
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import urllib3
import uvloop
from playwright.sync_api import Browser, sync_playwright

from autonomy.kernel.clock import DAY, now
from autonomy.wiring import Settings, System, open_system
from demo.processes import free_port
from tests.postgres import start_postgres

from .door import CALLERS, Desk, noop
from .episodes import FIRST
from .history import build, kept, progress
from .mcp import COMMAND
from .measure import BLOCKS, Measured, Scale, lockstep, median, percentile
from .organisation import organisation
from .pages import calls
from .processes import Process

LEAVES = 10_000_000
PG_LEAVES = 1_000_000
TIMES = 30  # that each call is asked
FEW = 30_000  # leaves of the smallest house
READS = 1_000
ACTIONS = 2_000  # in a block at the door
PATIENCE_MS = 60_000
QUIET = "agent-7"  # has done nothing yet: what it does is seen at once
CONSOLE = Path(__file__).parent.parent / "autonomy" / "console"
SESSION = "autonomy_session"
ENTRY = re.compile(r'(?:src|href)="(/[^"]+\.js)"')
SETTLED = (
    "() => document.querySelector('h1') && !document.querySelector('.mantine-Skeleton-root, .mantine-Loader-root')"
)
CHROMIUM = "/usr/bin/chromium"

Samples = Mapping[str, Sequence[float]]


class Place(NamedTuple):
    """A served house: bob's session, and the key of an agent."""

    url: str
    session: str
    key: str


def run(scale: Scale) -> Measured:
    """The metrics of the console; beside them what the same machine takes for less."""
    leaves = scale.leaves or scale.of(LEAVES, FEW)
    folder = kept(scale.cache, leaves)
    with _served(folder, "") as place:
        pages, bare = _asked(place, scale.of(TIMES, 2))
        metrics = _seen(place)
    reads = _reads(folder)
    with tempfile.TemporaryDirectory() as name, start_postgres(Path(name)) as server:
        data, url = Path(name) / "house", f"{server}/postgres"
        data.mkdir()
        build(data, url, min(leaves, scale.of(PG_LEAVES, FEW)), progress())
        with _served(data, url) as place:
            pg_pages, _ = _asked(place, scale.of(TIMES, 2))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        metrics |= runner.run(_ingest(scale))
    metrics |= {
        "api_p95_ms": max(pages.values()),
        "pg_api_p95_ms": max(pg_pages.values()),
        "bundle_kb": _bundle_kb(),
        "leaves": leaves,
        "pg_leaves": min(leaves, scale.of(PG_LEAVES, FEW)),
    }
    slowest = sorted(pages, key=lambda page: -pages[page])[:5]
    peers: dict[str, dict[str, float | str]] = {
        "a route of the same server that reads nothing": {"p95_ms": bare},
        "a leaf by its index, read from the same file": {"p95_ms": percentile(reads, 0.95)},
        **{f"the page `{page}`": {"api_p95_ms": pages[page]} for page in slowest},
    }
    return Measured(metrics, peers)


@contextmanager
def _served(data: Path, database: str) -> Iterator[Place]:
    """The product's own server over a house."""
    settings = replace(Settings(), data=data, database=database)
    system = open_system(settings, functions={"noop": noop})
    session = system.identity.sign_in_external("idp|bob", [])
    key = system.identity.issue_credential(QUIET, "api_key", "system").secret
    system.close()
    port = free_port()
    options = ("--data", str(data), "--port", str(port), "--log", "error")
    said = {"AUTONOMY_DATABASE": database} if database else {}
    url = f"http://127.0.0.1:{port}"
    process = Process(url, "env", *(f"{name}={value}" for name, value in said.items()), str(COMMAND), "serve", *options)
    try:
        yield Place(url, session, key)
    finally:
        process.stop()


def _asked(place: Place, times: int) -> tuple[dict[str, float], float]:
    """The 95th percentile of the slowest call of each page, and that of a route which reads nothing, in milliseconds.

    Everything is asked in turn, in another order each time.
    """
    asking = Asking(place)
    every = [*calls(asking.known()), ("", "/healthz")]
    taken: dict[tuple[str, str], list[float]] = defaultdict(list)
    for turn in range(times):
        random.Random(turn).shuffle(every)
        for page, path in every:
            taken[page, path].append(asking.ms(path))
    slow = sorted(((percentile(found, 0.95), page, path) for (page, path), found in taken.items()), reverse=True)
    for p95, page, path in slow[:10]:
        print(f"{p95:8.1f} ms  {page}: {path}", file=sys.stderr)
    worst: dict[str, float] = {}
    for p95, page, _ in slow:
        worst.setdefault(page, p95)
    return worst, worst.pop("")


class Asking:
    """Asks as bob, over one connection that is kept."""

    def __init__(self, place: Place) -> None:
        self._pool = urllib3.PoolManager(retries=False, timeout=60)
        self._place = place

    def ms(self, path: str) -> float:
        """Milliseconds until the whole answer is there."""
        started = time.perf_counter()
        self._get(path)
        return (time.perf_counter() - started) * 1000

    def known(self) -> dict[str, str]:
        """What the house holds of each thing that pages are about."""
        size, at = self._json("/api/audit/checkpoint")["size"], now()
        done = self._first("/api/actions?decision=allow&limit=1")
        return {
            "midnight": str(at - at % DAY),
            "long_ago": str(at - 150 * DAY),
            "lately": str(at - 10 * DAY),
            "middle": str(size // 2),
            "early": str(size // 50),
            "agent": f"agent-{FIRST + 21}",
            "action": done["id"],
            "case": quote(done["case"], safe=""),
            "old_action": self._first(f"/api/actions?after={size // 3}&limit=1")["id"],
            "held": self._first("/api/approvals?limit=1")["action"],
            "task": self._first("/api/tasks?limit=1")["task"],
            "run": self._first("/api/runs?workflow=five&limit=1")["id"],
            "incident": self._first("/api/incidents?limit=1")["id"],
        }

    def _first(self, path: str) -> dict[str, Any]:
        found: dict[str, Any] = self._json(path)["items"][0]
        return found

    def _json(self, path: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._get(path))
        return found

    def _get(self, path: str) -> bytes:
        answer = self._pool.request(
            "GET", self._place.url + path, headers={"Authorization": f"Bearer {self._place.session}"}
        )
        if answer.status != 200:
            raise AssertionError(f"{path} answered {answer.status}: {answer.data[:200]!r}")
        return answer.data


def _reads(folder: Path) -> list[float]:
    """Milliseconds of reading leaves by their index, wherever they lie."""
    chance, taken = random.Random(3), []
    connection = sqlite3.connect(folder / "autonomy.sqlite")
    (size,) = connection.execute("SELECT max(idx) + 1 FROM leaf").fetchone()
    for _ in range(READS):
        started = time.perf_counter()
        connection.execute("SELECT body FROM leaf WHERE idx = ?", (chance.randrange(size),)).fetchone()
        taken.append((time.perf_counter() - started) * 1000)
    connection.close()
    return taken


def _seen(place: Place) -> dict[str, float]:
    """What somebody in front of a browser waits for."""
    with sync_playwright() as playwright:
        # In a container of root it has no sandbox of its own.
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"] * (os.geteuid() == 0))
        try:
            paints = [_painted(browser, place) for _ in range(BLOCKS)]
            return {"fcp_ms": median(paints), "feed_ms": median(_shown(browser, place, BLOCKS))}
        finally:
            browser.close()


def _painted(browser: Browser, place: Place) -> float:
    """Milliseconds until the first content of Today is painted, by a browser that has never been here."""
    context = _context(browser, place)
    try:
        page = context.new_page()
        page.goto(place.url)
        page.wait_for_function("() => performance.getEntriesByName('first-contentful-paint').length > 0")
        return float(page.evaluate("() => performance.getEntriesByName('first-contentful-paint')[0].startTime"))
    finally:
        context.close()


def _shown(browser: Browser, place: Place, times: int) -> list[float]:
    """Milliseconds from the answer to an agent until its action stands in the list that a person has open."""
    context = _context(browser, place)
    headers = {"Authorization": f"Bearer {place.key}", "Content-Type": "application/json"}
    found: list[float] = []
    try:
        page = context.new_page()
        with page.expect_response(lambda answer: "/api/events" in answer.url):
            page.goto(f"{place.url}/actions?agent={QUIET}")
        page.wait_for_function(SETTLED)
        with urllib3.PoolManager(retries=False, timeout=10) as pool:
            for amount in random.sample(range(1, 100_000), times + 1):  # what is asked again gets the answer it got
                body = json.dumps({"tool": "work.t0", "arguments": {"amount": amount, "item": "x"}})
                rows = page.locator("tbody tr").count()
                answer = pool.request("POST", f"{place.url}/v1/actions", body=body, headers=headers)
                assert answer.status == 403, answer.data[:200]  # a rule refuses it: that is seen like everything else
                started = time.perf_counter()
                grown = f"() => document.querySelectorAll('tbody tr').length > {rows}"
                page.wait_for_function(grown, polling=10, timeout=PATIENCE_MS)
                found.append((time.perf_counter() - started) * 1000)
    finally:
        context.close()
    return found[1:]  # for the first one somebody had to begin to follow the log


def _context(browser: Browser, place: Place) -> Any:
    context = browser.new_context()
    cookie: Any = {"name": SESSION, "value": place.session, "domain": "127.0.0.1", "path": "/api", "httpOnly": True}
    context.add_cookies([cookie | {"sameSite": "Strict"}])
    return context


def _bundle_kb() -> float:
    """Kilobytes of 1,000 bytes, packed by gzip, of the scripts that every page begins with."""
    index = CONSOLE / "index.html"
    if not index.exists():
        raise SystemExit("the console is not built: run `make console`")
    scripts = [CONSOLE / path.lstrip("/") for path in ENTRY.findall(index.read_text("utf-8"))]
    return sum(len(gzip.compress(script.read_bytes(), 9)) for script in scripts) / 1000


async def _ingest(scale: Scale) -> dict[str, float]:
    """What the door does with 64 callers while search and figures follow the log, beside the same without them."""
    with tempfile.TemporaryDirectory() as name:
        declared = organisation(scale.of(2_000, 100), scale.of(200, 50))
        desks = [await _desk(Path(name) / str(followed), declared, followed) for followed in (True, False)]
        rates: list[list[float]] = [[], []]
        for _ in range(BLOCKS + 1):
            for desk, found in zip(desks, rates, strict=True):
                found.append((await lockstep(desk.act, CALLERS, scale.of(ACTIONS, 64)))[0])
        for desk in desks:
            await desk.system.stop()
    followed, alone = (median(found[1:]) for found in rates)  # the first are warm-up
    return {"ingest_overhead": 1 - followed / alone, "ingest_per_s": followed}


async def _desk(folder: Path, declared: Any, followed: bool) -> Desk:
    system = open_system(replace(Settings(), data=folder), functions={"noop": noop})
    await asyncio.to_thread(system.catalog.apply, declared, by="person:bench")
    if not followed:
        _unfollowed(system)
    await system.start()
    return Desk(system)


def _unfollowed(system: System) -> None:
    """Let nobody follow the log in this system."""

    async def rest() -> None:
        await asyncio.Event().wait()

    for follower in (system.searching.following, system.insights.reckoning):
        follower.run = rest  # type: ignore[method-assign]
