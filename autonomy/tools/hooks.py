"""Hooks: what other systems tell us. Each post is proven, taken once, recorded, and kept sealed.

The rules of a declared hook are judged in this order: it is there, the post is small enough, its signature fits and is
of now, it was not taken before, it is not one too many, it is a JSON object. Nothing is written before all hold.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple

from sqlalchemy import Connection

from autonomy.audit import Vault, record
from autonomy.audit.store import leaves_of
from autonomy.catalog.organisation import Organisation
from autonomy.catalog.systems import HookSpec
from autonomy.db import CommitQueue, Database, Tx
from autonomy.kernel import canonical, clock
from autonomy.kernel.canonical import Json
from autonomy.kernel.clock import MINUTE, SECOND, Clock
from autonomy.kernel.errors import Busy, Invalid, NotFound, TooLarge, Unauthenticated, Unavailable
from autonomy.kernel.ids import new_id

from . import deliveries
from .deliveries import Delivery
from .errors import Unreachable
from .model import Result
from .outbound import Outbound
from .signatures import prove

LOOK_S = 0.25  # how often a waiting action looks for an answer that came in at another process
BODY = "body"  # the part of a delivery's payload

_TYPE = re.compile(r"[A-Za-z0-9_.:-]{1,100}")
_ACTION = re.compile(r"act_[0-9a-z]{26}")


class Taken(NamedTuple):
    """A post that was taken now, or had been before."""

    id: str
    repeated: bool


class Hooks:
    """Takes what comes in. `refresh` makes `organisation` give what is in force now; `epoch` is the identity epoch."""

    def __init__(
        self,
        database: Database,
        queue: CommitQueue,
        vault: Vault,
        organisation: Callable[[], Organisation],
        outbound: Outbound,
        refresh: Callable[[], Awaitable[None]],
        epoch: Callable[[], int],
        clock: Clock = clock.now,
    ) -> None:
        self._database = database
        self._queue = queue
        self._vault = vault
        self._organisation = organisation
        self._outbound = outbound
        self._refresh = refresh
        self._epoch = epoch
        self._clock = clock
        self._minutes: dict[str, tuple[int, set[str]]] = {}
        self._news = asyncio.Event()

    async def receive(self, hook: str, headers: Mapping[str, str], body: bytes) -> Taken:
        """Take one post. `headers` have lower case names.

        Raises NotFound, TooLarge, Unauthenticated, Busy or Invalid (`hook.*`), and Unavailable where its key is not
        there or the store does not take it.
        """
        await self._refresh()  # a hook that is declared is there at once, and one that is taken back is gone
        spec, at = self._spec(hook), self._clock()
        if len(body) > spec.maxBytes:
            raise TooLarge(f"a post here has at most {spec.maxBytes} bytes", code="hook.too_large")
        try:
            key = await self._outbound.signing_key(spec.credential)
        except (Invalid, Unreachable) as error:
            raise Unavailable(f"the hook `{hook}` has no key: {error.message}", code="hook.key") from None
        tolerance = clock.duration(spec.tolerance) // SECOND
        proven = prove(spec.scheme, key, headers, body, at // SECOND, tolerance)
        earlier = await self._database.read(lambda connection: _earlier(connection, hook, proven.id))
        if earlier is not None:
            return Taken(earlier.id, repeated=True)
        self._count(hook, proven.id, spec, at)
        said = _object(body)
        new = Delivery(new_id("dlv", at), hook, proven.id, _type(spec, headers, said), _answered(spec, said), at)
        return await self._keep(new, _text(said, spec.subject) or f"hook:{hook}", body)

    async def find(self, hook: str, action: str) -> Result | None:
        """What answers the action at the hook; None where nothing does yet."""
        return await self._database.read(lambda connection: self._answer(connection, hook, action))

    async def wait(self, hook: str, action: str) -> Result:
        """What answers the action at the hook, as soon as it is there. Whoever waits limits how long."""
        while (found := await self.find(hook, action)) is None:
            try:
                async with asyncio.timeout(LOOK_S):
                    await self._news.wait()
            except TimeoutError:
                pass  # it may have come in at another process
        return found

    def said(self, connection: Connection, id: str) -> Json:
        """What a delivery said; None where that is forgotten. Raises NotFound (`delivery.unknown`)."""
        if deliveries.find(connection, id) is None:
            raise NotFound(f"there is no delivery `{id[:40]}`", code="delivery.unknown")
        opened = self._vault.open(connection, id, BODY)
        return None if opened is None else canonical.parse(opened.value)

    def _spec(self, hook: str) -> HookSpec:
        revision = self._organisation().get("Hook", hook)
        if revision is None or not isinstance(revision.spec, HookSpec):
            raise NotFound("there is no such hook", code="hook.unknown")
        return revision.spec

    def _count(self, hook: str, post: str, spec: HookSpec, at: int) -> None:
        """One more in this minute. Only what was proven and is new counts, so that neither strangers nor who has copied
        a post can use up a sender's share: copies that come at once are one post."""
        minute, posts = self._minutes.get(hook, (0, set()))
        if minute != at // MINUTE:
            posts = set()
            self._minutes[hook] = (at // MINUTE, posts)
        if post not in posts and len(posts) >= spec.ratePerMinute:
            wait = (MINUTE - at % MINUTE) / SECOND
            raise Busy(f"more than {spec.ratePerMinute} in a minute", code="hook.rate", retry_after=wait)
        posts.add(post)

    async def _keep(self, new: Delivery, subject: str, body: bytes) -> Taken:
        key = await self._vault.key(subject, self._epoch())
        row, committed = key.seal(new.id, BODY, body, new.at)

        def work(tx: Tx) -> Taken:
            earlier = deliveries.find_by_sender(tx, new.hook, new.sender_id)
            if earlier is not None:
                return Taken(earlier.id, repeated=True)
            deliveries.add(tx, new, row)
            record(
                tx,
                "delivery",
                new.at,
                hook=new.hook,
                delivery=new.id,
                type=new.type or None,
                answers=new.action,
                commitments={BODY: committed},
            )
            return Taken(new.id, repeated=False)

        taken = await self._queue.perform(work)
        self._news.set()
        self._news = asyncio.Event()
        return taken

    def _answer(self, connection: Connection, hook: str, action: str) -> Result | None:
        found = deliveries.find_answer(connection, hook, action)
        return None if found is None else Result(self.said(connection, found.id))


def _earlier(connection: Connection, hook: str, post: str) -> Delivery | None:
    """What was taken before under the id of a post. Raises Unauthenticated (`hook.own`) where that id is one of ours.

    What we post is signed in the same way, with the same key where both sides share one: whoever copies it on its way
    could send it back to us as its own answer.
    """
    if leaves_of(connection, post.partition(".")[0]):
        raise Unauthenticated(
            "its id is that of an action or a task here: what we post is no answer to itself",
            code="hook.own",
            hint="a sender gives its posts ids of its own",
        )
    return deliveries.find_by_sender(connection, hook, post)


def _object(body: bytes) -> dict[str, Json]:
    said = canonical.parse(body)
    if not isinstance(said, dict):
        raise Invalid("a delivery is a JSON object", code="hook.body")
    return said


def _type(spec: HookSpec, headers: Mapping[str, str], said: Mapping[str, Json]) -> str:
    """What kind of thing happened, where the sender says so in plain letters. Only GitHub says it in a header, which
    no signature covers; elsewhere a header must not speak against the signed body."""
    header = headers.get("x-github-event") if spec.scheme == "github" else None
    named = header or said.get("type")
    return named if isinstance(named, str) and _TYPE.fullmatch(named) else ""


def _answered(spec: HookSpec, said: Mapping[str, Json]) -> str | None:
    named = _text(said, spec.action)
    return named if named is not None and _ACTION.fullmatch(named) else None


def _text(said: Json, path: str | None) -> str | None:
    """The text at a path of an object; None where there is none."""
    for name in path.split(".") if path else ():
        said = said.get(name) if isinstance(said, dict) else None
    return said if path and isinstance(said, str) and said else None
