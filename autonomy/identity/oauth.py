"""The token endpoint: OAuth 2.1 client credentials, token exchange for delegation (RFC 8693), the signing keys.

Refusals carry the error codes of RFC 6749 section 5.2 and RFC 8707 behind `oauth.`; `oauth_error` is their wire form.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import insert, select, update

from autonomy.db import Tx
from autonomy.kernel.clock import SECOND
from autonomy.kernel.errors import AutonomyError, Invalid, Unauthenticated
from autonomy.kernel.ids import new_id

from . import rules, store, tokens
from .clients import Clients
from .credentials import read_api_key
from .directory import Directory
from .ending import Stamp
from .keys import Signer, jwk
from .model import Credential, SigningKey, TokenResponse
from .proof import Proof, Vouched
from .tokens import Claims


@dataclass(frozen=True, slots=True)
class _Request:
    """A token to be issued: `client` acts at the head of `chain`, resting on `grants`, no longer than `until`."""

    client: Credential
    chain: tuple[str, ...]
    grants: tuple[str, ...]
    until: int


class TokenEndpoint(Clients):
    """Issuing access tokens."""

    _signer: Signer | None = None

    def token(self, proof: Proof, resources: Sequence[str] = (), act_for: str | None = None) -> TokenResponse:
        """An access token for the agent that `proof` shows the client to be (RFC 6749 section 4.4, RFC 7523).

        `resources` are those it is meant for, the whole server when none is named. `act_for` names (by name or id) an
        agent that has delegated to this one; the token then acts for it. Raises Unauthenticated
        (`oauth.invalid_client`) and Invalid (`oauth.unauthorized_client .invalid_grant .invalid_target`).
        """
        directory, client = self._client(proof)
        if act_for is None:
            return self._issue(directory, _Request(client, (client.agent,), (), client.expires_at), resources)
        giver = directory.id_of(act_for)
        return self._issue(directory, _extended(directory, client, (giver,), (), client.expires_at), resources)

    def exchange(
        self, proof: Proof, subject: str | Vouched, resources: Sequence[str] = (), actor: Proof | None = None
    ) -> TokenResponse:
        """An access token for this agent acting for whom `subject` is about (token exchange, RFC 8693).

        `subject` is an access token of ours or what an identity provider vouches for. The agent that acts in it must
        have delegated to this one; the new token ends no later than it. `actor` is a further proof of who acts.
        Raises as `token` does, and Invalid (`oauth.invalid_request`) for a subject token that is an API key and for an
        actor who is another than the client.
        """
        directory, client = self._client(proof)
        if actor is not None and self._client(actor)[1].agent != client.agent:
            raise Invalid("the actor is not the agent that asks", code="oauth.invalid_request")
        if isinstance(subject, str) and read_api_key(subject) is not None:
            raise Invalid("an API key cannot be exchanged", code="oauth.invalid_request", hint="send an access token")
        try:
            chain, grants, ends = self._subject(directory, subject)
        except Unauthenticated as error:
            raise Invalid(f"the subject token is refused: {error.message}", code="oauth.invalid_grant") from None
        until = min(ends, client.expires_at)
        return self._issue(directory, _extended(directory, client, chain, grants, until), resources)

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """The keys under which our tokens can be verified, as a JSON Web Key Set (RFC 7517)."""
        at = self._clock()
        keys = tuple(self._directory.refresh().keys.values())
        return {"keys": [jwk(key) for key in keys if key.retired_at is None or at < key.retired_at]}

    def rotate_signing_key(self, by: str, compromised: bool = False) -> str:
        """Sign with a new key from now on; returns its id.

        Tokens of the old one live out their five minutes, unless it is `compromised`: then they end at once.
        """
        rules.check_actor(by)
        key, sealed = self._box.make(self._clock())

        def work(tx: Tx) -> str:
            stamp = self._stamp(tx)
            grace = 0 if compromised else tokens.LIFETIME + tokens.LEEWAY
            table, end = store.signing_key, stamp.at + grace
            outlasts = table.c.retired_at.is_(None) | (table.c.retired_at > end)
            tx.execute(update(table).where(outlasts).values(retired_at=end, changed=stamp.epoch))
            self._keep_key(tx, key, sealed, by, stamp)
            return key.kid

        return self._write(work)

    def _client(self, proof: Proof) -> tuple[Directory, Credential]:
        directory = self._directory.refresh()
        try:
            client = self.prove(directory, proof)
        except Unauthenticated as error:
            raise Unauthenticated(error.message, code="oauth.invalid_client") from None
        try:
            directory.check_admissible(directory.agent(client.agent))
        except Unauthenticated as error:
            raise Invalid(error.message, code="oauth.unauthorized_client") from None
        return directory, client

    def _subject(self, directory: Directory, subject: str | Vouched) -> tuple[tuple[str, ...], tuple[str, ...], int]:
        """Chain, grants and end (milliseconds) of a token in force, ours or one of an identity provider."""
        if isinstance(subject, Vouched):
            agent = self.prove(directory, subject).agent
            directory.check_admissible(directory.agent(agent))
            return (agent,), (), subject.expires_at
        claims = self.claims_in_force(directory, subject)
        return claims.chain, claims.grants, claims.expires_at

    def _issue(self, directory: Directory, asked: _Request, resources: Sequence[str]) -> TokenResponse:
        wanted = self._audience.of_token(resources)
        # The epoch is read before anything is judged: what is revoked meanwhile overtakes this token.
        at, epoch = self._clock(), directory.epoch
        expires_at = _expiry(directory, asked, at)
        claims = Claims(new_id("tok", at), asked.chain, asked.grants, asked.client.id, wanted, epoch, at, expires_at)
        token = tokens.encode(claims, self._issuer, self._current_signer(directory))
        return TokenResponse(token, (expires_at - at) // SECOND)

    def _current_signer(self, directory: Directory) -> Signer:
        signing = [key for key in tuple(directory.keys.values()) if key.retired_at is None]
        if not signing:
            self._begin_signing()
            return self._current_signer(self._directory.refresh())
        kid = max(signing, key=lambda key: (key.created_at, key.kid)).kid
        signer = self._signer
        if signer is None or signer.kid != kid:
            signer = self._signer = self._box.open(kid, self._sealed(kid))
        return signer

    def _sealed(self, kid: str) -> bytes:
        with self._database.reading() as connection:
            table = store.signing_key
            return bytes(connection.execute(select(table.c.private).where(table.c.kid == kid)).scalar_one())

    def _begin_signing(self) -> None:
        key, sealed = self._box.make(self._clock())

        def work(tx: Tx) -> None:
            table = store.signing_key
            # Another process may have been first: one key is enough.
            if tx.execute(select(table.c.kid).where(table.c.retired_at.is_(None))).first() is None:
                self._keep_key(tx, key, sealed, "system", self._stamp(tx))

        self._write(work)

    def _keep_key(self, tx: Tx, key: SigningKey, sealed: bytes, by: str, stamp: Stamp) -> None:
        tx.execute(
            insert(store.signing_key).values(
                kid=key.kid,
                public=key.public,
                private=sealed,
                created_at=key.created_at,
                retired_at=None,
                changed=stamp.epoch,
            )
        )
        self._leaf(tx, stamp, "key.made", by, kid=key.kid)


def oauth_error(error: AutonomyError) -> dict[str, str]:
    """The body of a refusal at the token endpoint (RFC 6749 section 5.2)."""
    known = error.code.startswith("oauth.")
    return {
        "error": error.code.removeprefix("oauth.") if known else "invalid_request",
        "error_description": error.message,
    }


def _extended(
    directory: Directory, client: Credential, chain: tuple[str, ...], grants: tuple[str, ...], until: int
) -> _Request:
    """A request of `client` to act for the head of `chain`, which must have delegated to it."""
    grant = directory.grant(chain[0], client.agent)
    if grant is None:
        # The same words where there is no such agent: tokens are no way to learn who exists.
        raise Invalid("nothing is delegated to you by this agent", code="oauth.invalid_grant")
    return _Request(client, (client.agent, *chain), (grant.id, *grants), until)


def _expiry(directory: Directory, asked: _Request, at: int) -> int:
    """When the token ends: after its lifetime, or with the first of what it rests on, in whole seconds."""
    try:
        for member in asked.chain:
            directory.check_admissible(directory.agent(member))
        links = [directory.delegations.get(grant) for grant in asked.grants]
        left = rules.authority(links, asked.chain, at)
    except Unauthenticated as error:
        raise Invalid(error.message, code="oauth.invalid_grant") from None
    ends = min(at + tokens.LIFETIME, asked.until, asked.until if left is None else left.expires_at)
    return ends - ends % SECOND
