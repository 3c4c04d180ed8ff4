"""Tells another system, by a signed POST, that a person is asked. At least once: receivers tell repeats by the id.

The header is `Autonomy-Signature: t=<seconds>,v1=<hex>`, an HMAC-SHA256 with the shared secret over `<seconds>.<body>`
(the scheme of Stripe's webhooks). A receiver that also checks the time refuses a replay. The body names ids, roles,
the tool, the agent and the expiry, and never a value of an argument: a chat channel is no place for them.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
import re
from collections.abc import Mapping

from autonomy.db import CommitQueue, Database, Tx
from autonomy.kernel import canonical, clock, ids
from autonomy.kernel.clock import HOUR, MINUTE, SECOND, Clock
from autonomy.kernel.errors import AutonomyError, Invalid, Unauthenticated

from . import outbox
from .model import Hold
from .outbox import Notice
from .ports import Post

SIGNATURE_HEADER = "Autonomy-Signature"
TOLERANCE_S = 300  # seconds a signature is good for: clocks differ, and queues take their time
MIN_SECRET = 16  # bytes; a shorter secret can be guessed from one signed body

BATCH = 20  # notices taken at once
POST_TIMEOUT_S = 10.0
LEASE = 2 * MINUTE  # longer than a batch can take, or two processes would send the same notice
FIRST_RETRY = 10 * SECOND
LONGEST_RETRY = HOUR
MAX_ATTEMPTS = 12  # about five hours and a half; by then the hold has been escalated or will expire

log = logging.getLogger("autonomy.approvals")

_SIGNATURE = re.compile(r"t=(\d{1,12}),v1=([0-9a-f]{64})")


class Webhook:
    """The sender. `announce` is handed to `Approvals`; `deliver` is called from time to time by any process."""

    def __init__(
        self,
        database: Database,
        queue: CommitQueue,
        post: Post,
        url: str,
        secret: bytes,
        link: str = "",
        clock: Clock = clock.now,
    ) -> None:
        """`link` is the address of the console: `{link}/approvals/ID` is where a person decides."""
        if len(secret) < MIN_SECRET:
            raise Invalid(f"a webhook's secret has at least {MIN_SECRET} bytes", code="webhook.secret")
        self._database = database
        self._queue = queue
        self._post = post
        self._url = url
        self._secret = secret
        self._link = link.rstrip("/")
        self._clock = clock

    def announce(self, tx: Tx, kind: str, hold: Hold, at: int) -> None:
        """Put a notice about `hold` into the outbox, in the transaction of what it announces."""
        new = ids.new_id("ntc", at)
        body = canonical.encode(describe(new, kind, hold, self._link)).decode()
        outbox.add(tx, Notice(new, kind, body, attempts=0), due=at)

    async def deliver(self) -> int:
        """Send what is due; returns how many notices were accepted. A failure is tried again later, with pauses."""
        if not await self._database.read(lambda connection: outbox.any_due(connection, self._clock())):
            return 0
        at = self._clock()
        taken = await self._queue.perform(lambda tx: outbox.take(tx, at, at + LEASE, BATCH))
        accepted = await asyncio.gather(*map(self._send, taken))
        return sum(accepted)

    async def _send(self, notice: Notice) -> bool:
        accepted = await self._accepted(notice)
        at = self._clock()
        if accepted:
            await self._queue.perform(lambda tx: outbox.mark_sent(tx, notice, at))
        else:
            await self._queue.perform(lambda tx: outbox.put_off(tx, notice, next_attempt(notice.attempts, at)))
        return accepted

    async def _accepted(self, notice: Notice) -> bool:
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


def describe(notice: str, kind: str, hold: Hold, link: str) -> Mapping[str, canonical.Json]:
    """What the receiver is told."""
    return {
        "id": notice,
        "kind": kind,
        "action": hold.action,
        "agent": hold.agent_name,
        "tool": hold.tool,
        "roles": sorted({role for seat in hold.open_seats for role in seat.roles}),
        "expires_at": clock.rfc3339(hold.expires_at),
        "link": f"{link}/approvals/{hold.action}" if link else "",
    }


def next_attempt(attempts: int, at: int) -> int | None:
    """When to try again after `attempts` failures; None when it is enough."""
    if attempts >= MAX_ATTEMPTS:
        return None
    return at + min(FIRST_RETRY << (attempts - 1), LONGEST_RETRY)


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
