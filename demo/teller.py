"""Tells the story on the terminal, and asks the person in front of it where a person has to decide."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.rule import Rule
from rich.table import Table

from . import words

WIDTH = 118
EXCERPT = ("S3", "S5", "An agent runs away", "Proof")  # scenes that show every kind of ending once

_FONT_FACE = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


class Teller:
    """One line for each event, in the order in which things happen; every line is also what a picture shows."""

    def __init__(self, record: bool = False) -> None:
        self.is_live = sys.stdin.isatty() and sys.stdout.isatty()
        width = WIDTH if record or not self.is_live else None
        self._console = Console(record=record, width=width, highlight=False)
        self._excerpt = Console(record=True, file=io.StringIO(), width=WIDTH, highlight=False)
        self._excerpted = False
        self._heard: dict[str, str] = {}
        self.failures: list[str] = []

    def scene(self, title: str, about: str) -> None:
        """A new part of the story."""
        self._excerpted = title.startswith(EXCERPT)
        self._console.print()
        self._print(Rule(f"[bold]{title}[/]", align="left", style="blue"))
        self._print(f"[dim]{about}[/]")

    def say(self, text: str, mark: str = "·", who: str = "", colour: str = "cyan") -> None:
        """A line of the story, in rich markup."""
        grid = Table.grid(padding=(0, 1))
        grid.add_column(width=1)
        grid.add_column(width=14)
        grid.add_column()
        grid.add_row(f"[{colour}]{mark}[/]", f"[bold]{who}[/]", text)
        self._print(grid)

    def used(self, agent: str, event: Mapping[str, Any]) -> None:
        """What an agent did and how it came out."""
        action = str(event["action"])
        told = words.line(event, self._heard.get(action, ""))
        self._heard[action] = event["status"]
        self.say(f"{told.deed} → {told.ending}", told.mark, agent, told.colour)

    def about(self, sentences: Sequence[str]) -> None:
        """What people are told before they decide."""
        for sentence in sentences:
            self.say(f"[dim]{escape(sentence)}[/]", " ")

    def asks(self, question: str) -> bool:
        """Whether the person in front of the terminal agrees; without a terminal, yes."""
        if not self.is_live:
            return True
        answer = self._console.input(f"  [bold yellow]{question}[/] [Y/n] ")
        return answer.strip().lower() not in ("n", "no")

    def plain(self, text: str) -> None:
        """Text as it is, such as commands to paste."""
        self._print(text, markup=False, soft_wrap=True)

    def check(self, truth: bool, told: str) -> None:
        """Say that something is so; where it is not, the demo has failed."""
        if truth:
            self.say(f"[green]{told}[/]", "✔", colour="green")
        else:
            self.failures.append(told)
            self.say(f"[bold red]NOT SO: {told}[/]", "!", colour="red")

    def save_picture(self, path: Path) -> None:
        """The story so far as an SVG picture that fetches nothing."""
        _save(self._console, path)

    def save_excerpt(self, path: Path) -> None:
        """The scenes of EXCERPT as an SVG picture, short enough for a page."""
        _save(self._excerpt, path)

    def _print(self, *shown: Any, **how: Any) -> None:
        self._console.print(*shown, **how)
        if self._excerpted:
            self._excerpt.print(*shown, **how)


def _save(console: Console, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = console.export_svg(title="make demo")
    path.write_text(_FONT_FACE.sub("", picture), encoding="utf-8")
