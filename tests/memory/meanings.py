"""A little server of embeddings on loopback, as OpenAI's interface has it, and the team with spaces that declare it.

Texts mean the sum of their words, and words that mean the same are one: `car` and `vehicle`, say.
"""

from __future__ import annotations

import json
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from zlib import crc32

from sqlalchemy import select

from autonomy.kernel.clock import Clock, now
from autonomy.memory import store
from autonomy.memory.words import words
from autonomy.wiring import System
from tests.memory.team import SPACES, TOOLS, Team, space, team

DIMENSIONS = 64
SAME = {"vehicle": "car", "automobile": "car", "slow": "late", "delayed": "late", "bill": "invoice", "firm": "company"}
LIES = {
    "short": [1.0],
    "nothing": None,
    "zero": [0.0] * DIMENSIONS,
    "texts": ["1"] * DIMENSIONS,
    "truths": [True] * DIMENSIONS,
    "infinite": [1e999] * DIMENSIONS,
}
"""What is no vector, by name."""


def vector(text: str) -> list[float]:
    """What a text means."""
    found = [0.0] * DIMENSIONS
    for word in words(text):
        found[crc32(SAME.get(word, word).encode()) % DIMENSIONS] += 1.0
    return found


@dataclass
class Meanings:
    """The server. `mode` says how it behaves: `honest`, `down`, `silent`, `locked`, `fewer`, `flood`, `prose`,
    `shuffled`, `huge` or one of `LIES`. It refuses what holds the word `poison`, with everything sent beside it."""

    port: int = 0
    mode: str = "honest"
    asked: list[dict[str, Any]] = field(default_factory=list)
    credentials: set[str] = field(default_factory=set)
    free: threading.Event = field(default_factory=threading.Event)

    @property
    def texts(self) -> list[str]:
        """Every text it was sent, in order."""
        return [text for each in self.asked for text in each["input"]]

    def answer(self, body: dict[str, Any]) -> tuple[int, bytes]:
        """Status and body of an answer."""
        self.asked.append(body)
        data = [{"index": at, "embedding": vector(text)} for at, text in enumerate(body["input"])]
        if any("poison" in text for text in body["input"]):
            return 400, json.dumps({"error": {"message": f"cannot read {body['input']}"}}).encode()
        if self.mode in ("down", "locked"):
            return (503 if self.mode == "down" else 401), b"{}"
        if self.mode == "silent":
            self.free.wait(10)
        elif self.mode == "fewer":
            data.pop()
        elif self.mode == "shuffled":
            data.reverse()
        elif self.mode == "flood":
            data[0]["more"] = "x" * 2_000_000
        elif self.mode == "huge":
            data = [each | {"embedding": [1e308 * number for number in each["embedding"]]} for each in data]
        elif self.mode in LIES:
            data[0]["embedding"] = LIES[self.mode]
        return 200, b"not json" if self.mode == "prose" else json.dumps({"data": data}).encode()


@contextmanager
def serving() -> Iterator[Meanings]:
    """The server, as long as it is needed."""
    it = Meanings()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            it.credentials.add(f"{self.path} {self.headers.get('Authorization')}")
            status, body = it.answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with suppress(OSError):  # who asked may be gone
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        it.port = server.server_port
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield it
        finally:
            it.free.set()
            server.shutdown()


def connector(port: int, site: str = "") -> str:
    """The connector by which the server is reached."""
    return f"""
apiVersion: autonomy/v1
kind: Connector
metadata: {{ name: vectors }}
spec:
  use:
    type: http
    baseUrl: http://127.0.0.1:{port}
    credential: vectors-key
    allow: [127.0.0.0/8]
{f"  site: {site}" if site else ""}
"""


def embedding(data: str = "[]", **more: Any) -> str:
    """The lines of a space by which it declares the endpoint."""
    said = {"connector": "vectors", "model": "bag", "dimensions": DIMENSIONS, "data": data, "timeout": "9s"} | more
    return "  embedding: { " + ", ".join(f"{name}: {value}" for name, value in said.items()) + " }\n"


def organisation(port: int, customers: str | None = None, hiring: str = "", company: str = "") -> dict[str, str]:
    """The team's files, with what each space says of its embedding."""
    meant = embedding("[customers]") if customers is None else customers
    spaces = "---".join(
        (
            space(
                "customers",
                "roles: [seller, helper]",
                "roles: [seller, helper]",
                f"  data: [customers, sales]\n{meant}",
            ),
            space("hiring", "roles: [recruiter]", "roles: [recruiter]", f"  data: [hr, customers]\n{hiring}"),
            space("company", "units: [acme]", "units: [acme]", f'  data: ["*"]\n{company}'),
            SPACES.rpartition("---")[2],
        )
    )
    return {"spaces": spaces, "tools": f"{TOOLS}---{connector(port)}"}


@asynccontextmanager
async def meaning_team(
    folder: Path, database: str = "", clock: Clock = now, *, living: bool = False, **spaces: str
) -> AsyncIterator[tuple[Team, Meanings]]:
    """The team and the server its spaces have their vectors from."""
    with serving() as server:
        async with team(folder, database, clock, living=living, **organisation(server.port, **spaces)) as it:
            it.system.secrets.set("vectors-key", "sesame", "person:ada")
            yield it, server


async def make(system: System) -> None:
    """Do all that is to be done now."""
    while await system.own.memory.meaning.look():
        pass


async def rows(system: System) -> list[Any]:
    """Every row of a vector, or of what waits for one."""
    return await system.database.read(lambda reader: list(reader.execute(select(store.vector))))
