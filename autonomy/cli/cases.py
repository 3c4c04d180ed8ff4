"""What became of the cases that an organisation declares as its tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from .screen import say, show_json

if TYPE_CHECKING:
    from .declared import Tested


def tell_cases(results: Sequence[Tested], as_json: bool) -> None:
    """Print how many passed, and of each that did not, why. Ends the command with 1 where one differs."""
    failed = [one for one in results if one.differences]
    if as_json:
        shown = [{"name": one.name, "place": one.place, "differences": list(one.differences)} for one in results]
        show_json({"passed": len(results) - len(failed), "failed": len(failed), "cases": shown})
    else:
        for one in failed:
            say(f"{one.place}: {one.name}", "red")
            for difference in one.differences:
                say(f"  {difference}")
        say(f"{len(results) - len(failed)} passed, {len(failed)} failed", "red" if failed else "green")
    if failed:
        raise typer.Exit(1)
