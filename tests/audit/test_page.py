"""The self-verifying page: it carries the export unchanged, and nothing in an export can become markup or script."""

from __future__ import annotations

import json
import re
import subprocess
from base64 import b64decode, b64encode
from collections.abc import Iterator, Sequence
from hashlib import sha256
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autonomy.audit import export, merkle, note
from autonomy.audit.page import write_html
from autonomy.kernel import canonical
from tests.examples import tried
from tests.signon.real import NODE

from .cases import cases, stories
from .logs import LOG_KEY, OTHER_KEY, Log, exported, honest_log, leaf, nodes, resealed, signed, verdict

HOSTILE = [
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "]]><img src=x onerror=alert(1)>",
    '"><svg/onload=alert(1)>',
    "'-alert(1)-'",
    "javascript:alert(1)",
    "${alert(1)} $script {{7*7}}",
    "</title><base href=//evil>",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "\u2028alert(1)\u2029",
    "&lt;script&gt;",
    "\u202eevil\u202c",
]


class Seen(HTMLParser):
    """The elements of a page, its policy, and the text of its scripts and styles."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, tuple[str, ...]]] = []
        self.policy = ""
        self.texts: dict[str, list[str]] = {"script": [], "style": [], "title": []}
        self._inside = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, tuple(sorted(name for name, _ in attributes))))
        self._inside = tag if tag in self.texts else ""
        if self._inside:
            self.texts[tag].append("")
        values = dict(attributes)
        if values.get("http-equiv") == "Content-Security-Policy":
            self.policy = values["content"] or ""

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.texts[self._inside][-1] += data


def page_of(data: bytes, title: str = "Audit log") -> str:
    stream = StringIO()
    write_html(stream, data.splitlines(keepends=True), title)
    return stream.getvalue()


def carried(page: str) -> bytes:
    return b64decode(re.sub(r"\s", "", Seen(page).texts["script"][0]), validate=True)


def test_the_page_carries_the_export_byte_for_byte() -> None:
    data = exported(honest_log(actions=400))
    assert carried(page_of(data)) == data
    assert verdict(carried(page_of(data))).ok


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_in_an_export_becomes_markup(text: str) -> None:
    value = canonical.encode({"note": text})
    log = honest_log(actions=2, value=value)
    log = signed(Log([*log.leaves, leaf("change", actor=text, reason=text)], payloads=log.payloads), [3])
    page = page_of(exported(log), title=text)
    assert Seen(page).elements == Seen(page_of(exported(honest_log()))).elements
    assert Seen(page).texts["title"] == [text]
    assert verdict(carried(page)).payloads == 2


@given(st.text(st.characters(exclude_categories=["Cs"])))
@settings(max_examples=tried(40), deadline=None)
def test_no_title_becomes_markup(title: str) -> None:
    assert Seen(page_of(b"x\n", title)).elements == Seen(page_of(b"x\n")).elements


@given(st.lists(st.binary(max_size=200_000), max_size=4))
@settings(max_examples=20, deadline=None)
def test_lines_of_every_length_join_to_one_base64(lines: list[bytes]) -> None:
    stream = StringIO()
    write_html(stream, lines, "x")
    assert carried(stream.getvalue()) == b"".join(lines)


def test_the_policy_allows_the_page_s_own_script_and_style_and_nothing_else() -> None:
    seen = Seen(page_of(exported(honest_log())))
    rules = dict(rule.split(" ", 1) for rule in seen.policy.split("; "))
    assert rules == {
        "default-src": "'none'",
        "script-src": named(seen.texts["script"][1]),
        "style-src": named(seen.texts["style"][0]),
        "base-uri": "'none'",
        "form-action": "'none'",
    }


def named(source: str) -> str:
    return f"'sha256-{b64encode(sha256(source.encode()).digest()).decode()}'"


def test_the_page_asks_for_nothing_from_elsewhere() -> None:
    seen = Seen(page_of(exported(honest_log())))
    assert not {name for _, attributes in seen.elements for name in attributes} & {"src", "href", "srcset", "action"}
    assert not re.search(r"url\(|@import", seen.texts["style"][0])
    assert not re.search(r"\bfetch\(|XMLHttpRequest|WebSocket|\bimport\b", seen.texts["script"][1])


def test_the_script_never_makes_markup_from_text() -> None:
    script = Seen(page_of(b"")).texts["script"][1]
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\(|new Function|setAttribute", script
    )
    assert "textContent" in script


def test_the_page_can_be_used_by_keyboard_and_by_screen_readers() -> None:
    page = page_of(b"")
    for wanted in ('<html lang="en">', '<label for="filter">', 'role="status"', 'tabindex="0"', 'scope="col"'):
        assert wanted in page
    assert "prefers-color-scheme: dark" in page
    assert ":focus-visible" in page


VERIFY = Path(export.__file__).with_name("page_verify.js")
EXAMINE = """
const { readFileSync } = require("node:fs");
const files = JSON.parse(readFileSync(0)).map((text) => fromBase64(text));
Promise.all(files.map(examine)).then((walks) => console.log(JSON.stringify(walks.map(({ findings }) => findings))));
"""


def examined(files: Sequence[bytes]) -> list[list[str]]:
    """What the page's script finds wrong with each of these exports."""
    script = VERIFY.read_text(encoding="utf-8") + EXAMINE
    asked = json.dumps([b64encode(data).decode() for data in files]).encode()
    done = subprocess.run([str(NODE), "-e", script], input=asked, capture_output=True, timeout=60, check=True)
    return [[found["message"] for found in one] for one in json.loads(done.stdout)]


