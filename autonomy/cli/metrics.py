"""`autonomy metrics`: the server's figures, for who has no Prometheus at hand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from .connect import connected
from .options import AsJson, Url, commands
from .screen import show_json, table

app = commands()

_SAMPLE = re.compile(r"([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


@app.command()
def metrics(
    word: Annotated[str | None, typer.Argument(help="Only figures whose name holds this.")] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Show the server's figures as they are now; of distributions their sum and count.

    \b
      autonomy metrics
      autonomy metrics store
    """
    with connected(url) as client:
        found = [one for one in read(client.metrics()) if (word or "") in one["name"]]
    if as_json:
        show_json(found)
        return
    shown = (one for one in found if not one["name"].endswith("_bucket"))
    rows = ([one["name"], _told(one["labels"]), f"{one['value']:,.10g}"] for one in shown)
    table(["FIGURE", "OF", "VALUE"], rows, "no figure has such a name")


def read(text: str) -> Iterator[dict[str, Any]]:
    """Each sample of the text-based exposition format: `name`, `labels`, `value`."""
    for line in text.splitlines():
        match = None if line.startswith("#") else _SAMPLE.fullmatch(line)
        if match is not None:
            yield {"name": match[1], "labels": dict(_LABEL.findall(match[2] or "")), "value": float(match[3])}


def _told(labels: dict[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in labels.items())
