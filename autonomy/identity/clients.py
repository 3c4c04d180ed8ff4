"""Who asks at the token endpoint: from a proof to the credential it proves. Tokens of others count once."""

from __future__ import annotations

import hashlib
import json

from sqlalchemy import delete, insert, select

from autonomy.db import Tx
from autonomy.kernel.clock import MINUTE
from autonomy.kernel.errors import Unauthenticated

from . import assertions, jose, tokens
from .admission import Admission
from .credentials import check_secret, check_unexpired, check_unrevoked
from .directory import Directory
from .model import Credential
from .outside_store import used_token
from .proof import ActorToken, Proof, Secret, SignedAssertion, Vouched
from .tokens import Claims

TOKEN_PATH = "/oauth/token"
LONGEST_ASSERTION = 10 * MINUTE  # a client makes a new one for every request


class Clients(Admission):
    """Proving which agent a client is."""

    def prove(self, directory: Directory, proof: Proof) -> Credential:
        """The credential in force that `proof` shows. A token of somebody else is used up by it.

        Raises Unauthenticated (`credential.*`, `assertion.*`, `token.*`).
        """
        match proof:
            case Secret(client_id, secret):
                return self._in_force(check_secret(directory, "client_secret", client_id, secret))
            case SignedAssertion():
                return self._signed(directory, proof)
            case ActorToken(token):
                return self._actor(directory, token)
            case Vouched():
                return self._vouched(directory, proof)

    def claims_in_force(self, directory: Directory, token: str) -> Claims:
        """The claims of an access token in force. Raises Unauthenticated."""
        self.admit(token, directory.epoch)
        return tokens.decode(token, self._issuer, directory.keys.get)

    def _in_force(self, client: Credential) -> Credential:
        check_unrevoked(client)
        check_unexpired(client, self._clock())
        return client

    def _signed(self, directory: Directory, proof: SignedAssertion) -> Credential:
        """`private_key_jwt`: the credential is issuer and subject, and its key has signed (RFC 7523 section 3)."""
        token = jose.read(proof.token)
        client = directory.credentials.get(token.issuer)
        stored = directory.hash_of(token.issuer)
        if client is None or client.kind != "public_key" or not stored:
            raise jose.refused("its issuer has no key here")
        claims = jose.verified(token, json.loads(stored), jose.ALGORITHMS)
        if claims.get("sub") != client.id or proof.client_id not in (None, client.id):
            raise jose.refused("it is about another client")
        assertions.check_audience(claims, (self._issuer, self._issuer + TOKEN_PATH))
        times = assertions.check_times(claims, self._clock(), LONGEST_ASSERTION)
        identifier = assertions.token_id(claims)
        if identifier is None:
            raise jose.refused("it has no `jti`, by which it counts once")
        self._in_force(client)
        self._use_up(_key(client.id, identifier), times.expires_at)
        return client

    def _actor(self, directory: Directory, token: str) -> Credential:
        claims = self.claims_in_force(directory, token)
        if len(claims.chain) > 1:
            raise Unauthenticated("the actor acts for somebody else already", code="token.invalid")
        return self._in_force(directory.credentials[claims.credential])

    def _vouched(self, directory: Directory, vouched: Vouched) -> Credential:
        """The one agent declared to be this workload. Two that fit are as bad as none: nobody is guessed."""
        fitting = [
            credential
            for credential, workload in directory.workloads(vouched.provider, vouched.subject)
            if assertions.holds(vouched.claims, dict(workload.claims))
        ]
        if len(fitting) != 1:
            raise jose.refused("no agent is declared to be its subject" if not fitting else "several agents would fit")
        client = self._in_force(fitting[0])
        if not vouched.reusable:
            self._use_up(vouched.key, vouched.expires_at)
        return client

    def _use_up(self, key: str, expires_at: int) -> None:
        """Let a token count this once, in every process. Raises Unauthenticated (`assertion.replayed`)."""

        def work(tx: Tx) -> None:
            tx.execute(delete(used_token).where(used_token.c.expires_at < self._clock()))
            if tx.execute(select(used_token.c.key).where(used_token.c.key == key)).first() is not None:
                raise jose.refused("it was used before", "replayed")
            tx.execute(insert(used_token).values(key=key, expires_at=expires_at + assertions.LEEWAY))

        self._queue.run(work)


def _key(issuer: str, token_id: str) -> str:
    return hashlib.sha256(f"{issuer}|{token_id}".encode()).hexdigest()
