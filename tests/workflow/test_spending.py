"""What runs inside a run spend together stays within what that one may."""

from __future__ import annotations

from pathlib import Path

from tests.workflow.office import office

HEAD = """
caps: { spend: 50.00 EUR }
steps: { inner: { workflow: { name: middle }, arguments: { n: input.n } } }
"""
MIDDLE = """
steps:
  early: { workflow: { name: buyer }, arguments: { n: "1" } }
  late: { workflow: { name: buyer }, arguments: { n: "2" } }
"""
BUYER = """
steps:
  ready: { wait: { events: { go: { event: go, key: string(input.n) } } } }
  first: { needs: [ready], tool: buy, arguments: { amount: "'30.00'" } }
  more: { needs: [first], wait: { events: { go: { event: more } } }, when: input.n == 1 }
  second: { needs: [first, more], tool: buy, arguments: { amount: "'31.00'" } }
"""


async def test_two_runs_inside_spend_what_is_left_once(tmp_path: Path, database_url: str) -> None:
    """Each alone would stay within it."""
    async with office(tmp_path, database_url, head=HEAD, middle=MIDDLE, buyer=BUYER) as it:
        head = await it.start("head", n=1)
        tell = it.flows.runs.tell

        async def inside() -> list[str]:
            return sorted(one.id for one in await it.flows.runs.runs("buyer"))

        async def ready() -> bool:
            states = [(await it.flows.desk.look(run)).state for run in await inside()]
            return len(states) == 2 and all("ready" in state.steps for state in states)

        await it.eventually(ready)
        await tell("go", "1", None, "person:sam")
        await it.until(head, lambda state: state.spent == 3_000)
        await tell("go", "2", None, "person:sam")
        state = await it.ended(head)
        assert (state.status, state.reason, state.spent) == ("stopped", "cap.spend", 6_000)
        for run in await inside():
            assert (await it.ended(run)).status in ("stopped", "cancelled")
        assert it.plant.executions() == 2, "what comes after the first of each is begun by nobody"
