"""Budgets as a tree with bars and forecasts, and being away, on the command line."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from autonomy.cli.budgets import as_tree
from autonomy.cli.words import bar, point_in_time
from autonomy.kernel.clock import DAY
from autonomy.kernel.errors import Invalid
from autonomy.sdk import Client

from .shell import autonomy

SignIn = Callable[[str], Client]
NOON = 1_772_366_400_000  # 2026-03-01T12:00:00Z


@pytest.mark.parametrize(
    ("percent", "shown"),
    [
        (0, "░░░░░░░░░░   0%"),
        (9, "░░░░░░░░░░   9%"),
        (80, "████████░░  80%"),
        (100, "██████████ 100%"),
        (130, "██████████ 130%"),
    ],
)
def test_a_bar_shows_a_share_and_never_more_than_there_is(percent: int, shown: str) -> None:
    assert bar(percent) == shown


def test_budgets_stand_below_their_parents_and_at_the_top_where_the_parent_is_not_listed() -> None:
    found = [
        {"name": "a", "parent": None},
        {"name": "b", "parent": "d"},
        {"name": "c", "parent": "gone"},
        {"name": "d", "parent": "a"},
        {"name": "e", "parent": "a"},
    ]
    assert [(depth, one["name"]) for depth, one in as_tree(found)] == [
        (0, "a"),
        (1, "d"),
        (2, "b"),
        (1, "e"),
        (0, "c"),
    ]


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("7d", NOON + 7 * DAY),
        ("0s", NOON),
        ("2026-03-02", NOON + DAY // 2),
        ("2026-03-02T12:00Z", NOON + DAY),
        ("2026-03-02T14:00+02:00", NOON + DAY),
    ],
)
def test_a_point_in_time_is_a_date_a_time_or_a_duration(text: str, at: int) -> None:
    assert point_in_time(text, NOON) == at


@pytest.mark.parametrize("text", ["soon", "2026-13-01", "7 days", ""])
def test_anything_else_is_no_point_in_time(text: str) -> None:
    with pytest.raises(Invalid):
        point_in_time(text, NOON)


def test_the_tree_of_budgets_is_shown_whole_and_as_json(sign_in: SignIn) -> None:
    sign_in("ada")
    shown = autonomy("budget", "list")
    assert shown.code == 0, shown.err
    lines = [line.split()[0] for line in shown.out.splitlines() if line.startswith(("operations", "  "))]
    assert lines[:3] == ["operations-month", "procurement-month", "buyers-month"]
    assert "\n    buyers-month" in shown.out and "░" in shown.out
    listed = autonomy("budget", "list", "buyer", "--json").json
    assert [(one["name"], one["parent"], one["scope"]) for one in listed] == [
        ("buyers-month", "procurement-month", "role")
    ]
    assert autonomy("budgets").out == shown.out


def test_one_budget_says_where_it_belongs_and_how_long_it_lasts(sign_in: SignIn) -> None:
    sign_in("ada")
    shown = autonomy("budget", "show", "buyers-month")
    assert shown.code == 0, shown.err
    assert "procurement-month, operations-month" in shown.out and "role buyer, declared by procurement" in shown.out
    assert autonomy("budget", "show", "buyers-month", "--json").json["above"] == [
        "procurement-month",
        "operations-month",
    ]
    assert autonomy("budget", "show", "nothing").error == "budget.unknown"
    foreseen = autonomy("budget", "forecast", "--json").json
    assert {"name", "percent", "ends", "per_hour", "at_end", "reached_at", "summary"} == set(foreseen[0])
    assert "FORECAST" in autonomy("budget", "forecast").out


def test_who_is_away_names_a_deputy_and_comes_back(sign_in: SignIn) -> None:
    sign_in("priya")
    assert autonomy("back").error == "absence.none"
    assert autonomy("absent", "--deputy", "ada", "--until", "7d").error == "absence.deputy"
    assert autonomy("absent", "--deputy", "omar", "--until", "soon").error == "duration.invalid"
    assert autonomy("absent", "--deputy", "omar", "--until", "7d", "--person", "felix").error == "permission.missing"
    gone = autonomy("absent", "--deputy", "omar", "--until", "7d")
    assert gone.code == 0 and "omar decides for priya until" in gone.out
    assert autonomy("absent", "--deputy", "felix", "--until", "7d").error == "absence.overlap"
    (listed,) = autonomy("absences", "omar", "--json").json
    assert (listed["person"], listed["deputy"], listed["ended_at"]) == ("priya", "omar", None)
    assert "priya" in autonomy("absences").out
    back = autonomy("back")
    assert back.code == 0 and back.out.startswith("priya is back since ")
    assert autonomy("absences").out == "nobody is away\n"
    assert len(autonomy("absences", "--ended", "--json").json) == 1
