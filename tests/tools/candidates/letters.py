"""A mail server on loopback, with TLS and a password, that misbehaves as it is told."""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import Message
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from autonomy.tools.conformance import CANARY, Candidate

from .place import INPUT, NOTE, Place, Stood

REFUSALS = {"refuse": "550 no", "stale": "550 no", "leak": f"550 no, {CANARY}"}


class Post(Stood):
    """Takes messages from who knows the password; keeps them."""

    def __init__(self, folder: Path, **options: Any) -> None:
        super().__init__()
        self.certificates = folder / "mail.pem"
        self.messages: list[Message] = []
        self.envelopes: list[Envelope] = []
        self.port = 0
        self._context = self_signed(self.certificates)
        self._options = {"tls_context": self._context, "auth_required": True, **options}
        self._server: asyncio.Server
        self._lines: list[asyncio.Transport] = []

    async def start(self, over_tls: bool = False) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            self._answering, "127.0.0.1", self.port, ssl=self._context if over_tls else None
        )
        self.port = self._server.sockets[0].getsockname()[1]

    def _answering(self) -> SMTP:
        self.heard += 1
        return SMTP(self, hostname="mail.test", authenticator=self._knows, **self._options)

    def _knows(self, server: SMTP, session: Session, envelope: Envelope, kind: str, said: Any) -> AuthResult:
        right = isinstance(said, LoginPassword) and said.password == CANARY.encode()
        return AuthResult(success=right, handled=False)

    async def handle_RCPT(self, server: SMTP, _: Session, envelope: Envelope, address: str, __: Any) -> str:
        if self.how in REFUSALS:
            return REFUSALS[self.how]
        envelope.rcpt_tos.append(address)
        return "250 good"

    async def handle_DATA(self, server: SMTP, _: Session, envelope: Envelope) -> str:
        self._lines.append(server.transport)
        if self.how == "hang":
            await asyncio.Event().wait()
        message = message_from_bytes(bytes(envelope.content or b""))
        self.messages.append(message)
        self.envelopes.append(envelope)
        self.done[str(message["Message-ID"]).strip("<>").partition("@")[0]] += 1
        if self.how == "break":
            server.transport.abort()
        if self.how == "flood":
            return "\r\n".join(["250-" + "x" * 400] * 1_000 + ["250 done"])
        return f"250 taken, {CANARY}"

    async def behave(self, how: Any) -> None:
        self.how = how
        if how == "gone":
            await self.close()

    async def close(self) -> None:
        self._server.close()
        for line in self._lines:
            line.abort()


def self_signed(path: Path) -> ssl.SSLContext:
    """A certificate for 127.0.0.1, written to `path`, and the server's side of it."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    at = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), at, at + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    whole = path.with_suffix(".key")
    whole.write_bytes(private + path.read_bytes())
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(whole)
    return context


async def make_mail(place: Place) -> Candidate:
    post = Post(place.folder)
    await post.start()
    return Candidate(
        name="mail",
        use={
            "type": "mail",
            "host": "127.0.0.1",
            "port": post.port,
            "user": "autonomy",
            "credential": "password",
            "sender": "agents@acme.example",
            "recipients": ["*@acme.example"],
            "certificates": "mail.pem",
            "allow": ["127.0.0.1/32"],
        },
        write={
            "call": {"mail": {"to": ["ann@acme.example"], "subject": "A note", "text": "It says: {note}"}},
            "input": INPUT,
            "effect": "write-neither",
        },
        arguments=NOTE,
        system=post,
        folder=place.folder,
        over_network=True,
        cannot={"stale": "a message has no version"},
    )
