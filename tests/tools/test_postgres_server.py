"""What the socket of a PostgreSQL server sees: no connection that was not allowed, no password others could read."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import ValidationError

from autonomy.catalog.model import SqlConnector
from autonomy.kernel.errors import AutonomyError
from autonomy.tools import Unreachable
from autonomy.tools.credential import Credential
from autonomy.tools.outbound import Outbound
from autonomy.tools.postgres_server import PostgresServer

from .candidates.letters import self_signed
from .organisations import no_secret
from .spellings import spellings
from .test_outbound import listeners

PASSWORD = "s3cret-of-warehouse"
MINE = {"allow": ["127.0.0.1/32"]}
IN_CLEAR = {**MINE, "security": "none"}

Asks = Literal["cleartext", "md5", "scram"]
ASKING = {
    "cleartext": struct.pack("!cII", b"R", 8, 3),
    "md5": struct.pack("!cII4s", b"R", 12, 5, b"salt"),
    "scram": struct.pack("!cII", b"R", 23, 10) + b"SCRAM-SHA-256\0\0",
}
TO_TLS, TO_GSS = 80877103, 80877104  # codes of the first message: PostgreSQL's protocol, "SSLRequest", "GSSENCRequest"


class Thief:
    """A server that wants the password, and keeps what it is told once it has asked for it."""

    def __init__(self, listener: socket.socket, asks: Asks, tls: ssl.SSLContext | None) -> None:
        self.connections = 0
        self.heard = b""
        self._listener = listener
        self._asks = asks
        self._tls = tls

    def serve(self) -> None:
        while True:
            try:
                line, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            line.settimeout(5)
            try:
                self._rob(line)
            except (OSError, struct.error):
                line.close()

    def _rob(self, line: socket.socket) -> None:
        code, said = _first(line)
        while code in (TO_TLS, TO_GSS):
            if code == TO_TLS and self._tls is not None:
                line.sendall(b"S")
                line = self._tls.wrap_socket(line, server_side=True)
            else:
                line.sendall(b"N")
            code, said = _first(line)
        self.heard += said
        line.sendall(ASKING[self._asks])
        self.heard += line.recv(500)
        line.close()


def _first(line: socket.socket) -> tuple[int, bytes]:
    """A message without a type: its code, and the rest."""
    (length,) = struct.unpack("!I", line.recv(4))
    said = line.recv(length - 4)
    return struct.unpack("!I", said[:4])[0], said[4:]


@contextmanager
def thief(
    asks: Asks = "cleartext", tls: ssl.SSLContext | None = None, at: Path | None = None
) -> Iterator[tuple[Thief, int]]:
    """One on a port of loopback, or at the path of a Unix socket."""
    listener = socket.socket(socket.AF_UNIX if at else socket.AF_INET)
    listener.bind(str(at) if at else ("127.0.0.1", 0))
    listener.listen()
    made = Thief(listener, asks, tls)
    serving = threading.Thread(target=made.serve)
    serving.start()
    try:
        yield made, 0 if at else listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        serving.join()


def refusal(url: str, folder: Path = Path(), password: str = PASSWORD, **use: Any) -> AutonomyError:
    """How a connection fails, by the way that connectors take."""
    spec = SqlConnector(type="sql", url=url, credential="warehouse-password", **use)
    with pytest.raises(Unreachable) as caught:
        Outbound(no_secret, folder).postgres(spec, Credential("warehouse-password", 1, password), False, 3.0)
    assert PASSWORD not in str(caught.value.as_dict()) + repr(caught.value)
    return caught.value


def test_without_allow_nothing_is_connected_to() -> None:
    with thief() as (it, port):
        for host in ("127.0.0.1", "localhost", "LOCALHOST", "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]"):
            assert refusal(f"postgresql://reader@{host}:{port}/stock").code == "egress.forbidden"
        whole = f"postgresql://reader:{PASSWORD}@127.0.0.1:{port}/stock"
        assert refusal("postgresql://elsewhere.example/stock", password=whole).code == "egress.forbidden"
        for elsewhere in ("10.0.0.0/8", "127.0.0.2/32", "::1/128"):
            assert refusal(f"postgresql://127.0.0.1:{port}/stock", allow=[elsewhere]).code == "egress.forbidden"
    assert (it.connections, it.heard) == (0, b"")


def test_no_spelling_leads_to_a_connection() -> None:
    """The driver connects past the interpreter, so that it is the listeners who say that nobody came."""
    with listeners() as open_doors:
        urls = [f"postgresql:{url.partition(':')[2]}stock" for url in spellings(open_doors[0].getsockname()[1])]
        codes = {refusal(url, security=security, allow=allow).code for url in urls for security, allow in HOW}
        assert (len(urls) >= 500, codes) == (True, {"connector.url", "egress.forbidden"})
        for door in open_doors:
            with pytest.raises(BlockingIOError):
                door.accept()


HOW: list[tuple[str, list[str]]] = [("tls", []), ("none", ["192.0.2.1/32"])]


def test_a_metadata_address_is_reached_by_no_wide_range() -> None:
    assert refusal("postgresql://169.254.169.254/stock", allow=["169.254.0.0/16"]).code == "egress.forbidden"


def test_a_name_is_resolved_once_and_that_very_address_is_connected_to() -> None:
    """DNS rebinding: what a second look would find does not matter, and nobody takes one."""
    with thief() as (it, port):
        answers = [["127.0.0.1", "10.0.0.1"], ["127.0.0.9"]]
        spec = SqlConnector(type="sql", url=f"postgresql://rebinding.example:{port}/stock", **IN_CLEAR)
        with pytest.raises(Unreachable):
            PostgresServer(spec, Path(), lambda host, _: answers.pop(0)).connect(None, False, 3.0)
    assert (it.connections, answers) == (1, [["127.0.0.9"]])


def test_without_tls_only_what_is_named_is_reached_be_it_public_or_not() -> None:
    public = "postgresql://8.8.8.8/stock"
    assert refusal(public, **IN_CLEAR).code == "egress.forbidden"


@pytest.mark.parametrize("asks", ["cleartext", "md5"])
def test_without_tls_no_password_goes_out_that_a_listener_could_read(asks: Asks) -> None:
    with thief(asks) as (it, port):
        found = refusal(f"postgresql://reader@127.0.0.1:{port}/stock", **IN_CLEAR)
    assert (found.code, it.connections) == ("upstream.clear_password", 1)
    assert b"reader" in it.heard
    assert not any(sign in it.heard for sign in (PASSWORD.encode(), b"md5", b"p\0"))


def test_without_tls_a_proof_by_scram_does_not_hold_the_password() -> None:
    with thief("scram") as (it, port):
        refusal(f"postgresql://reader@127.0.0.1:{port}/stock", **IN_CLEAR)
    assert b"SCRAM-SHA-256" in it.heard
    assert PASSWORD.encode() not in it.heard


def test_a_server_that_says_no_to_tls_is_told_nothing() -> None:
    with thief() as (it, port):
        found = refusal(f"postgresql://reader@127.0.0.1:{port}/stock", **MINE)
    assert (found.code, it.connections, it.heard) == ("upstream.tls", 1, b"")


def test_a_server_that_cannot_prove_its_name_is_told_nothing(tmp_path: Path) -> None:
    context = self_signed(tmp_path / "known.pem")
    self_signed(tmp_path / "other.pem")
    with thief(tls=context) as (it, port):
        for host, trusted in (
            ("127.0.0.1", {}),
            ("127.0.0.1", {"certificates": "other.pem"}),
            ("127.0.0.1", {"certificates": "missing.pem"}),
            ("localhost", {"certificates": "known.pem"}),  # the certificate names the address only
        ):
            found = refusal(f"postgresql://reader@{host}:{port}/stock", tmp_path, **MINE, **trusted)
            assert (found.code, it.heard) == ("upstream.tls", b"")


def test_a_server_that_has_proved_its_name_gets_the_password_over_tls(tmp_path: Path) -> None:
    with thief(tls=self_signed(tmp_path / "known.pem")) as (it, port):
        url = f"postgresql://reader@127.0.0.1:{port}/stock"
        assert refusal(url, tmp_path, certificates="known.pem", **MINE).code == "upstream.unreachable"
    assert it.heard.endswith(PASSWORD.encode() + b"\0")


def test_a_unix_socket_is_used_only_where_it_is_declared(tmp_path: Path) -> None:
    with thief(at=tmp_path / ".s.PGSQL.5432") as (it, _):
        for url in (f"postgresql://{str(tmp_path).replace('/', '%2F')}/stock", f"postgresql:///stock?host={tmp_path}"):
            assert refusal(url).code == "connector.url"
        assert it.connections == 0
        found = refusal("postgresql://reader@/stock", socket=str(tmp_path))
    assert (found.code, it.connections, PASSWORD.encode() in it.heard) == ("upstream.clear_password", 1, False)


def test_nothing_is_taken_from_the_environment_of_the_process(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    passwords = tmp_path / "passwords"
    passwords.write_text("*:*:*:*:of-the-account\n")
    passwords.chmod(0o600)
    with thief(tls=self_signed(tmp_path / "known.pem")) as (it, port), thief() as (other, elsewhere):
        for name, value in {
            "PGHOSTADDR": "127.0.0.1",
            "PGPORT": str(elsewhere),
            "PGSSLMODE": "disable",
            "PGREQUIREAUTH": "password",
            "PGPASSFILE": str(passwords),
            "PGPASSWORD": "of-the-account",
            "PGGSSENCMODE": "prefer",
            "PGCLIENTENCODING": "LATIN1",
        }.items():
            monkeypatch.setenv(name, value)
        assert refusal(f"postgresql://reader@127.0.0.2:{port}/stock", **MINE).code == "egress.forbidden"
        spec = SqlConnector(
            type="sql", url=f"postgresql://reader@127.0.0.1:{port}/stock", certificates="known.pem", **MINE
        )
        with pytest.raises(Unreachable):
            PostgresServer(spec, tmp_path).connect(None, False, 3.0)
    assert (it.connections, other.connections, b"of-the-account" in it.heard) == (1, 0, False)
    assert b"client_encoding\0UTF8\0" in it.heard


@pytest.mark.parametrize(
    "use",
    [
        {"security": "none"},
        {"security": "none", "allow": ["127.0.0.1/32"], "certificates": "known.pem"},
        {"security": "prefer"},
        {"socket": "/run/postgresql", "allow": ["127.0.0.1/32"]},
        {"socket": "/run/postgresql", "security": "none"},
        {"socket": "@abstract"},
        {"socket": "/run/one,/run/two"},
    ],
)
def test_a_declaration_that_would_weaken_the_way_is_refused(use: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SqlConnector(type="sql", url="postgresql://host/stock", **use)


async def test_a_database_that_was_reached_is_used(postgres_url: str) -> None:
    spec = SqlConnector(type="sql", url=postgres_url.replace("127.0.0.1", "localhost"), **IN_CLEAR)
    connection = await asyncio.to_thread(Outbound(no_secret, Path()).postgres, spec, None, False, 3.0)
    with connection:
        assert connection.execute("SHOW transaction_read_only").fetchone() == ("on",)
