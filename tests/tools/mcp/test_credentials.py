"""What MCP servers at a URL are shown: tokens, each agent's own credential, client certificates; and what they list to
whom."""

from __future__ import annotations

import asyncio
import ssl
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from autonomy.catalog.mcp_server import McpConnector
from autonomy.catalog.services import HttpService
from autonomy.kernel.errors import Invalid, NotFound
from autonomy.tools import Invocation, Refused, Unreachable
from autonomy.tools.attempt import Attempt
from autonomy.tools.connectors.mcp import McpServer
from autonomy.tools.credential import Credential
from autonomy.tools.drift import Unremembered
from autonomy.tools.endpoint import Answer
from autonomy.tools.mcp.looking import look
from autonomy.tools.outbound import Outbound

from ..organisations import Bench, revision
from ..services import serving
from ..test_upstream_credentials import Authority, issue, pem
from .servers import WORK, bench, pinned
from .site import TOOL, Heard, Message, Said, Site, result, text

AGENT = {"roles": ["r"], "sponsor": "ada", "owner": "ada", "supervisor": "r"}


async def who(heard: Heard, said: Said) -> None:
    """Says by which credential it was called."""
    await said.json(result(heard, text(heard.headers.get("authorization", "nobody").replace("Bearer ", "as "))))


def revealing(secrets: dict[str, str]) -> Any:
    def reveal(name: str) -> Credential:
        if name not in secrets:
            raise NotFound(f"there is no secret `{name}`", code="secret.unknown")
        return Credential(name, hash(secrets[name]), secrets[name])

    return reveal


async def call(made: Bench, agent: str = "buyer") -> Any:
    return (await made.connectors.call(made.tool("work"), {}, Invocation("act_1", agent, 20.0))).value


@asynccontextmanager
async def guarded(site: Site, effect: str = "write-neither", **oauth: Any) -> AsyncIterator[tuple[Bench, Authority]]:
    """Connectors to a site that takes the tokens of an authorization server which have not been revoked."""
    authority, answer = Authority(expires_in=3600), site._answer

    async def strictly(heard: Heard, said: Said) -> None:
        token = heard.headers.get("authorization", "").removeprefix("Bearer ")
        if not token.startswith("token-") or token in authority.revoked:
            return await said.json({"error": "invalid_token"}, 401)
        await answer(heard, said)

    site._answer = strictly  # type: ignore[method-assign]
    async with serving(authority) as port, site.served() as use:
        declared = {"tokenUrl": f"http://127.0.0.1:{port}/token", "clientId": "autonomy", **oauth}
        made = bench(
            {**use, "oauth": {"grant": "client_credentials", "clientSecret": "client", **declared}},
            pinned("work", WORK, effect=effect),
            revision("Agent", "buyer", AGENT),
            revision("Agent", "seller", AGENT),
            reveal=revealing({"client": "client-canary", "client/buyer": "one-canary", "client/seller": "two-canary"}),
        )
        async with made:
            yield made, authority


@pytest.mark.parametrize("era", ["modern", "legacy"])
async def test_a_token_for_this_server_and_no_other_is_fetched_once(era: str) -> None:
    site = Site(who, era=era)
    async with guarded(site) as (made, authority):
        assert await asyncio.gather(*(call(made) for _ in range(10))) == [{"text": "as [credential]"}] * 10
        url = made.organisation.get("Connector", "desk").spec.use.url  # type: ignore[union-attr]
    assert authority.forms == [{"grant_type": "client_credentials", "resource": url}]
    assert {one.headers["authorization"] for one in site.heard} == {"Bearer token-1"}


@pytest.mark.parametrize("era", ["modern", "legacy"])
async def test_a_token_that_ended_is_renewed_once_and_the_write_is_done_once(era: str) -> None:
    site = Site(who, era=era)
    async with guarded(site) as (made, authority):
        await call(made)
        (held,) = made.connectors._outbound._tokens._held.values()
        held.fetched_at -= 60  # otherwise a refusal at once would be believed
        authority.revoked.add("token-1")
        assert await call(made) == {"text": "as [credential]"}
    assert len(authority.forms) == 2
    done = [one for one in site.heard if one.message.get("method") == "tools/call"]
    assert [one.headers["authorization"] for one in done[-2:]] == ["Bearer token-1", "Bearer token-2"]


