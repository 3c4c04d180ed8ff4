"""Pages without scripts: their frame, their look, and what their forms send."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from urllib.parse import parse_qs

from starlette.responses import HTMLResponse, Response

from .limits import STRANGERS_BODY

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:26rem;margin:4rem auto;padding:0 1rem;color-scheme:light dark}"
    "label,input,button,.button{display:block;width:100%;box-sizing:border-box}input,button,.button{font:inherit;"
    "padding:.5rem;margin:.25rem 0 1rem}.button{border:1px solid;text-align:center;text-decoration:none;color:inherit}"
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
        f"<style>{_STYLE}</style></head><body><main>{content}</main></body></html>"
    )
    # With `no-referrer`, as everywhere else, browsers send a form with the origin `null` (Fetch, 3.2). Of an address,
    # which may hold a one-time token, nothing is told.
    headers = {"Content-Security-Policy": _POLICY, "Referrer-Policy": "strict-origin"}
    return HTMLResponse(html, status, headers)
