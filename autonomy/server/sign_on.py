"""The pages of signing on: with name and password, or at an identity provider, in a browser or for a command."""

from __future__ import annotations

from html import escape
from urllib.parse import parse_qsl, quote, urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from autonomy.identity.people import SESSION_TTL
from autonomy.kernel.errors import AutonomyError, Forbidden, Invalid
from autonomy.signon.model import Terminal
from autonomy.signon.rules import following
from autonomy.signon.service import CALLBACK

from .form import fields, page
from .parts import Parts, parts_of
from .session import COOKIE

KEPT = "autonomy_sign_on"
KEPT_SECONDS = 600
MAX_QUERY = 8_192

_FIELDS = 12


async def show_login(request: Request) -> Response:
    """Where people sign in: one button for each identity provider, and name and password."""
    here = await parts_of(request)
    return await _login(here, following(request.query_params.get("next", "")), "")


async def take_login(request: Request) -> Response:
    """What the form sends: name and password. Only a page of ours may send it."""
    here = await parts_of(request)
    name, password, after = fields(await request.body(), "name", "password", "next")
    try:
        _check_origin(request, here)
        session = await run_in_threadpool(here.system.identity.sign_in, name, password)
    except AutonomyError as error:
        told = f"{error}: {error.hint}" if error.code == "csrf.missing" else str(error)
        return await _login(here, following(after), told, error.status)
    return _signed_in(here, session, following(after))


async def begin(request: Request) -> Response:
    """Send the browser to an identity provider."""
    here = await parts_of(request)
    try:
        asked = dict(request.query_params)
        terminal = _terminal(asked) if "port" in asked else None
        begun = await here.system.signon.begin(request.path_params["provider"], asked.get("next", ""), terminal)
    except AutonomyError as error:
        return _failed(error)
    answer = RedirectResponse(begun.url, 303)
    answer.set_cookie(
        KEPT, begun.kept, KEPT_SECONDS, path=CALLBACK, secure=is_secure(here), httponly=True, samesite="lax"
    )
    return answer


async def finish(request: Request) -> Response:
    """What the identity provider sends the browser back with."""
    here = await parts_of(request)
    try:
        finished = await here.system.signon.finish(_query(request), request.cookies.get(KEPT, ""))
    except AutonomyError as error:
        answer = _failed(error)
    else:
        if finished.is_terminal:
            answer = RedirectResponse(finished.following, 303)
        else:
            answer = _signed_in(here, finished.session, finished.following)
    answer.delete_cookie(KEPT, path=CALLBACK, secure=is_secure(here), httponly=True, samesite="lax")
    return answer


ROUTES: list[BaseRoute] = [
    Route("/login", show_login),
    Route("/login", take_login, methods=["POST"]),
    Route("/sign-on/with/{provider}", begin),
    Route(CALLBACK, finish),
]


async def welcome(request: Request, name: str, password: str) -> Response:
    """For who has just set a password: into the console, where our own page asked; else to where one signs in."""
    here = await parts_of(request)
    try:
        _check_origin(request, here)
        session = await run_in_threadpool(here.system.identity.sign_in, name, password)
    except AutonomyError:
        told = f"<h1>Welcome, {escape(name)}</h1>"
        return page(told + '<p>Your password is set. You can <a href="/login">sign in</a> now.</p>')
    return _signed_in(here, session, following(""))


def set_session(answer: Response, here: Parts, session: str) -> None:
    """Let the browser keep a session: for our own API only, out of reach of scripts, and never across sites."""
    answer.set_cookie(
        COOKIE, session, SESSION_TTL // 1000, path="/api", secure=is_secure(here), httponly=True, samesite="strict"
    )


def is_secure(here: Parts) -> bool:
    """Whether cookies are for https only: where clients reach us by https."""
    return here.system.settings.public_url.startswith("https://")


def _signed_in(here: Parts, session: str, after: str) -> Response:
    answer = RedirectResponse(after, 303)
    set_session(answer, here, session)
    return answer


async def _login(here: Parts, after: str, problem: str, status: int = 200) -> Response:
    told = f'<p role="alert"><strong>{escape(problem)}</strong></p>' if problem else ""
    query = urlencode({"next": after})
    buttons = "".join(
        f'<p><a class="button" href="/sign-on/with/{quote(name)}?{escape(query, quote=True)}">'
        f"Sign in with {escape(label)}</a></p>"
        for name, label in await here.system.signon.choices()
    )
    return page(
        f"<h1>Sign in</h1>{told}{buttons}"
        '<form method="post" action="/login">'
        f'<input type="hidden" name="next" value="{escape(after, quote=True)}">'
        '<label for="name">Name</label>'
        '<input id="name" name="name" autocomplete="username" required>'
        '<label for="password">Password</label>'
        '<input id="password" name="password" type="password" autocomplete="current-password" required>'
        "<button>Sign in</button></form>",
        status,
    )


def _failed(error: AutonomyError) -> Response:
    return page(
        "<h1>You are not signed in</h1>"
        f'<p role="alert"><strong>{escape(str(error))}</strong></p><p>Code: {escape(error.code)}</p>'
        '<p><a href="/login">Try again</a></p>',
        error.status,
    )


def _check_origin(request: Request, here: Parts) -> None:
    """No foreign page signs somebody in as somebody else: browsers say which page sends a form."""
    ours = "/".join(here.system.settings.public_url.split("/", 3)[:3])
    if request.headers.get("origin") != ours:
        raise Forbidden(
            "this form was not sent by our own page",
            code="csrf.missing",
            hint=f"sign in at {ours}/login, and nowhere else",
        )


def _query(request: Request) -> dict[str, str]:
    """What the provider sends back; said twice it is refused, for two readers could differ."""
    text = request.url.query
    try:
        pairs = parse_qsl(text[:MAX_QUERY], keep_blank_values=True, max_num_fields=_FIELDS)
    except ValueError:
        pairs = []
    found = dict(pairs)
    if len(found) != len(pairs) or len(text) > MAX_QUERY:
        raise Invalid("the identity provider says something twice", code="sign_on.state", hint="begin again")
    return found


def _terminal(asked: dict[str, str]) -> Terminal:
    port = asked["port"]
    return Terminal(
        int(port) if port.isascii() and port.isdigit() and len(port) <= 5 else 0,
        asked.get("challenge", ""),
        asked.get("state", ""),
    )
