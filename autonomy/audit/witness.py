"""Compares a log with copies of its checkpoints that somebody else kept: what finds a rewrite under a stolen key."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from autonomy.audit import note
from autonomy.audit.report import Findings
from autonomy.kernel.clock import MINUTE
from autonomy.kernel.errors import Invalid

NOTES = "*.note"
SKEW = MINUTE  # ms; by so much the clocks of witness and server may differ, and copying may take


@dataclass(frozen=True, slots=True)
class Copy:
    """A checkpoint as the witness has it: the signed note, and since when (ms; 0 where unknown, which counts as long
    ago)."""

    note: str
    since: int = 0


@dataclass(frozen=True, slots=True)
class Seen:
    """What a good copy says, and since when the witness has it."""

    checkpoint: note.Checkpoint
    since: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """How many copies agreed, how many concern sizes the log at hand says nothing about, and how many leaves the
    witness saw after the log was exported; 0 where none."""

    matched: int
    outside: int
    later: int


def copies_in(folder: Path) -> Iterator[Copy]:
    """The copies in a witness's folder. Raises OSError where one cannot be read."""
    for path in sorted(folder.glob(NOTES)):
        text = path.read_bytes().decode("utf-8", errors="replace")
        yield Copy(text, int(path.stat().st_mtime * 1000))


def read_copies(copies: Iterable[Copy], origin: str, keys: Sequence[note.Verifier], findings: Findings) -> list[Seen]:
    """The witness's copies of checkpoints of the log `origin`; those of other logs are passed over."""
    found = []
    for copy in copies:
        try:
            claimed = note.read(copy.note).checkpoint()
            if claimed.origin == origin and claimed.size > 0:
                found.append(Seen(note.parse(copy.note, keys), copy.since))
        except Invalid as error:
            findings.add("witness.unreadable", f"a copy of the witness cannot be used: {error.message}")
    if not found:
        findings.add("witness.empty", "the witness has no copy of a checkpoint of this log")
    return found


def compare(
    copies: Iterable[Seen], roots: Mapping[int, bytes], findings: Findings, exported_at: int | None
) -> Comparison:
    """Hold each copy against `roots`, the roots by size that the log proves.

    A log that was exported at some time (ms) holds all that was there then, and nothing that came later: of more leaves
    the witness may have copies only since then. A log that is looked at now (None) holds all that was ever witnessed.
    """
    matched = outside = later = 0
    proven = max(roots)
    for copy in copies:
        size, root = copy.checkpoint.size, roots.get(copy.checkpoint.size)
        if root == copy.checkpoint.root:
            matched += 1
        elif root is not None:
            findings.add("witness.fork", f"the witness saw other leaves among the first {size}", size)
        elif size < proven:
            outside += 1
        elif exported_at is not None and copy.since > exported_at - SKEW:
            later = max(later, size)
        else:
            shown = f"the witness saw {size} leaves, this log proves {proven}"
            findings.add("witness.truncated", f"{shown}: its end was cut off", size)
    if (outside or later) and not matched:
        findings.add("witness.outside", "every copy of the witness lies outside what this export proves")
    return Comparison(matched, outside, later)
