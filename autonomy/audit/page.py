"""An export as one HTML file that verifies itself when it is opened, without a network and without a server.

The export stands in it as base64, which can hold no markup, and its text reaches the page as text only. The content
security policy allows nothing but the page's own script and style, by their hashes.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Iterator
from hashlib import sha256
from html import escape
from pathlib import Path
from string import Template
from typing import TextIO

_FOLDER = Path(__file__).parent
_CHUNK_BYTES = 48 * 1_024  # divisible by three, so that the pieces of base64 join without padding


def write_html(stream: TextIO, lines: Iterable[bytes], title: str) -> None:
    """Write the lines of an export (`export.lines`) as a page that shows and verifies them.

    `title` is plain text; `stream` must write UTF-8.
    """
    script = _source("page_verify.js") + _source("page_show.js")
    style = _source("page.css")
    policy = (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    before, _, after = _source("page.html").partition("$export")
    values = {"policy": escape(policy, quote=True), "title": escape(title), "style": style, "script": script}
    stream.write(Template(before).substitute(values))
    for text in _base64(lines):
        stream.write(text)
    stream.write(Template(after).substitute(values))


def _base64(lines: Iterable[bytes]) -> Iterator[str]:
    gathered = bytearray()
    for line in lines:
        gathered += line
        whole = len(gathered) - len(gathered) % _CHUNK_BYTES
        if whole:
            yield b64encode(gathered[:whole]).decode("ascii") + "\n"
            del gathered[:whole]
    yield b64encode(gathered).decode("ascii")


def _source(name: str) -> str:
    return (_FOLDER / name).read_text("utf-8")


def _hash(source: str) -> str:
    """The source as a content security policy names it."""
    return f"sha256-{b64encode(sha256(source.encode('utf-8')).digest()).decode('ascii')}"
