"""What the clients do when the network, or whoever answers, does not behave."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autonomy.kernel.errors import (
    AutonomyError,
    Busy,
    Conflict,
    Corrupt,
    Forbidden,
    Invalid,
    NotFound,
    Overdue,
    Unauthenticated,
    Unavailable,
)
from autonomy.sdk import AgentClient, Client, Unreachable
from autonomy.sdk.errors import error_of
from autonomy.sdk.wire import Wire


@dataclass
class Peer:
    """Something that listens and says only what it was told to say."""

    url: str
    requests: list[bytes] = field(default_factory=list)


def whole(request: bytes) -> bool:
    """Head and body may arrive in separate packets; what is no HTTP at all has no end to wait for."""
    head, _, body = request.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: (\d+)", head)
    return not request[:1].isalpha() or (b"\r\n\r\n" in request and len(body) >= int(length[1] if length else 0))


def whole_request(connection: socket.socket) -> bytes:
    """What one peer sent, up to the end of its request or until it hung up."""
    request = connection.recv(65_536)
    while not whole(request) and (more := connection.recv(65_536)):
        request += more
    return request


@contextmanager
def peer(*answers: bytes | None) -> Iterator[Peer]:
    """Answers each connection in turn with raw bytes, and hangs up; None is silence until the end."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        found = Peer(f"http://127.0.0.1:{listening.getsockname()[1]}")
        done = threading.Event()

        def serve() -> None:
            for answer in answers:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return  # nobody asks any more
                with connection:
                    found.requests.append(whole_request(connection))
                    if answer is None:
                        done.wait(10)
                    else:
                        connection.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield found
        finally:
            done.set()
            listening.shutdown(socket.SHUT_RDWR)  # who still waits for a connection would take one of the next peer's
            thread.join(10)


def answer(status: int, body: bytes, *headers: bytes) -> bytes:
    head = b"HTTP/1.1 %d X\r\nContent-Length: %d\r\nConnection: close\r\n" % (status, len(body))
    return head + b"".join(header + b"\r\n" for header in headers) + b"\r\n" + body


def test_a_server_that_is_not_there_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as found:
        url = f"http://127.0.0.1:{found.getsockname()[1]}"
    with pytest.raises(Unreachable) as refused:
        Client(url).me()
    assert refused.value.code == "server.unreachable"
    assert refused.value.hint


def test_a_request_that_was_sent_is_never_sent_again() -> None:
    with peer(b"", answer(200, b"{}")) as server:
        with pytest.raises(Unreachable) as broken:
            Client(server.url).suspend("buyer-1", "r")
        assert broken.value.code == "server.broken_off"
        assert len(server.requests) == 1


def test_silence_is_overdue_and_says_that_it_may_have_been_done() -> None:
    with peer(None) as server, pytest.raises(Overdue) as late:
        Wire(server.url).request("POST", "/api/contain", {}, seconds=0.1)
    assert late.value.code == "server.overdue"
    assert "look before you repeat" in late.value.hint


def test_an_answer_that_breaks_off_is_not_taken_for_whole() -> None:
    with peer(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}") as server, pytest.raises(Unreachable):
        Client(server.url).me()


def test_an_export_that_breaks_off_is_not_taken_for_whole() -> None:
    with peer(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}\n") as server, pytest.raises(Unreachable):
        list(Client(server.url).export())


def test_something_else_that_listens_there_is_not_taken_for_our_server() -> None:
    with peer(answer(200, b"<html>")) as server, pytest.raises(Corrupt):
        Client(server.url).me()


def test_a_redirect_is_not_followed_with_our_token() -> None:
    with peer(answer(302, b"", b"Location: http://127.0.0.1:9/")) as server, pytest.raises(AutonomyError):
        Client(server.url, "aosp_secret").me()


def test_the_body_is_json_and_the_token_a_bearer() -> None:
    with peer(answer(200, b'{"revoked": 2}')) as server:
        assert Client(server.url, "aosp_t").revoke_agent("buyer/1", "r") == 2
        assert server.requests[0].startswith(b"POST /api/agents/buyer%2F1/revoke HTTP/1.1\r\n")
        assert b"Authorization: Bearer aosp_t" in server.requests[0]
        assert server.requests[0].endswith(b'{"reason": "r"}')


def test_pages_are_asked_for_until_there_are_no_more() -> None:
    first = answer(200, b'{"items": [1, 2], "next": "b"}')
    with peer(first, answer(200, b'{"items": [3], "next": null}')) as server:
        assert list(Client(server.url).agents(state="active", role=None)) == [1, 2, 3]
        assert b"GET /api/agents?state=active&limit=500 " in server.requests[0]
        assert b"GET /api/agents?state=active&after=b&limit=500 " in server.requests[1]


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Invalid),
        (401, Unauthenticated),
        (403, Forbidden),
        (404, NotFound),
        (409, Conflict),
        (418, Invalid),
        (429, Busy),
        (500, AutonomyError),
        (503, Unavailable),
        (504, Overdue),
    ],
)
def test_the_servers_error_is_raised_with_its_own_words(status: int, kind: type[AutonomyError]) -> None:
    body = b'{"error": {"code": "a.b", "message": "m", "hint": "h", "detail": {"message": "inner"}}}'
    with peer(answer(status, body)) as server, pytest.raises(kind) as raised:
        Client(server.url).me()
    error = raised.value
    assert (error.code, error.message, error.hint, error.detail) == ("a.b", "m", "h", {"message": "inner"})


def test_a_busy_server_says_when_to_come_back() -> None:
    found = error_of(429, b'{"error": {"code": "store.busy", "message": "m"}}', "7")
    assert isinstance(found, Busy)
    assert found.retry_after == 7


def test_an_oauth_error_is_an_error_too() -> None:
    body = b'{"error": "invalid_client", "error_description": "who is this"}'
    found = error_of(401, body)
    assert (found.code, found.message) == ("oauth.invalid_client", "who is this")


@given(st.integers(400, 599), st.binary(max_size=40))
def test_whatever_answers_becomes_an_error(status: int, body: bytes) -> None:
    assert error_of(status, body).code


@pytest.mark.parametrize("url", ["", "127.0.0.1:8085", "ftp://host", "http://", "http://host/?a=1", "http://host/#a"])
def test_what_is_no_url_of_a_server_is_refused(url: str) -> None:
    with pytest.raises(Invalid) as refused:
        Client(url)
    assert refused.value.code == "server.url"


def test_no_credential_is_shown_by_a_client() -> None:
    assert "canary" not in repr(Client("http://host", "canary")) + repr(AgentClient("http://host", key="canary"))


@pytest.mark.parametrize(
    "given", [{}, {"client_id": "c"}, {"client_secret": "s"}, {"key": "k", "client_id": "c", "client_secret": "s"}]
)
def test_an_agent_has_one_kind_of_credential(given: dict[str, str]) -> None:
    with pytest.raises(Invalid) as refused:
        AgentClient("http://host", **given)  # type: ignore[arg-type]
    assert refused.value.code == "agent.credential"


def test_a_certificate_nobody_vouches_for_is_refused() -> None:
    with peer(b"\x15\x03\x01\x00\x02\x02\x28") as server, pytest.raises(Unreachable) as refused:
        Client(server.url.replace("http://", "https://")).me()
    assert refused.value.code == "server.tls"
