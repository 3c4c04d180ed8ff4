"""The values that pass between the gate, the registry and the connectors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from msgspec import Struct

from autonomy.kernel.canonical import Json

from .credential import Credential


class Cost(NamedTuple):
    """What a call costs: money in minor units of the base currency, and tokens."""

    money: int
    tokens: int


class Invocation(Struct, frozen=True):
    """Who calls, under which action, and how many seconds it may take.

    `action_id` is the idempotency key and the client reference that connectors hand to the system of record.
    `connector` is the digest of the connector's wording that is meant; where it is empty, any is. `credential` is empty
    until the outbound module fills it in for a Python connector that declares one. `case` is the action's case,
    `labels` what that had seen when the action began, `behind` the names of the agents it is done for.
    """

    action_id: str
    agent: str
    deadline_s: float
    credential: Credential | None = None
    case: str = ""
    labels: frozenset[str] = frozenset()
    behind: tuple[str, ...] = ()
    connector: str = ""


class Result(Struct, frozen=True):
    """What a connector returned, and what it cost where the system of record says so.

    `labels` are what the case bears from now on for having seen it. `kept` is written down in place of the value where
    that lies elsewhere and may have to be forgotten there.
    """

    value: Json
    cost: Cost | None = None
    labels: frozenset[str] = frozenset()
    kept: Json = None


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What the system of record says about an earlier write: it happened (and what it left), or it did not."""

    state: Literal["happened", "absent"]
    value: Json = None
