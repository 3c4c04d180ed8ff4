"""Pages without scripts: their frame, their look, and what their forms send."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from urllib.parse import parse_qs

from starlette.responses import HTMLResponse, Response

from .limits import STRANGERS_BODY

_STYLE = (
    ":root{color-scheme:light dark;--line:light-dark(#ced4da,#3f4a54);--filled:light-dark(#1b6a84,#1b6a84)}"
    "body{font:15px/1.5 system-ui,sans-serif;margin:0;min-height:100vh;display:grid;place-items:center;"
    "background:light-dark(#f3f7f9,#14191e);color:light-dark(#16202a,#dde4ea)}"
    "main{width:min(23rem,100vw - 2rem);box-sizing:border-box;padding:1.75rem;border:1px solid var(--line);"
    "border-radius:12px;background:light-dark(#fff,#1b2228)}"
    "header{font-weight:600;margin-bottom:.25rem;color:light-dark(#1b6a84,#74b9ce)}"
    "h1{font-size:1.35rem;margin:0 0 1rem}main>p:first-of-type strong{color:light-dark(#b02525,#ff8787)}"
    "label{font-weight:600}label,input,button,.button{display:block;width:100%;box-sizing:border-box}"
    "input,button,.button{font:inherit;padding:.55rem .7rem;margin:.25rem 0 1rem;border-radius:8px;"
    "border:1px solid var(--line);background:transparent;color:inherit}"
    "button{background:var(--filled);border-color:var(--filled);color:#fff;font-weight:600;cursor:pointer;margin-bottom:0}"
    ".button{text-align:center;text-decoration:none}a{color:light-dark(#1b6a84,#74b9ce)}"
    ":focus-visible{outline:2px solid light-dark(#1b6a84,#74b9ce);outline-offset:2px}"
)
_POLICY = (
    f"default-src 'none'; style-src 'sha256-{b64encode(sha256(_STYLE.encode()).digest()).decode()}'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)


def fields(body: bytes, *names: str) -> tuple[str, ...]:
    """The fields of a form, empty where they are missing."""
    text = body[:STRANGERS_BODY].decode("utf-8", "replace")
    try:
        found = parse_qs(text, keep_blank_values=True, max_num_fields=len(names))
    except ValueError:
        found = {}
    return tuple(found.get(name, [""])[0] for name in names)


def page(content: str, status: int = 200) -> Response:
    """A page with `content`, which is HTML; nothing but its own style is ever loaded."""
    html = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Autonomy OS</title>'
        '<meta name="viewport" content="width=device-width">'
        f"<style>{_STYLE}</style></head><body><main><header>Autonomy OS</header>{content}</main></body></html>"
    )
    # With `no-referrer`, as everywhere else, browsers send a form with the origin `null` (Fetch, 3.2). Of an address,
    # which may hold a one-time token, nothing is told.
    headers = {"Content-Security-Policy": _POLICY, "Referrer-Policy": "strict-origin"}
    return HTMLResponse(html, status, headers)
