"""Tells another system by a signed POST. At least once: receivers tell repeats by the id.

The header is `Autonomy-Signature: t=<seconds>,v1=<hex>`, an HMAC-SHA256 with the shared secret over `<seconds>.<body>`
(the scheme of Stripe's webhooks). A receiver that also checks the time refuses a replay.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
import re
from collections.abc import Mapping

from autonomy.kernel import canonical, clock
from autonomy.kernel.clock import SECOND, Clock
from autonomy.kernel.errors import AutonomyError, Invalid, Unauthenticated

from .model import News, Notice
from .ports import Post

SIGNATURE_HEADER = "Autonomy-Signature"
TOLERANCE_S = 300  # seconds a signature is good for: clocks differ, and queues take their time
MIN_SECRET = 16  # bytes; a shorter secret can be guessed from one signed body

POST_TIMEOUT_S = 10.0

log = logging.getLogger("autonomy.notices")

_SIGNATURE = re.compile(r"t=(\d{1,12}),v1=([0-9a-f]{64})")


class Webhook:
    """The channel by webhook: one receiver, who gets to know everything."""

    name = "webhook"

    def __init__(self, post: Post, url: str, secret: bytes, clock: Clock = clock.now) -> None:
        if len(secret) < MIN_SECRET:
            raise Invalid(f"a webhook's secret has at least {MIN_SECRET} bytes", code="webhook.secret")
        self._post = post
        self._url = url
        self._secret = secret
        self._clock = clock

    def compose(self, news: News, id: str) -> Mapping[str, str]:
        """The news as JSON, for the one receiver."""
        return {"": canonical.encode({"id": id, "kind": news.kind, **news.facts}).decode()}

    async def send(self, notice: Notice) -> bool:
        """Whether the receiver took it, which is any answer of the 200s."""
        body = notice.body.encode()
        headers = {
            "Content-Type": "application/json",
            SIGNATURE_HEADER: sign(body, self._secret, self._clock() // SECOND),
        }
        try:
            async with asyncio.timeout(POST_TIMEOUT_S):
                status = await self._post(self._url, headers, body)
        except (AutonomyError, OSError) as error:
            log.warning("the webhook did not take the notice %s: %s", notice.id, type(error).__name__)
            return False
        if not 200 <= status < 300:
            log.warning("the webhook did not take the notice %s: status %d", notice.id, status)
        return 200 <= status < 300


def sign(body: bytes, secret: bytes, at_s: int) -> str:
    """The value of the signature header for `body`, sent at `at_s` (seconds since the epoch)."""
    return f"t={at_s},v1={_mac(body, secret, at_s)}"


def check_signature(header: str, body: bytes, secret: bytes, now_s: int) -> Mapping[str, canonical.Json]:
    """What a received notice says. Raises Unauthenticated where it is forged, altered or too old to be no replay."""
    match = _SIGNATURE.fullmatch(header)
    if match is None or not hmac.compare_digest(match[2], _mac(body, secret, int(match[1]))):
        raise Unauthenticated("the signature does not fit the body", code="webhook.signature")
    if abs(now_s - int(match[1])) > TOLERANCE_S:
        raise Unauthenticated("the signature is too old", code="webhook.replay")
    said: Mapping[str, canonical.Json] = json.loads(body)
    return said


def _mac(body: bytes, secret: bytes, at_s: int) -> str:
    return hmac.new(secret, b"%d.%s" % (at_s, body), hashlib.sha256).hexdigest()
