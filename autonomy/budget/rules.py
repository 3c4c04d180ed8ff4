"""The arithmetic of budgets. Pure: the gate calls it inside the intent's and the outcome's own transaction.

The one promise: `settled + reserved ≤ limit` on every account, always, and a refusal only where
`settled + reserved + asked > limit`. It holds because every action reserves its worst case before its effect and can
then only give back. An upstream that takes more than the worst case it was declared with has broken that bound; what
it took is booked as far as there is room below the limit, so that spending stops as early as the truth demands, and
the whole excess is reported as an Overrun for the outcome's record. Two things the promise does not cover, because no
rule could: a limit that is lowered below what is already used (nothing more is admitted), and a system of record
that takes money it was not told to take.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from autonomy.catalog.budget import Measure
from autonomy.kernel.clock import period_start
from autonomy.kernel.errors import Corrupt, Invalid
from autonomy.kernel.money import show

from .model import Balance, Charge, Limit, Overrun, Refusal, Settlement, Usage, Warned

Balances = Mapping[str, Balance]
"""Accounts by key. An account nobody has charged yet holds nothing."""

_EMPTY = Balance()


def account_key(limit: Limit, at: int) -> str:
    """The account of `limit` that is open at `at` (milliseconds).

    Measure and period are part of the key: a budget declared anew in other terms starts a new account.
    """
    start = period_start(at, limit.period)
    return f"{limit.name}|{limit.scope_kind}:{limit.scope}|{limit.measure}/{limit.period}|{start}"


def charges(limits: Iterable[Limit], at: int, money: int, calls: int = 1, tokens: int = 0) -> tuple[Charge, ...]:
    """What an action that takes at worst `money` (minor units), `calls` and `tokens` asks of its limits.

    Each limit is charged once however often it is named; what asks for nothing makes no charge. Raises Invalid for a
    negative worst case.
    """
    if money < 0 or calls < 0 or tokens < 0:
        raise Invalid("a worst case is never less than nothing", code="budget.negative")
    asked = {"money": money, "calls": calls, "tokens": tokens}
    charged: dict[str, Charge] = {}
    for limit in limits:
        amount = asked[limit.measure]
        if amount:
            account = account_key(limit, at)
            charged[account] = Charge(account, limit.name, limit.measure, limit.amount, amount, limit.warn)
    return tuple(charged.values())


def judge(charges: Iterable[Charge], balances: Balances) -> Refusal | None:
    """The first charge its account has no room for; None where all of them fit."""
    for charge in charges:
        held = balances.get(charge.account, _EMPTY)
        if held.settled + held.reserved + charge.amount > charge.limit:
            return Refusal(
                charge.budget, charge.account, charge.measure, charge.limit, held.settled, held.reserved, charge.amount
            )
    return None


def reserve(balances: Balances, charges: Iterable[Charge]) -> dict[str, Balance]:
    """The touched accounts after promising `charges`, which `judge` has found to fit."""
    touched: dict[str, Balance] = {}
    for charge in charges:
        held = balances.get(charge.account, _EMPTY)
        touched[charge.account] = Balance(held.settled, held.reserved + charge.amount)
    return touched


def warned(balances: Balances, charges: Iterable[Charge]) -> tuple[Warned, ...]:
    """The accounts that stand at their warning or beyond, `charges` being promised already."""
    return tuple(
        Warned(charge.budget, charge.account, charge.measure, charge.limit, charge.warn, used)
        for charge in charges
        if charge.warn is not None and (used := balances.get(charge.account, _EMPTY).used) >= charge.warn
    )


def settle(balances: Balances, charges: Iterable[Charge], actual: Usage) -> Settlement:
    """The touched accounts after the effect: what was taken is settled, the rest of the reservation given back.

    Where `actual` does not say, or claims less than nothing, the whole reservation counts as taken. Raises Corrupt
    where a charge was never reserved.
    """
    touched: dict[str, Balance] = {}
    overruns: list[Overrun] = []
    for charge in charges:
        held = _released(balances, charge)
        taken = _taken(charge, actual)
        booked = min(taken, max(charge.amount, charge.limit - held.used))
        touched[charge.account] = Balance(held.settled + booked, held.reserved)
        if taken > charge.amount:
            excess = taken - charge.amount
            overruns.append(Overrun(charge.budget, charge.account, charge.measure, excess, taken - booked))
    return Settlement(touched, tuple(overruns))


def _released(balances: Balances, charge: Charge) -> Balance:
    held = balances.get(charge.account, _EMPTY)
    if held.reserved < charge.amount:
        raise Corrupt(f"the budget `{charge.budget}` does not hold what is given back to it", code="budget.unreserved")
    return Balance(held.settled, held.reserved - charge.amount)


def _taken(charge: Charge, actual: Usage) -> int:
    taken = actual.of(charge.measure)
    return charge.amount if taken is None or taken < 0 else taken


def amount_in_words(amount: int, measure: Measure, currency: str) -> str:
    """`1,200.00 EUR` or `1,200 calls`; `currency` is the base currency."""
    return show(amount, currency) if measure == "money" else f"{amount:,} {measure}"
