"""Where agents get their tokens."""

from __future__ import annotations

import asyncio

from autonomy.identity.model import TokenResponse
from autonomy.identity.oauth import oauth_error
from autonomy.kernel.errors import AutonomyError, Invalid, Unauthenticated

from . import asgi
from .asgi import Answer, Header, Incoming
from .documents import document
from .oauth_form import TokenRequest, read_request
from .ports import Clients

MAX_FORM = 32_768  # a subject token of the longest chain and everything else

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
    """The token endpoint and its keys."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    async def token(self, incoming: Incoming) -> Answer:
        """An access token, or an error in the words of RFC 6749 section 5.2."""
        try:
            asked = await _read(incoming)
            granted = await asyncio.to_thread(self._grant, asked)
        except AutonomyError as error:
            return _refused(error)
        return asgi.json(200, granted.as_dict(), _NO_CACHE)

    async def keys(self, _: Incoming) -> Answer:
        """The keys under which our tokens can be verified (RFC 7517)."""
        return document(await asyncio.to_thread(self._clients.jwks))

    def _grant(self, asked: TokenRequest) -> TokenResponse:
        if asked.subject_token is not None:
            return self._clients.exchange(asked.client_id, asked.secret, asked.subject_token, asked.resources)
        return self._clients.token(asked.client_id, asked.secret, asked.resources, asked.act_for)


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
