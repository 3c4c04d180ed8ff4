"""Watching a system changes nothing, keeps no values, and ends in an organisation that allows just what was seen."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp_types import Implementation

from autonomy.catalog import collect, read
from autonomy.catalog.files import write
from autonomy.catalog.yaml_text import read as read_yaml
from autonomy.recording.manifests import credential_of, manifests, tools_of
from autonomy.recording.mcp import Conversation
from autonomy.recording.place import Place
from autonomy.recording.report import report
from autonomy.recording.rest import Interface
from autonomy.recording.seen import Seen, restored
from autonomy.tools.mcp.definitions import MAX_TOOLS
from autonomy.wiring import Settings, open_system
from tests.cli.shell import autonomy
from tests.house import House
from tests.protocols.serving import serving
from tests.tools.mcp.servers import ROOT, tickets
from tests.tools.mcp.test_http import serving_sdk

AUTONOMY = Path(sys.executable).with_name("autonomy")
SECRET = "hunter2-correct-horse"
NAME = "Wilhelmina Quist"


def wrapped(folder: Path, *options: str) -> StdioServerParameters:
    """The help desk as a client starts it that has `autonomy record` put before its command."""
    use = tickets()
    arguments = ["record", str(folder), "--name", "desk", *options, "--", *use["command"]]
    return StdioServerParameters(command=str(AUTONOMY), args=arguments, env=use["environment"], cwd=str(ROOT))


async def at_the_desk(parameters: StdioServerParameters) -> list[Any]:
    """What somebody does at the help desk, and hears."""
    async with Client(stdio_client(parameters)) as client:
        listed = [tool.name for tool in (await client.list_tools()).tools]
        heard = [
            await client.call_tool("add_note", {"id": 7, "note": f"called {NAME}"}),
            await client.call_tool("add_note", {"id": 12, "note": "ok"}),
            await client.call_tool("close_ticket", {"id": 40}),
            await client.call_tool("close_ticket", {"id": 101}),
        ]
        return [listed, *(one.model_dump() for one in heard)]


async def test_a_watched_program_answers_as_before_and_its_use_becomes_an_organisation(tmp_path: Path) -> None:
    use, folder = tickets(), tmp_path / "org"
    plain = StdioServerParameters(
        command=use["command"][0], args=use["command"][1:], env=use["environment"], cwd=str(ROOT)
    )
    assert await at_the_desk(wrapped(folder)) == await at_the_desk(plain)
    text = everything(folder)
    assert NAME not in text
    assert "values" not in (folder / ".recording/seen.json").read_text()
    tool = yaml_of(folder / "tools/desk.add_note.yaml")
    assert tool["input"] == {
        "type": "object",
        "properties": {
            "id": {"type": "integer"},
            "note": {"type": "string", "maxLength": 50},
        },
        "required": ["id", "note"],
    }
    assert (tool["effect"], tool["call"]["tool"]["name"]) == ("write-neither", "add_note")
    assert not (folder / "tools/desk.get_ticket.yaml").exists(), "it was listed, never used"
    report = (folder / "REPORT.md").read_text()
    assert "`desk.close_ticket`: it changes something" in report
    with organisation(folder) as house:
        assert (await ask(house, "desk-mcp", "desk.add_note", id=7, note="hello")).status == "done"
        assert (await ask(house, "desk-mcp", "desk.add_note", id=7, note="x" * 51)).code == "arguments.invalid"
        assert (await ask(house, "desk-mcp", "desk.hang")).code == "tool.unknown"
        await close(house)


async def test_a_recording_goes_on_where_it_was_left(tmp_path: Path) -> None:
    folder = tmp_path / "org"
    for _ in range(2):
        await at_the_desk(wrapped(folder))
    seen = json.loads((folder / ".recording/seen.json").read_text())["operations"]
    assert {name: one["callers"] for name, one in seen.items()} == {"add_note": {"mcp": 4}, "close_ticket": {"mcp": 4}}
    assert seen["close_ticket"]["failed"] == 2


class Shop:
    """An HTTP interface that remembers what it was sent, byte for byte."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str, dict[str, str], bytes]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = (await receive()).get("body", b"")
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        path = scope["raw_path"].decode() + ("?" + scope["query_string"].decode() if scope["query_string"] else "")
        self.heard.append((scope["method"], path, headers, body))
        missing = "/none" in path
        said = [(b"content-type", b"application/json"), (b"x-shop", b"yes")]
        await send({"type": "http.response.start", "status": 404 if missing else 200, "headers": said})
        await send({"type": "http.response.body", "body": json.dumps({"path": path}).encode()})


