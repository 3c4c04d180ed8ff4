"""What identity providers publish about themselves: where they do what, and by which keys they sign.

Kept in memory for an hour. A key that is not known is looked for at once, as providers change them without notice, but
not more often than every half minute; while a provider cannot be asked, what it said within the last day still counts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from autonomy.identity import jose
from autonomy.identity.jose import Jwk, Unverified
from autonomy.kernel.canonical import Json
from autonomy.kernel.clock import DAY, HOUR, SECOND, Clock
from autonomy.kernel.errors import Unauthenticated, Unavailable

from .errors import down, misunderstood
from .model import Metadata, Provider
from .rules import read_metadata
from .web import Web

FRESH = HOUR
AGAIN = 30 * SECOND
AFTER_FAILURE = 2 * SECOND  # who comes right after somebody who waited in vain does not wait in vain as well
STALE = DAY
MAX_KEYS = 100
MAX_TRIED = 4  # keys tried for a token that names none

T = TypeVar("T")


@dataclass(slots=True)
class _Known(Generic[T]):
    """What one provider said. Times in milliseconds."""

    digest: str
    value: T | None = None
    read_at: int = 0
    asked_at: int = -AGAIN


class Providers:
    """Discovery documents and keys, for one event loop."""

    def __init__(self, web: Web, clock: Clock) -> None:
        self._web = web
        self._clock = clock
        self._metadata: dict[str, _Known[Metadata]] = {}
        self._keys: dict[str, _Known[tuple[Jwk, ...]]] = {}
        self._asking: dict[str, asyncio.Lock] = {}

    async def metadata(self, provider: Provider) -> Metadata:
        """Where the provider does what. Raises Unavailable (`sign_on.provider_down`, `sign_on.provider`)."""

        async def ask() -> Metadata:
            if provider.spec.keys is not None and provider.spec.signIn is None:
                return Metadata(provider.spec.keys)
            issuer = provider.spec.issuer
            address = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
            return read_metadata(await self._web.get(address, provider.spec.allow), issuer)

        return await self._recall(self._metadata, provider, ask, lambda _: True)

    async def verified(self, provider: Provider, token: Unverified) -> dict[str, Json]:
        """The claims of a token that the provider signed. Raises Unauthenticated (`assertion.invalid`), Unavailable."""
        if token.algorithm not in provider.spec.algorithms:
            raise jose.refused("its algorithm is not admitted")

        def known(keys: tuple[Jwk, ...]) -> bool:
            return bool(_candidates(keys, token))

        keys = await self._recall(self._keys, provider, lambda: self._ask_keys(provider), known)
        for key in _candidates(keys, token):
            try:
                return dict(jose.verified(token, key, provider.spec.algorithms))
            except Unauthenticated:
                continue
        raise jose.refused("its signature does not hold")

    async def _ask_keys(self, provider: Provider) -> tuple[Jwk, ...]:
        address = provider.spec.keys or (await self.metadata(provider)).jwks_uri
        listed = (await self._web.get(address, provider.spec.allow)).get("keys")
        if not isinstance(listed, list):
            raise misunderstood("its key set is none")
        return tuple(key for key in listed[:MAX_KEYS] if isinstance(key, dict))

    async def _recall(
        self,
        memory: dict[str, _Known[T]],
        provider: Provider,
        ask: Callable[[], Awaitable[T]],
        suffices: Callable[[T], bool],
    ) -> T:
        """What is known of the provider if it is young and suffices, else what it says now."""
        async with self._asking.setdefault(f"{provider.name}/{id(memory)}", asyncio.Lock()):
            known = memory.get(provider.name)
            if known is None or known.digest != provider.digest:
                known = memory[provider.name] = _Known(provider.digest)
            at = self._clock()
            young = known.value is not None and at - known.read_at < FRESH
            recently = at - known.asked_at
            if known.value is not None and ((young and suffices(known.value)) or recently < AGAIN):
                return known.value
            if known.value is None and recently < AFTER_FAILURE:
                raise down("it did not answer a moment ago")
            known.asked_at = at
            try:
                known.value, known.read_at = await ask(), at
            except Unavailable:
                if known.value is None or at - known.read_at >= STALE:
                    raise
            return known.value


def _candidates(keys: tuple[Jwk, ...], token: Unverified) -> list[Jwk]:
    fitting = [key for key in keys if jose.fits(key, token.algorithm)]
    if token.kid is not None:
        return [key for key in fitting if key.get("kid") == token.kid]
    return fitting[:MAX_TRIED]
