"""Client certificates and private authorities from secrets, as TLS contexts."""

from __future__ import annotations

import os
import ssl
import tempfile
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .credential import Credential
from .errors import Unreachable

KEPT = 64  # contexts; one with the public authorities takes most of a megabyte


class Certificates:
    """TLS contexts by the versions of the secrets they are made of. Used from one event loop."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[object, ...], ssl.SSLContext] = OrderedDict()

    def context(self, certificate: Credential | None, authorities: Credential | None) -> ssl.SSLContext:
        """The context that shows `certificate` (and its key) and trusts `authorities`, else the public ones.

        Raises Unreachable (`credential.certificate`) for secrets that hold none.
        """
        key = tuple((one.name, one.version) if one else None for one in (certificate, authorities))
        found = self._kept.get(key)
        if found is None:
            found = self._kept[key] = _made(certificate, authorities)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return found


def _made(certificate: Credential | None, authorities: Credential | None) -> ssl.SSLContext:
    context = _trusting(authorities)
    if certificate is not None:
        try:
            with _private_file(certificate.reveal()) as path:
                context.load_cert_chain(path, password=_no_password)
        except (ssl.SSLError, ValueError):
            raise _none_in(certificate, "no client certificate with its key") from None
    return context


def _trusting(authorities: Credential | None) -> ssl.SSLContext:
    if authorities is None:
        return ssl.create_default_context()
    try:
        return ssl.create_default_context(cadata=authorities.reveal())
    except (ssl.SSLError, ValueError):
        raise _none_in(authorities, "no certificates") from None


def _no_password() -> str:
    """A key that needs a password would have Python ask for it on the terminal."""
    return ""


def _none_in(secret: Credential, what: str) -> Unreachable:
    return Unreachable(
        f"the secret `{secret.name}` holds {what}",
        code="credential.certificate",
        hint="PEM: the certificate, those above it, and the key without a password",
    )


@contextmanager
def _private_file(text: str) -> Iterator[str]:
    """A file only this process reads, gone at once: OpenSSL takes keys from files only. In memory where that goes."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("certificate", os.MFD_CLOEXEC)
        try:
            os.write(descriptor, text.encode())
            yield f"/proc/self/fd/{descriptor}"
        finally:
            os.close(descriptor)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "certificate.pem"
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")
        yield str(path)
