"""Errors of the house as HTTP answers, and who is asking for what."""

from __future__ import annotations

import math

from autonomy.kernel.errors import AutonomyError, Busy, Unauthenticated

from . import asgi
from .asgi import Answer, Header, Incoming

NO_TOKEN = "token.missing"


def refused(error: AutonomyError, metadata: str) -> Answer:
    """`{"error": …}` with the headers that tell the caller what to do; `metadata` is the URL of RFC 9728."""
    return asgi.json(error.status, {"error": error.as_dict()}, *guidance(error, metadata))


def guidance(error: AutonomyError, metadata: str) -> tuple[Header, ...]:
    """`Retry-After` where waiting helps, `WWW-Authenticate` (RFC 6750, RFC 9728) where a token does."""
    if isinstance(error, Busy):
        return ((b"retry-after", str(max(1, math.ceil(error.retry_after))).encode()),)
    if isinstance(error, Unauthenticated):
        return ((b"www-authenticate", _challenge(error, metadata).encode()),)
    return ()


def bearer_of(incoming: Incoming) -> str:
    """The bearer token of a request; raises Unauthenticated (`token.missing`, `token.invalid`)."""
    said = incoming.header(b"authorization")
    if said is None:
        raise Unauthenticated("no token was sent", code=NO_TOKEN, hint="send `Authorization: Bearer …`")
    scheme, _, token = said.partition(" ")
    token = token.strip(" ")
    if scheme.lower() != "bearer" or not token or " " in token:
        raise Unauthenticated("this is no bearer token", code="token.invalid", hint="send `Authorization: Bearer …`")
    return token


def _challenge(error: Unauthenticated, metadata: str) -> str:
    challenge = f'Bearer resource_metadata="{metadata}"'
    if error.code == NO_TOKEN:
        return challenge  # RFC 6750 section 3.1: nothing more to who did not even try
    said = "".join(char for char in error.message if " " <= char <= "~" and char not in '"\\')
    return f'{challenge}, error="invalid_token", error_description="{said}"'
