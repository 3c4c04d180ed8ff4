"""A running company for the tests of the command, and people signed in to it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from autonomy.sdk import Client

from .shell import PASSWORD, Company, autonomy, company


@pytest.fixture(autouse=True)
def own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the settings or sessions of the user who runs it, nor another test's."""
    for name in [name for name in os.environ if name.startswith("AUTONOMY_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AUTONOMY_CONFIG", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """The starter company, served for the whole run."""
    with company(tmp_path_factory.mktemp("company")) as found:
        yield found


@pytest.fixture(scope="session")
def passwords(served: Company) -> set[str]:
    """Who has a password by now."""
    link = (served.data / "trial" / "ada.link").read_text().strip()
    Client(served.url).accept_invitation(link.rpartition("/")[2], PASSWORD)
    return {"ada"}


@pytest.fixture
def sign_in(served: Company, passwords: set[str]) -> Callable[[str], Client]:
    """Signs somebody in, to the command and to a client of the test's own."""

    def sign(name: str) -> Client:
        if name not in passwords:
            admin = Client(served.url, str(Client(served.url).sign_in("ada", PASSWORD)["token"]))
            token = admin.invite(name)["link"].rpartition("/")[2]
            Client(served.url).accept_invitation(token, PASSWORD)
            passwords.add(name)
        done = autonomy("login", name, "--url", served.url, input=f"{PASSWORD}\n")
        assert done.code == 0, done.err
        return Client(served.url, str(Client(served.url).sign_in(name, PASSWORD)["token"]))

    return sign


@pytest.fixture
def as_agent(served: Company, monkeypatch: pytest.MonkeyPatch) -> Company:
    """The company, with the key of `payables-1` at hand."""
    monkeypatch.setenv("AUTONOMY_AGENT_KEY", served.key)
    monkeypatch.setenv("AUTONOMY_URL", served.url)
    return served