async def test_a_server_that_takes_no_token_is_not_asked_for_ever() -> None:
    site = Site(who)
    async with guarded(site) as (made, authority):
        authority.revoked = {f"token-{n}" for n in range(100)}
        for _ in range(3):
            with pytest.raises(Refused) as caught:
                await call(made)
            assert caught.value.code == "upstream.unauthorized" and "token-" not in str(caught.value.as_dict())
    assert len(authority.forms) == 1


async def test_an_authorization_server_that_says_no_means_that_nothing_was_asked() -> None:
    site = Site(who)
    async with guarded(site) as (made, authority):
        authority.refuse = 400, {"error": "invalid_client"}
        with pytest.raises(Refused) as caught:
            await call(made)
    assert caught.value.code == "credential.refused" and site.heard == []


async def test_each_agent_has_a_client_of_its_own() -> None:
    site = Site(who)
    async with guarded(site, clientSecret="client/{agent}") as (made, authority):
        await call(made, "buyer")
        await call(made, "seller")
        await call(made, "buyer")
    assert len(authority.forms) == 2
    done = [one.headers["authorization"] for one in site.heard if one.message.get("method") == "tools/call"]
    assert done == ["Bearer token-1", "Bearer token-2", "Bearer token-1"]


class Rooms(Site):
    """A server that knows two accounts: each has its own session and its own list of tools."""

    lists: dict[str, list[Message]]

    async def _answer(self, heard: Heard, said: Said) -> None:
        account = heard.headers["authorization"].removeprefix("Bearer key of ")
        self.session, self.tools = f"session-of-{account}", self.lists[account]
        await super()._answer(heard, said)


@asynccontextmanager
async def rooms(era: str, lists: dict[str, list[Message]], effect: str = "read") -> AsyncIterator[tuple[Bench, Rooms]]:
    site = Rooms(who, era=era)
    site.lists = lists
    secrets = {f"desk/{name}": f"key of {name}" for name in lists}
    async with site.served() as use:
        declared = {**use, "credential": "desk/{agent}"}
        async with bench(declared, pinned("work", WORK, effect=effect), reveal=revealing(secrets)) as made:
            yield made, site


@pytest.mark.parametrize("era", ["modern", "legacy"])
async def test_each_agent_is_itself_in_a_session_of_its_own(era: str) -> None:
    async with rooms(era, {"buyer": [TOOL], "seller": [TOOL]}) as (made, site):
        for agent in ("buyer", "seller", "buyer"):
            await call(made, agent)
        contacts = made.connectors._lines["desk"].connector._contacts.values()  # type: ignore[attr-defined]
        assert len({id(contact._looked.tools) for contact in contacts}) == 1, "what is listed alike is kept once"
    for one in site.heard:
        account = one.headers["authorization"].removeprefix("Bearer key of ")
        assert one.headers.get("mcp-session-id", f"session-of-{account}") == f"session-of-{account}"
    assert site.methods().count("tools/list") == 3, "each looks before each call"
    assert site.methods().count("DELETE") == (2 if era == "legacy" else 0)


async def test_an_agent_without_a_credential_there_is_refused_and_stops_nobody_else() -> None:
    async with rooms("modern", {"buyer": [TOOL]}) as (made, site):
        for _ in range(8):
            with pytest.raises(Refused) as caught:
                await call(made, "stranger")
            assert caught.value.code == "secret.unknown"
        assert await call(made, "buyer") == {"text": "as [credential]"}
    assert all(one.headers["authorization"] == "Bearer key of buyer" for one in site.heard)


async def test_a_tool_that_one_agent_is_not_offered_there_rests_for_nobody() -> None:
    other = {**TOOL, "name": "other"}
    noted: list[tuple[str, ...]] = []

    class Noting(Unremembered):
        def note(self, *what: str) -> None:
            noted.append(what)

    site = Rooms(who)
    site.lists = {"buyer": [TOOL, other], "seller": [other], "clerk": [{**TOOL, "title": "Another"}]}
    secrets = {f"desk/{name}": f"key of {name}" for name in site.lists}
    async with site.served() as use:
        declared = {**use, "credential": "desk/{agent}"}
        made = bench(declared, pinned("work", WORK), reveal=revealing(secrets), wordings=Noting())
        async with made:
            with pytest.raises(Refused) as caught:
                await call(made, "seller")
            assert caught.value.code == "upstream.not_offered" and noted == []
            assert await call(made, "buyer") == {"text": "as [credential]"}
            with pytest.raises(Refused) as caught:
                await call(made, "clerk")
    assert caught.value.code == "tool.drifted" and len(noted) == 1, "another wording is looked at by a person"


