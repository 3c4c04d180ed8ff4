"""The documents as the tests read them: their tables, their fenced blocks, their links."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])

_FENCE = re.compile(r"^```(?P<words>[^\n]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: the words after its fence, and its text."""

    words: tuple[str, ...]
    text: str

    @property
    def language(self) -> str:
        """The first word after the fence; empty where there is none."""
        return self.words[0] if self.words else ""


def blocks_of(page: Path) -> list[Block]:
    """The fenced blocks of `page`, in order."""
    return [Block(tuple(match["words"].split()), match["text"]) for match in _FENCE.finditer(text(page))]


def rows(page: Path, heading: str = "") -> list[list[str]]:
    """The cells of every table row of `page`, below `heading` if one is named; rules between head and body left out."""
    lines = text(page).partition(f"## {heading}\n")[2].partition("\n## ")[0] if heading else text(page)
    found = [_cells(line) for line in lines.splitlines() if line.startswith("|")]
    return [row for row in found if not set("".join(row)) <= set("-: ")]


def text(page: Path) -> str:
    """What stands on the page."""
    return page.read_text(encoding="utf-8")


def prose(page: Path) -> str:
    """What stands on the page outside its fenced blocks."""
    return _FENCE.sub("", text(page))


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]
