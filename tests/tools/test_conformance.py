"""Every connector we ship does what any connector must, and a connector that does not is found out."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from autonomy.catalog.model import ConnectorSpec
from autonomy.kernel.canonical import Json
from autonomy.tools import Invocation, Refused
from autonomy.tools.conformance import CHECKS, Candidate, Check, Unfit, checks_for, examine

from .candidates import CANDIDATES, Place
from .candidates.functions import Ledger, make_function


@pytest.fixture
def place(tmp_path: Path, request: pytest.FixtureRequest) -> Place:
    """A folder and, where the candidate wants one, a database."""
    wanted = "PostgreSQL" in request.node.name
    return Place(tmp_path, request.getfixturevalue("postgres_url") if wanted else "")


TIMED = {"a_read_ends_at_its_deadline", "a_write_ends_at_its_deadline_and_says_what_is_known"}
"""Checks that wait for a deadline to pass, a second each."""

ALWAYS = {"sql on SQLite", "http", "process"}
"""Whose deadlines every run waits for; the others' are for `make test-all`."""

EXAMINED = [
    pytest.param(
        check, name, id=f"{check}-{name}", marks=pytest.mark.slow if check.name in TIMED and name not in ALWAYS else ()
    )
    for check in CHECKS
    for name in CANDIDATES
]


@pytest.mark.parametrize(("check", "name"), EXAMINED)
def test_our_connectors_conform(check: Check, name: str, place: Place) -> None:
    async def run() -> None:
        candidate = await CANDIDATES[name](place)
        await candidate.system.close()
        if check in checks_for(candidate):
            await check.run(lambda: CANDIDATES[name](place))

    asyncio.run(asyncio.wait_for(run(), 30))


def test_every_type_of_connector_has_a_candidate() -> None:
    uses = ConnectorSpec.model_json_schema()["properties"]["use"]["discriminator"]["mapping"]
    assert {name.partition(" ")[0] for name in CANDIDATES} == set(uses)


class Blunt(Ledger):
    """A connector that does everything wrong that can be done wrong."""

    async def __call__(self, function: str, arguments: Mapping[str, Json], invocation: Invocation) -> Json:
        secret = invocation.credential.reveal() if invocation.credential else ""
        self.heard += 1
        self.done[invocation.action_id] += 1
        if self.how in ("break", "gone", "stale", "refuse"):
            return {}
        if self.how == "leak":
            raise Refused(" ".join(secret))
        return secret[::-1]


WRONG = {
    "a_read_gives_a_value_and_changes_nothing",
    "a_repeat_under_the_same_key_has_no_second_effect",
    "a_refusal_is_told_as_one",
    "a_record_that_has_changed_is_told_as_such",
    "a_read_ends_at_its_deadline",
    "a_write_ends_at_its_deadline_and_says_what_is_known",
    "a_cancelled_call_ends_at_once_and_the_next_one_works",
    "a_system_that_is_gone_is_told_as_such",
    "a_lost_answer_leaves_a_write_in_doubt",
    "an_answer_beyond_the_limit_is_an_error",
}


def test_a_connector_that_does_it_wrong_is_found_out(place: Place) -> None:
    async def blunt() -> Candidate:
        made = await make_function(place)
        system = Blunt()
        return replace(made, system=system, functions={"ledger": system})

    found = asyncio.run(examine(blunt))
    assert {name for name, said in found.items() if said} == WRONG


def test_a_credential_that_is_logged_is_found_out(place: Place) -> None:
    async def talks() -> Candidate:
        made = await make_function(place)

        async def logs(function: str, arguments: Mapping[str, Json], invocation: Invocation) -> Json:
            assert invocation.credential is not None
            logging.getLogger("acme").warning("using %s", invocation.credential.reveal())
            return {}

        return replace(made, functions={"ledger": logs})

    (check,) = [each for each in CHECKS if each.name == "a_credential_is_in_nothing_that_is_shown"]
    with pytest.raises(Unfit, match="credential"):
        asyncio.run(check.run(talks))


def test_no_server_loads_the_suite_and_the_suite_loads_no_test_framework() -> None:
    script = (
        "import sys, autonomy.server; assert 'autonomy.tools.conformance' not in sys.modules; "
        "import autonomy.tools.conformance; assert 'pytest' not in sys.modules; print('both')"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "both"
