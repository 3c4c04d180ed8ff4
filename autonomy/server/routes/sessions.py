"""Signing in and out, and who one is here."""

from __future__ import annotations

from fastapi import Request, Response
from pydantic import Field, SecretStr

from autonomy.identity import PersonCaller
from autonomy.kernel.money import exponent

from ..access import Me, anybody
from ..answers import Answer, Asked, Text
from ..here import Here
from ..route import api
from ..session import COOKIE, csrf_of, session_of
from ..sign_on import is_secure, set_session

router = api("session")


class SignIn(Asked):
    name: Text = Field(examples=["ada"])
    password: SecretStr = Field(examples=["a long sentence nobody guesses"])


class Accept(Asked):
    token: SecretStr = Field(description="the last part of the one-time link")
    password: SecretStr = Field(description="the password to have from now on")


class TakeOver(Asked):
    """What the browser brought to the command, and the verifier only that command knows (RFC 7636)."""

    code: SecretStr
    verifier: SecretStr


class PersonAnswer(Answer):
    """A person and what they may do here. `roles` are business roles, `access` console roles."""

    name: str = Field(examples=["ada"])
    display_name: str
    roles: list[str]
    access: list[str] = Field(examples=[["admin"]])
    permissions: list[str]


class MyAnswer(PersonAnswer):
    """The person who asks. `csrf` is what a page sends along with the cookie in `X-CSRF-Token`, `currency` the base
    currency, in which money is said here, and `digits` those of its minor unit (ISO 4217): an amount is written as that
    many places after the point."""

    csrf: str
    currency: str = Field(examples=["EUR"])
    digits: int = Field(ge=0, le=4, examples=[2])


class SessionAnswer(Answer):
    """A new session, good for twelve hours. A browser has the token as a cookie as well."""

    token: str
    csrf: str
    person: PersonAnswer


class ProviderAnswer(Answer):
    name: str = Field(examples=["corporate"])
    label: str = Field(description="what a button says")


class SignOnAnswer(Answer):
    """Where people sign in besides by name and password."""

    providers: list[ProviderAnswer]


class AcceptedAnswer(Answer):
    name: str


@router.post("/session", summary="sign in", status_code=201, dependencies=[anybody])
def sign_in(asked: SignIn, here: Here, response: Response) -> SessionAnswer:
    """A bearer token for `Authorization`, the same as an HttpOnly cookie, and who has signed in."""
    identity = here.system.identity
    token = identity.sign_in(asked.name, asked.password.get_secret_value())
    set_session(response, here, token)
    return SessionAnswer(token=token, csrf=csrf_of(token), person=PersonAnswer(**_shown(identity.person(token))))


@router.post("/session/sso", summary="sign in by a browser", status_code=201, dependencies=[anybody])
def sign_in_by_browser(asked: TakeOver, here: Here) -> SessionAnswer:
    """The session that somebody began in a browser for a command that waits on the same machine (RFC 8252)."""
    system = here.system
    token = system.signon.take_over(asked.code.get_secret_value(), asked.verifier.get_secret_value())
    person = PersonAnswer(**_shown(system.identity.person(token)))
    return SessionAnswer(token=token, csrf=csrf_of(token), person=person)


@router.get("/sign-on", summary="identity providers at which people sign in", dependencies=[anybody])
async def show_sign_on(here: Here) -> SignOnAnswer:
    """Each leads to its own page, `/sign-on/with/NAME`."""
    found = await here.system.signon.choices()
    return SignOnAnswer(providers=[ProviderAnswer(name=name, label=label) for name, label in found])


@router.delete("/session", summary="sign out", status_code=204)
def sign_out(request: Request, _me: Me, here: Here, response: Response) -> None:
    """End the session that is presented, and take the cookie back."""
    here.system.identity.sign_out(session_of(request))
    response.delete_cookie(COOKIE, path="/api", secure=is_secure(here), httponly=True, samesite="strict")


@router.get("/me", summary="who am I")
def who_am_i(request: Request, me: Me, here: Here) -> MyAnswer:
    """The person who is signed in, and what they may do."""
    currency = here.system.catalog.organisation().currency.base
    return MyAnswer(**_shown(me), csrf=csrf_of(session_of(request)), currency=currency, digits=exponent(currency))


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
