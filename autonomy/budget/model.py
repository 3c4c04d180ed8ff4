"""The words of a budget: limits, charges against their accounts, and what an account holds."""

from __future__ import annotations

from dataclasses import dataclass

from msgspec import Struct

from autonomy.catalog.budget import Measure, Period, ScopeKind


@dataclass(frozen=True, slots=True, order=True)
class Limit:
    """At most `amount` of `measure` in every calendar `period` (UTC), by whom or what `scope` names.

    Money is minor units of the base currency. `unit` declared the limit, which binds only that unit's subtree. From
    `warn` on its users are warned and the holders of the roles in `tell` are told, once a period. `parent` is the
    nearest limit that binds all this one binds.
    """

    name: str
    unit: str
    scope_kind: ScopeKind
    scope: str
    measure: Measure
    period: Period
    amount: int
    warn: int | None = None
    tell: tuple[str, ...] = ()
    parent: str | None = None


class Charge(Struct, frozen=True):
    """What one action may take from one account at worst. It is kept with the action until it is settled.

    Whoever takes the account to `warn` or beyond is warned; None where nobody is.
    """

    account: str
    budget: str
    measure: Measure
    limit: int
    amount: int
    warn: int | None = None


class Balance(Struct, frozen=True):
    """What an account holds: spent for good, and promised to actions under way. Neither is ever negative."""

    settled: int = 0
    reserved: int = 0

    @property
    def used(self) -> int:
        return self.settled + self.reserved


class Usage(Struct, frozen=True):
    """What an action took in the end; None where nobody can say, and then the reservation counts as taken."""

    money: int | None = None
    calls: int | None = None
    tokens: int | None = None

    def of(self, measure: Measure) -> int | None:
        if measure == "money":
            return self.money
        return self.calls if measure == "calls" else self.tokens


class Refusal(Struct, frozen=True):
    """Why a charge is refused: `settled + reserved + asked` is more than `limit`."""

    budget: str
    account: str
    measure: Measure
    limit: int
    settled: int
    reserved: int
    asked: int

    @property
    def left(self) -> int:
        """What could still be asked; never negative."""
        return max(0, self.limit - self.settled - self.reserved)


class Warned(Struct, frozen=True):
    """An action has taken an account to `used`, which is `warn` or more of its `limit`."""

    budget: str
    account: str
    measure: Measure
    limit: int
    warn: int
    used: int


class Overrun(Struct, frozen=True):
    """An action took `excess` more than its declared worst case, of which `unbooked` found no room below the limit."""

    budget: str
    account: str
    measure: Measure
    excess: int
    unbooked: int


class Settlement(Struct, frozen=True):
    """The touched accounts after settling, and every lie about a worst case that came to light."""

    balances: dict[str, Balance]
    overruns: tuple[Overrun, ...] = ()
