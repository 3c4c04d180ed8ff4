"""The feature table names every requirement of this release, files that are there and tests that are there."""

from __future__ import annotations

import ast
import re
from functools import cache

import pytest

from .pages import ROOT, rows

PAGE = ROOT / "docs" / "features.md"
_NUMBERS = """
1 2 3 4 5 7 8 9 11 12 13 14 15 16 17 18 21 25
35 37 38 39 40 42 44 45 46 49 50 51 52 53 55 56 57 58 59 60 61 62 63 64 65 66 67 68
69 70 76 77 78 79 82 83 84 87 88 90 120 121 123 125
"""
SPINE = [int(number) for number in _NUMBERS.split()]
FEATURES = [row for row in rows(PAGE) if row[0].startswith("R")]


def test_every_requirement_is_in_the_table_once_and_in_order() -> None:
    assert [row[0].split()[0] for row in FEATURES] == [f"R{number:03}" for number in SPINE]


@pytest.mark.parametrize("row", FEATURES, ids=lambda row: row[0].split()[0])
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
