"""The words of a decision: what is asked, what is answered, and the rules that answer it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from msgspec import Struct

from autonomy.catalog.model import Mode
from autonomy.kernel.canonical import Json

Effect = Literal["allow", "hold", "deny"]
Fact = int | str | bool
"""What a declared look-up found, of the declared type; money in minor units of the base currency."""


class Question(Struct, frozen=True):
    """May these agents do this? Everything a decision depends on, so that it can be asked again later.

    `principals` are agent names: the one that acts first, then everyone it acts for; each must be allowed.
    `arguments` are as the agent sent them, amounts as people write them (`1200.50`, `"1200.50 EUR"`); money in `facts`,
    `windows` and `cost` is already in minor units of the base currency. A declared fact or window left out is an error.
    `record` is the kind and key of the record to be changed, two empty strings when there is none. `approvers` says how
    many people have approved in each role of `approvals`; a role that it does not name has as many as any rule asks.
    `origin` is where the piece of work came from: who or what began it, the workflows and tasks on the way.
    """

    principals: tuple[str, ...]
    tool: str
    arguments: Mapping[str, Json] = {}
    facts: Mapping[str, Fact] = {}
    windows: Mapping[str, int] = {}
    approvals: frozenset[str] = frozenset()
    labels: frozenset[str] = frozenset()
    cost: int = 0
    record: tuple[str, str] = ("", "")
    site: str = ""
    approvers: Mapping[str, int] = {}
    origin: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, order=True)
class Ask:
    """One approval that would lift a hold: which role gives it, by how many different people, and which rule wants it.

    Times are milliseconds. `remind` says how long before the question ends those who are asked are reminded of it.
    """

    role: str
    policy: str
    escalate_after: int | None = None
    escalate_to: str | None = None
    expires: int | None = None
    people: int = 1
    remind: tuple[int, ...] = ()

    @property
    def wanted(self) -> str:
        """`finance-manager`, or `2 of finance-manager`."""
        return self.role if self.people == 1 else f"{self.people} of {self.role}"


class Notice(Struct, frozen=True):
    """What rules in trial (`warn`, shown to the caller; `shadow`, only recorded) would have decided instead."""

    mode: Mode
    effect: Effect
    policies: tuple[str, ...]
    reasons: tuple[str, ...]


class Verdict(Struct, frozen=True):
    """The answer. `policies` are the `@id`s that decided; `errors` is never empty where an error made it a denial.

    `obligations` maps `mask`, `redact`, `label` to names; they bind whoever carries out an allowed action.
    """

    effect: Effect
    policies: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    needed: tuple[Ask, ...] = ()
    obligations: Mapping[str, tuple[str, ...]] = {}
    notices: tuple[Notice, ...] = ()
    errors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """One Cedar statement of a policy: as written (`text`), and as confined to its unit (`form`, Cedar's JSON).

    `asks` are the approvals that lift it, all of them; empty where it is not an approval rule.
    """

    id: str
    file: str
    line: int
    unit: str
    mode: Mode
    effect: Literal["permit", "forbid"]
    text: str
    form: Mapping[str, Any]
    annotations: Mapping[str, str]
    asks: tuple[Ask, ...]
    obligations: Mapping[str, tuple[str, ...]]
