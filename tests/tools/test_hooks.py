"""Hooks: what comes in is proven, taken once, recorded, kept sealed, and ends the action it answers."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, web

from autonomy.gate import Housekeeping, answering
from autonomy.insight.secret_use import dated, secret_uses
from autonomy.kernel.clock import now
from autonomy.kernel.errors import (
    AutonomyError,
    Busy,
    Conflict,
    Invalid,
    NotFound,
    TooLarge,
    Unauthenticated,
    Unavailable,
)
from autonomy.tools import deliveries
from autonomy.tools.deliveries import delivery
from autonomy.tools.hooks import Taken
from autonomy.tools.signatures import key_of, prove, sign
from tests.gate.works import TOOLS, Works, organisation, tool, works
from tests.house import served

KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

HOOKS = """
apiVersion: autonomy/v1
kind: Hook
metadata: { name: engine }
spec: { credential: engine-key, action: action, subject: data.customer, maxBytes: 2000, ratePerMinute: 20 }
---
apiVersion: autonomy/v1
kind: Hook
metadata: { name: forge }
spec: { scheme: github, credential: engine-key }
---
apiVersion: autonomy/v1
kind: Hook
metadata: { name: keyless }
spec: { credential: no-such-key }
"""


def engine_tools(port: int, timeout: str = "10s", effect: str = "write-keyed") -> str:
    """A connector to the engine, and a tool whose answer comes in at the hook."""
    start = tool("start", effect, "n: { type: integer }", "  trust: trusted\n  deadline: " + timeout + "\n")
    start = start.replace("connector: plant", "connector: engine").replace(
        "{ function: start }", "{ post: { event: order.start, answer: engine } }"
    )
    return f"""
apiVersion: autonomy/v1
kind: Connector
metadata: {{ name: engine }}
spec:
  use:
    type: webhook
    url: "http://127.0.0.1:{port}/start"
    credential: engine-key
    allow: [127.0.0.1/32]
    timeout: {timeout}
