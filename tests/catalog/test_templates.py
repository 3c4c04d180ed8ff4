"""The templates bring whole processes: every check holds, every rule has its test, every statement runs."""

from __future__ import annotations

import pytest

from autonomy.catalog import read, rules, starter
from autonomy.decisions import check as check_decisions
from autonomy.kernel.errors import Conflict, NotFound
from autonomy.policy import Bundle
from autonomy.policy.lint import lint
from autonomy.policy.matrix import Case, read_cases
from autonomy.tools import check

from .brought import assert_answered_and_shown, assert_schemas_admit
from .company import organisation

TOGETHER = [*((name,) for name in starter.templates()), tuple(starter.templates())]


def cases_of(files: dict[str, str]) -> list[Case]:
    cases: list[Case] = []
    for path in (path for path in files if path.startswith("tests/")):
        found, problems = read_cases(path.removeprefix("tests/"), files[path].encode())
        assert problems == []
        cases += found
    return cases


@pytest.mark.parametrize("templates", TOGETHER, ids="+".join)
def test_a_template_passes_every_check_there_is(templates: tuple[str, ...]) -> None:
    files = starter.organisation((), templates)
    company = organisation(read({path: text for path, text in files.items() if not path.startswith("tests/")}))
    assert [str(one) for one in rules.check(company)] == []
    assert (check(company), check_decisions(company)) == ([], [])
    assert lint(Bundle.build(company)) == []


@pytest.mark.parametrize("templates", TOGETHER, ids="+".join)
def test_its_policies_answer_as_its_own_tests_say_and_every_rule_is_shown(templates: tuple[str, ...]) -> None:
    files = starter.organisation((), templates)
    bundle = Bundle.build(
        organisation(read({path: text for path, text in files.items() if not path.startswith("tests/")}))
    )
    assert_answered_and_shown(bundle, cases_of(files))


@pytest.mark.parametrize("name", starter.templates())
def test_the_schema_named_in_the_first_line_admits_the_file(name: str) -> None:
    assert_schemas_admit(starter.template(name))


def test_a_template_writes_over_nothing_of_the_starter_and_stands_beside_every_other() -> None:
    seen = set(starter.organisation())
    for name in starter.templates():
        paths = set(starter.template(name))
        assert not paths & seen
        seen |= paths


def test_what_does_not_go_together_is_refused() -> None:
    with pytest.raises(NotFound, match="there is no template `sale`; there are maintenance, onboarding"):
        starter.organisation((), ["sale"])
    with pytest.raises(Conflict, match="has no tables for the tools"):
        starter.organisation(["tryton"], ["support"])
