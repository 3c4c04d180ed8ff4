"""MCP servers and personal credentials at a site: what only the control plane knows comes with the order, what the site
finds out comes back."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from autonomy.kernel.errors import NotFound, Unavailable
from autonomy.tools import Refused
from autonomy.tools.credential import Credential
from autonomy.tools.drift import found_by
from autonomy.tools.errors import Unreachable
from autonomy.tools.sites import Counter, Ending, Performing, Worker
from autonomy.tools.sites.model import Order
from autonomy.tools.sites.performing import kept_in, secrets_in
from tests.house import House

from .site import TOOL, Site
from .test_credentials import who
from .test_drift import ORGANISATION, PEOPLE, RULES, STAFF, accept, agent, canonical, changes, done, house, shown

AT_THE_FACTORY = ORGANISATION.replace("spec: {{ use: {{ type: mcp", "spec: {{ site: factory, use: {{ type: mcp")


@asynccontextmanager
async def works(
    folder: Path, database: str, site: Site, secrets: dict[str, str], more: str = ""
) -> AsyncIterator[tuple[House, Performing]]:
    """A control plane, and a worker at the factory, where the MCP server stands."""

    def reveal(name: str) -> Credential:
        if name not in secrets:
            raise NotFound(f"there is no secret `{name}`", code="secret.unknown")
        return Credential(name, 1, secrets[name])

    async with site.served() as use:
        declared = AT_THE_FACTORY.format(url=use["url"], wording=canonical.digest(TOOL))
        declared = declared.replace("allow: [127.0.0.1/32]", f"allow: [127.0.0.1/32]{more}")
        files = {"a.yaml": "---".join((PEOPLE, STAFF, agent("max"), declared)), "rules.cedar": RULES}
        async with house(folder, database, files) as it:
            performing = Performing("factory", reveal, folder)
            worker = Worker(Counter(it.system.sites.office, "factory"), performing.perform)
            working = asyncio.create_task(worker.run())
            try:
                yield it, performing
            finally:
                working.cancel()
                await asyncio.gather(working, return_exceptions=True)
                await performing.close()


async def test_a_tool_that_drifted_at_a_site_rests_until_a_person_accepts_it_here(
    tmp_path: Path, database_url: str
) -> None:
    site = Site(done)
    async with works(tmp_path, database_url, site, {}) as (it, _):
        assert (await it.ask("max", "desk.work", {"n": 1})).status == "done"
        site.tools = [TOOL | {"title": "Work!"}]
        refused = await it.ask("max", "desk.work", {"n": 2})
        assert (refused.status, refused.code) == ("failed", "tool.drifted")
        assert site.methods().count("tools/call") == 1, "nothing was sent"
        await it.system.watch.refresh()
        assert (await it.ask("max", "desk.work", {"n": 3})).code == "tool.quarantined"
        assert await shown(it) == []
        assert await asyncio.to_thread(accept, it, "desk.work") == ["desk.work"]
        await it.system.watch.refresh()
        assert (await it.ask("max", "desk.work", {"n": 4})).status == "done"
        assert await shown(it) == ["desk.work: Do the work"]
        site.tools = [TOOL | {"title": "Work again!"}]
        assert (await it.ask("max", "desk.work", {"n": 5})).code == "tool.drifted", "another change is looked at again"
        told = [leaf["operation"] for leaf in changes(it)]
        assert told == ["tool.accept", "tool.drift", "tool.accept", "tool.drift"]


async def test_the_secret_of_who_answers_for_the_agent_is_found_at_the_site(tmp_path: Path) -> None:
    """The site knows nobody: whose secret is meant comes with the order, and nothing that no secret is named by."""
    site = Site(who)
    named = ', credential: "people/{sponsor}.{agent}"'
    async with works(tmp_path, "", site, {"people/sam.max": "canary"}, named) as (it, performing):
        reply = await it.ask("max", "desk.work", {"n": 1})
        assert (reply.status, reply.result) == ("done", {"text": "as [credential]"}), reply
        assert performing._places == {"max": {"sponsor": "sam", "agent": "max"}}
    assert {one.headers["authorization"] for one in site.heard} == {"Bearer canary"}


async def test_a_site_remembers_a_bounded_number_of_accepted_wordings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autonomy.tools.sites.performing.KNOWN_WORDINGS", 2)
    pinned, accepted = "0" * 64, "1" * 64

    def no_secret(name: str) -> Credential:
        raise AssertionError(f"nobody may ask for `{name}`")

    performing = Performing("factory", no_secret, tmp_path, programs=())
    spec = {"site": "factory", "use": {"type": "mcp", "command": ["not-admitted"]}}
    for tool in ("first", "again", "first", "last"):
        call = {"tool": {"name": tool, "wording": pinned}}
        with pytest.raises(Unreachable):
            await performing.perform(Order("desk", "d", spec, call, {}, "act_1", "max", False, wording=accepted), 5.0)
    told = {tool: performing._wordings.accepted("desk", tool, pinned) for tool in ("first", "again", "last")}
    assert told == {"first": accepted, "again": None, "last": accepted}
    await performing.close()


@pytest.mark.parametrize("found", ["x", "A" * 64, "0" * 65, 7, None])
def test_what_a_site_says_of_a_drift_is_a_wording_or_not_believed(found: Any) -> None:
    assert found_by(Refused("no", code="tool.drifted", found=found)) is None
    assert found_by(Refused("no", found="0" * 64)) is None
    assert found_by(Refused("no", code="tool.drifted", found="0" * 64)) == "0" * 64


def test_an_ending_carries_the_plain_details_of_an_error_and_nothing_else() -> None:
    said = Ending.of(Unreachable("later", code="upstream.later", status=503, retry_after_s=7, odd=object()))
    with pytest.raises(Unreachable) as caught:
        said.result()
    assert caught.value.detail == {"status": 503, "retry_after_s": 7}


def test_a_renewed_token_is_kept_in_the_file_of_the_secret(tmp_path: Path) -> None:
    keep, reveal = kept_in(tmp_path), secrets_in(tmp_path)
    with pytest.raises(Unavailable, match="cannot be written"):
        keep("crm-refresh", "second")  # what was taken away does not come back
    (tmp_path / "crm-refresh").write_text("first\n")
    (tmp_path / "crm-refresh").chmod(0o600)
    first = reveal("crm-refresh")
    keep("crm-refresh", "second")
    second = reveal("crm-refresh")
    assert first.given == second.given
    os.utime(tmp_path / "crm-refresh", ns=(1, 1))  # as if a person had written it at another time
    assert reveal("crm-refresh").given != first.given
    assert (first.reveal(), second.reveal()) == ("first", "second") and first.version != second.version
    assert [path.name for path in tmp_path.iterdir()] == ["crm-refresh"]
    for name in ("../crm-refresh", "", "none/deep/er"):
        with pytest.raises(NotFound):
            keep(name, "x")
    with pytest.raises(Unavailable, match="cannot be written"):
        keep("no-folder/token", "x")
