"""What is decided in the intent's own transaction: windows, labels, budgets, records. Nothing slips past, nobody is
refused without need, however many ask at once and through however many processes."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import select

from autonomy.audit.store import leaf, payload
from autonomy.budget.store import account
from autonomy.gate import Reply
from autonomy.gate.store import action, case_label, record_state, window_bucket
from autonomy.tools import Refused, Unreachable, Unsure
from tests.gate.works import NUMBER, PEOPLE, POLICY, STAFF, TOOLS, Door, Works, fail, organisation, say, tool, works
from tests.house import declare

JUST_UNDER = {"payee": "x", "amount": "99.00"}  # ten of them are 990.00; the rule looks at 1,000.00


def booked(it: Works, budget: str) -> list[tuple[int, int]]:
    """Settled and reserved of every account of a budget."""
    with it.system.database.reading() as connection:
        query = select(account.c.settled, account.c.reserved).where(account.c.budget == budget)
        return [(row.settled, row.reserved) for row in connection.execute(query)]


async def meet(*systems: Works) -> None:
    for system in systems:
        await system.house.meet("w1", "w2")


async def test_ten_payments_just_under_the_limit_pass_and_the_eleventh_is_held(
    tmp_path: Path, database_url: str
) -> None:
    async with works(tmp_path, database_url) as it:
        for number in range(10):
            assert (await it.ask("pay", case=f"c{number}", **JUST_UNDER)).status == "done"
        eleventh = await it.ask("pay", case="c10", **JUST_UNDER)
        assert (eleventh.status, eleventh.policies) == ("held", ("pay-split",))
        other = await it.ask("pay", payee="y", amount="99.00")
        assert other.status == "done", "the window runs by payee"


async def test_no_window_is_emptied_by_an_amount_below_zero(tmp_path: Path, database_url: str) -> None:
    order = tool("order", "write-keyed", NUMBER, "  windows: { day: { over: 24h, sum: n } }\n")
    much = '@id("much") forbid (principal, action == Action::"order", resource) when { context.windows.day > 100 };'
    files = organisation(tools=f"{TOOLS}---{order}", policy=POLICY + much)
    async with works(tmp_path, database_url, files=files) as it:
        replies = [await it.ask("order", n=number) for number in (90, -90, 90, 0)]
        assert [(reply.status, reply.code) for reply in replies] == [
            ("done", None),
            ("denied", "window.amount"),
            ("denied", "policy.denied"),
            ("done", None),
        ]


async def test_what_was_held_is_settled_at_the_rates_it_was_allowed_at(tmp_path: Path, database_url: str) -> None:
    """People thought about it while the rate changed: whoever ends it later takes what its intent reserved."""
    money = "currency: { type: string };amount: { type: string }"
    wire = tool("wire", "write-neither", money, "  cost: { amount: amount, currency: currency }\n")
    asks = '@id("wire-boss") @outcome("require_approval") @escalate("boss")\n'
    when = 'forbid (principal, action == Action::"wire", resource) unless { context.approvals.contains("boss") };'
    plain = organisation(tools=f"{TOOLS}---{wire}", policy=POLICY + asks + when)

    def at(rate: str) -> dict[str, str]:
        people = PEOPLE.replace("currency: EUR", f'currency: EUR, rates: {{ USD: "{rate}" }}')
        return plain | {"people.yaml": f"{people}---{STAFF}"}

    async with works(tmp_path, database_url, files=at("0.50")) as it:
        it.plant.behaves["wire"] = fail(Unsure("no answer"))
        held = await it.ask("wire", currency="USD", amount="100.00")
        await asyncio.to_thread(declare, it.system, at("2.00"))
        await it.house.approve(held.action, "bea")
        assert (await it.result(held.action)).status == "unknown"
        assert booked(it, "works-month") == [(0, 200_00)]
        done = await it.system.taking_up.resolve(held.action, "done", "person:ada", "it is on the statement")
        assert (done.cost, booked(it, "works-month")) == (200_00, [(200_00, 0)])


async def test_of_twenty_payments_at_once_through_two_processes_exactly_ten_pass(
    tmp_path: Path, database_url: str
) -> None:
    async with works(tmp_path, database_url) as it, works(tmp_path, database_url, it.plant) as other:
        await meet(it, other)
        calls = [(it, other)[n % 2].ask("pay", ("w1", "w2")[n // 10], case=f"c{n}", **JUST_UNDER) for n in range(20)]
        replies = await asyncio.gather(*calls)
        assert Counter((reply.status, reply.code) for reply in replies) == {
            ("done", None): 10,
            ("held", "approval.needed"): 10,
        }
        assert it.plant.executions() == 10


async def test_what_had_no_effect_does_not_count_in_a_window(tmp_path: Path, database_url: str) -> None:
    async with works(tmp_path, database_url) as it:
        it.plant.behaves["pay"] = fail(Refused("no"))
        for number in range(5):
            assert (await it.ask("pay", case=f"c{number}", **JUST_UNDER)).status == "failed"
        del it.plant.behaves["pay"]
        replies = [await it.ask("pay", case=f"d{number}", **JUST_UNDER) for number in range(11)]
        assert [reply.status for reply in replies] == ["done"] * 10 + ["held"]


async def test_a_case_that_has_heard_strangers_may_not_tell_anybody(tmp_path: Path, database_url: str) -> None:
    async with works(tmp_path, database_url) as it:
        assert (await it.ask("tell", case="a", n=1)).status == "done"
        assert (await it.ask("hear", case="a", n=1)).status == "done"
        refused = await it.ask("tell", case="a", n=2)
        assert (refused.status, refused.policies) == ("denied", ("untrusted-egress",))
        assert (await it.ask("tell", case="b", n=2)).status == "done", "another case is not touched"


async def test_the_label_of_what_was_heard_is_there_in_every_process_before_the_agent_hears_it(
    tmp_path: Path, database_url: str
) -> None:
    async with works(tmp_path, database_url) as it, works(tmp_path, database_url, it.plant) as other:
        for number in range(20):
            case = f"case {number}"
            await it.ask("hear", case=case, n=1)
            assert (await other.ask("tell", case=case, n=1)).status == "denied"
        assert it.count(case_label) == 20


@pytest.mark.parametrize(("count", "amount"), [(200, "5.00"), pytest.param(1_000, "1.00", marks=pytest.mark.slow)])
async def test_concurrent_spends_of_two_processes_use_a_budget_up_exactly(
    tmp_path: Path, database_url: str, count: int, amount: str
) -> None:
    async with works(tmp_path, database_url) as it, works(tmp_path, database_url, it.plant) as other:

        async def spend(number: int) -> Reply:
            return await (it, other)[number % 2].ask("buy", ("w1", "w2")[number // 2 % 2], amount=amount)

        await meet(it, other)
        replies = await asyncio.gather(*map(spend, range(count)))
        assert Counter((reply.status, reply.code) for reply in replies) == {
            ("done", None): count // 2,
            ("denied", "budget.exceeded"): count // 2,
        }
        assert booked(it, "buying-month") == [(50_000, 0)]
        assert it.plant.executions() == count // 2


async def test_money_that_was_reserved_for_what_failed_is_there_for_others(tmp_path: Path, database_url: str) -> None:
    async with works(tmp_path, database_url) as it:
        it.plant.behaves["buy"] = fail(Unreachable("gone"))
        assert (await it.ask("buy", amount="500.00")).status == "failed"
        assert booked(it, "buying-month") == [(0, 0)]
        del it.plant.behaves["buy"]
        assert (await it.ask("buy", amount="500.00")).status == "done"
        refused = await it.ask("buy", amount="0.01")
        assert (refused.code, refused.detail["settled"], refused.detail["limit"]) == ("budget.exceeded", 50_000, 50_000)


async def test_a_stale_version_is_refused_before_anything_happens(tmp_path: Path, database_url: str) -> None:
    async with works(tmp_path, database_url) as it:
        it.plant.behaves["version_of"] = say(7)
        stale = await it.ask("edit", doc="d", version=6)
        assert (stale.status, stale.code, stale.detail) == ("denied", "record.stale", {"seen": 6, "current": 7})
        assert it.plant.executions() == 0
        assert (await it.ask("edit", doc="d", version=7)).status == "done"


async def test_of_two_writers_of_one_record_one_is_refused_and_succeeds_after_reading_again(
    tmp_path: Path, database_url: str
) -> None:
    async with works(tmp_path, database_url) as it, works(tmp_path, database_url, it.plant) as other:
        version = {"now": 1}

        def bump(arguments, invocation):
            version["now"] += 1
            return it.plant.do(arguments, invocation)

        door = Door(bump)
        it.plant.behaves |= {"version_of": lambda *_: version["now"], "edit": door}
        first = asyncio.create_task(it.ask("edit", "w1", doc="d", version=1))
        await it.plant.called("edit")
        busy = await other.ask("edit", "w2", doc="d", version=1)
        assert (busy.status, busy.code) == ("denied", "record.busy")
        unrelated = asyncio.create_task(other.ask("edit", "w2", doc="e", version=1))
        await it.plant.called("edit", 2)
        door.open()
        assert {(await first).status, (await unrelated).status} == {"done"}
        assert (await other.ask("edit", "w2", doc="d", version=1)).code == "record.stale"
        assert (await other.ask("edit", "w2", doc="d", version=version["now"])).status == "done"


async def test_of_many_writers_at_once_with_the_same_version_one_is_done(tmp_path: Path, database_url: str) -> None:
    async with works(tmp_path, database_url) as it, works(tmp_path, database_url, it.plant) as other:
        version = {"now": 1}

        def bump(arguments, invocation):
            version["now"] += 1
            return it.plant.do(arguments, invocation)

        it.plant.behaves |= {"version_of": lambda *_: version["now"], "edit": bump}
        await meet(it, other)
        calls = [(it, other)[n % 2].ask("edit", ("w1", "w2")[n % 2], doc="d", version=1) for n in range(20)]
        replies = await asyncio.gather(*calls)
        assert Counter(reply.status for reply in replies) == {"done": 1, "denied": 19}
        assert {reply.code for reply in replies if reply.status == "denied"} <= {"record.busy", "record.stale"}
        assert it.plant.executions() == 1


async def test_a_dry_run_tells_what_would_be_needed_and_leaves_no_trace(tmp_path: Path, database_url: str) -> None:
    async with works(tmp_path, database_url) as it:
        tables = (leaf, action, payload, account, window_bucket, record_state)
        for number in range(10):
            await it.ask("pay", case=f"c{number}", **JUST_UNDER)
        it.plant.behaves["version_of"] = say(1)
        before = {table.name: it.count(table) for table in tables}, len(it.plant.calls)
        held = await it.house.ask("w1", "pay", {"payee": "y", "amount": "500.00"}, dry_run=True)
        assert (held.status, held.needed, held.policies) == ("held", ("boss",), ("pay-boss",))
        window = await it.house.ask("w1", "pay", JUST_UNDER, dry_run=True)
        assert (window.status, window.policies) == ("held", ("pay-split",)), "the truth, not a guess"
        denied = await it.house.ask("w1", "pay", {"payee": "y", "amount": "2000000.00"}, dry_run=True)
        assert (denied.status, denied.policies, denied.needed) == ("denied", ("pay-never",), ("a person",))
        allowed = await it.house.ask("w1", "edit", {"doc": "d", "version": 1}, dry_run=True)
        assert (allowed.status, allowed.detail["facts"]) == ("allowed", {"doc_version": 1})
        assert allowed.notices == ("a dry run: nothing was done, and the log has no leaf of it",)
        poor = await it.house.ask("w1", "buy", {"amount": "500.01"}, dry_run=True)
        assert (poor.status, poor.code) == ("denied", "budget.exceeded")
        assert before[0] == {table.name: it.count(table) for table in tables}
        assert [name for name, _ in it.plant.calls[before[1] :]] == ["version_of"], "facts are looked up, nothing else"


@pytest.mark.parametrize(
    ("tool", "arguments", "code"),
    [
        ("press", {"n": "one"}, "arguments.invalid"),
        ("press", {}, "arguments.invalid"),
        ("buy", {"amount": "lots"}, "arguments.invalid"),
        ("edit", {"doc": "", "version": 1}, "record.missing"),
        ("nothing", {}, "tool.unknown"),
    ],
)
async def test_what_does_not_fit_is_refused_with_a_leaf_and_without_a_call(
    tmp_path: Path, database_url: str, tool: str, arguments: dict[str, object], code: str
) -> None:
    async with works(tmp_path, database_url) as it:
        reply = await it.ask(tool, **arguments)  # type: ignore[arg-type]
        assert (reply.status, reply.code) == ("denied", code)
        assert it.story(reply.action) == ["denial"] and it.plant.calls == []
