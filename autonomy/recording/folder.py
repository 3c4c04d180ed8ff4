"""The folder a recording is kept in: what was seen, the manifests made of it, and a report."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autonomy.catalog.files import write
from autonomy.kernel.canonical import parse
from autonomy.kernel.errors import Conflict

from .manifests import manifests, tools_of
from .place import Place
from .report import report
from .seen import Seen, restored

FILE = ".recording/seen.json"  # hidden, so that it is no manifest
REPORT = "REPORT.md"
MAX_BYTES = 67_108_864
SAVE_S = 1.0  # at most this much is lost where whoever started us kills us


class Folder:
    """One recording, which goes on where it was left."""

    def __init__(self, path: Path, name: str, use: Mapping[str, Any], place: Place, keep_values: bool) -> None:
        """Raises Conflict (`record.not_empty`) for a folder with something else in it, Invalid for a damaged one."""
        self._path = path
        self._name = name
        self._use = use
        self._place = place
        self._saved_at = 0.0
        self.seen = self._restored(keep_values)

    def keep(self) -> None:
        """Save what was seen, where the last time is a second ago."""
        if time.monotonic() - self._saved_at >= SAVE_S:
            self._save()

    @property
    def next_step(self) -> str:
        """The command with which what was written is tried."""
        return f"autonomy up --org {self._path}" if self._place.whole else f"autonomy plan {self._path}"

    def finish(self) -> dict[str, str]:
        """Save what was seen and write the manifests anew; returns the files by path."""
        self._save()
        files = manifests(self._name, self._use, self.seen, self._place)
        files[REPORT] = report(self._name, self.seen, tools_of(self._name, self.seen))
        write(self._path, files)
        return files

    def _save(self) -> None:
        write(self._path, {FILE: json.dumps(self.seen.dump(), indent=1) + "\n"})
        self._saved_at = time.monotonic()

    def _restored(self, keep_values: bool) -> Seen:
        file = self._path / FILE
        if file.is_file():
            return restored(parse(file.read_bytes(), MAX_BYTES), keep_values)
        if self._path.is_file() or (self._path.is_dir() and any(self._path.iterdir())):
            raise Conflict(f"`{self._path}` is not empty", code="record.not_empty", hint="name a new folder")
        return Seen(keep_values)
