"""What an organisation must hold together; each row breaks the small company in one way."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from autonomy.catalog import Problem, read, rules
from autonomy.catalog.hierarchy import covers
from autonomy.catalog.organisation import matches
from autonomy.catalog.references import users

from .company import FILES, ROLE, folder, organisation, without

LEAD = ROLE.format(name="lead", unit="acme", tools="", escalates="seller")


def told(*replacements: tuple[str, str], **more: str) -> list[str]:
    return shown(rules.check(organisation(folder(*replacements, **more))))


def shown(problems: list[Problem]) -> list[str]:
    return [f"{one.kind}/{one.name} {one.field}: {one.message}" for one in problems]


def test_the_company_as_it_stands_has_no_problem() -> None:
    assert told() == []


BROKEN = yaml.safe_load((Path(__file__).parent / "broken.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", BROKEN, ids=[case["by"][:60] for case in BROKEN])
def test_what_does_not_hold_together_is_named(case: dict[str, str]) -> None:
    assert told((case["replace"], case["by"])) == case["problems"].splitlines()


def test_an_unknown_name_comes_with_the_nearest_known_one() -> None:
    [first, _] = rules.check(organisation(folder(("roles: [seller]", "roles: [seler]"))))
    assert first.hint == "did you mean `seller`?"


def test_a_password_is_never_repeated_in_the_message() -> None:
    problems = rules.check(organisation(folder(("sqlite:///crm.sqlite", "postgresql://app:hunter2@db/crm"))))
    assert problems and "hunter2" not in str(problems)


def test_without_units_only_the_missing_root_is_told() -> None:
    assert shown(rules.check(organisation(read({"roles.yaml": LEAD})))) == ["/ : no unit is the root"]


def test_a_vanished_sponsor_is_missed_by_every_agent() -> None:
    found = organisation(read(without("people.yaml", "name: ada")))
    assert [line for line in shown(rules.check(found)) if "sponsor" in line] == [
        "Agent/seller-1 spec.sponsor: there is no person `ada`",
        "Agent/seller-2 spec.sponsor: there is no person `ada`",
    ]


def test_a_child_unit_may_have_the_same_limit_but_not_a_cent_more() -> None:
    assert told(("limit: 900.00 USD", "limit: 1111.11 USD")) == []
    assert len(told(("limit: 900.00 USD", "limit: 1111.12 USD"))) == 1
    assert (
        told(("limit: 900.00 USD", "limit: 1111.12 USD"), ("period: month, limit: 1000", "period: day, limit: 1000"))
        == []
    )


def test_built_in_tools_exist_without_a_manifest() -> None:
    changed = (
        ("tools: [crm.*], data", "tools: [crm.*, memory.*], data"),
        ("tools: [crm.read] }\n  resp", "tools: [memory.recall] }\n  resp"),
    )
    assert len(told(*changed)) == 2
    assert rules.check(organisation(folder(*changed)), ["memory.recall"]) == []


def test_who_uses_what_is_known_for_patterns_too() -> None:
    found = organisation(read(dict(FILES)))
    assert [(one.kind, one.name) for one in users(found, "Tool", "crm.read")] == [
        ("Role", "seller"),
        ("Unit", "sales"),
        ("Unit", "sales-north"),
    ]
    assert [one.name for one in users(found, "Person", "ada")] == ["seller-1", "seller-2", "lee"]


PATTERNS = ["*", "a", "a.*", "a.b", "a.b.*", "a.b.c", "ab.*", "ab", "b.*"]
TOOLS = ["a", "a.b", "a.b.c", "a.b.d", "a.c", "ab", "ab.c", "b.a"]


@pytest.mark.parametrize("wide", PATTERNS)
def test_a_pattern_covers_another_only_where_it_matches_everything_the_other_does(wide: str) -> None:
    for narrow in PATTERNS:
        fits = {tool for tool in TOOLS if matches([narrow], tool)}
        if covers(wide, narrow):
            assert all(matches([wide], tool) for tool in fits)
        elif narrow.rstrip(".*") != wide:  # `a.*` and `a` share no tool, and yet neither covers the other
            assert not fits or not all(matches([wide], tool) for tool in fits)
