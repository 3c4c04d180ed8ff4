"""Whatever anybody asks of any operation: no defect shows, and every answer is as the OpenAPI document says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from schemathesis import Case

from autonomy.identity import ROLES, Permission
from tests.server.desk import BY_ACCESS, Client, Desk, desk
from tests.server.fuzzing import Asker, Known, coverage, fuzz, known, needs, operations, organisation
from tests.server.test_access import NEEDS

FEWEST, FEW, MANY = 1, 5, 60  # cases of one operation
ENDING = "sign_out"
"""Whoever asks this has to sign in anew."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A server that the tests of this file wear out together."""
    with desk(tmp_path_factory.mktemp("site"), organisation=organisation()) as found:
        yield found


@pytest.fixture(scope="module")
def names(site: Desk) -> Known:
    return known(site)


@pytest.fixture(scope="module")
def connection() -> Iterator[requests.Session]:
    with requests.Session() as found:
        yield found


def ask_all(desk: Desk, connection: requests.Session, known: Known, name: str, count: int) -> None:
    asker = Asker(desk, connection, desk.person("root"))

    def ask(case: Case) -> None:
        if name == ENDING:
            asker.client = desk.person("root")
        asker.ask(case)

    fuzz(name, known, count, ask)


def test_the_document_has_every_operation() -> None:
    assert operations() == sorted(NEEDS)


@pytest.mark.parametrize("name", operations())
def test_no_operation_breaks_or_answers_otherwise_than_it_says(
    site: Desk, connection: requests.Session, names: Known, name: str
) -> None:
    ask_all(site, connection, names, name, FEW)


@pytest.mark.parametrize("access", [*sorted(ROLES), "nobody"])
def test_who_lacks_a_permission_is_told_so_and_nothing_else(
    site: Desk, connection: requests.Session, names: Known, access: str
) -> None:
    for name in operations():
        ask_as(site, connection, names, access, name, FEWEST)


def ask_as(desk: Desk, connection: requests.Session, known: Known, access: str, name: str, count: int) -> None:
    """Ask as somebody of this access, and look that a missing permission is all they are told of."""
    expected = refusal(access, needs(name))
    asker = Asker(desk, connection, someone(desk, access))

    def ask(case: Case) -> None:
        if name == ENDING:
            asker.client = someone(desk, access)
        status = asker.ask(case).status_code
        assert expected in (None, status), f"{name} answers {status} to {access}"

    fuzz(name, known, count, ask)


def someone(desk: Desk, access: str) -> Client:
    return desk.stranger if access == "nobody" else desk.person(BY_ACCESS[access])


def refusal(access: str, needed: str) -> int | None:
    """The one status that is left to whoever may not ask; None where they may."""
    if needed == "open":
        return None
    if access == "nobody":
        return 401
    return None if needed == "signed-in" or Permission(needed) in ROLES[access] else 403


@pytest.mark.slow
@pytest.mark.timeout(1_200)
def test_no_operation_breaks_however_long_one_asks(
    tmp_path: Path, database_url: str, connection: requests.Session, subtests: pytest.Subtests
) -> None:
    with desk(tmp_path, database_url, organisation=organisation()) as worn:
        names = known(worn)
        for name in operations():
            with subtests.test(name):
                ask_all(worn, connection, names, name, MANY)
                cover(worn, connection, name)


@pytest.mark.slow
@pytest.mark.timeout(1_200)
def test_a_missing_permission_is_all_one_is_told_of_however_long_one_asks(
    tmp_path: Path, database_url: str, connection: requests.Session
) -> None:
    with desk(tmp_path, database_url, organisation=organisation()) as worn:
        names = known(worn)
        for access in (*sorted(ROLES), "nobody"):
            for name in operations():
                ask_as(worn, connection, names, access, name, FEW)


def cover(desk: Desk, connection: requests.Session, name: str) -> None:
    """Ask at and beyond the edge of every constraint."""
    for case in coverage(name):
        Asker(desk, connection, desk.person("root")).ask(case)
