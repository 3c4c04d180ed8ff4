"""The control plane's side of sites: hands calls out, and hears how they ended.

A call becomes a row; one worker of its site claims it, once; whoever asked waits for its ending. What nobody claimed
has not happened; what was claimed and has no ending may have. A repeat is never made here: the gate makes one where the
effect class allows it, as a new assignment under the same action.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, delete, insert, select, update

from autonomy.audit import record
from autonomy.catalog.model import Call
from autonomy.catalog.organisation import Revision
from autonomy.db import CommitQueue, Database, Tx
from autonomy.db.store_time import store_time
from autonomy.kernel import clock
from autonomy.kernel.canonical import Json
from autonomy.kernel.clock import HOUR, Clock
from autonomy.kernel.errors import AutonomyError, Conflict, Corrupt
from autonomy.kernel.ids import new_id

from ..errors import Refused, Unreachable, Unsure
from ..model import Invocation, Result
from ..ports import Told
from .model import Assignment, Ending, Order
from .store import IS_WAITING, assignment

LEASE_MS = 3_000  # three missed beats of a worker, as with processes of the control plane
GRACE_S = 1.0  # how long an ending may be on its way once the time of the call is over
LOOK_S = 0.1  # how often a process looks for what others have written
MAX_CLAIM = 64  # assignments of one claim
MAX_WAIT_S = 25.0  # of a worker that looks for work: less than proxies allow
NONCE = 12  # bytes, as GCM is defined

OpenStill = Callable[[Tx, str, str], bool]
"""Whether an action is still being carried out by a process: its intent is durable, and nobody has taken it over."""


class Office:
    """Assignments of every site. `owner` names this process as the gate does."""

    def __init__(
        self,
        database: Database,
        queue: CommitQueue,
        key: bytes,
        owner: str,
        open_still: OpenStill,
        clock: Clock = clock.now,
    ) -> None:
        self._database = database
        self._queue = queue
        self._box = AESGCM(key)
        self._owner = owner
        self._open_still = open_still
        self._clock = clock
        self._news = asyncio.Event()

    async def perform(
        self,
        connector: Revision,
        site: str,
        call: Call,
        arguments: Mapping[str, Json],
        invocation: Invocation,
        write: bool,
        told: Told,
    ) -> Result:
        """Have a worker of `site` do it.

        Raises what the worker says, Unreachable (`site.no_worker`) where none took it, Unsure where one took it and no
        ending came in time, or where the store does not say.
        """
        order = Order(
            connector.name,
            connector.digest,
            connector.spec.model_dump(mode="json", exclude_unset=True),
            call.model_dump(mode="json", exclude_unset=True),
            dict(arguments),
            invocation.action_id,
            invocation.agent,
            write,
            dict(told.places),
            told.wording,
        )
        try:
            return await self._handed_out(new_id("asg", self._clock()), site, order, invocation.deadline_s)
        except (Refused, Unreachable, Unsure):
            raise
        except AutonomyError as error:
            message = f"the store does not say what became of it: {error.message}"
            raise (Unsure(message) if write else Unreachable(message, code="upstream.failed")) from None

    async def _handed_out(self, id: str, site: str, order: Order, seconds: float) -> Result:
        try:
            await self._queue.perform(lambda tx: self._put(tx, id, site, order, seconds))
            self._tell()
            return await self._ended(id, seconds, site, order.write)
        except asyncio.CancelledError:
            with suppress(AutonomyError):  # a store that does not answer leaves it in doubt, as the cancellation does
                if await asyncio.shield(self._leave(id)) == "waiting":
                    raise Unreachable("stopped before anything was changed", code="upstream.stopped") from None
            raise

    async def waiting(self, site: str, seconds: float) -> bool:
        """Whether something waits for the site; comes back as soon as it does."""
        try:
            async with asyncio.timeout(min(seconds, MAX_WAIT_S)):
                while not await self._database.read(lambda connection: _any_waiting(connection, site)):
                    await self._next()
        except TimeoutError:
            return False
        return True

    async def claim(self, site: str, worker: str, count: int) -> list[Assignment]:
        """What waits for the site becomes the worker's, in one transaction with the log's word of it."""
        return await self._queue.perform(lambda tx: self._claim(tx, site, worker, min(count, MAX_CLAIM)))

    async def beat(self, site: str, worker: str, held: Collection[str]) -> list[str]:
        """Renew the worker's claims; returns those that nobody waits for any more."""
        return await self._queue.perform(lambda tx: _renew(tx, site, worker, list(held)[:MAX_CLAIM]))

    async def end(self, site: str, worker: str, id: str, ending: Ending) -> None:
        """Take down how one ended. Raises Conflict (`site.late`) where nobody waits for it any more."""
        sealed = self._seal(id, msgspec.json.encode(ending))
        ours = assignment.c.id == id, assignment.c.site == site, assignment.c.worker == worker
        ended = update(assignment).where(*ours, assignment.c.state == "claimed")

        def work(tx: Tx) -> bool:
            return tx.execute(ended.values(state="ended", sealed_ending=sealed)).rowcount == 1

        if not await self._queue.perform(work):
            raise Conflict("nobody waits for this any more", code="site.late")
        self._tell()

    def _put(self, tx: Tx, id: str, site: str, order: Order, seconds: float) -> None:
        at = store_time(tx)
        # What was left behind by processes that died goes with the next assignment of anybody.
        tx.execute(delete(assignment).where(assignment.c.expires_at < at - HOUR))
        row = {"id": id, "site": site, "action": order.action, "owner": self._owner, "write": int(order.write)}
        sealed = self._seal(id, msgspec.json.encode(order))
        expires_at = at + int(seconds * 1000)
        tx.execute(insert(assignment).values(**row, state="waiting", expires_at=expires_at, sealed_order=sealed))

    def _claim(self, tx: Tx, site: str, worker: str, count: int) -> list[Assignment]:
        at, c = store_time(tx), assignment.c
        query = select(assignment).where(c.site == site, IS_WAITING, c.expires_at > at)
        rows = tx.execute(query.order_by(c.expires_at, c.id).limit(count)).all()
        taken = [row for row in rows if not row.write or self._open_still(tx, row.action, row.owner)]
        for row in taken:
            claimed = update(assignment).where(c.id == row.id)
            tx.execute(claimed.values(state="claimed", worker=worker, lease_until=at + LEASE_MS))
            if row.write:
                record(
                    tx, "dispatch", self._clock(), action=row.action, assignment=row.id, site=row.site, worker=worker
                )
        return [self._assignment(row.id, row.sealed_order, row.expires_at - at) for row in taken]

    def _assignment(self, id: str, sealed: bytes, left_ms: int) -> Assignment:
        return Assignment(id, msgspec.json.decode(self._open(id, sealed), type=Order), left_ms / 1000)

    async def _ended(self, id: str, seconds: float, site: str, write: bool) -> Result:
        """Wait for the ending, or for the death of who should bring it."""
        if await self._until(id, seconds, ("ended", "lost")) == "claimed":
            await self._until(id, GRACE_S, ("ended", "lost"))  # it may have ended in time and be on its way
        left = await self._leave(id)
        if left == "waiting":
            raise Unreachable(f"no worker of the site `{site}` took it; nothing was sent", code="site.no_worker")
        if isinstance(left, Ending):
            return left.result()
        message = f"the worker of the site `{site}` did not say how it ended"
        raise (Unsure(message) if write else Unreachable(message, code="upstream.failed"))

    async def _until(self, id: str, seconds: float, states: Collection[str]) -> str:
        """Wait until it is in one of the states, or time is up; returns the state last seen."""
        state = ""
        try:
            async with asyncio.timeout(seconds):
                while (state := await self._database.read(lambda connection: _state(connection, id))) not in states:
                    await self._next()
        except TimeoutError:
            pass  # what is known is looked at by the caller
        return state

    async def _leave(self, id: str) -> str | Ending | None:
        """Wait no more: the ending, `waiting` where nobody had claimed it, None where somebody had."""
        return await self._queue.perform(lambda tx: self._left(tx, id))

    def _left(self, tx: Tx, id: str) -> str | Ending | None:
        ours = assignment.c.id == id
        row = tx.execute(select(assignment).where(ours)).first()
        if row is not None and row.state == "claimed":
            # The row stays until its time is over, so that its worker hears that nobody waits.
            tx.execute(update(assignment).where(ours).values(state="left", sealed_order=b""))
            return None
        tx.execute(delete(assignment).where(ours))
        if row is None or row.sealed_ending is None:
            return "waiting" if row is not None and row.state == "waiting" else None
        return msgspec.json.decode(self._open(id, row.sealed_ending), type=Ending)

    async def _next(self) -> None:
        """Until something was written here, or it is time to look at what others have written."""
        try:
            async with asyncio.timeout(LOOK_S):
                await self._news.wait()
        except TimeoutError:
            pass  # another process may have written

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    def _seal(self, id: str, value: bytes) -> bytes:
        nonce = os.urandom(NONCE)
        return nonce + self._box.encrypt(nonce, value, id.encode())

    def _open(self, id: str, sealed: bytes) -> bytes:
        try:
            return self._box.decrypt(bytes(sealed[:NONCE]), bytes(sealed[NONCE:]), id.encode())
        except (InvalidTag, ValueError):
            raise Corrupt(f"the assignment `{id}` was changed", code="site.changed") from None


