"""What agents present: client secrets for the token endpoint, API keys for simple clients. Stored as SHA-256.

A plain hash is enough because every secret here is 256 random bits: there is nothing to guess.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

from sqlalchemy import func, insert, select, update

from autonomy.db import Tx
from autonomy.kernel import canonical
from autonomy.kernel.canonical import Json
from autonomy.kernel.clock import DAY
from autonomy.kernel.errors import Conflict, Invalid, Unauthenticated
from autonomy.kernel.ids import new_id

from . import jose, rules, store
from .base import Base
from .directory import Directory
from .ending import Stamp, end_access, with_children
from .model import Credential, CredentialKind, IssuedCredential, State

DEFAULT_TTL = 90 * DAY
LONGEST_TTL = 366 * DAY
MAX_LIVE = 10  # enough to rotate several clients without a gap; more is sprawl nobody reviews
SECRET_BYTES = 32

_PREFIX = "aos"


class Credentials(Base):
    """Issuing and revoking what agents authenticate with."""

    def issue_credential(self, agent: str, kind: CredentialKind, by: str, ttl: int = DEFAULT_TTL) -> IssuedCredential:
        """A new credential of `agent` (id or name) for `ttl` milliseconds. Its secret is in the answer only.

        Raises NotFound, Conflict (`agent.retired`, `credential.too_many`), Invalid.
        """
        rules.check_actor(by)
        if kind not in ("client_secret", "api_key") or not 0 < ttl <= LONGEST_TTL:
            raise Invalid(
                "no such credential is issued",
                code="credential.kind",
                hint="`client_secret` or `api_key`, at most 366d",
            )
        secret = secrets.token_urlsafe(SECRET_BYTES)

        def work(tx: Tx) -> IssuedCredential:
            stamp = self._stamp(tx)
            found = store.find_agent(tx, agent)
            if found.state is State.RETIRED:
                raise Conflict(f"the agent `{found.name}` is retired", code="agent.retired")
            _check_room(tx, found.id, found.name, stamp.at)
            issued = _issued(new_id("cred"), found.id, kind, stamp.at + ttl, secret)
            made = Credential(issued.id, found.id, kind, stamp.at, issued.expires_at, None, by)
            _insert(tx, made, hash_secret(secret), stamp)
            self._leaf(tx, stamp, "credential.issued", by, agent=found.id, credential=issued.id, credential_kind=kind)
            return issued

        return self._write(work)

    def register_key(self, agent: str, key: Json, by: str, ttl: int = DEFAULT_TTL) -> Credential:
        """Let `agent` (id or name) prove itself by signing with the private half of `key`, a public JSON Web Key.

        Nothing secret passes here. Raises NotFound, Conflict (`agent.retired`, `credential.too_many`), Invalid
        (`credential.key`, `credential.private_key`, `credential.kind`).
        """
        rules.check_actor(by)
        public = canonical.encode(dict(jose.check_public(key))).decode()
        if not 0 < ttl <= LONGEST_TTL:
            raise Invalid("no such credential is issued", code="credential.kind", hint="at most 366d")

        def work(tx: Tx) -> Credential:
            stamp = self._stamp(tx)
            found = store.find_agent(tx, agent)
            if found.state is State.RETIRED:
                raise Conflict(f"the agent `{found.name}` is retired", code="agent.retired")
            _check_room(tx, found.id, found.name, stamp.at)
            made = Credential(new_id("cred"), found.id, "public_key", stamp.at, stamp.at + ttl, None, by)
            _insert(tx, made, public, stamp)
            self._leaf(
                tx, stamp, "credential.issued", by, agent=found.id, credential=made.id, credential_kind="public_key"
            )
            return made

        return self._write(work)

    def revoke(self, agent_or_credential: str, by: str, reason: str = "") -> int:
        """End a credential (`cred_…`) or everything of an agent (id or name), with the tokens obtained by it.

        An agent's child agents lose theirs as well, and every delegation from or to any of them ends. Takes effect
        on the next admission in every process. Returns how many credentials ended. Raises NotFound.
        """
        rules.check_actor(by)
        rules.check_reason(reason)
        if agent_or_credential.startswith("cred_"):
            return self._write(lambda tx: self._revoke_one(tx, agent_or_credential, by, reason))
        return self._write(lambda tx: self._revoke_all(tx, agent_or_credential, by, reason))

    def credentials(self, agent: str | None = None) -> list[Credential]:
        """Every credential ever issued, or those of one agent (id or name), newest first; no hashes."""
        directory = self._directory.refresh()
        owner = None if agent is None else directory.agent(agent).id
        found = [one for one in tuple(directory.credentials.values()) if owner in (None, one.agent)]
        return sorted(found, key=lambda one: (one.created_at, one.id), reverse=True)

    def _revoke_one(self, tx: Tx, credential: str, by: str, reason: str) -> int:
        table = store.credential
        row = store.find(tx, table.c.id, credential, "credential")
        if row.revoked_at is not None:
            return 0
        stamp = self._stamp(tx)
        tx.execute(update(table).where(table.c.id == credential).values(revoked_at=stamp.at, changed=stamp.epoch))
        self._leaf(tx, stamp, "credential.revoked", by, agent=row.agent, credential=credential, reason=reason)
        return 1

    def _revoke_all(self, tx: Tx, agent: str, by: str, reason: str) -> int:
        stamp = self._stamp(tx)
        found = store.find_agent(tx, agent)
        ended = with_children(tx, [found.id])
        count = end_access(tx, ended, stamp)
        self._leaf(tx, stamp, "agent.revoked", by, agent=found.id, agents=sorted(ended), reason=reason)
        return count


def hash_secret(secret: str) -> str:
    """What is stored of a secret, hexadecimal."""
    return hashlib.sha256(secret.encode()).hexdigest()


def read_api_key(bearer: str) -> tuple[str, str] | None:
    """Credential id and secret of an API key `aos_<id>_<secret>`; None where `bearer` is none."""
    prefix, _, rest = bearer.partition("_")
    number, _, secret = rest.partition("_")
    return (f"cred_{number}", secret) if prefix == _PREFIX and number and secret else None


def check_secret(directory: Directory, kind: CredentialKind, credential: str, secret: str) -> Credential:
    """The credential of this kind whose secret this is; it may have ended since.

    Raises Unauthenticated (`credential.invalid`) for unknown ones and wrong secrets alike.
    """
    found = directory.credentials.get(credential)
    expected = directory.hash_of(credential) or hash_secret("")
    if not hmac.compare_digest(expected, hash_secret(secret)) or found is None or found.kind != kind:
        raise Unauthenticated("the credential is not valid", code="credential.invalid")
    return found


def check_unrevoked(credential: Credential) -> None:
    """Raise Unauthenticated (`credential.revoked`) where it was revoked."""
    if credential.revoked_at is not None:
        raise Unauthenticated("the credential was revoked", code="credential.revoked")


def check_unexpired(credential: Credential, at: int) -> None:
    """Raise Unauthenticated (`credential.expired`) where its time is over."""
    if at >= credential.expires_at:
        raise Unauthenticated("the credential has expired", code="credential.expired", hint="have a new one issued")


def _issued(credential: str, agent: str, kind: CredentialKind, expires_at: int, secret: str) -> IssuedCredential:
    shown = secret if kind == "client_secret" else f"{_PREFIX}_{credential.removeprefix('cred_')}_{secret}"
    return IssuedCredential(credential, agent, kind, expires_at, shown)


def _check_room(tx: Tx, agent: str, name: str, at: int) -> None:
    table = store.credential
    issued = table.c.agent == agent, table.c.kind != "federated"
    live = *issued, table.c.revoked_at.is_(None), table.c.expires_at > at
    if tx.execute(select(func.count()).select_from(table).where(*live)).scalar_one() >= MAX_LIVE:
        raise Conflict(
            f"`{name}` has {MAX_LIVE} live credentials",
            code="credential.too_many",
            hint="revoke those that are not used",
        )


def _insert(tx: Tx, made: Credential, stored: str, stamp: Stamp) -> None:
    tx.execute(
        insert(store.credential).values(
            id=made.id,
            agent=made.agent,
            kind=made.kind,
            hash=stored,
            created_at=made.created_at,
            expires_at=made.expires_at,
            revoked_at=None,
            issued_by=made.issued_by,
            changed=stamp.epoch,
        )
    )
