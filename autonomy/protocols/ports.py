"""What the wires need from the rooms below."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from autonomy.gate import Reply, Request
from autonomy.identity import Caller
from autonomy.identity.model import TokenResponse
from autonomy.tools import Tool


class Door(Protocol):
    """The gate as seen from outside. Every call admits `bearer` anew, at the epochs in force."""

    async def perform(self, bearer: str, request: Request) -> Reply: ...

    async def tools(self, bearer: str) -> list[Tool]: ...

    async def result(self, bearer: str, action_id: str) -> Reply: ...


class Clients(Protocol):
    """Identity as the token endpoint and the handshake need it. These block and run in threads."""

    def authenticate(self, bearer: str) -> Caller: ...

    def token(
        self, client_id: str, secret: str, resources: Sequence[str] = (), act_for: str | None = None
    ) -> TokenResponse: ...

    def exchange(
        self, client_id: str, secret: str, subject_token: str, resources: Sequence[str] = ()
    ) -> TokenResponse: ...

    def jwks(self) -> dict[str, list[dict[str, str]]]: ...


Withdraw = Callable[[str, str], Any]
"""Ends the hold of an action (id) for an actor (`agent:<id>`). Blocks; raises NotFound or Conflict."""
