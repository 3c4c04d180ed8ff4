"""Where leaves are carried to, by the operator's setting; the one place of this room that opens connections.

A batch counts as delivered when its file and that file's name are on the disk; when the machine of a syslog server that
was written to over TCP or TLS has acknowledged every byte of it, and the server has closed the connection without
leaving any unread; and, over UDP or a local socket, when it was handed to the network, for there is nobody who answers.
Syslog has no word for "it is kept" (RFC 5425, RFC 6587): a server that dies between reading and keeping loses what it
read, and nobody here can know. What must not be lost is carried to a file, which a collector follows.
"""

from __future__ import annotations

import fcntl
import os
import socket
import ssl
import sys
import termios
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from autonomy.kernel.errors import Invalid, Unavailable

Kind = Literal["file", "unix", "udp", "tcp", "tls"]

PORTS = {"udp": 514, "tcp": 601, "tls": 6514}  # RFC 5426, 6587 and 5425
SECONDS = 10.0  # for one batch; a server that reads slower than this is not keeping up
MAX_DATAGRAM = 8_192  # bytes: what RFC 5426 asks receivers to be ready for, with room to spare
MAX_LOCAL = 65_536  # bytes of a message at a local socket, where a larger one may never be taken
LOOK_S = 0.01  # how often it is looked whether everything was acknowledged
_HINT = "write `file:///FILE`, `unix:///SOCKET`, `udp://HOST:514`, `tcp://HOST:601` or `tls://HOST:6514`"


@dataclass(frozen=True, slots=True)
class Target:
    """A place for leaves. `name` says which one it is, in figures and in the store."""

    kind: Kind
    path: Path = Path()
    host: str = ""
    port: int = 0

    @property
    def name(self) -> str:
        """The setting in its shortest form."""
        return f"{self.kind}:{self.path}" if self.kind in ("file", "unix") else f"{self.kind}:{self.host}:{self.port}"

    @property
    def longest(self) -> int | None:
        """How many bytes one record may have; None where there is no such limit."""
        return {"udp": MAX_DATAGRAM, "unix": MAX_LOCAL}.get(self.kind)

    def deliver(self, records: Sequence[bytes]) -> None:
        """Hand the records over, in order; returns when they are delivered. Blocks. Raises Unavailable."""
        try:
            _WAYS[self.kind](self, records)
        except OSError as error:
            told = error.strerror or type(error).__name__
            raise Unavailable(
                f"`{self.name}` does not take the log's leaves: {told}",
                code="forward.unavailable",
                hint="nothing is lost: they are sent again until it does",
            ) from None


def read_target(text: str) -> Target:
    """The target that a setting names; raises Invalid (`forward.target`)."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise _unreadable(text) from None
    if parts.query or parts.fragment or parts.username or parts.password:
        raise _unreadable(text)
    if parts.scheme == "file" and not parts.netloc and parts.path.startswith("/"):
        return Target("file", path=Path(parts.path))
    if parts.scheme == "unix" and not parts.netloc and parts.path.startswith("/"):
        return Target("unix", path=Path(parts.path))
    if parts.scheme not in PORTS or not parts.hostname or parts.path not in ("", "/"):
        raise _unreadable(text)
    kind: Kind = "udp" if parts.scheme == "udp" else "tcp" if parts.scheme == "tcp" else "tls"
    return Target(kind, host=parts.hostname, port=port or PORTS[kind])


def _unreadable(text: str) -> Invalid:
    place = text.rpartition("@")[2]  # whoever writes a password there shall not read it in a log
    return Invalid(f"`{place[:80]}` is no place for the log's leaves", code="forward.target", hint=_HINT)


def _to_file(target: Target, records: Sequence[bytes]) -> None:
    """Appends whole lines. A line that a crash cut off is ended, so that its repeat stands on a line of its own. The
    file is opened by its name each time, so that it may be rotated away at any moment; before an empty one gets its
    first line, its name is on the disk, so that no loss of power takes the file from under what was delivered."""
    _make_folder(target.path.parent)
    descriptor = os.open(target.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
    with os.fdopen(descriptor, "r+b", buffering=0) as file:
        size = file.seek(0, os.SEEK_END)
        if size == 0:
            _sync_folder(target.path.parent)
        cut_off = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
        rest = memoryview(b"\n" * cut_off + b"".join(record + b"\n" for record in records))
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        os.fsync(descriptor)


def _make_folder(path: Path) -> None:
    """Makes the folder and those above it, each on the disk before the next."""
    if not path.is_dir():
        _make_folder(path.parent)
        path.mkdir(exist_ok=True)
        _sync_folder(path.parent)


def _sync_folder(path: Path) -> None:
    """A file's own fsync does not cover its name, which stands in the folder (fsync(2))."""
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _to_socket(target: Target, records: Sequence[bytes]) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as opened:
        opened.settimeout(SECONDS)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 * MAX_LOCAL)
        opened.connect(str(target.path))
        for record in records:
            opened.send(record)


def _over_udp(target: Target, records: Sequence[bytes]) -> None:
    (family, kind, protocol, _, address), *_ = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_DGRAM)
    with socket.socket(family, kind, protocol) as opened:
        opened.settimeout(SECONDS)
        opened.connect(address)
        for record in records:
            opened.send(record)


def _over_tcp(target: Target, records: Sequence[bytes]) -> None:
    with socket.create_connection((target.host, target.port), SECONDS) as opened:
        opened.sendall(_framed(records))
        opened.shutdown(socket.SHUT_WR)
        _wait_for_the_end(opened)


def _over_tls(target: Target, records: Sequence[bytes]) -> None:
    context = ssl.create_default_context()
    with (
        socket.create_connection((target.host, target.port), SECONDS) as opened,
        context.wrap_socket(opened, server_hostname=target.host) as wrapped,
    ):
        wrapped.sendall(_framed(records))
        with suppress(ssl.SSLEOFError):  # many close without a farewell; who resets has left some unread
            wrapped.unwrap()  # says that we are through, and waits until the other side says so too
        _see_acknowledged(wrapped)


def _framed(records: Sequence[bytes]) -> bytes:
    """Octet counting, RFC 6587 section 3.4.1: nothing inside a message can end it."""
    return b"".join(b"%d %s" % (len(record), record) for record in records)


def _wait_for_the_end(opened: socket.socket) -> None:
    while opened.recv(4_096):
        pass  # a syslog server has nothing to say; only that it is through counts
    _see_acknowledged(opened)


def _see_acknowledged(opened: socket.socket) -> None:
    """Wait until the other machine has every byte. It may have closed before anything of ours arrived: then it answers
    with a reset, later than with its end. Raises OSError."""
    until = time.monotonic() + SECONDS
    while _unacknowledged(opened):
        if time.monotonic() > until:
            raise TimeoutError("it closed and did not take everything")
        time.sleep(LOOK_S)
    # Only now: a reset also empties the queue, but says so first.
    if error := opened.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
        raise OSError(error, os.strerror(error))


def _unacknowledged(opened: socket.socket) -> int:
    """Bytes on their way (tcp(7), SIOCOUTQ); 0 where the system does not tell."""
    if sys.platform != "linux":
        return 0
    return int.from_bytes(fcntl.ioctl(opened.fileno(), termios.TIOCOUTQ, bytes(4)), sys.byteorder)


_WAYS = {"file": _to_file, "unix": _to_socket, "udp": _over_udp, "tcp": _over_tcp, "tls": _over_tls}
