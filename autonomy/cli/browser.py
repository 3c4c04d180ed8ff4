"""Signing on in a browser for a command: it waits on loopback for what the browser brings (RFC 8252, RFC 7636)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import threading
import time
import webbrowser
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from autonomy.kernel.errors import Overdue
from autonomy.sdk import Client

from .ending import Misused
from .screen import note

PATIENCE_SECONDS = 600.0
READ_SECONDS = 10.0  # of one connection: whoever connects and says nothing holds nobody up for longer

_DONE = b"<!doctype html><title>Autonomy OS</title><p>You are signed in. Go back to your terminal."


@dataclass(slots=True)
class _Waiting:
    """What the command waits for."""

    state: str
    verifier: str = field(repr=False)
    code: str = field(default="", repr=False)

    @property
    def challenge(self) -> str:
        return base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).rstrip(b"=").decode()


def sign_on(client: Client, provider: str | None) -> dict[str, Any]:
    """The session of whom an identity provider vouches for, as the server answers it.

    `provider` may be left out where there is one only. Raises Misused, Overdue, and what the server refuses.
    """
    named = provider or _only_one(client)
    waiting = _Waiting(secrets.token_urlsafe(24), secrets.token_urlsafe(48))
    with TCPServer(("127.0.0.1", 0), _handler(waiting)) as server:
        asked = {"port": server.server_address[1], "challenge": waiting.challenge, "state": waiting.state}
        address = f"{client.url}/sign-on/with/{quote(named, safe='')}?{urlencode(asked)}"
        note(f"sign in with your browser: {address}")
        # A browser of the terminal keeps its caller until it ends, and it ends only when it was answered here.
        threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
        _wait(server, waiting)
    return client.sign_in_by_browser(waiting.code, waiting.verifier)


def _only_one(client: Client) -> str:
    names = [str(one["name"]) for one in client.sign_on()["providers"]]
    if len(names) != 1:
        known = f"choose among {', '.join(names)}: `autonomy login --sso --provider NAME`"
        raise Misused("no identity provider is named", hint=known if names else "none is declared at this server")
    return names[0]


def _wait(server: TCPServer, waiting: _Waiting) -> None:
    ends = time.monotonic() + PATIENCE_SECONDS
    while not waiting.code:
        server.timeout = ends - time.monotonic()
        if server.timeout <= 0:
            raise Overdue("nobody signed in within ten minutes", code="sign_on.overdue", hint="begin again")
        server.handle_request()


def _handler(waiting: _Waiting) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """Takes one request: that of the browser which was sent away with our state."""

        timeout = READ_SECONDS

        def do_GET(self) -> None:
            said = parse_qs(urlsplit(self.path).query)
            state, code = said.get("state", [""])[0], said.get("code", [""])[0]
            if not code or not hmac.compare_digest(state.encode(), waiting.state.encode()):
                self.send_error(404)
                return
            waiting.code = code
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(_DONE)))
            self.send_header("Referrer-Policy", "no-referrer")
            self.end_headers()
            self.wfile.write(_DONE)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing: addresses hold codes."""

    return Handler