@asynccontextmanager
async def watching(folder: Path, *options: str) -> AsyncIterator[str]:
    """`autonomy record` of a URL; yields the address at which it listens. Ends it as Ctrl-C does."""
    process = Popen([AUTONOMY, "record", folder, *options], stderr=PIPE, cwd=ROOT, text=True)
    assert process.stderr is not None
    try:
        line = await asyncio.to_thread(process.stderr.readline)
        assert "use " in line, line + process.stderr.read()
        drain = threading.Thread(target=process.stderr.read)
        drain.start()
        yield line.partition("use ")[2].split()[0]
    finally:
        process.send_signal(signal.SIGINT)
        assert await asyncio.to_thread(process.wait, 20) == 0


async def shopping(url: str) -> list[Any]:
    """What two programs do at the shop, and hear."""
    heard = []
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        for method, path, agent, more in (
            ("GET", "/orders/17?page=2&pageSize=50", "buyer-bot/1.0", {}),
            ("GET", "/orders/18?page=9&pageSize=50", "buyer-bot/1.0", {}),
            ("GET", "/orders/none-1", "buyer-bot/1.0", {}),
            ("POST", "/orders", "buyer-bot/1.0", {"json": {"item": NAME, "quantity": 3, "password": SECRET}}),
            ("POST", "/orders", "buyer-bot/1.0", {"json": {"item": "bolt", "quantity": 40, "password": SECRET}}),
            ("DELETE", "/orders/17", "cleaner/2", {}),
        ):
            headers = {"User-Agent": agent, "Authorization": f"Bearer {SECRET}", "X-Odd": "kept"}
            async with session.request(method, f"{url}{path}", headers=headers, **more) as answer:
                body = await answer.read()
                heard.append((answer.status, answer.headers["x-shop"], answer.headers["content-type"], body))
    return heard


