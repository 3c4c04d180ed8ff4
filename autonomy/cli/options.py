"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

Url = Annotated[
    str | None,
    typer.Option("--url", envvar="AUTONOMY_URL", help="The server; by default the one signed in to last."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it goes on record.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Log = Annotated[str | None, typer.Option("--log", help="How much is logged, for example `info,gate=debug`.")]
Programs = Annotated[
    str | None, typer.Option(help="How command lines may begin that connectors start as programs, by commas.")
]
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, help="How many at most.")]


def commands(help: str = "") -> typer.Typer:
    """A set of commands in the plain style of this house."""
    return typer.Typer(help=help or None, rich_markup_mode=None, no_args_is_help=True, add_completion=False)
