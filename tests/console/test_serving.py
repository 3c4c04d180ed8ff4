"""How the console is served: kept for good where it can be, compressed beforehand, small, and nothing beside it."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

from autonomy.server import console
from tests.server.desk import Desk

HTML = {"Accept": "text/html,*/*"}
MOST_KILOBYTES = 300
STATIC = re.compile(r'(?:from|import)\s*"\./([\w.-]+\.js)"')


def index(hall: Desk) -> str:
    return hall.stranger.get("/", **HTML).body.decode()


def script(hall: Desk) -> str:
    found = re.search(r'src="(/assets/[\w.-]+\.js)"', index(hall))
    assert found
    return found[1]


def first_loaded() -> set[Path]:
    """The files a browser must have before it shows anything: those the page names, and all they import at once."""
    text = (console.FOLDER / "index.html").read_text()
    ahead = [console.FOLDER / "assets" / name for name in re.findall(r"/assets/([\w.-]+\.(?:js|css))", text)]
    found: set[Path] = set()
    while ahead:
        path = ahead.pop()
        if path not in found:
            found.add(path)
            ahead += [path.parent / name for name in STATIC.findall(path.read_text()) if path.suffix == ".js"]
    return found


def test_what_is_loaded_first_is_small() -> None:
    kilobytes = sum(len(gzip.compress(path.read_bytes(), 9)) for path in first_loaded()) / 1000
    assert kilobytes <= MOST_KILOBYTES
    names = {path.name.partition("-")[0] for path in first_loaded()}
    assert not names & {"Graph", "Chart", "Inbox"}


def test_a_browser_gets_the_page_at_every_address_that_is_nothing_else(hall: Desk) -> None:
    for path in ("/", "/inbox", "/inbox/act_1", "/workforce/buyer-1?tab=cost"):
        answer = hall.stranger.get(path, **HTML)
        assert (answer.status, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8"), path
    assert hall.stranger.get("/inbox").code == "route.unknown"
    assert hall.stranger.get("/api/inbox", **HTML).code == "route.unknown"
    assert hall.stranger.get("/hooks/none", **HTML).code == "route.method"
    assert hall.stranger.send("POST", "/inbox", {}, **HTML).code == "route.unknown"


def test_each_page_has_a_nonce_of_its_own_and_admits_nothing_unsafe(hall: Desk) -> None:
    found = [hall.stranger.get("/", **HTML) for _ in range(2)]
    nonces = [re.search(r'name="csp-nonce" content="([\w-]{24})"', one.body.decode()) for one in found]
    first, second = (one[1] for one in nonces if one)
    assert first != second
    said = found[0].headers["Content-Security-Policy"]
    assert f"'nonce-{first}'" in said and "unsafe" not in said and said.startswith("default-src 'none'")
    assert found[0].headers["Cache-Control"] == "no-cache"
    assert not re.search(r"<script(?![^>]+src=)|<style|\sstyle=|\son\w+=", found[0].body.decode())


@pytest.mark.parametrize(("accepted", "encoding"), [("br, gzip", "br"), ("gzip", "gzip"), ("", None), ("br;q=0", None)])
def test_files_are_kept_for_good_and_come_compressed(hall: Desk, accepted: str, encoding: str | None) -> None:
    path = script(hall)
    answer = hall.stranger.get(path, Accept_Encoding=accepted)
    assert answer.status == 200 and answer.headers.get("Content-Encoding") == encoding
    assert "immutable" in answer.headers["Cache-Control"] and answer.headers["Vary"] == "Accept-Encoding"
    again = hall.stranger.get(path, Accept_Encoding=accepted, If_None_Match=answer.headers["ETag"])
    assert (again.status, again.body) == (304, b"")


@pytest.mark.parametrize("name", ["nothing.js", "..%2Findex.html", ".hidden.js", "index.html", "a.js.br", "x" * 300])
def test_nothing_else_is_served(hall: Desk, name: str) -> None:
    assert hall.stranger.get(f"/assets/{name}").code == "route.unknown"


def test_a_console_that_was_not_built_says_how_it_is(tmp_path: Path) -> None:
    answer = console.page_in(tmp_path)
    assert answer.status_code == 503 and b"make console" in answer.body
