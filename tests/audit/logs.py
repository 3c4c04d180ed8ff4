"""Small logs for the tests: honest ones, and the means to write what an intruder would."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from io import BytesIO

from autonomy.audit import export, layout, merkle, note, verify
from autonomy.audit.report import Report
from autonomy.audit.witness import Copy
from autonomy.kernel import canonical

ORIGIN = "example.org/audit"
LOG_KEY = note.Signer.from_seed(ORIGIN, b"k" * 32)
EXPORTED_AT = 1_700_000_000_000
OTHER_KEY = note.Signer.from_seed(ORIGIN, b"o" * 32)
SALT = b"sixteen bytes!!!"


@dataclass
class Log:
    """Leaves and the checkpoints over them, as a database would hold them."""

    leaves: list[bytes]
    checkpoints: list[str] = field(default_factory=list)
    payloads: list[export.Payload] = field(default_factory=list)


def leaf(kind: str, **fields: canonical.Json) -> bytes:
    return canonical.encode({"v": 1, "kind": kind, "at": 1_700_000_000_000} | fields)


def action_leaves(number: int, value: bytes) -> list[bytes]:
    """An action that was held, approved, intended and done."""
    name, approval = f"act_{number:04}", f"apr_{number:04}"
    arguments = {"arguments": sha256(SALT + value).hexdigest()}
    return [
        leaf("hold", action=name, agent="spiffe://example.org/clerk"),
        leaf("approval", actor="person:ada", subject=approval),
        leaf("intent", action=name, agent="spiffe://example.org/clerk", approval=approval, commitments=arguments),
        leaf("outcome", action=name, status="done"),
    ]


def honest_log(actions: int = 15, cadence: int = 7, value: bytes = b'{"iban":"DE02"}') -> Log:
    leaves = [leaf("change", actor="person:ada")]
    payloads = []
    for number in range(actions):
        payloads.append(export.Payload(len(leaves) + 2, "arguments", SALT, value))
        leaves += action_leaves(number, value)
    log = Log(leaves, payloads=payloads)
    return signed(log, range(cadence, len(leaves) + cadence, cadence))


def signed(log: Log, sizes: Iterable[int], key: note.Signer = LOG_KEY, origin: str = ORIGIN) -> Log:
    """The log with new checkpoints at these sizes, and at its end."""
    sizes = sorted({min(size, len(log.leaves)) for size in sizes} | {len(log.leaves)})
    notes = [note.sign(note.Checkpoint(origin, size, frontier(log.leaves[:size]).root()), key) for size in sizes]
    return Log(log.leaves, notes, log.payloads)


def frontier(leaves: Sequence[bytes]) -> merkle.Frontier:
    grown = merkle.Frontier()
    grown.extend(map(merkle.leaf_hash, leaves))
    return grown


def nodes(leaves: Sequence[bytes]) -> merkle.NodeSource:
    hashes = [merkle.leaf_hash(body) for body in leaves]
    return merkle.node_source(lambda start, stop: hashes[start:stop], lambda level, start, stop: [])


def exported(
    log: Log,
    start: int = 0,
    stop: int | None = None,
    key: note.Signer = LOG_KEY,
    links: Iterable[export.Link] = (),
    rows: Iterable[tuple[int, bytes]] | None = None,
) -> bytes:
    """The export of leaves `start` to `stop`; `rows` replaces what the database hands out."""
    stop = len(log.leaves) if stop is None else stop
    header = export.Header(ORIGIN, (key.verifier,), start, stop, EXPORTED_AT, frontier(log.leaves[:start]))
    inside = [text for text in log.checkpoints if start <= note.read(text).checkpoint().size <= stop]
    leaves = list(enumerate(log.leaves))[start:stop] if rows is None else rows
    payloads = [payload for payload in log.payloads if start <= payload.index < stop]
    return b"".join(export.lines(header, leaves, inside, key, payloads, links))


def verdict(
    data: bytes, keys: Sequence[note.Verifier] = (), witness: Iterable[str] | None = None, fast: bool = False
) -> Report:
    copies = None if witness is None else map(Copy, witness)
    return verify.verify_export(BytesIO(data), keys=keys, witness_copies=copies, fast=fast)


def codes(report: Report) -> set[str]:
    return {finding.code for finding in report.findings}


def resealed(lines: Sequence[bytes], key: note.Signer = LOG_KEY) -> bytes:
    """These lines (without a seal) under a new seal."""
    data = b"".join(lines)
    header = json.loads(lines[0])
    text = layout.seal_text(header["origin"], header["from"], header["to"], sha256(data).digest())
    return data + canonical.encode({"seal": note.sign_text(text, key)}) + b"\n"
