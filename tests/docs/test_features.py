"""The feature table names every requirement of this release, files that are there and tests that are there."""

from __future__ import annotations

import ast
import re
from functools import cache

import pytest

from .pages import ROOT, rows

PAGE = ROOT / "docs" / "features.md"
FEATURES = [row for row in rows(PAGE) if row[0].startswith("R")]
SCENARIOS = [row for row in rows(PAGE) if re.match(r"S\d", row[0])]
WORKFLOWS = ROOT / "autonomy" / "catalog" / "starter"


def test_each_requirement_stands_in_the_table_once_and_in_order() -> None:
    numbers = [row[0].split()[0] for row in FEATURES]
    assert all(re.fullmatch(r"R\d{3}", number) for number in numbers)
    assert numbers == sorted(set(numbers))


def test_each_scenario_stands_in_its_table_once_and_in_order() -> None:
    assert [row[0].split()[0] for row in SCENARIOS] == [f"S{number}" for number in range(1, 21)]


def test_every_workflow_of_the_starter_is_a_scenario_s() -> None:
    files = {str(path.relative_to(ROOT)) for path in WORKFLOWS.rglob("templates/*/workflows/*.yaml")}
    assert files
    assert files <= {path for row in SCENARIOS for path in _quoted(row[2])}


@pytest.mark.parametrize("row", [*FEATURES, *SCENARIOS], ids=lambda row: row[0].split()[0])
def test_a_feature_names_files_and_a_test_that_are_there(row: list[str]) -> None:
    _, meaning, where, shown = row
    assert meaning
    assert all((ROOT / path).exists() for path in _quoted(where))
    assert _quoted(where)
    for named in _quoted(shown):
        path, _, test = named.partition("::")
        assert test in _tests(path), named
    assert _quoted(shown)


def _quoted(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


@cache
def _tests(path: str) -> frozenset[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return frozenset(node.name for node in functions if node.name.startswith("test_"))