def _state(connection: Connection, id: str) -> str:
    """As it is in the store: a claimed one whose worker has not beaten for a while is lost."""
    query = select(assignment.c.state, assignment.c.lease_until).where(assignment.c.id == id)
    row = connection.execute(query).first()
    if row is None or (row.state == "claimed" and store_time(connection) > row.lease_until):
        return "lost"
    return str(row.state)


def _any_waiting(connection: Connection, site: str) -> bool:
    c = assignment.c
    query = select(c.id).where(c.site == site, IS_WAITING, c.expires_at > store_time(connection)).limit(1)
    return connection.execute(query).first() is not None


def _renew(tx: Tx, site: str, worker: str, held: list[str]) -> list[str]:
    c = assignment.c
    ours = c.site == site, c.worker == worker, c.state == "claimed"
    tx.execute(update(assignment).where(*ours, c.id.in_(held)).values(lease_until=store_time(tx) + LEASE_MS))
    known = set(tx.execute(select(c.id).where(*ours, c.id.in_(held))).scalars())
    return [id for id in held if id not in known]


class Counter:
    """The desk of one site in the control plane's own process."""

    def __init__(self, office: Office, site: str) -> None:
        self._office = office
        self._site = site

    async def waiting(self, seconds: float) -> bool:
        """Whether something waits for the site."""
        return await self._office.waiting(self._site, seconds)

    async def claim(self, worker: str, count: int) -> list[Assignment]:
        """Take up to `count` of what waits."""
        return await self._office.claim(self._site, worker, count)

    async def beat(self, worker: str, held: Collection[str]) -> list[str]:
        """Say that the worker lives."""
        return await self._office.beat(self._site, worker, held)

    async def end(self, worker: str, assignment: str, ending: Ending) -> None:
        """Say how one ended."""
        await self._office.end(self._site, worker, assignment, ending)
