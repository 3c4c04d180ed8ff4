"""One walk over a log, front to back, that finds what is wrong with it. Exports and databases are read through it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256

from autonomy.audit import merkle, note, story
from autonomy.audit.layout import MAX_CHECKPOINT_GAP
from autonomy.audit.report import Findings
from autonomy.kernel.errors import Invalid

_BATCH = 1_024  # leaf hashes gathered before the tree takes them


class Examination:
    """The state of one walk: the tree so far, its checkpoints, the story of its actions.

    `roots` holds, once passed, the roots at the sizes asked for in `sizes` and at every good checkpoint.
    """

    def __init__(
        self,
        origin: str,
        keys: Sequence[note.Verifier],
        findings: Findings,
        frontier: merkle.Frontier,
        sizes: Iterable[int] = (),
        fast: bool = False,
    ) -> None:
        self.origin = origin
        self.findings = findings
        self.size = self.start = frontier.size
        self.roots: dict[int, bytes] = {}
        self.checkpoints = 0
        self.keys = keys
        self._frontier = frontier
        self._hashes: list[bytes] = []
        self._nodes: list[merkle.Node] = []
        self._misfiled = 0
        self._first_misfiled = 0
        self._sizes = sorted(size for size in set(sizes) if size > frontier.size)[::-1]
        self._next_stop = 0
        self._covered = frontier.size
        self._story = None if fast else story.Story(partial=frontier.size > 0)
        self.roots[self.size] = frontier.root()
        self._plan()

    def leaf(self, body: bytes) -> story.Step | None:
        """Take the next leaf; returns what it says, or None where that was not read."""
        self._take(body)
        return self._read(body) if self._story is not None else None

    def row(self, body: bytes, hash: bytes, kind: str, action: str | None, at: int) -> None:
        """Take the next leaf of a database, and hold the columns by which it is found and proven there against what it
        says."""
        is_its_own = self._take(body) == hash
        step = self._read(body)
        if not is_its_own or (step is not None and (step.kind != kind or step.action != action or step.at != at)):
            self._first_misfiled = self._first_misfiled if self._misfiled else self.size - 1
            self._misfiled += 1

    def checkpoint(self, text: str) -> None:
        """Take a checkpoint that claims to stand here."""
        try:
            claimed = note.parse(text, self.keys)
        except Invalid as error:
            self._add("checkpoint.unsigned", error.message)
            return
        self.checkpoints += 1
        if claimed.origin != self.origin:
            self._add("checkpoint.other_log", "the checkpoint is another log's")
        elif claimed.size != self.size:
            self._add(
                "checkpoint.misplaced", f"the checkpoint is of {claimed.size} leaves, but stands after {self.size}"
            )
        elif claimed.root != self.root():
            self._add("checkpoint.other_root", f"the first {self.size} leaves are not those that were signed")
        else:
            self._cover()

    def link(self, text: str, proof: Sequence[bytes]) -> None:
        """Take a checkpoint of a size before the walk's start or after its end, and its consistency proof."""
        try:
            claimed = note.parse(text, self.keys)
        except Invalid as error:
            self._add("link.unsigned", error.message)
            return
        edge = self.start if claimed.size <= self.start else self.size
        older, newer = sorted([(claimed.size, claimed.root), (edge, self.roots.get(edge) or self.root())])
        if claimed.origin != self.origin:
            self._add("link.other_log", "the checkpoint is another log's")
        elif not merkle.verify_consistency(older[0], newer[0], older[1], newer[1], proof):
            self._add("link.inconsistent", f"nothing proves that the trees of {older[0]} and {newer[0]} leaves are one")
        else:
            self.roots[claimed.size] = claimed.root
            self._covered = max(self._covered, claimed.size)

    def finish(self, tail: int) -> None:
        """End the walk, where at most `tail` leaves may stand after the last checkpoint."""
        self.roots[self.size] = self.root()
        uncovered = self.size - self._covered
        if uncovered > tail:
            self._add("checkpoint.missing", f"no checkpoint covers the last {uncovered} leaves")
        if self._misfiled:  # one finding, however many: the tree is looked at to its end
            first, count = self._first_misfiled, self._misfiled
            said = f"leaf {first} is found by another kind, action, time or hash than it says"
            self.findings.add("leaf.column", f"{said}; so many are: {count}", first)

    def end(self, head: merkle.Frontier) -> None:
        """Hold what was walked against the head, the tree that the log says it is."""
        if head.size != self.size:
            self._add("head.other_size", f"the head counts {head.size} leaves, {self.size} are there")
        elif head.root() != self.root():
            self._add("head.other_root", f"the {self.size} leaves are not those the head was made of")

    def proofs(self, nodes: Iterable[merkle.Node]) -> None:
        """Hold the nodes that are kept for proofs against those of the tree that was walked."""
        if set(nodes) != set(self._nodes):
            self._add("node.other", "what is kept of the tree for proofs does not belong to the leaves")

    def root(self) -> bytes:
        """The root of the tree so far."""
        if self._hashes:
            self._nodes += self._frontier.extend(self._hashes)
            self._hashes.clear()
        return self._frontier.root()

    def _take(self, body: bytes) -> bytes:
        hash = sha256(b"\x00" + body).digest()
        self._hashes.append(hash)
        self.size += 1
        if self.size == self._next_stop:
            self._pause()
        return hash

    def _cover(self) -> None:
        gap = self.size - self._covered
        if gap > MAX_CHECKPOINT_GAP:
            self._add("checkpoint.gap", f"{gap} leaves stand between two checkpoints, {MAX_CHECKPOINT_GAP} may")
        self.roots[self.size] = self.root()
        self._covered = self.size

    def _read(self, body: bytes) -> story.Step | None:
        index = self.size - 1
        try:
            step = story.read_step(body)
        except story.Unreadable:
            self.findings.add("leaf.malformed", "the leaf is not the JSON object a leaf must be", index)
            return None
        code = self._story.tell(step) if self._story is not None else None
        if code is not None:
            self.findings.add(code, story.MEANINGS[code], index)
        return step

    def _pause(self) -> None:
        """Let the tree take the hashes, and keep the root where it was asked for."""
        root = self.root()
        if self._sizes and self._sizes[-1] == self.size:
            self.roots[self._sizes.pop()] = root
        self._plan()

    def _plan(self) -> None:
        self._next_stop = self.size + _BATCH
        if self._sizes:
            self._next_stop = min(self._next_stop, self._sizes[-1])

    def _add(self, code: str, message: str) -> None:
        self.findings.add(code, message, self.size)
