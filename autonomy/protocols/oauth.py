"""Where agents get their tokens."""

from __future__ import annotations

import asyncio

from autonomy.identity import jose
from autonomy.identity.model import TokenResponse
from autonomy.identity.oauth import oauth_error
from autonomy.identity.proof import Proof, Vouched
from autonomy.kernel.errors import AutonomyError, Invalid, Unauthenticated

from . import asgi
from .asgi import Answer, Header, Incoming
from .documents import document
from .oauth_form import JWT_BEARER, Foreign, Shown, TokenRequest, read_request
from .ports import Clients, Vouch
from .site import Site

MAX_FORM = 65_536  # three tokens of the longest kind and everything else

_FORM = "application/x-www-form-urlencoded"
_NO_CACHE: Header = (b"pragma", b"no-cache")
_CHALLENGE: Header = (b"www-authenticate", b'Basic realm="autonomy", charset="UTF-8"')

NOBODY_SIGNS_IN = asgi.json(
    400,
    {
        "error": "unsupported_response_type",
        "error_description": "agents have credentials of their own: use client_credentials at the token endpoint",
    },
)
"""The answer of the authorization endpoint, which exists for clients that insist on one."""


class OAuth:
    """The token endpoint and its keys. `vouch` asks a declared identity provider's keys about a token of its own."""

    def __init__(self, clients: Clients, site: Site, vouch: Vouch) -> None:
        self._clients = clients
        self._site = site
        self._vouch = vouch

    async def token(self, incoming: Incoming) -> Answer:
        """An access token, or an error in the words of RFC 6749 section 5.2."""
        try:
            asked = await _read(incoming)
            granted = await self._grant(asked)
        except AutonomyError as error:
            return _refused(error)
        return asgi.json(200, granted.as_dict(), _NO_CACHE)

    async def keys(self, _: Incoming) -> Answer:
        """The keys under which our tokens can be verified (RFC 7517)."""
        return document(await asyncio.to_thread(self._clients.jwks))

    async def _grant(self, asked: TokenRequest) -> TokenResponse:
        try:
            proof = await self._proof(asked.proof)
            if asked.subject is None:
                return await asyncio.to_thread(self._clients.token, proof, asked.resources, asked.act_for)
            subject = await self._subject(asked.subject)
            actor = None if asked.actor is None else await self._proof(asked.actor)
            return await asyncio.to_thread(self._clients.exchange, proof, subject, asked.resources, actor)
        except Unauthenticated as error:
            if asked.grant == JWT_BEARER:  # the assertion is the grant itself (RFC 7523 section 3.1)
                raise Invalid(error.message, code="oauth.invalid_grant") from None
            raise

    async def _proof(self, shown: Shown) -> Proof:
        if not isinstance(shown, Foreign):
            return shown
        try:
            return await self._vouch(shown.token)
        except Unauthenticated as error:
            raise Unauthenticated(error.message, code="oauth.invalid_client") from None

    async def _subject(self, subject: str | Foreign) -> str | Vouched:
        """The subject token: ours as it is, another's as its provider vouches for it. Both may be declared a JWT."""
        if not isinstance(subject, Foreign):
            return subject
        try:
            if jose.read(subject.token).issuer == self._site.url:
                return subject.token
            return await self._vouch(subject.token)
        except Unauthenticated as error:
            raise Invalid(error.message, code="oauth.invalid_grant") from None


async def _read(incoming: Incoming) -> TokenRequest:
    authorization = incoming.header(b"authorization")
    kind = (incoming.header(b"content-type") or "").partition(";")[0].strip().lower()
    if kind != _FORM:
        raise Invalid(f"the body is not declared as `{_FORM}`", code="oauth.invalid_request")
    return read_request(await incoming.body(MAX_FORM), authorization)


def _refused(error: AutonomyError) -> Answer:
    if error.status >= 429:
        unavailable = {"error": "temporarily_unavailable", "error_description": error.message}
        return asgi.json(error.status, unavailable, _NO_CACHE)
    challenge = (_CHALLENGE,) if isinstance(error, Unauthenticated) else ()
    return asgi.json(error.status, oauth_error(error), _NO_CACHE, *challenge)
