"""Results for people: a table on the terminal, and the tables of `docs/benchmarks.md`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .figures import described

DOCUMENT = Path(__file__).parent.parent / "docs" / "benchmarks.md"

Result = Mapping[str, Any]
"""`bench`, `metrics`, `peers`, `machine`, as printed with `--json`."""

Rows = Sequence[Sequence[str]]


def text(result: Result) -> str:
    """The result as aligned columns."""
    return "\n".join(
        [
            f"{result['bench']}: {_machine(result['machine'])}",
            "",
            _columns(_metric_rows(result)),
            *(["", "beside it:", _columns(_peer_rows(result))] if result["peers"] else []),
        ]
    )


def write_document(results: Sequence[Result], path: Path = DOCUMENT) -> None:
    """Rewrite what stands between the markers of the document; everything around them stays.

    Raises ValueError where a marker is missing.
    """
    written = path.read_text("utf-8")
    written = _between(written, "machine", _machine(results[0]["machine"]))
    for result in results:
        written = _between(written, result["bench"], _tables(result))
    path.write_text(written, "utf-8")


def _between(document: str, name: str, content: str) -> str:
    begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->"
    before, found, rest = document.partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"the document has no markers for `{name}`")
    return f"{before}{begin}{content}\n{end}{after}"


def _tables(result: Result) -> str:
    found = _markdown(("Metric", "Figure", "Target", "Met", "What it is"), _metric_rows(result))
    if result["peers"]:
        found += "\n\n" + _markdown(("Beside it, in the same run", "Metric", "Figure"), _peer_rows(result))
    return found


def _metric_rows(result: Result) -> Rows:
    metrics = result["metrics"]
    return [
        (
            figure.name,
            number(metrics[figure.name]),
            figure.target.words if figure.target else "",
            ("yes" if figure.target.met(metrics) else "no") if figure.target else "",
            figure.meaning,
        )
        for figure in described(result["bench"], metrics)
    ]


def _peer_rows(result: Result) -> Rows:
    return [
        (name, figure, number(value)) for name, figures in result["peers"].items() for figure, value in figures.items()
    ]


def _columns(rows: Rows) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(f"  {line.rstrip()}" for line in lines)


def _markdown(head: Sequence[str], rows: Rows) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _machine(machine: Mapping[str, Any]) -> str:
    return (
        f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gb']} GB; {machine['system']}, "
        f"Python {machine['python']}, SQLite {machine['sqlite']}; load {machine['load']} before the run"
    )


def number(value: float | str) -> str:
    """A figure with as many digits as it deserves."""
    if isinstance(value, str):
        return value
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.3f}"
