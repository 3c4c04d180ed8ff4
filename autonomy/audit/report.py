"""What a verification says."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

MAX_FINDINGS = 100  # one is enough to distrust a log; a hostile file shall not fill the memory


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. `index` is the leaf (or the size of the checkpoint) it concerns, where there is one."""

    code: str
    message: str
    index: int | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """The verdict on a log.

    `key` tells whether the log's keys were given by the reader or taken on trust from the file itself; `witness`
    whether copies of checkpoints kept elsewhere agree. Without either, whoever holds the log's key can rewrite it.
    """

    findings: tuple[Finding, ...]
    leaves: int
    checkpoints: int
    payloads: int
    size: int
    key: Literal["given", "from the file"]
    witness: Literal["none given", "matched", "failed"]
    witness_matched: int = 0
    witness_outside: int = 0  # copies of checkpoints this export says nothing about
    witness_later: int = 0  # how many leaves the witness saw after the export was made; 0 where no more than it holds
    exported_at: int | None = None  # ms

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings


@dataclass(slots=True)
class Findings:
    """Collects findings, and is full at a hundred."""

    found: list[Finding] = field(default_factory=list)

    def add(self, code: str, message: str, index: int | None = None) -> None:
        """Note what is wrong; past the limit nothing more is noted."""
        if not self.full:
            self.found.append(Finding(code, message, index))

    @property
    def full(self) -> bool:
        """Whether reading on is pointless."""
        return len(self.found) >= MAX_FINDINGS