---{start}"""


@asynccontextmanager
async def hooked(folder: Path, database: str, port: int = 9, **more: Any) -> AsyncIterator[Works]:
    """The works with hooks, and a tool of an engine at `port`."""
    timeout, effect = more.pop("timeout", "10s"), more.pop("effect", "write-keyed")
    files = organisation(tools=TOOLS + "---" + engine_tools(port, timeout, effect), hooks=HOOKS)
    async with works(folder, database, files=files, **more) as it:
        await asyncio.to_thread(it.system.secrets.set, "engine-key", KEY, "person:ada")
        yield it


def signed(body: Any, id: str = "msg_1", at: int | None = None) -> tuple[dict[str, str], bytes]:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return sign(key_of(KEY), id, now() // 1000 if at is None else at, text), text


async def take(it: Works, body: Any, id: str = "msg_1", **more: Any) -> Taken:
    return await it.system.hooks.receive("engine", *signed(body, id, **more))


def said(it: Works, id: str) -> Any:
    with it.system.database.reading() as connection:
        return it.system.hooks.said(connection, id)


async def test_a_delivery_is_taken_once_recorded_and_kept_sealed(tmp_path: Path, database_url: str) -> None:
    body = {"type": "order.done", "data": {"customer": "Erna Muster", "note": "canary-of-a-customer"}}
    async with hooked(tmp_path, database_url) as it, hooked(tmp_path, database_url) as other:
        taken = await take(it, body)
        assert not taken.repeated and taken.id.startswith("dlv_")
        for process in (it, other):
            assert await take(process, body) == Taken(taken.id, repeated=True)
        (leaf,) = it.leaves("delivery")
        assert leaf["hook"] == "engine" and leaf["type"] == "order.done" and leaf["delivery"] == taken.id
        assert "Erna" not in json.dumps(leaf) and set(leaf["commitments"]) == {"body"}
        assert it.count(delivery) == 1
        assert said(it, taken.id) == body
        await it.system.vault.erase("Erna Muster", "person:ada", "asked to")
        assert said(it, taken.id) is None


@pytest.mark.parametrize(("body", "kind"), [({"type": "order.done"}, "order.done"), ({}, None)])
async def test_a_header_that_is_not_signed_does_not_say_what_happened(
    tmp_path: Path, body: dict[str, str], kind: str | None
) -> None:
    async with hooked(tmp_path, "") as it:
        headers, text = signed(body)
        await it.system.hooks.receive("engine", headers | {"x-github-event": "order.cancelled"}, text)
        (leaf,) = it.leaves("delivery")
        assert leaf.get("type") == kind


async def test_of_many_at_once_with_one_id_one_is_taken(tmp_path: Path, database_url: str) -> None:
    async with hooked(tmp_path, database_url) as it, hooked(tmp_path, database_url) as other:
        taken = await asyncio.gather(*(take(process, {"type": "x"}) for process in (it, other) for _ in range(8)))
        assert sum(not one.repeated for one in taken) == 1 and len({one.id for one in taken}) == 1
        assert it.count(delivery) == len(it.leaves("delivery")) == 1


@pytest.mark.parametrize(
    ("change", "kind", "code"),
    [
        ({"body": b'{"type": "y"}'}, Unauthenticated, "hook.signature"),
        ({"headers": {"webhook-id": "msg_2"}}, Unauthenticated, "hook.signature"),
        ({"headers": {"webhook-signature": ""}}, Unauthenticated, "hook.signature"),
        ({"late": 400}, Unauthenticated, "hook.time"),
        ({"late": -400}, Unauthenticated, "hook.time"),
        ({"sent": b"[1]"}, Invalid, "hook.body"),
        ({"sent": b"no json"}, Invalid, "json.syntax"),
        ({"sent": b'{"a": 1, "a": 2}'}, Invalid, "json.duplicate_key"),
        ({"sent": b"[" * 900 + b"]" * 900}, Invalid, "json.too_deep"),
        ({"sent": b'{"a": "' + b"x" * 2_000 + b'"}'}, TooLarge, "hook.too_large"),
        ({"hook": "forge"}, Unauthenticated, "hook.signature"),
        ({"hook": "keyless"}, Unavailable, "hook.key"),
        ({"hook": "nowhere"}, NotFound, "hook.unknown"),
    ],
)
async def test_what_is_not_proven_leaves_nothing(
    tmp_path: Path, change: dict[str, Any], kind: type[AutonomyError], code: str
) -> None:
    async with hooked(tmp_path, "") as it:
        headers, body = signed(change.get("sent", {"type": "x"}), at=now() // 1000 - change.get("late", 0))
        headers |= change.get("headers", {})
        with pytest.raises(kind) as caught:
            await it.system.hooks.receive(change.get("hook", "engine"), headers, change.get("body", body))
        assert caught.value.code == code and KEY not in str(caught.value)
        assert it.count(delivery) == 0 and not it.leaves("delivery")


async def test_a_sender_that_floods_is_told_to_wait_and_strangers_do_not_use_its_share_up(tmp_path: Path) -> None:
    at = now()  # a share grows again by one every three seconds: nothing of it here, however slow the machine is
    async with hooked(tmp_path, "", clock=lambda: at) as it:
        for number in range(40):
            with pytest.raises(Unauthenticated):
                await it.system.hooks.receive("engine", signed({})[0], b'{"n": %d}' % number)
        for number in range(20):
            await take(it, {}, f"msg_{number}")
        with pytest.raises(Busy) as caught:
            await take(it, {}, "msg_more")
        assert 0 < caught.value.retry_after <= 60


async def test_a_post_that_somebody_copied_uses_up_nothing_of_its_senders_share(
    tmp_path: Path, database_url: str
) -> None:
    at = now()
    async with hooked(tmp_path, database_url, clock=lambda: at) as it:
        first = await take(it, {"type": "x"}, "msg_0")
        for _ in range(25):
            assert await take(it, {"type": "x"}, "msg_0") == Taken(first.id, repeated=True)
        at_once = await asyncio.gather(*(take(it, {"type": "x"}, "msg_1") for _ in range(25)))
        assert sum(not one.repeated for one in at_once) == 1
        for number in range(2, 20):
            assert not (await take(it, {}, f"msg_{number}")).repeated
        with pytest.raises(Busy):
            await take(it, {}, "msg_more")


async def test_a_post_of_github_is_taken_once_for_its_body(tmp_path: Path) -> None:
    async with hooked(tmp_path, "") as it:
        body = b'{"action": "opened", "number": 7}'
        mac = hmac.new(key_of(KEY), body, hashlib.sha256).hexdigest()
        headers = {"x-hub-signature-256": f"sha256={mac}", "x-github-event": "issues", "x-github-delivery": "1"}
        taken = await it.system.hooks.receive("forge", headers, body)
        # The delivery's id is not signed: who copied the post could send it under another.
        again = await it.system.hooks.receive("forge", headers | {"x-github-delivery": "2"}, body)
        assert again == Taken(taken.id, repeated=True)
        # Nor is its time: it would be new again if it were forgotten.
        later = Housekeeping(it.system.queue, 1, lambda: now() + 400 * 86_400_000)
        await it.system.queue.perform(later.tidy)
        assert await it.system.hooks.receive("forge", headers, body) == Taken(taken.id, repeated=True)
        (leaf,) = it.leaves("delivery")
        assert leaf["type"] == "issues" and "answers" not in leaf


class Engine:
    """A little workflow engine: takes signed posts, each once, and calls back when it is done."""

    def __init__(self) -> None:
        self.started: list[dict[str, Any]] = []
        self.ids: set[str] = set()
        self.posts = 0
        self.arrived = asyncio.Event()
        self.quiet = False
        self.back = ""
        self.runner = web.ServerRunner(web.Server(self._take), shutdown_timeout=0.1)
        self.port = 0

    async def _take(self, request: web.BaseRequest) -> web.Response:
        body = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        proven = prove("standard", key_of(KEY), headers, body, now() // 1000, 300)
        self.posts += 1
        if proven.id not in self.ids:
            self.ids.add(proven.id)
            self.started.append(json.loads(body))
        self.arrived.set()
        if not self.quiet:
            await self.call_back(proven.id)
        return web.json_response({"started": True}, status=202)

    async def call_back(self, action: str, **data: Any) -> int:
        headers, body = signed({"type": "order.done", "action": action, "data": data or {"ok": True}}, f"done-{action}")
        async with ClientSession() as session, session.post(self.back, data=body, headers=headers) as answer:
            return answer.status

    async def __aenter__(self) -> Engine:
        await self.runner.setup()
        site = web.TCPSite(self.runner, "127.0.0.1", 0)
        await site.start()
        assert site._server is not None and isinstance(site._server, asyncio.Server)
        self.port = site._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.runner.cleanup()


async def test_a_workflow_engine_gets_a_signed_call_and_its_call_back_is_the_result(
    tmp_path: Path, database_url: str
) -> None:
    async with Engine() as engine, hooked(tmp_path, database_url, engine.port) as it, served(it.system) as url:
        engine.back = f"{url}/hooks/engine"
        reply = await it.ask("start", n=7)
        assert reply.status == "done", reply
        (started,) = engine.started
        assert started["type"] == "order.start" and started["data"] == {"n": 7} and started["action"] == reply.action
        assert reply.result["data"] == {"ok": True}  # type: ignore[index,call-overload]
        assert it.story(reply.action) == ["intent", "outcome done"]
        assert await engine.call_back(reply.action) == 200  # it calls back once more, and is told that it has
        assert it.count(delivery) == 1


async def test_an_answer_that_comes_in_at_another_process_is_heard(tmp_path: Path, database_url: str) -> None:
    async with (
        Engine() as engine,
        hooked(tmp_path, database_url, engine.port) as it,
        hooked(tmp_path, database_url, engine.port) as other,
    ):
        engine.quiet = True
        asked = asyncio.create_task(it.ask("start", n=7))
        await engine.arrived.wait()
        (action,) = engine.ids
        await take(other, {"action": action, "data": 1}, "done")
        assert (await asked).status == "done"


async def test_what_we_posted_is_no_answer_to_itself(tmp_path: Path, database_url: str) -> None:
    async with Engine() as engine, hooked(tmp_path, database_url, engine.port, timeout="400ms") as it:
        engine.quiet = True
        reply = await it.ask("start", n=7)
        ours = {"type": "order.start", "action": reply.action, "data": {"n": 7}}
        with pytest.raises(Unauthenticated) as refused:
            await take(it, ours, reply.action)
        assert refused.value.code == "hook.own"
        assert it.leaves("delivery") == [] and (await it.result(reply.action)).status == "unknown"


async def test_posts_that_answer_nothing_do_not_keep_answers_from_being_heard(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answering, "TAKE", 2)
    monkeypatch.setattr(answering, "SEEN", 3)
    async with Engine() as engine, hooked(tmp_path, database_url, engine.port, timeout="400ms") as it:
        it.plant.behaves["shout"] = lambda *_: _broken()
        lost = await it.ask("shout", n=1)
        for number in range(8):
            await take(it, {"action": lost.action}, f"stray_{number}")
        engine.quiet = True
        reply = await it.ask("start", n=7)
        assert (lost.status, reply.status) == ("unknown", "unknown")
        await take(it, {"action": reply.action, "data": {"n": 1}}, "late")
        for _ in range(6):
            await it.system.answering.look()
        assert it.story(reply.action) == ["intent", "outcome unknown", "reconcile done"]
        assert (await it.result(lost.action)).status == "unknown"


def _broken() -> None:
    raise RuntimeError("broken")


async def test_an_answer_after_the_deadline_ends_what_was_of_unknown_ending(tmp_path: Path, database_url: str) -> None:
    async with Engine() as engine, hooked(tmp_path, database_url, engine.port, timeout="400ms") as it:
        engine.quiet = True
        reply = await it.ask("start", n=7)
        assert reply.status == "unknown" and len(engine.started) == 1 and engine.posts == 2  # keyed: it was repeated
        await take(it, {"action": reply.action, "data": {"n": 1}}, "late")
        await it.system.answering.look()
        assert (await it.result(reply.action)).result == {"action": reply.action, "data": {"n": 1}}
        assert it.story(reply.action) == ["intent", "outcome unknown", "reconcile done"]
        (found,) = it.leaves("reconcile")
        assert (found["via"], found["by"], found["code"]) == ("delivery", "hook:engine", "action.answered")
        await it.system.answering.look()
        with pytest.raises(Conflict):
            await it.system.taking_up.resolve(reply.action, "failed", "person:ada", "too late")


async def test_a_delivery_answers_only_actions_of_tools_that_name_its_hook(tmp_path: Path) -> None:
    async with hooked(tmp_path, "") as it:
        it.plant.behaves["shout"] = lambda *_: (_ for _ in ()).throw(RuntimeError("broken"))
        reply = await it.ask("shout", n=1)
        assert reply.status == "unknown"
        await take(it, {"action": reply.action}, "forged")
        for _ in range(2):
            await it.system.answering.look()
        assert (await it.result(reply.action)).status == "unknown"


async def test_a_receiver_that_is_gone_fails_the_action_and_it_is_not_awaited(tmp_path: Path) -> None:
    async with Engine() as engine:
        port = engine.port
    async with hooked(tmp_path, "", port) as it:
        reply = await it.ask("start", n=1)
        assert (reply.status, reply.code) == ("failed", "upstream.unreachable")


async def test_deliveries_are_listed_newest_first_page_by_page(tmp_path: Path, database_url: str) -> None:
    async with hooked(tmp_path, database_url) as it:
        ids = [(await take(it, {"n": n}, f"msg_{n}")).id for n in range(5)]
        with it.system.database.reading() as connection:
            first = deliveries.page(connection, "engine", 3, None)
            rest = deliveries.page(connection, None, 3, first[-1])
            assert deliveries.page(connection, "forge", 3, None) == []
        assert [one.id for one in (*first, *rest)] == sorted(ids, key=lambda id: (by_time(it, id), id), reverse=True)


def by_time(it: Works, id: str) -> int:
    with it.system.database.reading() as connection:
        found = deliveries.find(connection, id)
    assert found is not None
    return found.at


async def test_a_hook_that_a_tool_names_must_be_declared(tmp_path: Path) -> None:
    files = organisation(tools=TOOLS + "---" + engine_tools(9))
    with pytest.raises(Invalid):
        async with works(tmp_path, "", files=files):
            pass


async def test_the_audit_of_secrets_says_which_hooks_use_a_key_and_when_they_last_did(
    tmp_path: Path, database_url: str
) -> None:
    async with hooked(tmp_path, database_url) as it:
        began = now()
        await take(it, {"type": "order.done"})
        house = await it.system.watch.house()
        uses = secret_uses(house.organisation, house.registry, {"engine-key"})
        found = await it.system.database.read(lambda connection: dated(connection, uses))
    lines = {(one.secret, one.agent): one for one in found}
    own = lines["engine-key", None]
    assert own.purposes == ("hook/engine", "hook/forge") and own.stored is True
    assert own.last_used is not None and began <= own.last_used <= now()
    assert lines["engine-key", "w1"].connectors == ("engine",) and lines["engine-key", "w1"].purposes == ()
    never = lines["no-such-key", None]
    assert (never.purposes, never.stored, never.last_used) == (("hook/keyless",), False, None)
