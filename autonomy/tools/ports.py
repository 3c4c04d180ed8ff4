"""What the service needs from a kind of connector and from a store of secrets, and connectors from the service."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import NamedTuple, Protocol

from autonomy.catalog.model import Call
from autonomy.catalog.organisation import Revision
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


class Told(NamedTuple):
    """What a site cannot look up itself: whose secrets a connector means where this agent acts, and the wording of the
    tool of an MCP server that a person has accepted in place of the pinned one."""

    places: Mapping[str, str]
    wording: str | None


class Elsewhere(Protocol):
    """Has calls performed at the site their connector belongs to."""

    async def perform(
        self,
        connector: Revision,
        site: str,
        call: Call,
        arguments: Mapping[str, Json],
        invocation: Invocation,
        write: bool,
        told: Told,
    ) -> Result:
        """Do it there. Raises Refused, Stale, Unreachable or Unsure, and nothing else."""


class Answers(Protocol):
    """What comes in at hooks in answer to an action. What is found is the delivery's object as a Result's value."""

    async def find(self, hook: str, action: str) -> Result | None:
        """The answer to the action that came in at the hook; None where there is none yet."""

    async def wait(self, hook: str, action: str) -> Result:
        """The answer, as soon as there is one; the caller limits how long it waits."""


class NoAnswers:
    """For connectors that nothing answers to: nothing comes in."""

    async def find(self, hook: str, action: str) -> Result | None:  # noqa: ARG002 - the port's signature
        """Nothing."""
        return None

    async def wait(self, hook: str, action: str) -> Result:  # noqa: ARG002 - the port's signature
        """Nothing, for ever."""
        await asyncio.Event().wait()
        raise AssertionError("this event is never set")
