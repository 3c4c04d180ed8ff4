"""Serves the console: one page for every address that is nothing else, and the files it is made of.

The files are built from `web/` into the package. Their names hold a hash of what is in them, so that a browser may keep
them for good; each lies there compressed as well, so that nothing is compressed while somebody waits.
"""

from __future__ import annotations

import re
import secrets
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from .errors import of_status
from .form import page
from .guard import Receive, Scope, Send

FOLDER = Path(__file__).parents[1] / "console"
BUILD = "make console"
ICON = "icon.svg"

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,150}")
_ENCODINGS = (("br", ".br"), ("gzip", ".gz"))
_FOR_GOOD = "public, max-age=31536000, immutable"
_AN_HOUR = "public, max-age=3600"
_NONCE = "__NONCE__"  # stands in the page where the nonce of an answer belongs


async def show_console(_request: Request) -> Response:
    """The page of the console, or one that says how it is built."""
    return await run_in_threadpool(page_in, FOLDER)


def page_in(folder: Path) -> Response:
    """The page as it was built into `folder`, with a nonce of its own. Reads a small file: call it from a thread."""
    try:
        text = (folder / "index.html").read_text("utf-8")
    except FileNotFoundError:
        return page(f"<h1>The console is not built yet</h1><p>In the project's folder: <code>{BUILD}</code></p>", 503)
    nonce = secrets.token_urlsafe(18)
    headers = {
        "Content-Security-Policy": policy(nonce),
        "Cache-Control": "no-cache",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    }
    return Response(text.replace(_NONCE, nonce), headers=headers, media_type="text/html")


async def show_asset(request: Request) -> Response:
    """A file whose name says its content."""
    return await _file(request, FOLDER / "assets", request.path_params["name"], _FOR_GOOD)


async def show_icon(request: Request) -> Response:
    """The picture in the browser's tab."""
    return await _file(request, FOLDER, ICON, _AN_HOUR)


async def fallback(scope: Scope, receive: Receive, send: Send) -> None:
    """An address that is nothing else: a page of the console for a browser that opens it, else unknown."""
    answer = of_status(404)
    if scope["type"] == "http":
        request = Request(scope, receive)
        if request.method in ("GET", "HEAD") and "text/html" in request.headers.get("accept", ""):
            scope["endpoint"] = show_console  # under this name it is counted
            answer = await show_console(request)
    await answer(scope, receive, send)


ROUTES: list[BaseRoute] = [
    Route("/", show_console),
    Route("/assets/{name}", show_asset),
    Route(f"/{ICON}", show_icon),
]


def policy(nonce: str) -> str:
    """The content security policy of the page: our own files only, and the styles that bear this answer's nonce."""
    return (
        f"default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self'; font-src 'self'; "
        "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )


async def _file(request: Request, folder: Path, name: str, kept: str) -> Response:
    kind = _TYPES.get(Path(name).suffix)
    if kind is None or not _NAME.fullmatch(name) or ".." in name:
        return of_status(404)
    found = await run_in_threadpool(_read, folder / name, request.headers.get("accept-encoding", ""))
    if found is None:
        return of_status(404)
    body, encoding = found
    tag = f'"{name}{"." + encoding if encoding else ""}"' if kept == _FOR_GOOD else ""
    headers = {"Cache-Control": kept, "Vary": "Accept-Encoding"}
    if encoding:
        headers["Content-Encoding"] = encoding
    if tag:
        headers["ETag"] = tag
    if tag and tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type=kind)


def _read(path: Path, accepted: str) -> tuple[bytes, str] | None:
    """The file in the best encoding that is there and accepted, and which; None where there is no such file."""
    wanted = {one.partition(";")[0].strip() for one in accepted.split(",") if "q=0" not in one.replace(" ", "")}
    choices = [(Path(f"{path}{suffix}"), name) for name, suffix in _ENCODINGS if name in wanted]
    for candidate, encoding in (*choices, (path, "")):
        try:
            return candidate.read_bytes(), encoding
        except (FileNotFoundError, IsADirectoryError):
            continue
    return None
