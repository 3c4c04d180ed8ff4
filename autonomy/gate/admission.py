"""Who knocks: a credential becomes a caller, active, not contained, within its rate. Refusals here are counted."""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from autonomy.identity import Caller, Identity
from autonomy.kernel.errors import Busy, Unauthenticated

from .epochs import Watch

MAX_BUCKETS = 20_000  # agents whose rate is remembered; a forgotten one starts with a full minute

Knock = Callable[[int], Caller]
"""Who knocks, judged at an identity epoch; raises Unauthenticated."""


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


class Admission:
    """Admits callers. The rate is kept in this process: N processes admit up to N times the declared rate."""

    def __init__(self, identity: Identity, watch: Watch) -> None:
        self._identity = identity
        self._watch = watch
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()
        self.refused: Counter[str] = Counter()

    async def admit(self, bearer: str) -> Caller:
        """The caller behind `bearer`. Raises Unauthenticated, or Busy beyond the agent's rate."""
        return await self.let_in(partial(self._identity.admit, bearer))

    async def let_in(self, knock: Knock) -> Caller:
        """The caller that `knock` names at an identity epoch. Raises as `admit` does."""
        try:
            caller = knock(self._watch.identity)
        except Unauthenticated:
            # It may have been reinstated elsewhere a moment ago: a refusal is never given from stale knowledge.
            caller = await self._look_again(knock)
        self._limit(caller)
        return caller

    async def _look_again(self, knock: Knock) -> Caller:
        await self._watch.refresh()
        try:
            return knock(self._watch.identity)
        except Unauthenticated as error:
            self.refused[error.code] += 1
            raise

    def _limit(self, caller: Caller) -> None:
        now = time.monotonic()
        bucket = self._buckets.get(caller.agent_id)
        if bucket is None:
            bucket = self._buckets[caller.agent_id] = _Bucket(float(caller.rate_per_minute), now)
            if len(self._buckets) > MAX_BUCKETS:
                self._buckets.popitem(last=False)
        per_second = caller.rate_per_minute / 60
        bucket.tokens = min(float(caller.rate_per_minute), bucket.tokens + (now - bucket.at) * per_second)
        bucket.at = now
        if bucket.tokens < 1:
            self.refused["rate.exceeded"] += 1
            raise Busy(
                f"`{caller.name}` may act {caller.rate_per_minute} times a minute",
                code="rate.exceeded",
                retry_after=(1 - bucket.tokens) / per_second,
            )
        bucket.tokens -= 1
