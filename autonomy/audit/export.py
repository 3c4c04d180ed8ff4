"""Writes an export of the audit log, as the format of `layout` says. It knows no database: it is handed iterables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from heapq import merge

from autonomy.audit import layout, note
from autonomy.audit.merkle import Frontier
from autonomy.kernel import canonical
from autonomy.kernel.errors import Corrupt

_LEAF, _PAYLOAD, _CHECKPOINT = range(3)  # the order of lines that belong to one leaf

_Item = tuple[int, int, bytes]  # index of the leaf, rank among its lines, the line


@dataclass(frozen=True, slots=True)
class Header:
    """What an export covers: the leaves `start` up to, not including, `stop` of the log `origin`."""

    origin: str
    keys: tuple[note.Verifier, ...]
    start: int
    stop: int
    exported_at: int
    frontier: Frontier  # of the tree of `start` leaves


@dataclass(frozen=True, slots=True)
class Payload:
    """A value whose salted commitment is in leaf `index` under `name`, revealed: canonical JSON or other UTF-8 text."""

    index: int
    name: str
    salt: bytes
    value: bytes


@dataclass(frozen=True, slots=True)
class Link:
    """A signed checkpoint outside the exported range and the consistency proof between it and the nearer edge."""

    checkpoint: str
    proof: tuple[bytes, ...]


def lines(
    header: Header,
    leaves: Iterable[tuple[int, bytes]],
    checkpoints: Iterable[str],
    signer: note.Signer,
    payloads: Iterable[Payload] = (),
    links: Iterable[Link] = (),
) -> Iterator[bytes]:
    """The lines of an export, each with its line break, sealed by `signer`.

    `leaves` are (index, exact bytes), `checkpoints` signed notes with `start` <= size <= `stop`; all iterables are in
    ascending order and are read as the lines are. Raises Corrupt for a leaf that holds a line break.
    """
    digest = sha256()
    for line in _unsealed(header, leaves, checkpoints, payloads, links):
        digest.update(line)
        yield line
    text = layout.seal_text(header.origin, header.start, header.stop, digest.digest())
    yield _line({"seal": note.sign_text(text, signer)})


def _unsealed(
    header: Header,
    leaves: Iterable[tuple[int, bytes]],
    checkpoints: Iterable[str],
    payloads: Iterable[Payload],
    links: Iterable[Link],
) -> Iterator[bytes]:
    yield _header_line(header)
    for _, _, line in merge(map(_leaf, leaves), map(_payload, payloads), map(_checkpoint, checkpoints)):
        yield line
    for link in links:
        proof = [layout.to_base64url(hash) for hash in link.proof]
        yield _line({"link": {"checkpoint": link.checkpoint, "proof": proof}})


def _header_line(header: Header) -> bytes:
    return _line(
        {
            "format": layout.FORMAT,
            "origin": header.origin,
            "keys": [str(key) for key in header.keys],
            "from": header.start,
            "to": header.stop,
            "exported_at": header.exported_at,
            "frontier": layout.to_base64url(header.frontier.encode()),
        }
    )


def _leaf(leaf: tuple[int, bytes]) -> _Item:
    index, body = leaf
    if b"\n" in body:
        raise Corrupt(f"leaf {index} is not one line", code="audit.leaf_form")
    return index, _LEAF, layout.leaf_start(index) + body + layout.LEAF_END


def _payload(payload: Payload) -> _Item:
    shown = {
        "index": payload.index,
        "name": payload.name,
        "salt": layout.to_base64url(payload.salt),
        "value": payload.value.decode("utf-8"),
    }
    return payload.index, _PAYLOAD, _line({"payload": shown})


def _checkpoint(text: str) -> _Item:
    size = note.read(text).checkpoint().size
    return size - 1, _CHECKPOINT, _line({"checkpoint": text})


def _line(value: canonical.Json) -> bytes:
    return canonical.encode(value) + b"\n"
