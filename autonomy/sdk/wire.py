"""HTTP to one server: a pool of connections, time limits, verified TLS, and a repeat only where nothing was sent."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode, urlsplit

import urllib3
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, ReadTimeoutError, SSLError

from autonomy.kernel.errors import AutonomyError, Corrupt, Invalid, Overdue

from .errors import Unreachable, error_of

Json = Any
"""What JSON can say. The shapes are those of the server's OpenAPI document, `/api/openapi.json`."""

CONNECT_SECONDS = 3.0
READ_SECONDS = 30.0  # an action may wait for a slow system of record
CONNECT_TRIES = 2  # more would only hide a server that is down
MAX_ANSWER = 268_435_456  # bytes: the largest organisation in files, and room to grow
CHUNK = 65_536  # bytes of a stream handed over at once


class Wire:
    """Requests to the server at `url`. Thread-safe. `headers` go with every request and are never shown."""

    def __init__(self, url: str, headers: Mapping[str, str] | None = None) -> None:
        self.url = checked(url)
        self._headers = dict(headers or {})
        # A connection that was not made has sent nothing; anything else may have been carried out.
        retries = urllib3.Retry(total=CONNECT_TRIES, connect=CONNECT_TRIES, read=0, redirect=0, status=0, other=0)
        self._pool = urllib3.PoolManager(maxsize=8, retries=retries, cert_reqs="CERT_REQUIRED")

    def __repr__(self) -> str:
        return f"Wire({self.url!r})"

    def request(
        self,
        method: str,
        path: str,
        body: Json = None,
        *,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        seconds: float = READ_SECONDS,
    ) -> Json:
        """The JSON that answers; None for an empty answer. A field of `query` that is None is left out.

        Raises Unreachable, Overdue, or the server's error.
        """
        encoded = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        sent = {"Content-Type": "application/json"} if body is not None else {}
        status, said, answer = self.exchange(method, path, encoded, query, {**sent, **(headers or {})}, seconds)
        if status >= 400:
            raise error_of(status, answer, said.get("Retry-After"))
        return parsed(answer)

    def text(self, path: str) -> str:
        """The text that answers. Raises what `request` does."""
        status, said, answer = self.exchange("GET", path)
        if status >= 400:
            raise error_of(status, answer, said.get("Retry-After"))
        return answer.decode("utf-8", "replace")

    def exchange(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        seconds: float = READ_SECONDS,
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers and body of any answer. Raises Unreachable or Overdue."""
        with self._sent(method, path, body, query, headers, seconds) as response:
            data = response.read(MAX_ANSWER + 1)
            if len(data) > MAX_ANSWER:
                raise Corrupt(f"the answer has more than {MAX_ANSWER} bytes", code="server.answer")
            return response.status, response.headers, data

    def stream(self, path: str, query: Mapping[str, Any] | None = None) -> Iterator[bytes]:
        """The body of an answer, piece by piece. Raises what `request` does, also while it is read."""
        with self._sent("GET", path, None, query, None, READ_SECONDS) as response:
            if response.status >= 400:
                raise error_of(response.status, response.read(MAX_ANSWER))
            yield from response.stream(CHUNK)

    def close(self) -> None:
        """Close every connection."""
        self._pool.clear()

    @contextmanager
    def _sent(
        self,
        method: str,
        path: str,
        body: bytes | None,
        query: Mapping[str, Any] | None,
        headers: Mapping[str, str] | None,
        seconds: float,
    ) -> Iterator[urllib3.BaseHTTPResponse]:
        address = f"{self.url}{path}{_query(query)}"
        timeout = urllib3.Timeout(connect=CONNECT_SECONDS, read=seconds)
        sent = {**self._headers, **(headers or {})}
        try:
            response = self._pool.request(
                method, address, body=body, headers=sent, timeout=timeout, preload_content=False
            )
            try:
                yield response
            except BaseException:
                response.close()  # what was not read to its end cannot carry another request
                raise
            response.release_conn()
        except HTTPError as error:
            raise _unreachable(error, self.url) from None


def checked(url: str) -> str:
    """`url` without a slash at its end. Raises Invalid (`server.url`) where it is no http(s) URL."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise Invalid(
            f"`{url}` is not the URL of a server", code="server.url", hint="write for example `http://127.0.0.1:8085`"
        )
    return url.rstrip("/")


def parsed(body: bytes) -> Json:
    """The JSON in `body`, None where it is empty. Raises Corrupt (`server.answer`) for anything else."""
    if not body:
        return None
    try:
        return json.loads(body)
    except ValueError:
        raise Corrupt(
            "the answer is not JSON", code="server.answer", hint="something else may be listening at this address"
        ) from None


def _query(query: Mapping[str, Any] | None) -> str:
    said = {name: _word(value) for name, value in (query or {}).items() if value is not None}
    return f"?{urlencode(said, doseq=True)}" if said else ""


def _word(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value


def _unreachable(error: Exception, url: str) -> AutonomyError:
    """What went wrong on the way, told by whether the request may have arrived."""
    reason = error.reason if isinstance(error, urllib3.exceptions.MaxRetryError) and error.reason else error
    if isinstance(reason, (NewConnectionError, ConnectTimeoutError)):
        hint = "start one with `autonomy up`, or name another with `--url`"
        return Unreachable(f"no server answers at `{url}`", hint=hint)
    if isinstance(reason, SSLError):
        return Unreachable(f"`{url}` cannot prove who it is", code="server.tls", hint="check its certificate")
    if isinstance(reason, ReadTimeoutError):
        hint = "it may have been done: look before you repeat it"
        return Overdue(f"`{url}` did not answer in time", code="server.overdue", hint=hint)
    hint = "what was asked may have been done: look before you repeat it"
    return Unreachable(f"`{url}` broke off the answer", code="server.broken_off", hint=hint)
