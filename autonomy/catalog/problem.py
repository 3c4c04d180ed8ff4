"""One fault of an organisation, with the place where a person mends it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from difflib import get_close_matches

from autonomy.kernel.errors import Invalid

from .organisation import Organisation, Revision


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is wrong (`message`), what would be right (`hint`), and where.

    A check names the object (`kind`, `name`) and the field; the catalog adds the file and, where it is 0, the line.
    """

    message: str
    hint: str = ""
    kind: str = ""
    name: str = ""
    field: str = ""
    file: str = ""
    line: int = 0

    def __str__(self) -> str:
        owner = f"{self.kind} `{self.name}`" if self.name else ""
        place = f"{self.file}:{self.line}" if self.line else self.file
        parts = [part for part in (place, owner, self.field, self.message) if part]
        return ": ".join(parts) + (f"; {self.hint}" if self.hint else "")


Check = Callable[[Organisation], Iterable[Problem]]
"""Judges an organisation as a whole before it goes live; the rooms above hand theirs in."""


def about(revision: Revision, field: str, message: str, hint: str = "") -> Problem:
    """A problem of one declared object."""
    return Problem(message=message, hint=hint, kind=revision.kind, name=revision.name, field=field)


def invalid(problems: Sequence[Problem]) -> Invalid:
    """The error `manifest.invalid` that shows every problem at once, in the order of files and lines."""
    ordered = sorted(problems, key=lambda problem: (problem.file, problem.line, problem.field, problem.message))
    count = "1 problem" if len(ordered) == 1 else f"{len(ordered)} problems"
    first = ordered[0]
    return Invalid(
        f"{count}: {first}" if len(ordered) == 1 else f"{count}, the first: {first}",
        code="manifest.invalid",
        problems=[asdict(problem) for problem in ordered],
    )


def nearest(wrong: str, known: Iterable[str]) -> str:
    """`did you mean …?` with the known name most like `wrong`; empty where none is like it."""
    found = get_close_matches(wrong, list(known), n=1, cutoff=0.6)
    return f"did you mean `{found[0]}`?" if found else ""
