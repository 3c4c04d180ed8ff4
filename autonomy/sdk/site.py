"""The desk of a site as its worker sees it: over HTTPS, always begun by the worker."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec

from autonomy.kernel.errors import Corrupt, Invalid
from autonomy.tools.sites import Assignment, Ending
from autonomy.tools.workers import Workers

from .wire import Wire

LOOPBACK = ("127.0.0.1", "::1", "localhost")
THREADS = 8  # one looks for work, one beats, the others claim and tell
SPARE_S = 10.0  # how much longer than the look itself an answer may take

T = TypeVar("T")


class RemoteDesk:
    """Asks the control plane at `url` with the key of a site. Raises Invalid (`site.url`) where that is in clear."""

    def __init__(self, url: str, key: str) -> None:
        parts = urlsplit(url)
        if parts.scheme != "https" and parts.hostname not in LOOPBACK:
            raise Invalid("a worker speaks https only", code="site.url", hint="begin the URL with `https://`")
        self._wire = Wire(url, {"Authorization": f"Bearer {key}"})
        # Its threads do not keep the process alive: a look for work may take long, and nobody waits for it at the end.
        self._threads = Workers("desk", THREADS)

    async def waiting(self, seconds: float) -> bool:
        """Whether something waits for the site."""
        said = await self._ask("look", {"seconds": seconds}, seconds + SPARE_S)
        return bool(said.get("waiting"))

    async def claim(self, worker: str, count: int) -> list[Assignment]:
        """Take up to `count` of what waits."""
        said = await self._ask("claim", {"worker": worker, "count": count})
        return _read(said.get("assignments"), list[Assignment])

    async def beat(self, worker: str, held: Collection[str]) -> list[str]:
        """Say that the worker lives; returns what nobody waits for any more."""
        return _read((await self._ask("beat", {"worker": worker, "held": list(held)})).get("left"), list[str])

    async def end(self, worker: str, assignment: str, ending: Ending) -> None:
        """Say how one ended. Raises Conflict (`site.late`)."""
        said = {"worker": worker, "assignment": assignment, "ending": msgspec.to_builtins(ending)}
        await self._ask("end", said)

    def close(self) -> None:
        """Close every connection."""
        self._threads.close()
        self._wire.close()

    async def _ask(self, what: str, said: dict[str, Any], seconds: float = SPARE_S) -> dict[str, Any]:
        ask = partial(self._wire.request, "POST", f"/sites/{what}", said, seconds=seconds)
        answer = await self._threads.run(ask)
        return _read(answer, dict[str, Any])


def _read(said: Any, kind: type[T]) -> T:
    try:
        return msgspec.convert(said, kind)
    except msgspec.ValidationError:
        raise Corrupt("the answer is not what a desk says", code="server.answer") from None
