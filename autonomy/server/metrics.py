"""`/metrics`: every figure of this process, for Prometheus.

It is read with the scrape token of the settings, or by a person with the permission for it. On a listener of its own,
which listens to this machine alone unless the scrape token is set, it is read by everybody who reaches it.
"""

from __future__ import annotations

import hmac
import ipaddress
from dataclasses import dataclass

from autonomy.kernel.errors import Invalid
from autonomy.telemetry import CONTENT_TYPE, expose
from autonomy.wiring import Instruments

from .faces import FaceFigures
from .guard import App, Receive, Scope, Send

PATH = "/metrics"
MIN_TOKEN = 32  # characters: what can be guessed is no credential


@dataclass(frozen=True, slots=True)
class Metrics:
    """The figures of one server, and who may read them by token."""

    instruments: Instruments
    faces: FaceFigures
    token: str

    async def text(self) -> bytes:
        """The figures as they are now."""
        return expose([*await self.instruments.families(), *self.faces.families()]).encode()

    def admits(self, authorization: str | None) -> bool:
        """Whether a request carries the scrape token."""
        scheme, _, given = (authorization or "").partition(" ")
        same = hmac.compare_digest(given.strip().encode("utf-8", "surrogatepass"), self.token.encode())
        return bool(self.token) and scheme.lower() == "bearer" and same


def check_token(token: str) -> None:
    """Raise Invalid (`metrics.token`) for a scrape token that is too short."""
    if token and len(token) < MIN_TOKEN:
        raise Invalid(
            f"the scrape token has less than {MIN_TOKEN} characters",
            code="metrics.token",
            hint="make one with `openssl rand -hex 32`",
        )


def listener(metrics: Metrics) -> App:
    """The app of the listener that serves the figures and nothing else."""

    async def answer(scope: Scope, _receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        said = dict(scope["headers"]).get(b"authorization", b"").decode("latin-1")
        if scope["path"] != PATH or scope["method"] != "GET":
            await _send(send, 404, b"")
        elif metrics.token and not metrics.admits(said):
            await _send(send, 401, b"")
        else:
            await _send(send, 200, await metrics.text())

    return answer


def place_of(address: str, token: str) -> tuple[str, int]:
    """Host and port of `HOST:PORT` or `PORT`. Raises Invalid (`metrics.address`) for anything else, and for an address
    others can reach where there is no scrape token."""
    host, _, port = address.rpartition(":")
    host = host.strip("[]") or "127.0.0.1"
    if not port.isascii() or not port.isdigit() or int(port) > 65_535:
        raise Invalid(
            f"`{address[:80]}` is no address to listen on", code="metrics.address", hint="write for example `9464`"
        )
    if not token and not _is_here(host):
        raise Invalid(
            f"`{host}` can be reached by others, and there is no scrape token",
            code="metrics.address",
            hint="set `AUTONOMY_METRICS_TOKEN`, or listen on `127.0.0.1`",
        )
    return host, int(port)


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def _send(send: Send, status: int, body: bytes) -> None:
    headers = [(b"content-type", CONTENT_TYPE.encode()), (b"content-length", str(len(body)).encode())]
    if status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
