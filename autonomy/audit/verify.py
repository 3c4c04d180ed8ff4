"""The independent reader: finds every change made to an audit log, from an export alone or from a database's rows.

It shares nothing with what writes the log but the tree, the notes and the file format, and never raises for what it
reads: whatever is malformed is a finding.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import BinaryIO

from autonomy.audit import layout, note, witness
from autonomy.audit.examination import Examination
from autonomy.audit.merkle import Frontier, Node
from autonomy.audit.reading import Malformed, Reading, read_header
from autonomy.audit.report import Findings, Report
from autonomy.kernel.errors import Invalid

Copies = Sequence[witness.Seen]


def verify_export(
    stream: BinaryIO,
    *,
    keys: Sequence[note.Verifier] = (),
    witness_copies: Iterable[witness.Copy] | None = None,
    fast: bool = False,
) -> Report:
    """Verify an export.

    With `keys` only their signatures count, otherwise those of the keys the file names. `fast` leaves out the story
    of the actions and checks the tree, the signatures and the revealed payloads only.
    """
    findings = Findings()
    first = stream.readline(layout.MAX_LINE_BYTES)
    try:
        header = read_header(first)
    except Malformed as error:
        findings.add("file.header", str(error))
        return _report(Examination("", keys, findings, Frontier()), keys, None if witness_copies is None else [])
    trusted = tuple(keys) or header.keys
    copies = _copies(witness_copies, header.origin, trusted, findings)
    walk = Examination(header.origin, trusted, findings, header.frontier, _sizes(copies), fast)
    reading = Reading(stream, first, header, walk)
    reading.run()
    return _report(walk, keys, copies, reading.payloads, header.exported_at)


def verify_database(
    rows: Iterable[layout.Row],
    checkpoints: Iterable[str],
    *,
    origin: str,
    keys: Sequence[note.Verifier],
    witness_copies: Iterable[witness.Copy] | None = None,
    fast: bool = False,
    head: Frontier | None = None,
    nodes: Iterable[Node] | None = None,
) -> Report:
    """Verify the whole log from its rows and its signed checkpoints, both in ascending order.

    The newest leaves, as many as may stand between two checkpoints, need not be covered by one yet; with `head`, the
    tree the database says it holds, they must be the leaves of that, and with `nodes`, what it keeps for proofs, these
    must be the tree's. No root is over the columns by which leaves are found and proven: each is held against what its
    leaf says, with `fast` too.
    """
    findings = Findings()
    copies = _copies(witness_copies, origin, keys, findings)
    walk = Examination(origin, keys, findings, Frontier(), _sizes(copies), fast)
    coming = _Coming(checkpoints, walk)
    coming.take()
    expected = 0
    for index, body, hash, kind, action, at in rows:
        if index != expected:
            findings.add("leaf.order", f"leaf {expected} was expected, {index} stands there", expected)
        expected = index + 1
        walk.row(body, hash, kind, action, at)
        if walk.size >= coming.size:
            coming.take()
        if findings.full:
            break
    coming.take_rest()
    walk.finish(tail=layout.MAX_CHECKPOINT_GAP)
    if head is not None:
        walk.end(head)
    if nodes is not None:
        walk.proofs(nodes)
    return _report(walk, keys, copies)


class _Coming:
    """The checkpoints a walk has not reached yet. `size` is that of the next one."""

    def __init__(self, notes: Iterable[str], walk: Examination) -> None:
        self._notes = iter(notes)
        self._walk = walk
        self._text: str | None = None
        self.size = 0
        self._advance()

    def take(self) -> None:
        """Hand over every checkpoint the walk has reached."""
        while self._text is not None and self.size <= self._walk.size:
            self._walk.checkpoint(self._text)
            self._advance()

    def take_rest(self) -> None:
        """Hand over the next checkpoint the walk never reached: it finds that leaves are missing."""
        if self._text is not None:
            self._walk.checkpoint(self._text)

    def _advance(self) -> None:
        self._text = next(self._notes, None)
        if self._text is None:
            self.size = layout.MAX_SIZE + 1
            return
        try:
            self.size = note.read(self._text).checkpoint().size
        except Invalid:
            self.size = 0  # the walk finds at once what is wrong with it


def _copies(
    copies: Iterable[witness.Copy] | None, origin: str, keys: Sequence[note.Verifier], findings: Findings
) -> Copies | None:
    return None if copies is None else witness.read_copies(copies, origin, keys, findings)


def _sizes(copies: Copies | None) -> list[int]:
    return [copy.checkpoint.size for copy in copies or ()]


def _report(
    walk: Examination,
    keys: Sequence[note.Verifier],
    copies: Copies | None,
    payloads: int = 0,
    exported_at: int | None = None,
) -> Report:
    findings = walk.findings
    compared = witness.compare(copies or (), walk.roots, findings, exported_at)
    agreed = compared.matched and not any(finding.code.startswith("witness.") for finding in findings.found)
    return Report(
        findings=tuple(findings.found),
        leaves=walk.size - walk.start,
        checkpoints=walk.checkpoints,
        payloads=payloads,
        size=walk.size,
        key="given" if keys else "from the file",
        witness="none given" if copies is None else "matched" if agreed else "failed",
        witness_matched=compared.matched,
        witness_outside=compared.outside,
        witness_later=compared.later,
        exported_at=exported_at,
    )
