"""The few addresses that are not the API: whether the process lives, whether it is ready, and signing in."""

from __future__ import annotations

import asyncio
from html import escape

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from autonomy.kernel.errors import AutonomyError, Invalid, Unavailable

from . import sign_on
from .errors import answer
from .form import fields, page
from .parts import parts_of

READY_SECONDS = 2.0


async def live(_request: Request) -> Response:
    """200 while the process runs."""
    return JSONResponse({"status": "alive"})


async def ready(request: Request) -> Response:
    """200 where the database takes writes and the organisation is loaded, else 503."""
    system = (await parts_of(request)).system
    try:
        async with asyncio.timeout(READY_SECONDS):
            await system.lifeline.fresh()
            house = await system.watch.house()
    except TimeoutError:
        return answer(Unavailable("the store does not answer in time", code="server.not_ready"))
    except AutonomyError as error:
        return answer(Unavailable(f"not ready: {error.message}", code="server.not_ready"))
    return JSONResponse({"status": "ready", "epoch": house.epoch})


async def show_invitation(request: Request) -> Response:
    """A form that sets a password. Looking at it does not use the link up."""
    return _form(request.path_params["token"], "")


async def take_invitation(request: Request) -> Response:
    """What the form sends: the link's token and a password."""
    identity = (await parts_of(request)).system.identity
    token, password, again = fields(await request.body(), "token", "password", "again")
    try:
        if password != again:
            raise Invalid("the passwords differ", code="password.differs")
        name = await run_in_threadpool(identity.accept_invitation, token, password)
    except AutonomyError as error:
        return _form(token, str(error), error.status)
    welcome = f"<h1>Welcome, {escape(name)}</h1>"
    return page(welcome + '<p>Your password is set. You can <a href="/login">sign in</a> now.</p>')


ROUTES: list[BaseRoute] = [
    Route("/healthz", live),
    Route("/readyz", ready),
    Route("/invite/{token}", show_invitation),
    Route("/invite", take_invitation, methods=["POST"]),
    *sign_on.ROUTES,
]


def _form(token: str, problem: str, status: int = 200) -> Response:
    told = f'<p role="alert"><strong>{escape(problem)}</strong></p>' if problem else ""
    return page(
        f"<h1>Set your password</h1>{told}"
        '<form method="post" action="/invite">'
        f'<input type="hidden" name="token" value="{escape(token, quote=True)}">'
        '<label for="password">Password</label>'
        '<input id="password" name="password" type="password" autocomplete="new-password" required autofocus>'
        '<label for="again">The same again</label>'
        '<input id="again" name="again" type="password" autocomplete="new-password" required>'
        "<button>Set password</button></form>",
        status,
    )