def findings(data: bytes) -> list[str]:
    return examined([data])[0]


def test_the_script_finds_what_our_own_reader_finds() -> None:
    """In exports, odd ones among them, under a good seal."""
    odd = dict([*cases(), *stories(), *links(), *notes(), *gaps()])
    found = dict(zip(odd, examined(list(odd.values())), strict=True))
    assert {name: not wrong for name, wrong in found.items()} == {name: verdict(data).ok for name, data in odd.items()}


def gaps() -> Iterator[tuple[str, bytes]]:
    log = Log([leaf("change", number=number) for number in range(1_011)])
    yield "a thousand leaves between two checkpoints", exported(signed(log, [11]))
    yield "more than that", exported(signed(log, [10]))


def links() -> Iterator[tuple[str, bytes]]:
    """Parts of a log, tied to what lies outside."""
    log = honest_log(actions=4)
    size = 12
    proof = tuple(merkle.consistency_proof(size, len(log.leaves), nodes(log.leaves)))
    tie = export.Link(log.checkpoints[-1], proof)
    part = exported(log, stop=size, links=[tie])
    *lines, last, _ = part.splitlines(keepends=True)
    link = json.loads(last)["link"]
    yield "a part and a link", part
    for name, said in {
        "a field more": {"more": 1},
        "no proof": {"proof": None},
        "a proof of numbers": {"proof": [7]},
    }.items():
        yield f"a link: {name}", resealed([*lines, canonical.encode({"link": link | said}) + b"\n"])


def notes() -> Iterator[tuple[str, bytes]]:
    """Notes with two signatures, by keys that the header names."""
    log = honest_log(actions=1)
    header, *lines, _ = exported(log).splitlines(keepends=True)
    keys = [str(LOG_KEY.verifier), str(OTHER_KEY.verifier)]
    both = canonical.encode(json.loads(header) | {"keys": keys}) + b"\n"
    text = note.read(log.checkpoints[-1]).text
    for name, second in {"true": OTHER_KEY.line(text), "false": OTHER_KEY.line("another\n")}.items():
        line = canonical.encode({"checkpoint": log.checkpoints[-1] + second}) + b"\n"
        yield f"a second signature that is {name}", resealed([both, *lines, line])


def test_the_script_takes_a_payload_under_its_salt_of_sixteen_bytes_alone() -> None:
    honest = honest_log(actions=2)
    whole, *_ = honest.payloads
    moved = export.Payload(whole.index, whole.name, whole.salt + whole.value[:3], whole.value[3:])
    shorter = export.Payload(whole.index, whole.name, whole.salt[:-1], whole.salt[-1:] + whole.value)
    assert findings(exported(honest)) == []
    for false in (moved, shorter):
        log = Log(honest.leaves, honest.checkpoints, [false])
        assert findings(exported(log)) == ["a payload is not what its leaf commits itself to"]
