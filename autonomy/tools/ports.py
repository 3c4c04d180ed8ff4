"""What the service needs from a kind of connector and from a store of secrets, and connectors from the service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from autonomy.catalog.model import Call
from autonomy.kernel.canonical import Json

from .attempt import Attempt
from .credential import Credential
from .model import Invocation, Result


class Connector(Protocol):
    """One system of record, ready to be called."""

    async def run(self, call: Call, arguments: Mapping[str, Json], invocation: Invocation, attempt: Attempt) -> Result:
        """Do what `call` declares. `attempt.write` says whether anything may be changed.

        The connector calls `attempt.commit()` right before the point after which a write may have happened. It raises
        Refused or Stale (the system said no), Unreachable (nothing was changed) or Unsure (it may have happened). Any
        other error of ours means: before that point that nothing happened, after it that nobody can say.
        """

    async def close(self) -> None:
        """Let go of connections and threads."""


class SecretProvider(Protocol):
    """A store of secrets beside our own. `fresh_s` is how long a revealed one may be used before it is read again."""

    fresh_s: float

    async def reveal(self, name: str) -> Credential:
        """The secret in its present version. Raises NotFound (`secret.unknown`), Unavailable (`secret.provider`)."""

    async def close(self) -> None:
        """Let go of connections."""


class Wordings(Protocol):
    """Remembers where a tool of an MCP server is not in the wording its manifest pins. Both block on the store."""

    def accepted(self, connector: str, tool: str, pinned: str) -> str | None:
        """The wording that a person has accepted in place of the pinned one."""

    def note(self, connector: str, tool: str, pinned: str, found: str) -> None:
        """The server lists another wording than the pinned one; `found` is empty where it lists no such tool."""
