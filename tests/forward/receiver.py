"""A real rsyslogd on loopback that writes down, as JSON, how it understood each message."""

from __future__ import annotations

import datetime
import json
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from autonomy.audit.forward import Target
from demo.processes import free_port
from tests.programs import libraries, modules, program

FIELDS = (
    "pri",
    "protocol-version",
    "timestamp",
    "hostname",
    "app-name",
    "procid",
    "msgid",
    "structured-data",
    "msg",
    "syslogseverity",
    "syslogfacility",
)

CONFIG = """
global(workDirectory="{folder}" maxMessageSize="64k" {tls})
module(load="{modules}/imtcp" {driver})
module(load="{modules}/imudp")
module(load="{modules}/imuxsock" sysSock.use="off")
input(type="imtcp" port="{tcp}" address="127.0.0.1")
input(type="imudp" port="{udp}" address="127.0.0.1")
input(type="imuxsock" socket="{folder}/log" useSpecialParser="off" parseHostname="on" useSysTimeStamp="off"
      ignoreTimestamp="off")
template(name="told" type="list" option.jsonf="on") {{ {properties} }}
action(type="omfile" file="{folder}/told" template="told" asyncWriting="off")
"""


@dataclass
class Receiver:
    """Where it listens, and what it has taken down so far."""

    folder: Path
    tcp: int
    udp: int

    def told(self) -> list[dict[str, Any]]:
        """Each message by its parts."""
        path = self.folder / "told"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def wait_for(self, count: int, seconds: float = 20) -> list[dict[str, Any]]:
        """What it has taken down once there are `count` of them."""
        return until(lambda: self.told() if len(self.told()) >= count else [], seconds)


@contextmanager
def receiver(folder: Path, certificates: Certificates | None = None) -> Iterator[Receiver]:
    """rsyslogd with its files in `folder`; it speaks TLS where it is given certificates."""
    folder.mkdir(parents=True, exist_ok=True)
    tcp, udp = free_port(), free_port(socket.SOCK_DGRAM)
    tls = driver = ""
    if certificates is not None:
        tls = (
            f'defaultNetstreamDriverCAFile="{certificates.ca}" defaultNetstreamDriverCertFile="{certificates.own}" '
            f'defaultNetstreamDriverKeyFile="{certificates.key}"'
        )
        driver = 'streamDriver.name="gtls" streamDriver.mode="1" streamDriver.authMode="anon"'
    dated = {"timestamp": 'dateFormat="rfc3339"'}
    properties = " ".join(
        f'property(outname="{name}" name="{name}" format="jsonf" {dated.get(name, "")})' for name in FIELDS
    )
    config = folder / "rsyslog.conf"
    config.write_text(
        CONFIG.format(folder=folder, modules=modules(), tcp=tcp, udp=udp, properties=properties, tls=tls, driver=driver)
    )
    command = [str(program("rsyslogd")), "-n", "-f", str(config), "-i", str(folder / "pid"), "-M", str(modules())]
    with (folder / "errors").open("w") as errors:
        process = subprocess.Popen(command, env=libraries(), stdout=errors, stderr=errors)
    try:
        until(lambda: answers(tcp) and (folder / "log").exists(), 20)
        yield Receiver(folder, tcp, udp)
    finally:
        process.terminate()
        process.wait(20)


@dataclass
class Certificates:
    """A certificate authority, and a server it vouches for; as files."""

    ca: Path
    own: Path
    key: Path


def certificates(folder: Path) -> Certificates:
    """A new authority, and a certificate of it for `127.0.0.1`."""
    folder.mkdir(parents=True, exist_ok=True)
    made = Certificates(folder / "ca.pem", folder / "own.pem", folder / "key.pem")
    authority, key = _key(), _key()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority of the test")])
    pem = serialization.Encoding.PEM
    made.ca.write_bytes(_certificate(name, name, authority, authority, is_ca=True).public_bytes(pem))
    own = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    made.own.write_bytes(_certificate(own, name, key, authority, is_ca=False).public_bytes(pem))
    plain = serialization.NoEncryption()
    made.key.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.TraditionalOpenSSL, plain))
    return made


def _key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: rsa.RSAPrivateKey, signer: rsa.RSAPrivateKey, is_ca: bool
) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    here = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    signed_by = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    usage = x509.KeyUsage(True, False, True, False, False, is_ca, is_ca, False, False)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(is_ca, None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(signed_by, critical=False)
        .add_extension(here, critical=False)
        .sign(signer, hashes.SHA256())
    )


@contextmanager
def tls_peer(
    folder: Path, patch: pytest.MonkeyPatch, serve: Callable[[ssl.SSLSocket], bytes]
) -> Iterator[tuple[Target, Future[bytes]]]:
    """A TLS server for one connection, which `serve` has after the handshake and which is closed after it; and what
    that returned."""
    made = certificates(folder / "certificates")
    patch.setenv("SSL_CERT_FILE", str(made.ca))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.own, made.key)

    def answer(listening: socket.socket) -> bytes:
        with context.wrap_socket(listening.accept()[0], server_side=True) as connection:
            connection.settimeout(10)
            return serve(connection)

    with socket.create_server(("127.0.0.1", 0)) as listening, ThreadPoolExecutor(1) as pool:
        listening.settimeout(10)
        yield Target("tls", host="127.0.0.1", port=listening.getsockname()[1]), pool.submit(answer, listening)


def until(look: Callable[[], Any], seconds: float) -> Any:
    """What `look` finds as soon as it finds something; fails where it never does."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := look():
            return found
        select_nothing(0.02)
    raise AssertionError(f"not within {seconds} s")


def select_nothing(seconds: float) -> None:
    """Give another program time; there is no signal from one that is not ours."""
    import select

    select.select([], [], [], seconds)


def answers(port: int) -> bool:
    """Whether somebody listens."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
