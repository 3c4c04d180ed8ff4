"""What a worker presents: a key of its site, `site_<id>_<secret>`. Stored as SHA-256, like every key of ours."""

from __future__ import annotations

import hmac
import re
import secrets
from typing import NamedTuple

from sqlalchemy import Connection, insert, select, update

from autonomy.audit import record
from autonomy.db import CommitQueue, Database, Tx
from autonomy.identity.credentials import DEFAULT_TTL, LONGEST_TTL, SECRET_BYTES, hash_secret
from autonomy.kernel import clock
from autonomy.kernel.clock import Clock
from autonomy.kernel.errors import Invalid, NotFound, Unauthenticated
from autonomy.kernel.ids import new_id

from .store import site_key

_PREFIX = "site"
_SITE = re.compile(r"[a-z0-9]([a-z0-9_.-]{0,61}[a-z0-9])?")


class SiteKey(NamedTuple):
    """One key, never its secret. Times in milliseconds."""

    id: str
    site: str
    created_at: int
    created_by: str
    expires_at: int
    revoked_at: int | None


class IssuedKey(NamedTuple):
    """A new key; the only time its secret is seen."""

    id: str
    site: str
    expires_at: int
    secret: str


class SiteKeys:
    """Issues, checks and revokes keys. `issue` and `revoke` block until durable."""

    def __init__(self, database: Database, queue: CommitQueue, clock: Clock = clock.now) -> None:
        self._database = database
        self._queue = queue
        self._clock = clock

    def issue(self, site: str, by: str, ttl: int = DEFAULT_TTL) -> IssuedKey:
        """A new key of `site` for `ttl` milliseconds. Raises Invalid (`site.name`, `credential.kind`)."""
        if not _SITE.fullmatch(site):
            raise Invalid("this is no name of a site", code="site.name", hint="lower case letters, digits, `-`, `_`")
        if not 0 < ttl <= LONGEST_TTL:
            raise Invalid("no such key is issued", code="credential.kind", hint="for at most 366d")
        at, secret, id = self._clock(), secrets.token_urlsafe(SECRET_BYTES), new_id("stk")

        def work(tx: Tx) -> None:
            row = {"id": id, "site": site, "hash": hash_secret(secret), "created_at": at, "created_by": by}
            tx.execute(insert(site_key).values(**row, expires_at=at + ttl))
            record(tx, "identity", at, actor=by, event="site.key_issued", name=site, credential=id)

        self._queue.run(work)
        return IssuedKey(id, site, at + ttl, f"{_PREFIX}_{id.removeprefix('stk_')}_{secret}")

    def revoke(self, id: str, by: str) -> None:
        """End a key, from its next use on. Raises NotFound (`site.key_unknown`)."""
        at = self._clock()

        def work(tx: Tx) -> None:
            live = update(site_key).where(site_key.c.id == id, site_key.c.revoked_at.is_(None))
            if tx.execute(live.values(revoked_at=at)).rowcount != 1:
                raise NotFound(f"there is no live key `{id[:40]}` of a site", code="site.key_unknown")
            record(tx, "identity", at, actor=by, event="site.key_revoked", credential=id)

        self._queue.run(work)

    def list(self, connection: Connection) -> list[SiteKey]:
        """Every key, by site."""
        c = site_key.c
        query = select(c.id, c.site, c.created_at, c.created_by, c.expires_at, c.revoked_at).order_by(c.site, c.id)
        return [SiteKey(*row) for row in connection.execute(query)]

    async def site_of(self, bearer: str) -> str:
        """The site whose key this is. Looked up each time, so that a revocation holds at the next call.

        Raises Unauthenticated (`site.key_invalid`) for unknown, wrong, expired and revoked ones alike.
        """
        prefix, _, rest = bearer.partition("_")
        number, _, secret = rest.partition("_")
        query = select(site_key).where(site_key.c.id == f"stk_{number}")
        row = await self._database.read(lambda connection: connection.execute(query).first())
        expected = row.hash if row is not None else hash_secret("")
        right = hmac.compare_digest(expected, hash_secret(secret)) and prefix == _PREFIX
        if row is None or not right or row.revoked_at is not None or row.expires_at <= self._clock():
            raise Unauthenticated("the key of the site is not valid", code="site.key_invalid")
        return str(row.site)
