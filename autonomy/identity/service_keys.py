"""Keys of other systems: an identity provider that tells us of people by SCIM, an application that asks by AuthZEN.

A key serves one purpose and opens nothing else. It is looked up at every call, so that revoking it needs no time.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from sqlalchemy import Row, func, insert, select, update

from autonomy.db import Tx
from autonomy.kernel.clock import DAY
from autonomy.kernel.errors import Conflict, Invalid, NotFound, Unauthenticated
from autonomy.kernel.ids import new_id

from . import rules
from .base import Base
from .credentials import SECRET_BYTES, hash_secret
from .outside_store import service_key

Purpose = Literal["scim", "authzen"]

DEFAULT_TTL = 366 * DAY
LONGEST_TTL = 5 * 366 * DAY  # identity providers are set up once and forgotten; yet nothing is for ever
MAX_LIVE = 100
MAX_NAME = 63

_PREFIX = "aosk"


@dataclass(frozen=True, slots=True)
class ServiceKey:
    """A key of another system; never its secret. `provider` is the identity provider it speaks for, else empty."""

    id: str
    purpose: Purpose
    name: str
    provider: str
    created_at: int
    expires_at: int
    revoked_at: int | None
    issued_by: str

    @property
    def actor(self) -> str:
        """How the log names who holds it."""
        return f"service:{self.id}"


@dataclass(frozen=True, slots=True)
class IssuedServiceKey:
    """A new key. The secret is shown here and nowhere else, ever."""

    id: str
    purpose: Purpose
    name: str
    expires_at: int
    secret: str = field(repr=False)


class ServiceKeys(Base):
    """Issuing, checking and revoking."""

    def issue_service_key(
        self, name: str, purpose: Purpose, by: str, provider: str = "", ttl: int = DEFAULT_TTL
    ) -> IssuedServiceKey:
        """A new key for `ttl` milliseconds. One for SCIM speaks for the identity provider `provider`.

        Raises Invalid (`service_key.kind`), Conflict (`service_key.too_many`).
        """
        rules.check_actor(by)
        rules.check_name("service_key", name)
        if purpose not in get_args(Purpose) or not 0 < ttl <= LONGEST_TTL or (purpose == "scim") is not bool(provider):
            raise Invalid(
                "no such key is issued",
                code="service_key.kind",
                hint="`scim` for an identity provider, or `authzen`; at most five years",
            )
        secret = secrets.token_urlsafe(SECRET_BYTES)

        def work(tx: Tx) -> IssuedServiceKey:
            stamp = self._now(tx)
            _check_room(tx, stamp.at)
            made = ServiceKey(new_id("skey"), purpose, name, provider, stamp.at, stamp.at + ttl, None, by)
            tx.execute(insert(service_key).values(hash=hash_secret(secret), **_columns(made)))
            self._leaf(tx, stamp, "service_key.issued", by, credential=made.id, name=name, credential_kind=purpose)
            shown = f"{_PREFIX}_{made.id.removeprefix('skey_')}_{secret}"
            return IssuedServiceKey(made.id, purpose, name, made.expires_at, shown)

        return self._write(work)

    def revoke_service_key(self, key: str, by: str, reason: str = "") -> bool:
        """End a key (`skey_…`), at the next call in every process; returns whether it was live. Raises NotFound."""
        rules.check_actor(by)
        rules.check_reason(reason)

        def work(tx: Tx) -> bool:
            table, stamp = service_key, self._now(tx)
            row = tx.execute(select(table).where(table.c.id == key)).one_or_none() if key.isprintable() else None
            if row is None:
                raise NotFound(f"there is no service key `{key[:80]}`", code="service_key.unknown")
            if row.revoked_at is not None:
                return False
            tx.execute(update(table).where(table.c.id == key).values(revoked_at=stamp.at))
            self._leaf(tx, stamp, "service_key.revoked", by, credential=key, name=row.name, reason=reason)
            return True

        return self._write(work)

    def service_keys(self) -> list[ServiceKey]:
        """Every key ever issued, newest first."""
        with self._database.reading() as connection:
            return [_to_key(row) for row in connection.execute(select(service_key).order_by(service_key.c.id.desc()))]

    def admit_service(self, bearer: str, purpose: Purpose) -> ServiceKey:
        """The key that `bearer` is, in force now and for this purpose. Raises Unauthenticated (`service_key.invalid`).

        One answer for all that may be wrong: who guesses learns nothing.
        """
        prefix, _, rest = bearer.partition("_")
        number, _, secret = rest.partition("_")
        if prefix == _PREFIX and number.isalnum() and number.isascii():
            with self._database.reading() as connection:
                found = select(service_key).where(service_key.c.id == f"skey_{number}")
                row = connection.execute(found).one_or_none()
            if row is not None and self._is_good(row, secret, purpose):
                return _to_key(row)
        raise Unauthenticated("the key is not valid here", code="service_key.invalid", hint="have a new one issued")

    def _is_good(self, row: Row[Any], secret: str, purpose: Purpose) -> bool:
        genuine = hmac.compare_digest(row.hash, hash_secret(secret))
        return genuine and row.purpose == purpose and row.revoked_at is None and self._clock() < row.expires_at


def _check_room(tx: Tx, at: int) -> None:
    live = service_key.c.revoked_at.is_(None), service_key.c.expires_at > at
    if tx.execute(select(func.count()).select_from(service_key).where(*live)).scalar_one() >= MAX_LIVE:
        raise Conflict(
            f"there are {MAX_LIVE} live service keys", code="service_key.too_many", hint="revoke those not used"
        )


def _columns(key: ServiceKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "purpose": key.purpose,
        "name": key.name,
        "provider": key.provider,
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
        "issued_by": key.issued_by,
    }


def _to_key(row: Row[Any]) -> ServiceKey:
    return ServiceKey(
        row.id,
        row.purpose,
        row.name,
        row.provider,
        row.created_at,
        row.expires_at,
        row.revoked_at,
        row.issued_by,
    )
