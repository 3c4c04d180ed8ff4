"""The few addresses that are not the API: life, readiness and figures of the process, hooks, signing in."""

from __future__ import annotations

from html import escape

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from autonomy.identity import Permission
from autonomy.kernel.errors import AutonomyError, Forbidden, Invalid, Unavailable
from autonomy.telemetry import CONTENT_TYPE

from . import console, sign_on
from .errors import answer
from .form import fields, page
from .metrics import PATH
from .parts import parts_of
from .readiness import OK, readiness
from .session import session_of


async def live(_request: Request) -> Response:
    """200 while the process runs."""
    return JSONResponse({"status": "alive"})


async def ready(request: Request) -> Response:
    """200 where everything is that it takes to carry out an action, else 503; it says of each thing how it is."""
    found = await readiness((await parts_of(request)).system)
    if found.ready:
        return JSONResponse({"status": "ready", "epoch": found.epoch, "checks": found.checks})
    told = "; ".join(f"{name}: {said}" for name, said in found.checks.items() if said != OK)
    return answer(Unavailable(f"not ready: {told}", code="server.not_ready", checks=found.checks))


async def metrics(request: Request) -> Response:
    """The figures of this process, for who has the scrape token and for people who may read them."""
    parts = await parts_of(request)
    if not parts.metrics.admits(request.headers.get("authorization")):
        person = await run_in_threadpool(parts.system.identity.person, session_of(request))
        needed = Permission.TELEMETRY_METRICS_READ
        if needed not in person.permissions:
            raise Forbidden(f"this needs the permission `{needed}`", code="permission.missing")
    return Response(await parts.metrics.text(), media_type=CONTENT_TYPE)


async def show_invitation(request: Request) -> Response:
    """A form that sets a password. Looking at it does not use the link up."""
    return _form(request.path_params["token"], "")


async def take_invitation(request: Request) -> Response:
    """What the form sends: the link's token and a password. Who sends it from our own page is signed in by it."""
    identity = (await parts_of(request)).system.identity
    token, password, again = fields(await request.body(), "token", "password", "again")
    try:
        if password != again:
            raise Invalid("the passwords differ", code="password.differs")
        name = await run_in_threadpool(identity.accept_invitation, token, password)
    except AutonomyError as error:
        return _form(token, str(error), error.status)
    return await sign_on.welcome(request, name, password)


async def take_delivery(request: Request) -> Response:
    """What another system tells us at a hook: 202 where it was taken, 200 where it had been before."""
    hooks = (await parts_of(request)).system.hooks
    body = await request.body()
    headers = {name.lower(): value for name, value in request.headers.items()}
    taken = await hooks.receive(request.path_params["hook"], headers, body)
    return JSONResponse({"delivery": taken.id, "repeated": taken.repeated}, 200 if taken.repeated else 202)


ROUTES: list[BaseRoute] = [
    Route("/hooks/{hook}", take_delivery, methods=["POST"]),
    Route("/healthz", live),
    Route("/readyz", ready),
    Route(PATH, metrics),
    Route("/invite/{token}", show_invitation),
    Route("/invite", take_invitation, methods=["POST"]),
    *sign_on.ROUTES,
    *console.ROUTES,
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
