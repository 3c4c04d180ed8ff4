"""An organisation's folder looked at without a server: everything `apply` would check, and the folder's own tests."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from autonomy.catalog import Check, Folder, Organisation, collect, read
from autonomy.catalog.manifest import TESTS
from autonomy.catalog.proposal import examine, planned, propose
from autonomy.catalog.snapshot import Snapshot
from autonomy.kernel.errors import NotFound
from autonomy.policy import Bundle
from autonomy.policy.lint import lint
from autonomy.policy.matrix import load, run
from autonomy.wiring import BUILTIN_TOOLS, check_decisions, check_policies, check_tools

_NOTHING = Snapshot(Organisation(0, []), {})


@dataclass(frozen=True, slots=True)
class Checked:
    """A folder that could go live: how much it declares, and what is legal but suspicious."""

    objects: int
    rules: int
    remarks: list[str]


@dataclass(frozen=True, slots=True)
class Tested:
    """One decision test: where it stands, and in which sentences it differs; none where it passed."""

    name: str
    place: str
    differences: tuple[str, ...]


def check_folder(folder: Path) -> Checked:
    """Everything that is checked before a folder goes live. Raises Invalid with every problem, NotFound."""
    organisation = organisation_of(read(collect(folder)))
    bundle = Bundle.build(organisation)
    return Checked(len(list(organisation.revisions())), len(bundle.rules), list(map(str, lint(bundle))))


def test_folder(folder: Path) -> list[Tested]:
    """Run the decision tests in the folder's `tests`. Raises Invalid with every problem, NotFound for no test."""
    bundle = Bundle.build(organisation_of(read(collect(folder))))
    cases = load(folder / TESTS)
    if not cases:
        raise NotFound(
            f"there is no test in `{folder / TESTS}`", code="policy.no_tests", hint="`autonomy init` shows some"
        )
    return [
        Tested(one.case.row.name, f"{TESTS}/{one.case.file}:{one.case.line}", one.differences)
        for one in run(bundle, cases)
    ]


def test_decisions(folder: Path) -> list[Tested]:
    """Run the tests in the decision tables of the folder. Raises Invalid with every problem, NotFound for no test."""
    organisation = organisation_of(read(collect(folder)), decisions=False)
    # The engine of expressions, which nothing else here needs.
    from autonomy.decisions.checks import outcomes  # noqa: PLC0415

    found = [Tested(name, f"Decision/{table}", said) for table, name, said in outcomes(organisation)]
    if not found:
        raise NotFound(
            "no decision table has a test", code="decision.no_tests", hint="`autonomy init` shows one, under `tests`"
        )
    return found


def organisation_of(folder: Folder, decisions: bool = True) -> Organisation:
    """What a folder alone declares, checked as `apply` checks it; where `decisions` is false, but for its tables.

    Raises Invalid with every problem.
    """
    _, targets = planned(folder, _NOTHING, retire=False)
    organisation = propose(_NOTHING, targets).organisation
    checks: list[Check] = [partial(check_tools, None), check_policies, *([check_decisions] if decisions else [])]
    examine(organisation, checks, frozenset(BUILTIN_TOOLS), folder.declared)
    return organisation
