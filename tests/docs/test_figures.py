"""The guide lists every figure with the formula that the API tells; `python -m tests.docs.test_figures` prints it."""

from __future__ import annotations

from autonomy.insight.kpis import KPIS

from .source import ROOT

GUIDE = ROOT / "docs" / "guides" / "measure-work.md"


def rows() -> list[str]:
    """The lines of the table."""
    return [f"| `{kpi.name}` | {kpi.unit} | {kpi.formula} | {kpi.source} |" for kpi in KPIS]


def test_the_guide_has_every_figure_with_its_formula() -> None:
    shown = [
        line
        for line in GUIDE.read_text(encoding="utf-8").splitlines()
        if line.startswith("| `") and line.count("|") == 5
    ]
    named = {f"`{kpi.name}`" for kpi in KPIS}
    assert [line for line in shown if line.split("|")[1].strip() in named] == rows()


if __name__ == "__main__":
    print("\n".join(rows()))
