"""Calls, questions and facts through the service, with connectors that behave and connectors that do not."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from typing import Any

import pytest
from aiohttp import web

from autonomy.kernel.errors import Conflict, NotFound, Unavailable
from autonomy.tools import Invocation, Refused, Result, Unreachable, Unsure
from autonomy.tools.credential import Credential
from autonomy.tools.errors import Stale
from autonomy.tools.model import Cost
from autonomy.tools.rules import MAX_FAILURES, REST

from .organisations import Bench, arguments, connector, invocation, tool
from .test_http import serving

CODE = connector("erp", type="python", entryPoint="mine")
READ = tool("t", input=arguments(a="string"))
WRITE = tool("t", effect="write-neither", input=arguments(a="string"))


def bench(function: Any, *revisions: Any, **how: Any) -> Bench:
    """Connectors whose only entry point is `function`."""
    return Bench(*(revisions or (CODE, READ)), load=lambda name: function, **how)


def run(made: Bench, deadline: float = 30.0, **values: Any) -> Any:
    async def once() -> Any:
        async with made:
            return await made.call("t", deadline, **values)

    return asyncio.run(asyncio.wait_for(once(), 60))


def test_functions_classes_and_coroutines_are_called_with_name_arguments_and_invocation() -> None:
    def plain(function: str, values: Mapping[str, Any], within: Invocation) -> Any:
        return [function, dict(values), within.action_id, within.agent]

    async def later(function: str, values: Mapping[str, Any], within: Invocation) -> Any:
        return plain(function, values, within)

    class Kept:
        made = 0

        def __init__(self) -> None:
            type(self).made += 1

        def __call__(self, function: str, values: Mapping[str, Any], within: Invocation) -> Any:
            return plain(function, values, within)

    for function in (plain, later, Kept):
        assert run(bench(function), a="x") == ["run", {"a": "x"}, "act_1", "spiffe://example.org/agent/buyer"]
    assert Kept.made == 1


def test_a_connector_may_say_what_it_cost() -> None:
    async def once() -> Result:
        async with bench(lambda *_: Result({"ok": True}, Cost(120, 7))) as made:
            return await made.connectors.call(made.tool("t"), {}, invocation())

    assert asyncio.run(once()).cost == (120, 7)


@pytest.mark.parametrize("said", [Refused("no"), Stale("old"), Unreachable("gone"), Unsure("who knows")])
def test_what_a_connector_says_is_passed_on(said: Exception) -> None:
    def says(*_: Any) -> Any:
        raise said

    with pytest.raises(type(said)):
        run(bench(says, CODE, WRITE))


@pytest.mark.parametrize("said", [ValueError("tok-canary"), Conflict("odd"), NotFound("odd")])
def test_any_other_error_leaves_a_write_in_doubt_and_fails_a_read(said: Exception) -> None:
    def says(*_: Any) -> Any:
        raise said

    with pytest.raises(Unsure) as caught:
        run(bench(says, CODE, WRITE))
    assert "canary" not in str(caught.value)
    with pytest.raises((Refused, Unreachable)):
        run(bench(says))


@pytest.mark.parametrize("returned", [{1, 2}, float("nan"), 2**60, "\ud800", {"a": object()}])
def test_a_result_that_is_not_json_leaves_a_write_in_doubt_and_fails_a_read(returned: Any) -> None:
    with pytest.raises(Unsure):
        run(bench(lambda *_: returned, CODE, WRITE))
    with pytest.raises((Refused, Unreachable)):
        run(bench(lambda *_: returned))


def test_a_missing_entry_point_fails_before_anything_happened() -> None:
    def none(name: str) -> Any:
        raise KeyError(name)

    with pytest.raises(Unreachable):
        run(Bench(CODE, WRITE, load=none))
    with pytest.raises(Unreachable):
        run(Bench(CODE, WRITE))  # nothing of this name is installed


def test_a_call_ends_at_its_deadline_whoever_hangs() -> None:
    release = threading.Event()

    def hangs(*_: Any) -> None:
        release.wait(10)

    async def sleeps(*_: Any) -> None:
        await asyncio.Event().wait()

    try:
        for function in (hangs, sleeps):
            with pytest.raises(Unsure):
                run(bench(function, CODE, WRITE), deadline=0.1)
            with pytest.raises(Unreachable) as caught:
                run(bench(function), deadline=0.1)
            assert caught.value.code == "upstream.overdue"
    finally:
        release.set()


def test_work_that_never_got_a_thread_has_not_happened() -> None:
    release, ran = threading.Event(), []

    def hangs(function: str, values: Mapping[str, Any], within: Invocation) -> None:
        ran.append(within.action_id)
        release.wait(10)

    async def crowd() -> list[Any]:
        async with bench(hangs, CODE, WRITE) as made:
            calls = [made.connectors.call(made.tool("t"), {}, invocation(0.3, f"act_{i}")) for i in range(12)]
            return await asyncio.gather(*calls, return_exceptions=True)

    try:
        ends = asyncio.run(crowd())
    finally:
        release.set()
    unsure = [f"act_{i}" for i, end in enumerate(ends) if isinstance(end, Unsure)]
    assert sorted(unsure) == sorted(ran)
    assert sum(isinstance(end, Unreachable) for end in ends) == 12 - len(ran) > 0


def test_cancelling_a_call_cancels_the_connector() -> None:
    cancelled = []

    async def once() -> None:
        started = asyncio.Event()

        async def waits(*_: Any) -> None:
            started.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                cancelled.append(True)
                raise

        async with bench(waits, CODE, WRITE) as made:
            task = asyncio.create_task(made.call("t"))
            await started.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(asyncio.wait_for(once(), 60))
    assert cancelled == [True]


def test_the_breaker_opens_and_recovers() -> None:
    now, calls, healthy = [0], [0], [False]

    async def flaps(*_: Any) -> str:
        calls[0] += 1
        if not healthy[0]:
            raise Unreachable
        return "ok"

    async def story() -> None:
        async with bench(flaps, clock=lambda: now[0]) as made:
            for _ in range(20):
                with pytest.raises(Unreachable):
                    await made.call("t")
            assert calls[0] == MAX_FAILURES
            healthy[0], now[0] = True, REST
            assert await made.call("t") == "ok"

    asyncio.run(story())


def test_refusals_do_not_open_the_breaker() -> None:
    async def refuses(*_: Any) -> None:
        raise Refused("no")

    async def story() -> None:
        async with bench(refuses) as made:
            for _ in range(20):
                with pytest.raises(Refused):
                    await made.call("t")

    asyncio.run(story())


def test_only_the_outbound_module_hands_a_credential_to_a_connector() -> None:
    seen: list[Credential | None] = []

    def looks(function: str, values: Mapping[str, Any], within: Invocation) -> str:
        seen.append(within.credential)
        return repr(within)

    with_secret = connector("erp", type="python", entryPoint="mine", credential="erp-key")
    shown = run(bench(looks, with_secret, READ, reveal=lambda name: Credential(name, 3, "tok-canary")))
    assert seen[0] is not None and seen[0].reveal() == "tok-canary" and seen[0].version == 3
    assert "canary" not in shown


def test_a_credential_that_cannot_be_read_means_that_nothing_was_sent() -> None:
    def missing(name: str) -> Credential:
        raise NotFound("there is no secret", code="secret.unknown")

    with_secret = connector("erp", type="python", entryPoint="mine", credential="erp-key")
    with pytest.raises(Unreachable) as caught:
        run(bench(lambda *_: 1, with_secret, WRITE, reveal=missing))
    assert caught.value.code == "secret.unknown"


def test_a_connector_declared_anew_takes_effect_at_the_next_call() -> None:
    async def story() -> list[Any]:
        functions = {"mine": lambda *_: "old", "other": lambda *_: "new"}
        async with Bench(CODE, READ, load=functions.__getitem__) as made:
            first = await made.call("t")
            made.organisation = Bench(
                connector("erp", type="python", entryPoint="other", timeout="10ms"), READ
            ).organisation
            return [first, await made.call("t")]

    assert asyncio.run(story()) == ["old", "new"]


def test_a_connector_that_is_gone_is_named() -> None:
    with pytest.raises(Unreachable) as caught:
        run(bench(lambda *_: 1, READ))
    assert caught.value.code == "connector.unknown"


def asked(answer: Any) -> Any:
    async def once() -> Any:
        declared = tool("t", effect="write-queryable", reconcile={"function": "did"})
        async with bench(answer, CODE, declared) as made:
            return await made.connectors.reconcile(made.tool("t"), {}, invocation())

    return asyncio.run(once())


def test_a_question_is_answered_with_happened_or_absent() -> None:
    found = asked(lambda function, values, within: {"id": 1} if function == "did" else None)
    assert (found.state, found.value) == ("happened", {"id": 1})
    empty: list[Any] = [None, [], {}, {"rows": []}, False, ""]
    for nothing in empty:
        assert asked(lambda *_, nothing=nothing: nothing).state == "absent"


def test_a_question_without_an_answer_is_not_an_absence() -> None:
    def gone(*_: Any) -> None:
        raise Unreachable

    with pytest.raises(Unreachable):
        asked(gone)


def facts(function: Any, timeout: float = 30.0, **declared: Any) -> Any:
    async def once() -> Any:
        async with bench(function, CODE, tool("t", facts=declared)) as made:
            return await made.connectors.facts(made.tool("t"), {}, invocation(), timeout)

    return asyncio.run(asyncio.wait_for(once(), 60))


def look_up(kind: str, function: str = "f", **more: Any) -> dict[str, Any]:
    return {"function": function, "type": kind, **more}


@pytest.mark.parametrize(
    ("kind", "found", "value"),
    [
        ("integer", 7, 7),
        ("string", "x", "x"),
        ("boolean", True, True),
        ("boolean", 0, False),
        ("money", "12.5", 1250),
        ("money", 12, 1200),
        ("money", "10 USD", 500),
        ("integer", {"rows": [{"n": 7}]}, 7),
        ("integer", {"value": 7}, 7),
    ],
)
def test_a_fact_is_one_value_of_its_type(kind: str, found: Any, value: Any) -> None:
    result = facts(lambda *_: found, x=look_up(kind))
    assert result == {"x": value} and type(result["x"]) is type(value)


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        ("integer", True),
        ("integer", "7"),
        ("integer", 7.0),
        ("string", 7),
        ("boolean", 2),
        ("boolean", "yes"),
        ("boolean", 1.0),
        ("money", True),
        ("money", "much"),
        ("money", "5 GBP"),
        ("integer", {"rows": [{"n": 1}, {"n": 2}]}),
        ("integer", {"rows": [{"a": 1, "b": 2}]}),
        ("integer", [1]),
        ("integer", None),
        ("integer", {"rows": []}),
        ("integer", {"rows": [{"n": None}]}),
    ],
)
def test_a_fact_of_another_shape_fails(kind: str, found: Any) -> None:
    with pytest.raises(Unavailable) as caught:
        facts(lambda *_: found, x=look_up(kind))
    assert caught.value.code == "fact.failed" and caught.value.detail["fact"] == "x"


@pytest.mark.parametrize("found", [None, {"rows": []}, {"rows": [{"n": None}]}])
def test_a_fact_that_is_not_found_has_its_default(found: Any) -> None:
    assert facts(lambda *_: found, x=look_up("integer", default=0), y=look_up("money", default="1.50")) == {
        "x": 0,
        "y": 150,
    }


def test_a_fact_that_failed_does_not_get_its_default() -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError

    with pytest.raises(Unavailable):
        facts(broken, x=look_up("integer", default=0))


def test_facts_are_looked_up_at_once() -> None:
    async def meets(function: str, values: Any, within: Invocation) -> int:
        waiting.append(function)
        if len(waiting) == 3:
            everyone.set()
        await everyone.wait()
        return 1

    waiting: list[str] = []
    everyone = asyncio.Event()
    assert facts(meets, a=look_up("integer", "a"), b=look_up("integer", "b"), c=look_up("integer", "c")) == {
        "a": 1,
        "b": 1,
        "c": 1,
    }


def test_facts_that_take_too_long_together_fail() -> None:
    async def hangs(function: str, *_: Any) -> int:
        if function == "slow":
            await asyncio.Event().wait()
        return 1

    with pytest.raises(Unavailable) as caught:
        facts(hangs, 1.0, quick=look_up("integer", "quick"), slow=look_up("integer", "slow"))
    assert caught.value.detail["fact"] == "slow"


def test_facts_that_ask_the_same_question_are_one_question() -> None:
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.raw_path)
        return web.json_response({"state": "open", "amount": "12.50", "by": {"name": "x"}})

    def fact(kind: str, field: str, path: str = "/orders/7") -> dict[str, Any]:
        return {"request": {"method": "GET", "path": path, "fields": {"value": field}}, "type": kind}

    async def once() -> Any:
        async with serving(answer) as port:
            place = {"type": "http", "baseUrl": f"http://127.0.0.1:{port}", "allow": ["127.0.0.1/32"]}
            declared = {
                "state": fact("string", "/state"),
                "amount": fact("money", "/amount"),
                "name": fact("string", "/by/name"),
                "other": fact("string", "/state", "/orders/8"),
            }
            call = {"request": {"method": "GET", "path": "/x"}}
            async with Bench(connector("erp", **place), tool("t", call=call, facts=declared)) as made:
                return await made.connectors.facts(made.tool("t"), {}, invocation())

    assert asyncio.run(once()) == {"state": "open", "amount": 1250, "name": "x", "other": "open"}
    assert sorted(asked) == ["/orders/7", "/orders/8"]
