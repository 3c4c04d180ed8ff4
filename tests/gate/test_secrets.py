"""Canaries: a credential goes to the socket it is for, and is found nowhere else, whatever goes wrong."""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote

import pytest
from sqlalchemy import text

from autonomy.db import Database, metadata
from autonomy.insight.evidence import Evidence
from autonomy.kernel.errors import AutonomyError
from autonomy.tools import Refused, Unreachable, Unsure
from tests.gate.works import NUMBER, TRUSTED, Plant, Works, fail, organisation, tool, works

CANARY = {name: f"canary/{name}+7=Q&x9" for name in ("web-key", "base-key", "plant-key")}


PERMIT = '@id("all") permit (principal, action, resource);'


def spellings(value: str) -> list[bytes]:
    """The value as it might have been written down: plain, coded, and inside other base64 text at any offset."""
    raw = value.encode()
    shifted = [base64.b64encode(b"\0" * n + raw)[4 if n else 0 : -4] for n in range(3)]
    coded = [base64.b64encode(raw), base64.urlsafe_b64encode(raw), raw.hex().encode(), raw.hex().upper().encode()]
    return [raw, quote(value, safe="").encode(), raw[::-1], *coded, *shifted]


def systems(port: int, postgres: str) -> str:
    """Connectors with credentials, and tools that use them well and badly."""
    host = postgres.removeprefix("postgresql://postgres@")
    reached = "allow: [127.0.0.1/32], security: none"
    connectors = f"""
apiVersion: autonomy/v1
kind: Connector
metadata: {{ name: plant }}
spec: {{ use: {{ type: python, entryPoint: plant, credential: plant-key, timeout: 5s }} }}
---
apiVersion: autonomy/v1
kind: Connector
metadata: {{ name: web }}
spec: {{ use: {{ type: http, baseUrl: "http://127.0.0.1:{port}", allow: [127.0.0.0/8], credential: web-key }} }}
---
apiVersion: autonomy/v1
kind: Connector
metadata: {{ name: base }}
spec: {{ use: {{ type: sql, url: "postgresql://nobody@{host}", credential: base-key, timeout: 2s, {reached} }} }}
"""
    over_web = "".join(
        f"""---
apiVersion: autonomy/v1
kind: Tool
metadata: {{ name: {name} }}
spec:
  connector: web
  call: {{ request: {{ method: {method}, path: /{name} }} }}
  input: {{ type: object }}
  effect: {effect}
"""
        for name, method, effect in (
            ("echo", "GET", "read"),
            ("deny", "GET", "read"),
            ("fail", "POST", "write-neither"),
            ("drop", "POST", "write-neither"),
        )
    )
    over_sql = """---
apiVersion: autonomy/v1
kind: Tool
metadata: { name: rows }
spec:
  connector: base
  call: { statements: [{ sql: SELECT 1 AS one }] }
  input: { type: object }
  effect: read
"""
    return connectors + over_web + over_sql + "---" + tool("press", "write-neither", NUMBER, TRUSTED)


@asynccontextmanager
async def echoing() -> AsyncIterator[tuple[int, list[bytes]]]:
    """An HTTP server that says back what it was sent, with a status by its path, and keeps what it heard."""
    heard: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        heard.append(request)
        if b"/drop" not in request:
            status = b"401 No" if b"/deny" in request else b"500 Broken" if b"/fail" in request else b"200 OK"
            head = b"HTTP/1.1 %s\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
            writer.write(head % (status, len(request)) + request)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], heard


def dump(database: Database) -> Iterator[bytes]:
    """Every value of every table."""
    with database.reading() as connection:
        for table in metadata.sorted_tables:
            for row in connection.execute(text(f"SELECT * FROM {table.name}")):
                yield b"\x1f".join(each if isinstance(each, bytes) else str(each).encode() for each in row)


async def provoke(it: Works) -> list[bytes]:
    """Use every connector, well and badly; what came out of it."""
    told = []
    leaky = it.plant.behaves

    def leaking(error: type[AutonomyError]):
        def behaviour(arguments, invocation):
            raise error(f"the key {invocation.credential.reveal()} is bad", hint=invocation.credential.reveal())

        return behaviour

    def revealing(arguments, invocation):
        value = invocation.credential.reveal()
        return {"key": value, "coded": base64.b64encode(value.encode()).decode()}

    def breaking(arguments, invocation):
        raise RuntimeError(invocation.credential.reveal())

    behaviours = [revealing, breaking, *map(leaking, (Refused, Unreachable, Unsure)), fail(ValueError("x"))]
    for behaviour in behaviours:
        leaky["press"] = behaviour
        told.append(str((await it.ask("press", n=1)).as_dict()).encode())
    for name in ("echo", "deny", "fail", "drop", "rows"):
        told.append(str((await it.ask(name)).as_dict()).encode())
    return told


async def test_a_credential_is_found_nowhere_but_at_the_socket_it_is_for(
    tmp_path: Path, empty_database_url: str, postgres_server: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with echoing() as (port, heard):
        files = organisation(tools=systems(port, f"{postgres_server}/nowhere"), budgets="", policy=PERMIT)
        async with works(tmp_path, empty_database_url, Plant(), files=files) as it:
            for name, value in CANARY.items():
                await asyncio.to_thread(it.system.secrets.set, name, value, "person:ada")
            told = await provoke(it)
            await it.settle()
            signed = await it.system.checkpoints.sign()
            evidence = Evidence(it.system.database, it.system.vault)
            size = int(signed.splitlines()[1])
            exported = b"".join(evidence.export_lines(it.system.checkpoints.signer, size, reveal=True))
            stored = b"\n".join(dump(it.system.database))
            shown = repr(it.system.secrets.list()).encode()
        files_left = [file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()]
    assert any(CANARY["web-key"].encode() in request for request in heard), "it did go out"
    assert len(stored) > 5_000 and len(exported) > 5_000 and caplog.text
    places = [*told, exported, stored, shown, caplog.text.encode(), *files_left]
    for value in CANARY.values():
        for spelling in spellings(value):
            assert not any(spelling in place for place in places), spelling
