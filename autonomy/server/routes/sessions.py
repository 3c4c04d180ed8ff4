"""Signing in and out, and who one is here."""

from __future__ import annotations

from fastapi import Request, Response
from pydantic import Field, SecretStr

from autonomy.identity import PersonCaller
from autonomy.identity.people import SESSION_TTL

from ..access import COOKIE, Me, anybody, csrf_of, session_of
from ..answers import Answer, Asked, Text
from ..parts import Here, Parts
from ..route import api

router = api("session")


class SignIn(Asked):
    name: Text = Field(examples=["ada"])
    password: SecretStr = Field(examples=["a long sentence nobody guesses"])


class Accept(Asked):
    token: SecretStr = Field(description="the last part of the one-time link")
    password: SecretStr = Field(description="the password to have from now on")


class PersonAnswer(Answer):
    """A person and what they may do here. `roles` are business roles, `access` console roles."""

    name: str = Field(examples=["ada"])
    display_name: str
    roles: list[str]
    access: list[str] = Field(examples=[["admin"]])
    permissions: list[str]


class MyAnswer(PersonAnswer):
    """The person who asks; `csrf` is what a page sends along with the cookie in `X-CSRF-Token`."""

    csrf: str


class SessionAnswer(Answer):
    """A new session, good for twelve hours. A browser has the token as a cookie as well."""

    token: str
    csrf: str
    person: PersonAnswer


class AcceptedAnswer(Answer):
    name: str


@router.post("/session", summary="sign in", status_code=201, dependencies=[anybody])
def sign_in(asked: SignIn, here: Here, response: Response) -> SessionAnswer:
    """A bearer token for `Authorization`, the same as an HttpOnly cookie, and who has signed in."""
    identity = here.system.identity
    token = identity.sign_in(asked.name, asked.password.get_secret_value())
    response.set_cookie(
        COOKIE, token, SESSION_TTL // 1000, path="/api", secure=_secure(here), httponly=True, samesite="strict"
    )
    return SessionAnswer(token=token, csrf=csrf_of(token), person=PersonAnswer(**_shown(identity.person(token))))


@router.delete("/session", summary="sign out", status_code=204)
def sign_out(request: Request, _me: Me, here: Here, response: Response) -> None:
    """End the session that is presented, and take the cookie back."""
    here.system.identity.sign_out(session_of(request))
    response.delete_cookie(COOKIE, path="/api", secure=_secure(here), httponly=True, samesite="strict")


@router.get("/me", summary="who am I")
def who_am_i(request: Request, me: Me) -> MyAnswer:
    """The person who is signed in, and what they may do."""
    return MyAnswer(**_shown(me), csrf=csrf_of(session_of(request)))


@router.post("/invitations/accept", summary="set a password by a one-time link", dependencies=[anybody])
def accept_invitation(asked: Accept, here: Here) -> AcceptedAnswer:
    """The link works once. All earlier sessions of the person end."""
    token, password = asked.token.get_secret_value(), asked.password.get_secret_value()
    return AcceptedAnswer(name=here.system.identity.accept_invitation(token, password))


def _shown(person: PersonCaller) -> dict[str, object]:
    return {
        "name": person.name,
        "display_name": person.display_name,
        "roles": list(person.roles),
        "access": list(person.access),
        "permissions": sorted(person.permissions),
    }


def _secure(here: Parts) -> bool:
    """Whether the cookie is for https only: where clients reach us by https."""
    return here.system.settings.public_url.startswith("https://")
