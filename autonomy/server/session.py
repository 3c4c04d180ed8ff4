"""The session of the person who asks: a token, presented by header or by cookie."""

from __future__ import annotations

import hashlib
import hmac

from starlette.requests import Request

from autonomy.kernel.errors import Forbidden, Unauthenticated

COOKIE = "autonomy_session"
CSRF_HEADER = "X-CSRF-Token"

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def session_of(request: Request) -> str:
    """The session token presented, by header or by cookie; raises Unauthenticated or Forbidden.

    A browser sends the cookie by itself, so that with it an unsafe method must also prove that our own page asks.
    """
    header = request.headers.get("authorization")
    if header is not None:
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise Unauthenticated("the authorization header is not a bearer token", code="session.invalid")
        return token.strip()
    token = request.cookies.get(COOKIE, "")
    if not token:
        raise Unauthenticated("this needs a person who is signed in", code="session.missing", hint="sign in first")
    if request.method not in _SAFE and not _same(request.headers.get(CSRF_HEADER, ""), csrf_of(token)):
        raise Forbidden(
            f"a request with the cookie needs the header `{CSRF_HEADER}`",
            code="csrf.missing",
            hint="send the `csrf` value of the session",
        )
    return token


def csrf_of(token: str) -> str:
    """What a page must send along with the cookie; it cannot be made without knowing the session token."""
    return hashlib.sha256(b"autonomy csrf|" + token.encode("utf-8", "surrogatepass")).hexdigest()


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), expected.encode())
