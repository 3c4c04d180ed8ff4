"""What the wires need from the rooms below."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

from autonomy.gate import Reply, Request
from autonomy.identity import Caller
from autonomy.identity.account import Account, Group, WantedAccount, WantedGroup
from autonomy.identity.model import TokenResponse
from autonomy.identity.proof import Proof, Vouched
from autonomy.identity.service_keys import Purpose, ServiceKey
from autonomy.kernel.canonical import Json
from autonomy.tools import Tool


class Door(Protocol):
    """The gate as seen from outside. Every call admits `bearer` anew, at the epochs in force."""

    async def perform(self, bearer: str, request: Request) -> Reply: ...

    async def tools(self, bearer: str) -> list[Tool]: ...

    async def result(self, bearer: str, action_id: str) -> Reply: ...


class Work(Protocol):
    """Tasks as agents see them. Every call admits `bearer` anew."""

    async def next(self, bearer: str, said: Mapping[str, Json]) -> dict[str, Json]: ...

    async def look(self, bearer: str, task: str) -> dict[str, Json]: ...

    async def say(self, bearer: str, verb: str, task: str, said: Mapping[str, Json]) -> dict[str, Json]: ...


class Accounts(Protocol):
    """Identity as identity providers tell it of people and groups. These block and run in threads."""

    def admit_service(self, bearer: str, purpose: Purpose) -> ServiceKey: ...

    def accounts(self, provider: str, user_name: str | None = None) -> list[Account]: ...

    def account(self, provider: str, account: str) -> Account: ...

    def create_account(self, provider: str, wanted: WantedAccount, by: str) -> Account: ...

    def change_account(
        self,
        provider: str,
        account: str,
        change: Callable[[Account], WantedAccount],
        by: str,
        version: int | None = None,
    ) -> Account: ...

    def delete_account(self, provider: str, account: str, by: str, version: int | None = None) -> None: ...

    def groups(self, provider: str) -> list[Group]: ...

    def group(self, provider: str, group: str) -> Group: ...

    def create_group(self, provider: str, wanted: WantedGroup, by: str) -> Group: ...

    def change_group(
        self, provider: str, group: str, change: Callable[[Group], WantedGroup], by: str, version: int | None = None
    ) -> Group: ...

    def delete_group(self, provider: str, group: str, by: str, version: int | None = None) -> None: ...


class Clients(Accounts, Protocol):
    """Identity as the token endpoint and the handshake need it. These block and run in threads."""

    def authenticate(self, bearer: str) -> Caller: ...

    def token(self, proof: Proof, resources: Sequence[str] = (), act_for: str | None = None) -> TokenResponse: ...

    def exchange(
        self, proof: Proof, subject: str | Vouched, resources: Sequence[str] = (), actor: Proof | None = None
    ) -> TokenResponse: ...

    def jwks(self) -> dict[str, list[dict[str, str]]]: ...


Vouch = Callable[[str], Awaitable[Vouched]]
"""Asks the declared identity provider that issued a token whether it did. Raises Unauthenticated or Unavailable."""

Consider = Callable[[str, Request, tuple[str, str] | None], Awaitable[Reply]]
"""Says what would come of an action of an agent (id or name), about a record (kind and key) where one is named."""

Withdraw = Callable[[str, str], Any]
"""Ends the hold of an action (id) for an actor (`agent:<id>`). Blocks; raises NotFound or Conflict."""
