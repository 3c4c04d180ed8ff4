"""Takes assessments of vendors from the common list of tasks, and brings back how risky each is."""

from __future__ import annotations

from typing import Any

from desk import Desk, note, work


async def assess(desk: Desk) -> None:
    """Take one task and do it."""
    task = await desk.next_task()
    if task is None:
        note("nobody wants anything assessed")
        return
    application = task["input"]["application"]
    note(f"takes the task “{task['goal']}”: {application['name']}")
    asked_often = application["requests"] > 1
    why = "it had to be asked for its documents again and again" if asked_often else "its documents came when asked for"
    await desk.complete(task, {"risk": "high" if asked_often else "low", "why": why})
    note(f"risk is {'high' if asked_often else 'low'}: {why}")


if __name__ == "__main__":

    def handlers(desk: Desk) -> dict[str, Any]:
        return {"assess": lambda: assess(desk)}

    work(handlers)
