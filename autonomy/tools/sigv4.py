"""AWS Signature Version 4 for one kind of request: POST to `/` without a query. Pure.

Source: AWS General Reference, "Create a signed AWS API request".
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime

ALGORITHM = "AWS4-HMAC-SHA256"


def signed(
    headers: Mapping[str, str], body: bytes, at: int, region: str, service: str, key_id: str, secret: str
) -> dict[str, str]:
    """`headers`, among them `Host`, with `X-Amz-Date` and the `Authorization` that signs all of them and the body.

    `at` is the time in milliseconds since the epoch.
    """
    moment = datetime.fromtimestamp(at / 1000, UTC).strftime("%Y%m%dT%H%M%SZ")
    found = {**headers, "X-Amz-Date": moment}
    lowered = {name.lower(): " ".join(value.split()) for name, value in found.items()}
    names = ";".join(sorted(lowered))
    canonical = "\n".join(
        ["POST", "/", "", *(f"{name}:{lowered[name]}" for name in sorted(lowered)), "", names, _hash(body)]
    )
    scope = f"{moment[:8]}/{region}/{service}/aws4_request"
    to_sign = "\n".join([ALGORITHM, moment, scope, _hash(canonical.encode())])
    key = f"AWS4{secret}".encode()
    for part in (moment[:8], region, service, "aws4_request"):
        key = _keyed(key, part)
    signature = _keyed(key, to_sign).hex()
    shown = f"{ALGORITHM} Credential={key_id}/{scope}, SignedHeaders={names}, Signature={signature}"
    return {**found, "Authorization": shown}


def _hash(value: bytes) -> str:
    return hashlib.sha256(value).hexdigest()


def _keyed(key: bytes, value: str) -> bytes:
    return hmac.digest(key, value.encode(), "sha256")