@asynccontextmanager
async def secured(served: ssl.SSLContext) -> AsyncIterator[str]:
    """An MCP server that wants a client certificate and says whose it saw."""

    async def answer(request: Any) -> web.Response:
        asked = await request.json()
        name = request.transport.get_extra_info("peercert")["subject"][0][0][1]
        said: dict[str, Any] = {
            "server/discover": {"supportedVersions": ["2026-07-28"], "capabilities": {}},
            "tools/list": {"tools": [TOOL]},
            "tools/call": text(name),
        }[asked["method"]]
        return web.json_response({"jsonrpc": "2.0", "id": asked["id"], "result": said})

    runner = web.ServerRunner(web.Server(answer), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=served)
    await site.start()
    assert site._server is not None
    try:
        yield f"https://localhost:{site._server.sockets[0].getsockname()[1]}/mcp"  # type: ignore[attr-defined]
    finally:
        await runner.cleanup()


async def test_each_agent_shows_its_own_client_certificate_and_none_opens_nothing(tmp_path: Path) -> None:
    authority = issue("test authority")
    path = tmp_path / "server.pem"
    path.write_text(pem(*issue("localhost", authority, server=True)))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    context.load_verify_locations(cadata=pem(authority[0]))
    context.verify_mode = ssl.CERT_REQUIRED
    secrets = {"ca": pem(authority[0]), **{f"tls/{name}": pem(*issue(name, authority)) for name in ("buyer", "seller")}}
    async with secured(context) as url:
        use = {"type": "mcp", "url": url, "allow": ["127.0.0.1/32", "::1/128"], "authorities": "ca"}
        known = bench({**use, "certificate": "tls/{agent}"}, pinned("work", WORK), reveal=revealing(secrets))
        async with known:
            assert [await call(known, agent) for agent in ("buyer", "seller")] == [
                {"text": "buyer"},
                {"text": "seller"},
            ]
        async with bench(use, pinned("work", WORK), reveal=revealing(secrets)) as stranger:
            with pytest.raises(Unreachable):
                await call(stranger)


@pytest.mark.parametrize(
    "use",
    [
        {"command": ["x"], "oauth": {"grant": "client_credentials", "tokenUrl": "https://i.example", "clientId": "c"}},
        {"command": ["x"], "certificate": "c"},
        {"command": ["x"], "credential": "desk/{agent}", "variable": "TOKEN"},
        {
            "url": "https://desk.example/mcp",
            "credential": "c",
            "oauth": {
                "grant": "client_credentials",
                "tokenUrl": "https://i.example",
                "clientId": "c",
                "clientSecret": "s",
            },
        },
    ],
)
def test_what_does_not_go_together_is_refused_when_declared(use: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"belong to a `url`|needs|one program serves|both `credential`"):
        McpConnector(type="mcp", **use)


async def test_a_server_that_knows_each_agent_can_be_looked_at_with_one_credential() -> None:
    site = Site(who)
    async with site.served() as use:
        found = await look(McpConnector(**{**use, "credential": "desk/{agent}"}), "canary", 20.0)
        assert list(found) == ["work"] and site.heard[-1].headers["authorization"] == "Bearer canary"
        with pytest.raises((Invalid, Refused)):
            await look(McpConnector(**{**use, "credential": "desk/{agent}"}), None, 20.0)


async def test_five_thousand_agents_with_their_own_session_take_less_than_fifty_megabytes() -> None:
    class Quick:
        """A server without a network, that lists the same to everybody."""

        base = None

        async def send(self, _method: str, _target: Any, headers: Any, body: bytes, *_: Any) -> Answer:
            import json

            asked = json.loads(body)
            said: Message = {
                "server/discover": {"supportedVersions": ["2026-07-28"]},
                "tools/list": {"tools": [{**TOOL, "name": f"work-{n}"} for n in range(4)]},
            }[asked["method"]]
            answered = json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": said})
            return Answer(200, "application/json", None, answered)

        async def close(self) -> None:
            """Nothing is open."""

    class Quiet(Outbound):
        def endpoint(self, spec: HttpService) -> Any:
            return Quick()

    use = McpConnector(type="mcp", url="https://desk.example/mcp", credential="desk/{agent}")
    outbound = Quiet(lambda name: Credential(name, 1, "k" * 40 + name), Path())
    server = McpServer("desk", use, outbound, Unremembered())
    tracemalloc.start()
    for number in range(5_000):
        await server.list_tools(Attempt(False, 5.0), f"agent-{number}")
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(server._contacts) == 5_000
    assert used < 50_000_000, used
    await server.close()
