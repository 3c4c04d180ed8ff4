"""SMTP to declared mail servers: the address is judged before it is connected to, and TLS proves who answers."""

from __future__ import annotations

import smtplib
import socket
import ssl
import threading
from collections.abc import Sequence
from contextlib import suppress
from email.message import EmailMessage
from pathlib import Path
from typing import IO, Any

from autonomy.catalog.systems import MailConnector

from .attempt import Attempt
from .credential import Credential
from .errors import Refused, Unreachable, Unsure, excerpt
from .ssrf import Network, may_reach, ranges

OUR_NAME = "autonomy.invalid"  # of the greeting; the machine's own is nobody's business
MAX_HEARD = 65_536  # bytes of all its replies to one message
TRY_AGAIN = range(400, 500)  # SMTP replies that say: not now


class ForbiddenAddress(OSError):
    """An address the connector may not reach."""


class MailServer:
    """One declared mail server. Used from threads; each message has a connection of its own."""

    def __init__(self, spec: MailConnector, folder: Path) -> None:
        self._spec = spec
        self._allow = ranges(spec.allow)
        self._folder = folder

    def send(
        self, message: EmailMessage, recipients: Sequence[str], attempt: Attempt, credential: Credential | None
    ) -> str:
        """Hand the message over to all recipients or to none; returns what the server said, mostly its own id for it.

        Raises Refused where the server said no, Unreachable where nothing was sent, Unsure where it may have been.
        """
        conversation = _Conversation(self._spec, self._allow, attempt, credential)
        # Each reply has the whole time again: a server that sends a character a second must not hold the thread.
        end = threading.Timer(max(0.0, attempt.seconds_left), conversation.hang_up)
        end.daemon = True
        end.start()
        try:
            return self._deliver(conversation, message, recipients, credential)
        except (Refused, Unreachable, Unsure):
            raise
        except ForbiddenAddress:
            raise Unreachable(
                f"`{self._spec.host}` is not an address this connector may reach",
                code="egress.forbidden",
                hint="add its range to the connector's `allow`",
            ) from None
        except (smtplib.SMTPException, OSError, ValueError) as error:
            raise self._failure(error, attempt) from None
        finally:
            end.cancel()
            conversation.close()

    def _deliver(
        self,
        conversation: _Conversation,
        message: EmailMessage,
        recipients: Sequence[str],
        credential: Credential | None,
    ) -> str:
        context = self._context()
        conversation.open(context)
        if self._spec.security == "starttls":
            conversation.starttls(context=context)
        if credential is not None:
            conversation.login(self._spec.user or "", credential.reveal())
        conversation.expect(*conversation.mail(self._spec.sender))
        for recipient in recipients:
            conversation.expect(*conversation.rcpt(recipient))
        return conversation.hand_over(message.as_bytes())

    def _context(self) -> ssl.SSLContext:
        file = self._spec.certificates
        return ssl.create_default_context(cafile=str(self._folder / file) if file else None)

    def _failure(self, error: Exception, attempt: Attempt) -> Refused | Unreachable | Unsure:
        """What an error means. The words of the server may repeat the password, so that they are not told."""
        host = self._spec.host
        if isinstance(error, smtplib.SMTPAuthenticationError):
            return Refused(f"`{host}` did not accept the credential", code="upstream.unauthorized")
        if isinstance(error, ssl.SSLError):
            return Unreachable(f"`{host}` cannot prove who it is", code="upstream.tls")
        if attempt.is_committed:
            return Unsure(f"the connection to `{host}` broke before the answer")
        if isinstance(error, smtplib.SMTPNotSupportedError):
            return Unreachable(f"`{host}` cannot do what is declared", code="upstream.failed")
        return Unreachable(f"`{host}` cannot be reached; nothing was sent")


class _Conversation(smtplib.SMTP):
    """A connection to one vetted address, in time."""

    def __init__(
        self, spec: MailConnector, allow: Sequence[Network], attempt: Attempt, credential: Credential | None
    ) -> None:
        self._spec = spec
        self._credential = credential
        self._allow = allow
        self._attempt = attempt
        self._context: ssl.SSLContext | None = None
        super().__init__(local_hostname=OUR_NAME, timeout=max(0.01, attempt.seconds_left))
        self._host = spec.host  # whom the certificate must name

    def open(self, context: ssl.SSLContext) -> None:
        """Connect and greet."""
        self._context = context
        self.expect(*self.connect(self._spec.host, self._spec.port))
        self.ehlo_or_helo_if_needed()

    def expect(self, code: int, said: bytes) -> None:
        """Raise what a reply means that is not good."""
        if 200 <= code < 300:
            return
        words = f"`{self._spec.host}` answered {code}"
        if code in TRY_AGAIN or not 200 <= code < 600:  # what is cut off in the middle of its code says nothing
            raise Unreachable(f"{words}; nothing was sent", code="upstream.failed")
        raise Refused(f"{words}: {self._shown(said)}", status=code)

    def getreply(self) -> tuple[int, bytes]:
        """A reply of bounded length: the standard library reads as many lines as there are."""
        if self.file is None and self.sock is not None:
            self.file = _Bounded(self.sock.makefile("rb"))
        return super().getreply()

    def hand_over(self, message: bytes) -> str:
        """Send the message; returns what the server said when it took it. Raises Unsure where it said nothing clear."""
        self._attempt.commit()
        try:
            code, said = self.data(message)
        except smtplib.SMTPDataError as error:
            self.expect(error.smtp_code, _bytes(error.smtp_error))
            raise
        if code < 200:
            raise Unsure(f"`{self._spec.host}` answered with something unreadable")
        self.expect(code, said)
        return self._shown(said)

    def _shown(self, said: bytes) -> str:
        """What the server said, as it may be shown: it may repeat the password."""
        text = said.decode("utf-8", "replace")
        return excerpt(self._credential.scrub(text) if self._credential else text)

    def hang_up(self) -> None:
        """End the connection, whoever waits on it. Called from another thread."""
        if self.sock is not None:
            with suppress(OSError):
                self.sock.shutdown(socket.SHUT_RDWR)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        """A connection to an address that was judged; the name is resolved once."""
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        admitted = [entry for entry in found if may_reach(str(entry[4][0]), self._allow)]
        if not admitted:
            raise ForbiddenAddress(host)
        plain = _connected(admitted, timeout)
        if self._spec.security != "tls" or self._context is None:
            return plain
        try:
            return self._context.wrap_socket(plain, server_hostname=host)
        except BaseException:
            plain.close()
            raise


class _Bounded:
    """What a server says in one conversation, and not more than is read of it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._left = MAX_HEARD

    def readline(self, limit: int) -> bytes:
        """One line; raises OSError where the server has said too much."""
        line = self._file.readline(limit)
        self._left -= len(line)
        if self._left < 0:
            raise OSError("the server says more than is read")
        return line

    def close(self) -> None:
        self._file.close()


def _bytes(said: bytes | str) -> bytes:
    return said if isinstance(said, bytes) else said.encode()


def _connected(addresses: Sequence[tuple[Any, ...]], timeout: float) -> socket.socket:
    """The first of the addresses that answers."""
    last: OSError = OSError("no address")
    for family, kind, protocol, _, address in addresses:
        plain = socket.socket(family, kind, protocol)
        plain.settimeout(timeout)
        try:
            plain.connect(address)
        except OSError as error:
            plain.close()
            last = error
        else:
            return plain
    raise last
