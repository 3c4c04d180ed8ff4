"""A Python program of a candidate: it keeps a journal, and behaves as a file tells it."""

from __future__ import annotations

import sys

from autonomy.tools.conformance import Behaviour

from .place import Place


class Script:
    """The program, `python` with the file `name`, and the files by which it is told and tells."""

    def __init__(self, place: Place, name: str, text: str) -> None:
        self._folder = place.folder
        self.program = place.folder / "python"
        self.program.unlink(missing_ok=True)
        self.program.symlink_to(sys.executable)
        for file, content in (("how", "well"), ("calls", ""), ("done", ""), (name, text)):
            (self._folder / file).write_text(content)

    async def behave(self, how: Behaviour) -> None:
        (self._folder / "how").write_text(how)
        if how == "gone":
            self.program.unlink()

    def effects(self, action: str) -> int:
        return (self._folder / "done").read_text().split().count(action)

    def calls(self) -> int:
        return len((self._folder / "calls").read_text())

    async def close(self) -> None:
        """Nothing is left running: it ends with its call or with its connector."""
