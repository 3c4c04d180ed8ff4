"""Letters to people go out by the mail connector that whoever runs the server names, within what it may do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from autonomy.kernel.clock import Clock, now
from autonomy.notices.outbox import notice
from autonomy.tools.conformance import CANARY
from tests.gate.works import TOOLS, Works, organisation, works
from tests.tools.candidates.letters import Post

HOLDERS = ["bea@acme.example", "dora@acme.example"]
"""Who may approve what the boss is asked: the others answer for the agent."""


def post_office(port: int, **changed: Any) -> str:
    """The manifest of a mail connector called `post`."""
    spec = {"recipients": '["*@acme.example"]', "site": ""} | changed
    return f"""
apiVersion: autonomy/v1
kind: Connector
metadata: {{ name: post }}
spec:
  use:
    type: mail
    host: 127.0.0.1
    port: {port}
    user: autonomy
    credential: mail-password
    sender: agents@acme.example
    recipients: {spec["recipients"]}
    certificates: mail.pem
    allow: [127.0.0.1/32]
{f"  site: {spec['site']}" if spec["site"] else ""}
"""


@asynccontextmanager
async def telling(
    folder: Path, database: str = "", clock: Clock = now, **changed: Any
) -> AsyncIterator[tuple[Works, Post]]:
    """The works, with a mail server that people are told by."""
    post = Post(folder)
    await post.start()
    files = organisation(tools=f"{TOOLS}---{post_office(post.port, **changed)}")
    try:
        async with works(folder, database, files=files, clock=clock, mail="post") as it:
            await asyncio.to_thread(it.system.secrets.set, "mail-password", CANARY, "person:ada")
            yield it, post
    finally:
        await post.close()


def waiting(it: Works) -> int:
    """How many notices are still to be sent."""
    with it.system.database.reading() as connection:
        return len(connection.execute(select(notice.c.id).where(notice.c.due.is_not(None))).all())


async def test_who_may_approve_gets_a_letter_each(tmp_path: Path, database_url: str) -> None:
    async with telling(tmp_path, database_url) as (it, post):
        held = await it.ask("pay", payee="Erna Muster", amount="150.00")
        assert held.status == "held"
        assert await it.system.notifier.deliver() == len(HOLDERS) and waiting(it) == 0
        assert sorted(str(message["To"]) for message in post.messages) == HOLDERS
        for message in post.messages:
            text = str(message.get_payload())
            assert message["Subject"] == "w1 asks for an approval" and message["From"] == "agents@acme.example"
            assert held.action in text and f"{it.system.settings.public_url}/inbox/{held.action}" in text
            assert "Erna" not in message.as_string() and "150.00" not in text
            assert str(message["Message-ID"]).startswith("<ntc_")


async def test_a_letter_that_the_server_refuses_is_tried_again(tmp_path: Path) -> None:
    at = [now()]
    async with telling(tmp_path, clock=lambda: at[0]) as (it, post):
        await post.behave("refuse")
        await it.ask("pay", payee="p", amount="150.00")
        assert await it.system.notifier.deliver() == 0 and waiting(it) == len(HOLDERS)
        await post.behave("well")
        at[0] += 10_000
        assert await it.system.notifier.deliver() == len(HOLDERS) and waiting(it) == 0


@pytest.mark.parametrize(
    "changed", [{"recipients": "[bea@acme.example]"}, {"site": "factory"}], ids=["not to everybody", "from a site only"]
)
async def test_a_letter_goes_only_where_the_connector_may_write(tmp_path: Path, changed: dict[str, str]) -> None:
    async with telling(tmp_path, **changed) as (it, post):
        await it.ask("pay", payee="p", amount="150.00")
        accepted = await it.system.notifier.deliver()
        assert [str(message["To"]) for message in post.messages] == ([] if "site" in changed else HOLDERS[:1])
        assert (accepted, waiting(it)) == (len(post.messages), len(HOLDERS) - len(post.messages))


async def test_a_connector_that_is_not_there_loses_no_letter(tmp_path: Path) -> None:
    async with works(tmp_path, "", mail="no-such") as it:
        await it.ask("pay", payee="p", amount="150.00")
        assert await it.system.notifier.deliver() == 0 and waiting(it) == len(HOLDERS)
