"""Declared checks find out later whether a write had its effect, and say so as labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from autonomy.insight import Insight, sentences
from autonomy.insight.label_rules import Given
from autonomy.insight.model import Explanation
from autonomy.kernel.errors import Unavailable
from tests.gate.works import NUMBER, TOOLS, TRUSTED, Plant, Works, fail_first, organisation, say, tool, works

CHECK = """
  check:
    after: 10m
    facts:
      level: { function: level, type: integer }
    expect: facts.level == arguments.n
"""
MORE = TOOLS + "---" + tool("fill", "write-keyed", NUMBER, TRUSTED + CHECK, function="press")
MINUTE = 60_000


class Time:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.at = 1_790_000_000_000

    def __call__(self) -> int:
        return self.at


async def labels(works: Works) -> list[dict[str, Any]]:
    """What the log says of them, by what was said."""
    found = works.leaves("label")
    told = [{name: leaf[name] for name in ("verdict", "actor", "stands")} for leaf in found]
    return sorted(told, key=lambda one: str(one["verdict"]))


async def filled(works: Works, **said: Any) -> str:
    """An action whose effect is to be checked, noticed."""
    await works.system.insights.checking.notice()
    reply = await works.ask("fill", **said)
    await works.settle()
    await works.system.insights.checking.notice()
    return reply.action


def explained(works: Works, action: str) -> Explanation:
    insight = Insight(works.system.database, works.system.vault, works.system.catalog)
    return insight.explain(insight.record(action, may_read=True))


async def test_what_a_check_finds_is_a_label_and_part_of_the_explanation(tmp_path: Path, database_url: str) -> None:
    time = Time()
    async with works(tmp_path, database_url, files=organisation(tools=MORE), clock=time) as it:
        it.plant.behaves["level"] = say(3)
        right, wrong = await filled(it, n=3), await filled(it, n=4)
        checking = it.system.insights.checking
        assert await checking.check() == 0, "it is too early to look"
        time.at += 10 * MINUTE
        assert await checking.check() == 2
        assert await checking.check() == 0
        assert await labels(it) == [
            {"verdict": "right", "actor": "check:fill", "stands": True},
            {"verdict": "wrong", "actor": "check:fill", "stands": True},
        ]
        assert [one.found.value for one in explained(it, wrong).judged] == [{"level": 3}]
        told = " ".join(sentences(explained(it, right)))
        assert "the check of tool `fill` found the result right" in told


async def test_a_system_that_does_not_answer_is_asked_again_later(tmp_path: Path, database_url: str) -> None:
    time = Time()
    async with works(tmp_path, database_url, files=organisation(tools=MORE), clock=time) as it:
        it.plant.behaves["level"] = fail_first(1, Unavailable("no answer", code="plant.gone"), 5)
        await filled(it, n=5)
        time.at += 10 * MINUTE
        checking = it.system.insights.checking
        assert await checking.check() == 1
        assert (await labels(it), await checking.check()) == ([], 0)
        time.at += MINUTE
        assert await checking.check() == 1
        assert [one["verdict"] for one in await labels(it)] == ["right"]


async def test_a_check_does_not_outrank_a_person(tmp_path: Path, database_url: str) -> None:
    time = Time()
    async with works(tmp_path, database_url, files=organisation(tools=MORE), clock=time) as it:
        it.plant.behaves["level"] = say(5)
        action = await filled(it, n=5)
        insights = it.system.insights
        await insights.labels.give("action", action, Given("wrong", "person:bea"), it.system.watch.identity)
        time.at += 10 * MINUTE
        assert await insights.checking.check() == 1
        assert (await labels(it))[0] == {"verdict": "right", "actor": "check:fill", "stands": False}


async def test_of_two_processes_one_checks(tmp_path: Path, database_url: str) -> None:
    time, plant = Time(), Plant()
    plant.behaves["level"] = say(5)
    files = organisation(tools=MORE)
    async with works(tmp_path, database_url, plant, files=files, clock=time) as one:
        await filled(one, n=5)
        async with works(tmp_path, database_url, plant, files=files, clock=time) as other:
            await other.system.insights.checking.notice()
            time.at += 10 * MINUTE
            found = [await each.system.insights.checking.check() for each in (one, other)]
            assert found == [1, 0]
            assert len(await labels(one)) == 1
