"""Compares a log with copies of its checkpoints that somebody else kept: what finds a rewrite under a stolen key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from autonomy.audit import note
from autonomy.audit.report import Findings
from autonomy.kernel.errors import Invalid


@dataclass(frozen=True, slots=True)
class Comparison:
    """How many copies agreed, and how many concern sizes the log at hand says nothing about."""

    matched: int
    outside: int


def read_copies(
    notes: Iterable[str], origin: str, keys: Sequence[note.Verifier], findings: Findings
) -> list[note.Checkpoint]:
    """The witness's copies of checkpoints of the log `origin`; those of other logs are passed over."""
    copies = []
    for text in notes:
        try:
            claimed = note.read(text).checkpoint()
            if claimed.origin == origin and claimed.size > 0:
                copies.append(note.parse(text, keys))
        except Invalid as error:
            findings.add("witness.unreadable", f"a copy of the witness cannot be used: {error.message}")
    if not copies:
        findings.add("witness.empty", "the witness has no copy of a checkpoint of this log")
    return copies


def compare(copies: Iterable[note.Checkpoint], roots: Mapping[int, bytes], findings: Findings) -> Comparison:
    """Hold each copy against `roots`, the roots by size that the log proves."""
    matched = outside = 0
    proven = max(roots)
    for copy in copies:
        root = roots.get(copy.size)
        if root == copy.root:
            matched += 1
        elif root is not None:
            findings.add("witness.fork", f"the witness saw other leaves among the first {copy.size}", copy.size)
        elif copy.size > proven:
            shown = f"the witness saw {copy.size} leaves, this log proves {proven}"
            findings.add("witness.truncated", f"{shown}: its end was cut off, or the export is the older", copy.size)
        else:
            outside += 1
    if outside and not matched:
        findings.add("witness.outside", "every copy of the witness lies outside what this export proves")
    return Comparison(matched, outside)
