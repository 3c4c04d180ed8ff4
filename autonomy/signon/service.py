"""Signing on at identity providers, and vouching for the agents that bring their tokens."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from autonomy.catalog.identity_provider import IdentityProviderSpec, SignIn
from autonomy.catalog.organisation import Organisation, Revision, spec
from autonomy.identity import Identity, assertions, jose
from autonomy.identity.clients import TOKEN_PATH
from autonomy.identity.proof import Vouched
from autonomy.kernel.canonical import Json
from autonomy.kernel.clock import MINUTE, Clock
from autonomy.kernel.errors import Invalid, NotFound, Unauthenticated
from autonomy.tools.credential import Credential

from . import rules
from .errors import lost, misunderstood
from .model import Handover, Metadata, Pending, Provider, Terminal
from .providers import Providers
from .sealed import Seal
from .web import Web

CALLBACK = "/sign-on/callback"
PATIENCE = 10 * MINUTE  # for passwords, second factors and lost telephones
HANDOVER = MINUTE

PORTS = range(1_024, 65_536)


@dataclass(frozen=True, slots=True)
class Begun:
    """Where the browser goes, and what it keeps meanwhile."""

    url: str
    kept: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Finished:
    """A new session, and where the browser goes next. `following` leads to a waiting command where there is one."""

    session: str = field(repr=False)
    following: str = field(repr=False)
    is_terminal: bool


class SignOn:
    """People by OpenID Connect, agents by the tokens of declared issuers. Lives in one event loop.

    `organisation` reads what is in force now, so that a provider which is no longer declared ends at once; `key` seals
    what browsers keep.
    """

    def __init__(
        self,
        organisation: Callable[[], Awaitable[Organisation]],
        identity: Identity,
        web: Web,
        key: bytes,
        url: str,
        clock: Clock,
    ) -> None:
        self._organisation = organisation
        self._identity = identity
        self._web = web
        self._seal = Seal(key)
        self._url = url
        self._clock = clock
        self._providers = Providers(web, clock)

    async def choices(self) -> list[tuple[str, str]]:
        """Name and label of every provider at which people sign in."""
        found = (await self._declared()).items()
        return [(name, one.spec.signIn.label or name) for name, one in found if one.spec.signIn is not None]

    async def begin(self, provider: str, following: str = "", terminal: Terminal | None = None) -> Begun:
        """Send somebody to a provider. Raises NotFound (`sign_on.unknown`), Invalid, Unavailable."""
        found, said = await self._choice(provider)
        if terminal is not None:
            _check_terminal(terminal)
        metadata = await self._providers.metadata(found)
        if not metadata.authorization_endpoint or not metadata.token_endpoint:
            raise misunderstood("it does not say where people sign in")
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        ends = self._clock() + PATIENCE
        pending = Pending(provider, state, nonce, verifier, rules.following(following), ends, terminal)
        url = rules.authorization_url(metadata, said, pending, self._url + CALLBACK)
        return Begun(url, self._seal.close(pending))

    async def finish(self, answer: Mapping[str, str], kept: str) -> Finished:
        """Let in whom the provider vouches for; `answer` is the query the browser brings, `kept` what it kept.

        Raises Invalid (`sign_on.state`), Unauthenticated (`sign_on.refused`, `assertion.*`, `sign_in.failed`),
        Unavailable (`sign_on.provider_down`, `sign_on.provider`).
        """
        pending = self._seal.open(kept, Pending)
        if pending is None:
            raise lost()
        found, said = await self._choice(pending.provider)
        metadata = await self._providers.metadata(found)
        code = rules.check_answer(answer, pending, found.spec.issuer, metadata.says_issuer, self._clock())
        tokens = await self._redeem(found, said, metadata, pending, code)
        claims = await self._identified(found, said, pending, tokens)
        groups = await self._groups(found, said, metadata, claims, tokens)
        subject = f"{found.spec.issuer}|{assertions.subject_of(claims, said.subjectClaim)}"
        session = await asyncio.to_thread(self._identity.sign_in_external, subject, groups, found.name)
        return self._finished(pending, session)

    def take_over(self, code: str, verifier: str) -> str:
        """The session token that a browser has brought to a command. Raises Invalid (`sign_on.state`)."""
        handed = self._seal.open(code, Handover)
        if handed is None or self._clock() >= handed.expires_at or not rules.is_answered(handed.challenge, verifier):
            raise lost()
        return handed.session

    async def vouch(self, token: str) -> Vouched:
        """Whom the declared issuer of `token` says its bearer to be (RFC 7523 section 3).

        The token must be meant for this server: its one audience is our URL or that of the token endpoint. Raises
        Unauthenticated (`assertion.*`), Unavailable where the issuer's keys cannot be had.
        """
        unverified, declared = jose.read(token), await self._declared()
        provider = next((one for one in declared.values() if one.spec.issuer == unverified.issuer), None)
        if provider is None:
            raise jose.refused("its issuer is not declared here")
        claims = await self._providers.verified(provider, unverified)
        assertions.check_audience(claims, (self._url, self._url + TOKEN_PATH))
        times = assertions.check_times(claims, self._clock())
        subject, identifier = assertions.subject_of(claims), assertions.token_id(claims)
        reusable = provider.spec.reusableTokens
        if identifier is None and not reusable:
            raise jose.refused("it has no `jti`, by which it counts once")
        key = hashlib.sha256(f"{provider.spec.issuer}|{identifier or token}".encode()).hexdigest()
        return Vouched(provider.name, subject, claims, key, times.expires_at, reusable)

    def _finished(self, pending: Pending, session: str) -> Finished:
        waiting = pending.terminal
        if waiting is None:
            return Finished(session, pending.following, is_terminal=False)
        code = self._seal.close(Handover(session, waiting.challenge, self._clock() + HANDOVER))
        return Finished(session, f"http://127.0.0.1:{waiting.port}/?state={waiting.state}&code={code}", True)

    async def _redeem(
        self, provider: Provider, said: SignIn, metadata: Metadata, pending: Pending, code: str
    ) -> Mapping[str, Json]:
        """The provider's tokens for an authorization code (RFC 6749 section 4.1.3, RFC 7636 section 4.5)."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._url + CALLBACK,
            "code_verifier": pending.verifier,
        }
        client = None if said.credential is None else await self._web.basic(said.clientId, said.credential)
        if client is None:
            form["client_id"] = said.clientId
        status, found = await self._web.post(metadata.token_endpoint, form, provider.spec.allow, client)
        if status == 200:
            return found
        if status >= 500:
            raise misunderstood(f"it answers {status}")
        raise Unauthenticated("the identity provider has refused", code="sign_on.refused", hint="begin again")

    async def _identified(
        self, provider: Provider, said: SignIn, pending: Pending, tokens: Mapping[str, Json]
    ) -> Mapping[str, Json]:
        token = tokens.get("id_token")
        if not isinstance(token, str):
            raise misunderstood("it sends no ID token")
        claims = await self._providers.verified(provider, jose.read(token))
        rules.check_id_token(claims, provider.spec.issuer, said.clientId, pending.nonce)
        assertions.check_times(claims, self._clock())
        return claims

    async def _groups(
        self,
        provider: Provider,
        said: SignIn,
        metadata: Metadata,
        claims: Mapping[str, Json],
        tokens: Mapping[str, Json],
    ) -> list[str]:
        """The person's groups: from the ID token, else from what the provider says of its bearer's access token."""
        told, access = rules.groups_in(claims, said.groupsClaim), tokens.get("access_token")
        if told is not None or not provider.spec.groups:
            return told or []
        if not metadata.userinfo_endpoint or not isinstance(access, str):
            return []
        bearer = Credential(f"access token of {provider.name}", 0, access)
        found = await self._web.get(metadata.userinfo_endpoint, provider.spec.allow, bearer)
        if found.get("sub") != claims.get("sub"):
            raise jose.refused("the provider speaks of somebody else")
        return rules.groups_in(found, said.groupsClaim) or []

    async def _choice(self, name: str) -> tuple[Provider, SignIn]:
        found = (await self._declared()).get(name)
        if found is None or found.spec.signIn is None:
            raise NotFound(f"nobody signs in at `{name[:80]}`", code="sign_on.unknown", hint="see the page `/login`")
        return found, found.spec.signIn

    async def _declared(self) -> dict[str, Provider]:
        declared = (await self._organisation()).all("IdentityProvider")
        return {name: _provider(revision) for name, revision in sorted(declared.items())}


def _provider(revision: Revision) -> Provider:
    return Provider(revision.name, revision.digest, spec(revision, IdentityProviderSpec))


def _check_terminal(terminal: Terminal) -> None:
    plain = (terminal.state + terminal.challenge).replace("-", "").replace("_", "")
    fits = len(terminal.challenge) == 43 and 0 < len(terminal.state) <= 100 and plain.isascii() and plain.isalnum()
    if terminal.port not in PORTS or not fits:
        raise Invalid("no command waits like that", code="sign_on.terminal", hint="run `autonomy login --sso`")
