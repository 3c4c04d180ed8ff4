"""An action after its intent is durable, and how it ended. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from autonomy.budget import Charge, Usage
from autonomy.kernel.canonical import Json
from autonomy.policy import Verdict
from autonomy.tools import Tool

from .model import Papers
from .units import State
from .windows import WindowUse


class Errand(Struct):
    """An action after its intent is durable, with everything that is needed to carry it out and to end it.

    `approved` where people allowed it. `epoch` is that of the catalog it was decided under, `connector` the digest of
    the wording of its connector then: it goes there and nowhere else.
    """

    action: str
    agent: str
    agent_name: str
    chain: tuple[str, ...]
    """The ids of the agent that acts and of those it acts for."""
    delegations: tuple[str, ...]
    credential: str
    approved: bool
    epoch: int
    connector: str
    case: str
    tool: Tool
    arguments: Mapping[str, Json]
    charges: tuple[Charge, ...]
    windows: tuple[WindowUse, ...]
    record: str | None
    money: int
    tokens: int
    verdict: Verdict
    papers: Papers
    began: int
    """When it was begun, in milliseconds."""
    warnings: tuple[str, ...] = ()
    """What its agent is told of budgets that near their end."""
    labels: frozenset[str] = frozenset()
    """What its case had seen when it began."""
    behind: tuple[str, ...] = ()
    """The names of the agents it is done for."""


NOTHING_BUT_A_CALL = Usage(0, 1, 0)

UNREADABLE = "result.unreadable"
"""The code of what was done, but whose result no JSON can say."""


class End(Struct, frozen=True):
    """How an errand ended. What failed cost a call and nothing else: an agent that loops on failures is stopped too."""

    state: State
    usage: Usage = NOTHING_BUT_A_CALL
    value: Json = None
    """What came back, as far as it may be seen; `written` are its canonical bytes."""
    code: str | None = None
    message: str | None = None
    via: str | None = None
    written: bytes | None = None
    labels: frozenset[str] = frozenset()
    """What the case bears for having seen what came back."""
