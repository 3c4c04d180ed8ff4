"""Signatures of webhooks: Standard Webhooks (standardwebhooks.com, version 1.0) and GitHub's. Pure.

Standard: the header `webhook-signature` holds words `v1,<base64>`, each an HMAC-SHA256 over `<id>.<seconds>.<body>`;
one that fits is enough, so that keys can be rotated. GitHub: `X-Hub-Signature-256: sha256=<hex>` over the body alone.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping
from typing import Literal, NamedTuple

from autonomy.kernel.errors import Invalid, Unauthenticated

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
GITHUB_SIGNATURE = "x-hub-signature-256"
MIN_KEY = 16  # bytes; a shorter key can be guessed from one signed body
UNTIMED = "sha256:"
"""How the ids begin of what is signed without a time: the signature is its id."""

MAX_SIGNATURES = 10  # of one post: a rotation has two

_PREFIX = "whsec_"
_ID = re.compile(r"[A-Za-z0-9_.:-]{1,128}")
_SECONDS = re.compile(r"[0-9]{1,12}")


class Proven(NamedTuple):
    """What a signature proves: by which id a sender names what it sends, so that it is taken once."""

    id: str


def key_of(secret: str) -> bytes:
    """The signing key in a secret: `whsec_` and base64, or its own bytes. Raises Invalid (`webhook.secret`)."""
    try:
        key = base64.b64decode(secret[len(_PREFIX) :], validate=True) if secret.startswith(_PREFIX) else secret.encode()
    except binascii.Error:
        key = b""
    if len(key) < MIN_KEY:
        raise Invalid(f"a webhook's secret has at least {MIN_KEY} bytes", code="webhook.secret")
    return key


def sign(key: bytes, id: str, at_s: int, body: bytes) -> dict[str, str]:
    """The headers of a Standard Webhooks post sent at `at_s`, seconds since the epoch."""
    return {ID: id, TIMESTAMP: str(at_s), SIGNATURE: f"v1,{_standard_mac(key, id, at_s, body)}"}


def prove(
    scheme: Literal["standard", "github"],
    key: bytes,
    headers: Mapping[str, str],
    body: bytes,
    now_s: int,
    tolerance_s: int,
) -> Proven:
    """Check who sent `body`. `headers` have lower case names.

    Raises Unauthenticated: `hook.signature` where it is forged or altered, `hook.time` where it is too old or too new.
    """
    return _github(key, headers, body) if scheme == "github" else _standard(key, headers, body, now_s, tolerance_s)


def _standard(key: bytes, headers: Mapping[str, str], body: bytes, now_s: int, tolerance_s: int) -> Proven:
    id, seconds = headers.get(ID, ""), headers.get(TIMESTAMP, "")
    if not _ID.fullmatch(id) or not _SECONDS.fullmatch(seconds):
        raise _forged()
    expected = _standard_mac(key, id, int(seconds), body)
    given = [word.partition(",") for word in headers.get(SIGNATURE, "").split()[:MAX_SIGNATURES]]
    if not any(version == "v1" and _same(mac, expected) for version, _, mac in given):
        raise _forged()
    if abs(now_s - int(seconds)) > tolerance_s:
        raise Unauthenticated("it was signed too long ago, or in the future", code="hook.time")
    return Proven(id)


def _github(key: bytes, headers: Mapping[str, str], body: bytes) -> Proven:
    """Nothing but the body is signed: an id in a header could be exchanged, so the signature itself is the id."""
    expected = hmac.new(key, body, hashlib.sha256).hexdigest()
    if not _same(headers.get(GITHUB_SIGNATURE, ""), f"sha256={expected}"):
        raise _forged()
    return Proven(f"{UNTIMED}{expected}")


def _standard_mac(key: bytes, id: str, at_s: int, body: bytes) -> str:
    signed = b"%s.%d.%s" % (id.encode(), at_s, body)
    return base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode())


def _forged() -> Unauthenticated:
    return Unauthenticated("the signature does not fit", code="hook.signature")
