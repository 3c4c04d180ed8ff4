"""Reads the lines of an export as strictly as `layout` describes them, and leads an examination through them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, BinaryIO

from autonomy.audit import layout, note, story
from autonomy.audit.examination import Examination
from autonomy.audit.merkle import Frontier
from autonomy.audit.report import Findings
from autonomy.kernel.errors import Corrupt, Invalid

MAX_KEYS = 100
MAX_TIME = 253_402_300_799_999  # ms: the end of the year 9999

Record = dict[str, Any]


class Malformed(Exception):
    """a line is not what the format says"""


@dataclass(frozen=True, slots=True)
class Header:
    """What the first line announces; nothing of it is proven yet."""

    origin: str
    keys: tuple[note.Verifier, ...]
    start: int
    stop: int
    exported_at: int
    frontier: Frontier


def read_header(line: bytes) -> Header:
    """The header on the first line. Raises Malformed."""
    fields = _fields(
        _object(line),
        {"format": str, "origin": str, "keys": list, "from": int, "to": int, "exported_at": int, "frontier": str},
    )
    if fields["format"] != layout.FORMAT:
        raise Malformed(f"the file is not of the format {layout.FORMAT}")
    try:
        frontier = Frontier.decode(_bytes(fields["frontier"]))
        keys = tuple(note.Verifier.parse(_text(key)) for key in fields["keys"][:MAX_KEYS])
    except (Corrupt, Invalid) as error:
        raise Malformed(error.message) from None
    start, stop = fields["from"], fields["to"]
    if not frontier.size == start <= stop <= layout.MAX_SIZE:
        raise Malformed("the range and the frontier do not belong together")
    if not 0 <= fields["exported_at"] <= MAX_TIME:
        raise Malformed("the time of the export is none")
    return Header(fields["origin"], keys, start, stop, fields["exported_at"], frontier)


class Reading:
    """Reads what follows the header, line by line, into an examination."""

    def __init__(self, stream: BinaryIO, first: bytes, header: Header, walk: Examination) -> None:
        self.payloads = 0
        self._stream = stream
        self._header = header
        self._walk = walk
        self._findings: Findings = walk.findings
        self._digest = sha256(first)
        self._index = header.start
        self._body = b""
        self._sealed = False

    def run(self) -> None:
        """Read to the end, or until there is nothing left to be found."""
        leaf_start, leaf_end, limit = layout.leaf_start, layout.LEAF_END, layout.MAX_LINE_BYTES
        expected = leaf_start(self._index)
        while (line := self._stream.readline(limit)) and not self._findings.full:
            if line.startswith(expected) and line.endswith(leaf_end):
                self._leaf(line[len(expected) : -len(leaf_end)])
            else:
                self._record(line)
            expected = leaf_start(self._index)
            self._digest.update(line)
        self._finish()

    def _leaf(self, body: bytes) -> None:
        if self._sealed:
            self._trailing()
        self._body = body
        self._walk.leaf(body)
        self._index += 1

    def _record(self, line: bytes) -> None:
        if self._sealed:
            self._trailing()
        try:
            record = _object(line)
            kind = next(iter(record))
            if kind not in _KINDS or (len(record) > 1 and kind != "index"):
                raise Malformed("a line is of no known kind")
            _KINDS[kind](self, record[kind])
        except Malformed as error:
            self._findings.add("file.malformed", str(error), self._index)

    def _stray_leaf(self, index: Any) -> None:
        if type(index) is not int or not 0 <= index <= layout.MAX_SIZE:
            raise Malformed("the index of a leaf is not a number")
        if index == self._index:
            raise Malformed("a leaf's line is not written as the format says")
        self._findings.add("leaf.order", f"leaf {self._index} was expected, {index} stands there", self._index)
        self._index = index + 1  # so that one missing leaf is one finding

    def _payload(self, value: Any) -> None:
        fields = _fields(value, {"index": int, "name": str, "salt": str, "value": str})
        index, salt = fields["index"], _bytes(fields["salt"])
        self.payloads += 1
        committed = self._commitment(fields["name"])
        if index != self._index - 1 or committed is None:
            self._findings.add("payload.misplaced", "the payload belongs to no commitment of the leaf before it", index)
        elif len(salt) != layout.SALT_BYTES or sha256(salt + _utf8(fields["value"])).hexdigest() != committed:
            self._findings.add("payload.other_value", "the payload is not what the leaf commits itself to", index)

    def _commitment(self, name: str) -> str | None:
        try:
            return story.read_step(self._body).commitments.get(name)
        except story.Unreadable:
            return None

    def _checkpoint(self, value: Any) -> None:
        self._walk.checkpoint(_text(value))

    def _link(self, value: Any) -> None:
        fields = _fields(value, {"checkpoint": str, "proof": list})
        if self._index != self._header.stop:
            # A newer checkpoint vouches for the leaves before the link, so none may follow it.
            raise Malformed("a link stands before the last leaf")
        self._walk.link(fields["checkpoint"], [_bytes(hash) for hash in fields["proof"]])

    def _seal(self, value: Any) -> None:
        self._sealed = True
        header = self._header
        expected = layout.seal_text(header.origin, header.start, header.stop, self._digest.digest())
        try:
            signed = note.signed_text(_text(value), self._walk.keys)
        except Invalid as error:
            self._findings.add("file.seal", f"the seal does not hold: {error.message}")
            return
        if signed != expected:
            self._findings.add("file.seal", "the file was changed after it was sealed")

    def _trailing(self) -> None:
        self._findings.add("file.trailing", "something stands after the seal", self._index)

    def _finish(self) -> None:
        if not self._sealed:
            self._findings.add("file.no_seal", "the file was cut off: no seal was read")
        if self._index != self._header.stop:
            self._findings.add("leaf.missing", f"the leaves up to {self._header.stop} are announced", self._index)
        self._walk.finish(tail=0)


_KINDS: Mapping[str, Callable[[Reading, Any], None]] = {
    "index": Reading._stray_leaf,
    "payload": Reading._payload,
    "checkpoint": Reading._checkpoint,
    "link": Reading._link,
    "seal": Reading._seal,
}


def _object(line: bytes) -> Record:
    """The JSON object on a line that is complete. Raises Malformed, for a key that stands twice too."""
    if not line.endswith(b"\n"):
        raise Malformed("a line is cut off or too long")
    try:
        value = json.loads(line.decode("utf-8"), object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        raise Malformed("a line is not JSON") from None
    if not isinstance(value, dict) or not value:
        raise Malformed("a line is not a JSON object")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> Record:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Malformed("a key stands twice in one object")
    return found


def _fields(value: Any, types: Mapping[str, type]) -> Record:
    if not isinstance(value, dict) or value.keys() != types.keys():
        raise Malformed("an object has not the fields the format says")
    if any(type(value[name]) is not kind for name, kind in types.items()):
        raise Malformed("a field is not of the type the format says")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise Malformed("a value is not text")
    return value


def _bytes(value: Any) -> bytes:
    try:
        return layout.from_base64url(_text(value))
    except ValueError:
        raise Malformed("a value is not base64url") from None


def _utf8(text: str) -> bytes:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        raise Malformed("text holds half a character") from None
