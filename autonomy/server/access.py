"""Who asks, and whether they may. Every route declares it: `allowed(Permission.X)`, `SIGNED_IN`, or `anybody`."""

# FastAPI reads the annotations of these functions at run time; they must not be text.

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request

from autonomy.identity import Permission, PersonCaller
from autonomy.kernel.errors import Forbidden

from .here import Here
from .session import session_of

OPEN = "open"
ANY_PERSON = "signed-in"


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
