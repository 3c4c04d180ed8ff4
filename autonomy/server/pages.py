"""The few addresses that are not the API: life and readiness of the process, hooks, and the one-time link."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from hashlib import sha256
from html import escape
from urllib.parse import parse_qs

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route

from autonomy.kernel.errors import AutonomyError, Invalid, Unavailable

from .errors import answer
from .limits import STRANGERS_BODY
from .parts import parts_of

READY_SECONDS = 2.0

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:26rem;margin:4rem auto;padding:0 1rem;color-scheme:light dark}"
    "label,input,button{display:block;width:100%;box-sizing:border-box}input,button{font:inherit;padding:.5rem;"
    "margin:.25rem 0 1rem}"
)
_POLICY = (
    f"default-src 'none'; style-src 'sha256-{b64encode(sha256(_STYLE.encode()).digest()).decode()}'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)


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
    token, password, again = _fields(await request.body(), "token", "password", "again")
    try:
        if password != again:
            raise Invalid("the passwords differ", code="password.differs")
        name = await run_in_threadpool(identity.accept_invitation, token, password)
    except AutonomyError as error:
        return _form(token, str(error), error.status)
    return _page(f"<h1>Welcome, {escape(name)}</h1><p>Your password is set. You can sign in now.</p>")


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
    Route("/invite/{token}", show_invitation),
    Route("/invite", take_invitation, methods=["POST"]),
]


def _fields(body: bytes, *names: str) -> tuple[str, ...]:
    """The fields of a form, empty where they are missing."""
    text = body[:STRANGERS_BODY].decode("utf-8", "replace")
    try:
        found = parse_qs(text, keep_blank_values=True, max_num_fields=len(names))
    except ValueError:
        found = {}
    return tuple(found.get(name, [""])[0] for name in names)


def _form(token: str, problem: str, status: int = 200) -> Response:
    told = f'<p role="alert"><strong>{escape(problem)}</strong></p>' if problem else ""
    return _page(
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


def _page(content: str, status: int = 200) -> Response:
    html = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Autonomy OS</title>'
        '<meta name="viewport" content="width=device-width">'
        f"<style>{_STYLE}</style></head><body><main>{content}</main></body></html>"
    )
    return HTMLResponse(html, status, {"Content-Security-Policy": _POLICY})
