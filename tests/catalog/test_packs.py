"""The packs put the same company on other systems: every rule holds, every question and every rule has its test."""

from __future__ import annotations

import pytest

from autonomy.catalog import read, rules, starter
from autonomy.catalog.organisation import Organisation
from autonomy.kernel.errors import Conflict, NotFound
from autonomy.policy import Bundle
from autonomy.policy.lint import lint
from autonomy.policy.matrix import Case, read_cases
from autonomy.tools import Registry, check

from .brought import assert_answered_and_shown, assert_schemas_admit
from .company import organisation

TOGETHER = [
    ("tryton",),
    ("roundup",),
    ("postgresql",),
    ("robot",),
    ("node-red",),
    ("tryton", "roundup", "robot", "node-red"),
    ("tryton", "roundup", "vendors"),
    ("postgresql", "roundup"),
]


def made(packs: tuple[str, ...]) -> tuple[Organisation, list[Case]]:
    """The organisation with the packs, and the cases of all of its tests."""
    files = starter.organisation(packs)
    cases: list[Case] = []
    for path in (path for path in files if path.startswith("tests/")):
        found, problems = read_cases(path.removeprefix("tests/"), files[path].encode())
        assert problems == []
        cases += found
    return organisation(read({path: text for path, text in files.items() if not path.startswith("tests/")})), cases


@pytest.mark.parametrize("packs", TOGETHER, ids="+".join)
def test_a_pack_passes_every_check_there_is(packs: tuple[str, ...]) -> None:
    company, _ = made(packs)
    assert (rules.check(company), check(company), lint(Bundle.build(company))) == ([], [], [])
    assert len(Registry.build(company).tools) >= 15


@pytest.mark.parametrize("packs", TOGETHER, ids="+".join)
def test_its_policies_answer_as_its_own_tests_say_and_every_rule_is_shown(packs: tuple[str, ...]) -> None:
    company, cases = made(packs)
    bundle = Bundle.build(company)
    assert_answered_and_shown(bundle, cases)


@pytest.mark.parametrize("pack", starter.packs())
def test_the_schema_named_in_the_first_line_admits_the_file(pack: str) -> None:
    assert_schemas_admit(starter.pack(pack))


def test_two_packs_for_one_place_and_a_pack_that_is_none_are_refused() -> None:
    with pytest.raises(Conflict, match="both bring `connectors"):
        starter.organisation(["tryton", "postgresql"])
    with pytest.raises(NotFound, match="no pack `sap`"):
        starter.organisation(["sap"])
