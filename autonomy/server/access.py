"""Who asks, and whether they may. Every route declares it: `allowed(Permission.X)`, `SIGNED_IN`, or `anybody`."""

# FastAPI reads the annotations of these functions at run time; they must not be text.

import hashlib
import hmac
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request

from autonomy.identity import Permission, PersonCaller
from autonomy.kernel.errors import Forbidden, Unauthenticated

from .parts import Here

COOKIE = "autonomy_session"
CSRF_HEADER = "X-CSRF-Token"
OPEN = "open"
ANY_PERSON = "signed-in"

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Access:
    """A dependency that lets a route's requests pass or refuses them. `needs` is what OpenAPI shows of it."""

    needs: str

    def __call__(self, request: Request, here: Here) -> PersonCaller | None:
        """The person who asks; None on a route that is open to anybody.

        Raises Unauthenticated, or Forbidden (`permission.missing`, `csrf.missing`).
        """
        if self.needs == OPEN:
            return None
        person = here.system.identity.person(session_of(request))
        if self.needs != ANY_PERSON and Permission(self.needs) not in person.permissions:
            raise Forbidden(
                f"this needs the permission `{self.needs}`",
                code="permission.missing",
                hint="an administrator grants it by a role under `access`",
            )
        return person


def allowed(permission: Permission) -> Any:
    """For the annotation of a route's person: only people with `permission` pass."""
    return Depends(Access(permission.value))


SIGNED_IN = Depends(Access(ANY_PERSON))
"""Every person with a session passes."""

anybody = Depends(Access(OPEN))
"""Everybody passes, signed in or not. Only for signing in."""

Me = Annotated[PersonCaller, SIGNED_IN]


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