def test_of_a_server_that_lists_without_end_the_newest_tools_are_remembered() -> None:
    seen, listed = Seen(), dict[str, Any]()
    watched = Conversation(seen, listed)
    for page in range(3):
        watched.asked(json.dumps({"id": page, "method": "tools/list"}).encode())
        tools = [{"name": f"t{page}-{number}", "inputSchema": {"type": "object"}} for number in range(MAX_TOOLS // 2)]
        tools.append({"name": "always", "inputSchema": {"type": "object"}})
        watched.answered(json.dumps({"id": page, "result": {"tools": tools}}).encode())
        assert len(listed) <= MAX_TOOLS
    for name in ("t0-0", "t2-0", "always"):
        watched.asked(json.dumps({"id": name, "method": "tools/call", "params": {"name": name}}).encode())
    assert {name: one.is_known for name, one in seen.operations.items()} == {
        "t0-0": False,
        "t2-0": True,
        "always": True,
    }


async def test_a_watched_interface_hears_and_says_the_same(tmp_path: Path) -> None:
    shop = Shop()
    async with serving(lambda _: shop) as url:
        direct = await shopping(f"{url}/v2")
        straight, shop.heard = shop.heard, []
        async with watching(tmp_path / "org", "--name", "shop", "--api", f"{url}/v2") as at:
            assert await shopping(at) == direct
    for one, other in zip(straight, shop.heard, strict=True):
        assert (one[0], one[1], one[3]) == (other[0], other[1], other[3])
        connection = ("host", "accept-encoding", "connection")
        assert {k: v for k, v in one[2].items() if k not in connection} == {
            k: v for k, v in other[2].items() if k not in connection
        }


@pytest.mark.parametrize("document", [False, True])
async def test_use_of_an_interface_becomes_tools_with_bounds_for_each_caller(tmp_path: Path, document: bool) -> None:
    shop, folder = Shop(), tmp_path / "org"
    options = ["--document", str(openapi(tmp_path))] if document else []
    async with serving(lambda _: shop) as url:
        async with watching(folder, "--name", "shop", "--api", f"{url}/v2", *options) as at:
            await shopping(at)
        text = everything(folder)
        assert SECRET not in text
        assert NAME not in text
        names = ("shop.read_order", "shop.place_order", "shop.cancel_order")
        get, post, delete = names if document else ("shop.get_orders_id", "shop.post_orders", "shop.delete_orders_id")
        read_tool = yaml_of(folder / f"tools/{get}.yaml")
        assert read_tool["call"]["request"] == {
            "method": "GET",
            "path": "/orders/{order_id}" if document else "/orders/{id}",
            "query": {"page": "page", "pageSize": "page_size"},
        }
        assert "password" in (folder / "REPORT.md").read_text()
        assert f"`{delete}`: it destroys something" in (folder / "REPORT.md").read_text()
        assert yaml_of(folder / "connectors/shop.yaml")["use"]["credential"] == "shop-credential"
        with organisation(folder) as house:
            await asyncio.to_thread(house.system.secrets.set, "shop-credential", "ours alone", "person:owner")
            order = "order_id" if document else "id"
            bot, cleaner = "shop-buyer-bot", "shop-cleaner"
            assert (await ask(house, bot, get, **{order: 17, "page": 5, "page_size": 50})).status == "done"
            beyond = await ask(house, bot, post, item="bolt", quantity=41, password="x")
            assert (beyond.code, beyond.message) == ("policy.denied", "`quantity` was seen from 3 to 40")
            assert (await ask(house, bot, post, item="bolt", quantity=20, password="x")).status == "done"
            assert (await ask(house, bot, delete, **{order: 17})).code == "tool.unknown"
            assert (await ask(house, cleaner, delete, **{order: 17})).status == "done"
            assert (await ask(house, cleaner, post, item="bolt", quantity=20, password="x")).code == "tool.unknown"
            assert {headers["authorization"] for *_, headers, _ in shop.heard[-3:]} == {"Bearer ours alone"}
            await close(house)


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
async def test_a_watched_server_at_a_url_is_heard_in_both_eras(tmp_path: Path, mode: Any) -> None:
    folder = tmp_path / "org"
    async with serving_sdk() as url:
        async with (
            watching(folder, "--name", "desk", "--mcp", f"{url}/mcp", "--values") as at,
            Client(at, mode=mode, client_info=Implementation(name="Desk Bot!", version="1")) as client,
        ):
            await client.list_tools()
            for note in ("call back", "done", "call back"):
                heard = await client.call_tool("add_note", {"id": 7, "note": note})
                assert heard.structured_content == {"id": 7, "note": note, "notes": 1}
        tool = yaml_of(folder / "tools/desk.add_note.yaml")
        assert tool["input"]["properties"]["note"] == {"type": "string", "enum": ["call back", "done"]}
        with organisation(folder) as house:
            assert (await ask(house, "desk-desk-bot", "desk.add_note", id=8, note="done")).status == "done"
            assert (await ask(house, "desk-desk-bot", "desk.add_note", id=8, note="other")).code == "arguments.invalid"
            await close(house)


async def test_a_request_that_its_client_broke_off_is_not_passed_on(tmp_path: Path) -> None:
    shop = Shop()
    async with serving(lambda _: shop) as url, watching(tmp_path / "org", "--api", f"{url}/v2") as at:
        there = urlsplit(at)
        _, writer = await asyncio.open_connection(there.hostname, there.port)
        head = f"POST /v2/orders HTTP/1.1\r\nHost: {there.netloc}\r\nTransfer-Encoding: chunked\r\n\r\n"
        writer.write(head.encode() + b"8\r\nall but \r\n")
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        async with aiohttp.ClientSession() as session, session.get(f"{at}/orders/17") as answer:
            assert answer.status == 200
    assert [(one[0], one[1]) for one in shop.heard] == [("GET", "/v2/orders/17")]


async def test_bounded_arguments_may_have_any_name(tmp_path: Path) -> None:
    words = ("in", "is", "has", "like", "if", "then", "else", "true", "false", "größe", "size")
    seen = Seen()
    for number in (3, 8):
        seen.call("find", "bot", dict.fromkeys(words, number), {"method": "POST", "path": "/find", "body": "arguments"})
    seen.call("find", "bot", {"size": 5})
    planned(tmp_path, seen)
    text = (tmp_path / "org/policies/shop-recorded.cedar").read_text()
    for word in words:
        assert f'(context.arguments["{word}"] < 3 || context.arguments["{word}"] > 8)' in text
    assert 'context.arguments has "in" &&' in text


async def test_rules_of_tools_with_long_names_have_ids_of_their_own(tmp_path: Path) -> None:
    seen = Seen()
    for end in ("orders", "orders-2", "invoices"):
        path = f"/{'a-very-long-way-' * 4}/{end}"
        seen.call(f"post {path}", "bot", {"n" * 41: 1, "n" * 42: 2}, {"method": "POST", "path": path})
    planned(tmp_path, seen)
    ids = re.findall(r'@id\("(.*)"\)', (tmp_path / "org/policies/shop-recorded.cedar").read_text())
    assert len(set(ids)) == len(ids) == 1 + 3 * 2


async def test_what_cannot_be_declared_is_told_and_spoils_nothing_else(tmp_path: Path) -> None:
    seen = Seen()
    shop, desk = Interface(seen), Conversation(seen, {})
    json_of = {"user-agent": "app", "content-type": "application/json"}
    for method in ("HEAD", "OPTIONS", "PUT"):
        shop.asked(method, "/orders", "", {"user-agent": "app"}, b"")
    shop.asked("GET", "/_search", "", json_of, b'{"text": "bolts"}')
    shop.asked("GET", "//orders/caf%C3%A9", "n%00ame=x", {"user-agent": "probe"}, b"")
    shop.asked("POST", "/orders", "", json_of, b'{"n\\u0000ul": 1, "pieces": 1e300, "whole": 3}')
    desk.asked(b'{"id": 1, "method": "tools/call", "params": {"name": "unheard", "arguments": {"a": 1}}}')
    planned(tmp_path, seen)
    assert sorted(path.stem for path in (tmp_path / "org/tools").iterdir()) == ["shop.post_orders", "shop.put_orders"]
    assert sorted(path.stem for path in (tmp_path / "org/agents").iterdir()) == ["shop-app"]
    rows = [
        row.split(" | ") for row in report("shop", seen, tools_of("shop", seen)).splitlines() if row.startswith("| ")
    ]
    told = {row[1]: row[0].removeprefix("| ") for row in rows[1:]}
    assert told == {
        "`get //orders/caf%C3%A9`": "none: it is not a plain path",
        "`get /_search`": "none: GET carries no body",
        "`head /orders`": "none: tools know no HEAD requests",
        "`options /orders`": "none: tools know no OPTIONS requests",
        "`post /orders`": "`shop.post_orders`",
        "`put /orders`": "`shop.put_orders`",
        "`unheard`": "none: the system was not heard to have it",
    }


def test_a_text_of_digits_that_no_number_is_written_as_stays_a_text() -> None:
    seen = Seen()
    for number in ("7", "0", "-12"):
        Interface(seen).asked("GET", f"/parts/{number}", f"page={number}", {}, b"")
    Interface(seen).asked("GET", "/articles/007", "sku=0049151&low=-0", {}, b"")
    kinds = {
        name: {key: one.types for key, one in each.shape.members.items()} for name, each in seen.operations.items()
    }
    assert kinds == {
        "get /parts/{id}": {"id": {"integer"}, "page": {"integer"}},
        "get /articles/{id}": {"id": {"string"}, "sku": {"string"}, "low": {"string"}},
    }


async def test_a_web_page_cannot_use_the_address_under_a_name_of_its_own(tmp_path: Path) -> None:
    shop = Shop()
    async with (
        serving(lambda _: shop) as url,
        watching(tmp_path / "org", "--api", url) as at,
        aiohttp.ClientSession() as session,
        session.get(at, headers={"Host": "evil.example"}) as answer,
    ):
        assert answer.status == 421
    assert shop.heard == []


async def test_a_web_page_of_elsewhere_cannot_have_its_requests_passed_on(tmp_path: Path) -> None:
    elsewhere = [
        {"Origin": "https://evil.example"},
        {"Origin": "http://127.0.0.1.evil.example"},
        {"Origin": "http://[evil"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Origin": "http://127.0.0.1:3000", "Sec-Fetch-Site": "cross-site"},
    ]
    here = [{"Origin": "http://localhost:3000", "Sec-Fetch-Site": "same-site"}, {"Origin": "http://[::1]"}, {}]
    shop = Shop()
    async with (
        serving(lambda _: shop) as url,
        watching(tmp_path / "org", "--api", f"{url}/v2") as at,
        aiohttp.ClientSession() as session,
    ):
        for said in (*elsewhere, *here):
            async with session.post(f"{at}/orders", data="a=1", headers=said) as answer:
                assert answer.status == (403 if said in elsewhere else 200), said
    assert [one[2].get("origin") for one in shop.heard] == [said.get("Origin") for said in here]


async def test_pages_of_one_origin_are_admitted_by_name_and_no_others(tmp_path: Path) -> None:
    page = {"Origin": "http://localhost:5173", "Sec-Fetch-Site": "cross-site"}
    others = [{**page, "Origin": f"http://{place}"} for place in ("localhost:5174", "localhost:5173.evil.example")]
    shop = Shop()
    async with (
        serving(lambda _: shop) as url,
        watching(tmp_path / "org", "--api", f"{url}/v2", "--page", page["Origin"]) as at,
        aiohttp.ClientSession() as session,
    ):
        for said in (page, *others):
            async with session.post(f"{at}/orders", data="a=1", headers=said) as answer:
                assert answer.status == (200 if said is page else 403), said
        async with session.post(f"{at}/orders", data="a=1", headers={**page, "Host": "evil.example"}) as answer:
            assert answer.status == 421
    assert len(shop.heard) == 1


@pytest.mark.parametrize("page", ["*", "null", "localhost:5173", "http://localhost:5173/", "http://a b"])
def test_an_origin_that_is_none_is_refused_before_anything_is_watched(tmp_path: Path, page: str) -> None:
    ran = autonomy("record", str(tmp_path / "org"), "--api", "http://127.0.0.1:9/", "--page", page)
    assert ran.code == 2 and "no origin of pages" in ran.err


async def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("# mine")
    process = Popen([AUTONOMY, "record", tmp_path, "--", "true"], stderr=PIPE, text=True)
    _, told = await asyncio.to_thread(process.communicate)
    assert process.returncode == 1
    assert "record.not_empty" in told
    assert [path.name for path in tmp_path.iterdir()] == ["mine.yaml"]


def planned(folder: Path, seen: Seen) -> None:
    """Write what was seen as `autonomy record` does, and see that it can be applied."""
    use = {"type": "http", "baseUrl": "https://shop.example"}
    write(folder / "org", manifests("shop", use, seen, Place()))
    with organisation(folder / "org") as house:
        house.system.close()


def everything(folder: Path) -> str:
    return "\n".join(path.read_text() for path in folder.rglob("*") if path.is_file())


def yaml_of(path: Path) -> dict[str, Any]:
    """The spec of a manifest."""
    spec: dict[str, Any] = read_yaml(path.read_text())[0].value["spec"]
    return spec


def openapi(folder: Path) -> Path:
    path = folder / "openapi.json"
    paths = {
        "/orders": {"post": {"operationId": "place-order"}},
        "/orders/{orderId}": {"get": {"operationId": "read-order"}, "delete": {"operationId": "cancel-order"}},
    }
    path.write_text(json.dumps({"openapi": "3.1.0", "paths": paths}))
    return path


@contextmanager
def organisation(folder: Path) -> Iterator[House]:
    """A system in which what was written is in force, just as it was written."""
    data = folder.parent / "data"
    system = open_system(Settings(data=data, programs=("*",)))
    system.catalog.plan(read(collect(folder)))
    system.catalog.apply(read(collect(folder)), by="person:owner")
    yield House(system, data, {})


async def ask(house: House, agent: str, tool: str, **arguments: Any) -> Any:
    await house.system.lifeline.beat()
    await house.system.watch.refresh()
    return await house.ask(agent, tool, arguments)


async def close(house: House) -> None:
    await house.system.effects.close()
    await house.system.connectors.close()
    house.system.close()


@pytest.mark.parametrize(
    ("headers", "credential"),
    [
        ({"authorization": "Bearer x1"}, {"credential": "crm-credential"}),
        ({"authorization": "Basic x1"}, {"credential": "crm-credential", "header": "Authorization", "scheme": "Basic"}),
        ({"x-api-key": "word x1"}, {"credential": "crm-credential", "header": "X-Api-Key", "scheme": ""}),
        ({"x-api-key": "x1", "cookie": "x1"}, {"credential": "crm-credential", "header": "X-Api-Key", "scheme": ""}),
        ({"x-api-key": "x1", "authorization": "Bearer x1"}, {}),
        ({"cookie": "session=x1"}, {}),
        ({"accept": "text/plain"}, {}),
    ],
)
def test_what_callers_show_is_told_by_its_header_alone(headers: dict[str, str], credential: dict[str, str]) -> None:
    seen = Seen()
    Interface(seen).asked("GET", "/orders", "", headers, b"")
    again = restored(json.loads(json.dumps(seen.dump())), keep_values=False)
    assert credential_of("crm", again) == credential
    assert "x1" not in json.dumps(seen.dump()) and "word" not in json.dumps(seen.dump())
