"""What the gate hands to the commit queue, and what it may hear back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

from msgspec import Struct

from autonomy.audit import Leaf
from autonomy.audit.vault import PayloadRow
from autonomy.budget import Charge, Overrun, Refusal, Usage, Warned
from autonomy.db.ports import Row

from .windows import WindowUse

State = Literal["held", "intent", "done", "failed", "unknown", "rejected"]


class Drift(Struct, frozen=True):
    """What is true in the transaction of what an intent took for granted."""

    windows: Mapping[str, int]
    labels: frozenset[str]
    origin: frozenset[str] = frozenset()


class Bearing(Struct, frozen=True):
    """Under what an action is done besides its own case: the cases of the tasks that these agents have. `origin` is
    what its run said of where it came from."""

    agents: tuple[str, ...] = ()
    origin: frozenset[str] = frozenset()


class RecordUse(Struct, frozen=True):
    """The record a write changes, and the log index of its last change when its facts were read."""

    key: str
    seen: int


class HoldClaim(Struct, frozen=True):
    """The approval a resumed action consumes: valid once, and only while this process holds the fence."""

    action: str
    fence: int
    at: int


class Intent(Struct):
    """An action that was decided and is about to be performed. `row` are the values of the action table."""

    action: str
    row: Row
    catalog: int
    identity: int
    agent: str
    case: str
    bind: str
    repeat_key: str | None
    charges: tuple[Charge, ...]
    windows: tuple[WindowUse, ...]
    assumed: Drift
    bearing: Bearing
    record: RecordUse | None
    hold: HoldClaim | None
    leaf: Leaf
    payloads: tuple[PayloadRow, ...]
    rejudge: Callable[[Drift], Leaf | None]
    """Decides again from what is true; the leaf of a new allowance, or None where it is no longer one."""


class Ending(Struct):
    """How an action ended. `undone` are the windows it no longer counts in, because it had no effect."""

    action: str
    owner: str
    state: State
    usage: Usage
    charges: tuple[Charge, ...]
    undone: tuple[WindowUse, ...]
    record: str | None
    case: str
    labels: frozenset[str]
    money: int
    at: int
    code: str | None
    message: str | None
    leaf: Callable[[tuple[Overrun, ...]], Leaf]
    payloads: tuple[PayloadRow, ...]


ANY_EPOCHS = (-1, -1)
"""For a refusal that is right whatever the epochs are."""


class Denial(Struct):
    """A refusal, true at the epochs it was decided under."""

    catalog: int
    identity: int
    leaf: Leaf
    payloads: tuple[PayloadRow, ...]


class Committed(Struct, frozen=True):
    """It is durable, as leaf `index`; `warned` are budgets that it has taken to their warning or beyond."""

    index: int
    warned: tuple[Warned, ...] = ()


class Moved(Struct, frozen=True):
    """The epochs in force are others than those decided under: decide again."""

    catalog: int
    identity: int


class OverBudget(Struct, frozen=True):
    """There is no room in a budget."""

    refusal: Refusal


class RecordBusy(Struct, frozen=True):
    """Another action is changing the record."""

    key: str


class RecordMoved(Struct, frozen=True):
    """The record was changed after its facts were read: read them again."""

    moved: int


class Repeat(Struct, frozen=True):
    """The same key was used before."""

    action: str
    same: bool


class ClaimLost(Struct, frozen=True):
    """Another process took the approved action over, or it was performed already."""


class Ended(Struct, frozen=True):
    """The action had ended before; the first ending stands."""

    state: State


Answer = Committed | Moved | OverBudget | RecordBusy | RecordMoved | Repeat | ClaimLost | Ended | Drift
