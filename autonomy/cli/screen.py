"""What commands print: tables and sentences for people, JSON for programs. Colours on terminals only.

Rich, which draws tables, colours and bars, is loaded when something is drawn: a server only says a few plain lines.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO

from .words import cell, plain

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

UNBOUNDED = 10_000  # columns where nobody looks at a screen: whatever reads on gets every cell whole

_STYLES = {
    "done": "green",
    "allowed": "green",
    "active": "green",
    "ok": "green",
    "held": "yellow",
    "waiting": "yellow",
    "pilot": "yellow",
    "warning": "yellow",
    "unknown": "bold yellow",
    "denied": "red",
    "rejected": "red",
    "failed": "red",
    "contained": "red",
    "suspended": "red",
    "fail": "bold red",
}


def say(text: str = "", style: str = "") -> None:
    """One line or several, as they are."""
    if style and sys.stdout.isatty():
        _console().print(_text(plain(text), style), soft_wrap=True)
    else:
        print(plain(text))


def note(text: str) -> None:
    """A remark beside the result, on the error stream, so that output stays clean for programs."""
    print(plain(text), file=sys.stderr)


def show_json(value: Any) -> None:
    """`value` as JSON, in ASCII so that no terminal is steered by it."""
    print(json.dumps(value, indent=2))


def json_lines(values: Iterable[Any]) -> None:
    """One JSON object a line, as they come."""
    for value in values:
        print(json.dumps(value), flush=True)


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]], nothing: str) -> None:
    """A table; the sentence `nothing` where it would be empty."""
    shown = _table(header_style="bold")
    for column in columns:
        shown.add_column(column, overflow="fold")
    for row in rows:
        shown.add_row(*map(_cell, row))
    if shown.row_count:
        _print(shown)
    else:
        say(nothing)


def details(pairs: Mapping[str, Any]) -> None:
    """Names and values below each other; what is None is left out."""
    shown = _table(show_header=False)
    shown.add_column(style="bold", no_wrap=True)
    shown.add_column(overflow="fold")
    for name, value in pairs.items():
        if value is not None:
            shown.add_row(_text(plain(name)), _cell(value))
    _print(shown)


def heading(text: str) -> None:
    """A line above a part."""
    say()
    say(text, "bold")


@contextmanager
def working(words: str) -> Iterator[None]:
    """Shows that something is under way, on a terminal."""
    console = _errors()
    if not console.is_terminal:
        yield
        return
    with console.status(words):
        yield


def read_with_progress(stream: BinaryIO, total: int, words: str) -> Any:
    """`stream`, with a bar that follows how far it has been read; a context manager."""
    from rich.progress import wrap_file  # noqa: PLC0415

    console = _errors()
    return wrap_file(stream, total, description=words, console=console, transient=True, disable=not console.is_terminal)


def counted(pieces: Iterable[bytes], words: str) -> Iterator[bytes]:
    """`pieces`, while a terminal shows how many bytes have come."""
    console, size = _errors(), 0
    if not console.is_terminal:
        yield from pieces
        return
    with console.status(words) as status:
        for piece in pieces:
            size += len(piece)
            status.update(f"{words}: {size:,} bytes")
            yield piece


def on_terminal() -> bool:
    """Whether a person sits there to be asked."""
    return sys.stdin.isatty()


def _print(shown: Table) -> None:
    """Without the blanks that fill the last column."""
    console = _console()
    with console.capture() as captured:
        console.print(shown)
    print("\n".join(line.rstrip() for line in captured.get().splitlines()))


def _cell(value: Any) -> Text:
    words = plain(cell(value))
    return _text(words, _STYLES.get(words, ""))


def _text(words: str, style: str = "") -> Text:
    from rich.text import Text  # noqa: PLC0415

    return Text(words, style)


def _table(**look: Any) -> Table:
    from rich.table import Table  # noqa: PLC0415

    return Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), **look)


def _console() -> Console:
    from rich.console import Console  # noqa: PLC0415

    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=UNBOUNDED)


def _errors() -> Console:
    from rich.console import Console  # noqa: PLC0415

    return Console(stderr=True)
