"""Exports of the log as files: written whole or not at all, and checked without the server."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from autonomy.audit import note
from autonomy.audit.page import write_html
from autonomy.audit.report import Finding, Report
from autonomy.audit.verify import verify_export
from autonomy.audit.witness import copies_in
from autonomy.kernel.clock import rfc3339
from autonomy.kernel.errors import Invalid, NotFound
from autonomy.sdk import Client

from .screen import counted, read_with_progress

MAX_KEY_FILE = 10_000  # bytes: a key is one line


@dataclass(frozen=True, slots=True)
class Verdict:
    """What checking an export found, in words."""

    report: Report

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return self.report.ok

    @property
    def verdict(self) -> str:
        """The one sentence that matters."""
        if not self.ok:
            return f"this log is NOT whole: {len(self.report.findings)} findings"
        return f"this log is whole: {self.report.leaves} leaves under {self.report.checkpoints} signed checkpoints"

    @property
    def findings(self) -> list[str]:
        """Everything that is wrong."""
        return [_sentence(one) for one in self.report.findings]

    @property
    def remarks(self) -> list[str]:
        """What the verdict rests on, where that is less than it could be."""
        found = []
        if self.report.key == "from the file":
            found.append("the key is the one the file names; check it with `--key`, from a source of your own")
        if self.report.witness == "none given":
            culprits = "whoever holds the key, or made a server forget what it had signed"
            found.append(f"no witness was given: {culprits}, could have written this log anew")
        elif self.report.witness == "matched":
            found.append(f"{self.report.witness_matched} copies of the witness agree")
        if self.report.witness_later and self.report.exported_at is not None:
            seen, made = self.report.witness_later, rfc3339(self.report.exported_at)
            found.append(
                f"it holds the first {self.report.size} leaves, all there were at {made}; the witness saw {seen}"
            )
        return found

    def as_dict(self) -> dict[str, Any]:
        """For programs."""
        return {"ok": self.ok, **asdict(self.report)}


def save_export(client: Client, file: Path, html: bool, payloads: bool) -> int:
    """Write the server's log to `file`, whole or not at all; returns its bytes. Raises NotFound (`file.place`)."""
    if not file.parent.is_dir():
        raise NotFound(f"there is no folder `{file.parent}`", code="file.place")
    draft = file.with_name(f".{file.name}.part")
    try:
        with draft.open("wb") as target:
            for piece in counted(client.export(payloads), "exporting"):
                target.write(piece)
        if html:
            _as_page(draft, client.url)
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)
    return file.stat().st_size


def verified(file: Path, witness: Path | None, key: str | None, fast: bool) -> Verdict:
    """Check an export. Raises NotFound for files that are not there, Invalid for a key that is none."""
    if not file.is_file():
        raise NotFound(f"there is no file `{file}`", code="file.unknown")
    if witness is not None and not witness.is_dir():
        raise NotFound(f"there is no folder `{witness}`", code="file.unknown", hint="it holds `*.note` files")
    keys = [] if key is None else [read_key(key)]
    copies = None if witness is None else copies_in(witness)
    with file.open("rb") as raw, read_with_progress(raw, file.stat().st_size, "verifying") as stream:
        return Verdict(verify_export(stream, keys=keys, witness_copies=copies, fast=fast))


def read_key(text: str) -> note.Verifier:
    """The log's key, written out or in a file. Raises Invalid (`note.key`)."""
    return note.Verifier.parse(_key(text))


def _key(text: str) -> str:
    path = Path(text)
    if "+" in text and not path.is_file():
        return text
    if not path.is_file() or path.stat().st_size > MAX_KEY_FILE:
        raise Invalid("this is no key of a log", code="note.key", hint="`autonomy audit key` shows it")
    return path.read_text(encoding="utf-8", errors="replace").strip()


def _as_page(file: Path, title: str) -> None:
    """Make the export in `file` a page."""
    page = file.with_name(f"{file.name}.html")
    try:
        with file.open("rb") as lines, page.open("w", encoding="utf-8") as target:
            write_html(target, lines, f"Audit log of {title}")
        page.replace(file)
    finally:
        page.unlink(missing_ok=True)


def _sentence(finding: Finding) -> str:
    place = "" if finding.index is None else f" at {finding.index}"
    return f"{finding.code}{place}: {finding.message}"
