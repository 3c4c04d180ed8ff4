"""Credentials by name, as they are now: revealed when they are needed, used again for a moment, never all kept.

Where a name says `{agent}`, each agent has a credential of its own; a name such as `aws:prod/crm` lies with a provider.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping

from autonomy.kernel.errors import AutonomyError

from .credential import Credential
from .errors import Refused, Unreachable
from .ports import SecretProvider
from .secret_names import filled

Reveal = Callable[[str], Credential]
"""Gives the credential of a name; blocks on the store."""

Places = Callable[[str], Mapping[str, str]]
"""What `{agent}`, `{unit}`, `{sponsor}` and `{owner}` stand for where an agent acts."""

FRESH_S = 2.0  # how long a revealed credential is used again: rotation takes effect within it
KNOWN = 10_000  # credentials held at once, under a kilobyte each; others are revealed again


def agent_alone(agent: str) -> Mapping[str, str]:
    """The places of an agent of which nothing else is known."""
    return {"agent": agent}


class Keyring:
    """Reveals credentials. Used from one event loop. `providers` are the stores beside our own, by prefix."""

    def __init__(
        self, reveal: Reveal, places: Places = agent_alone, providers: Mapping[str, SecretProvider] | None = None
    ) -> None:
        self._reveal = reveal
        self._places = places
        self._providers = providers or {}
        self._known: OrderedDict[str, tuple[float, Credential]] = OrderedDict()

    def name_for(self, name: str, agent: str) -> str:
        """The secret that `name` means where `agent` acts. Raises Refused (`credential.whose`) where it is nobody's."""
        if "{" not in name:
            return name
        meant = filled(name, self._places(agent))
        if meant is None:
            raise Refused(f"`{name}` names nobody's secret where this agent acts", code="credential.whose")
        return meant

    async def credential(self, name: str, agent: str = "") -> Credential:
        """The credential `name` in its present version. Raises Unreachable, or Refused where an agent's own is missing:
        one agent without a credential must not open the breaker for all."""
        meant = self.name_for(name, agent)
        known = self._known.get(meant)
        if known is not None and known[0] >= time.monotonic():
            self._known.move_to_end(meant)
            return known[1]
        try:
            return await self._fresh(meant)
        except AutonomyError as error:
            kind = Refused if meant != name else Unreachable
            raise kind(error.message, code=error.code, hint=error.hint) from None

    async def renewed(self, name: str, agent: str, refused: Credential) -> Credential:
        """The credential after an upstream refused it: read again, in case it was rotated meanwhile."""
        known = self._known.get(self.name_for(name, agent))
        if known is not None and known[1] is refused:
            del self._known[self.name_for(name, agent)]
        return await self.credential(name, agent)

    async def close(self) -> None:
        for provider in self._providers.values():
            await provider.close()

    async def _fresh(self, name: str) -> Credential:
        prefix, colon, rest = name.partition(":")
        if not colon:
            found, fresh = await asyncio.to_thread(self._reveal, name), FRESH_S
        elif prefix in self._providers:
            found, fresh = await self._providers[prefix].reveal(rest), self._providers[prefix].fresh_s
        else:
            raise Unreachable(
                f"no provider of secrets is called `{prefix}`",
                code="secret.provider",
                hint="whoever runs the server sets it up: `AUTONOMY_AWS_REGION` for `aws:`",
            )
        self._known[name] = time.monotonic() + fresh, found
        self._known.move_to_end(name)
        while len(self._known) > KNOWN:
            self._known.popitem(last=False)
        return found
