"""The few addresses that are not the API: whether the process lives, whether it is ready, its figures, and the
one-time link."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from html import escape
from urllib.parse import parse_qs

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route

from autonomy.identity import Permission
from autonomy.kernel.errors import AutonomyError, Forbidden, Invalid, Unavailable
from autonomy.telemetry import CONTENT_TYPE

from .access import session_of
from .errors import answer
from .limits import STRANGERS_BODY
from .metrics import PATH
from .parts import parts_of
from .readiness import OK, readiness

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


ROUTES: list[BaseRoute] = [
    Route("/healthz", live),
    Route("/readyz", ready),
    Route(PATH, metrics),
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
