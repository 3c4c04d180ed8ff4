"""Schedules production orders in the ERP, has their start approved, and books what was made."""

from __future__ import annotations

from desk import Desk, note, work


async def make(desk: Desk, start: str, end: str) -> None:
    """Take the first order that has no fixed day from its date to the finished goods."""
    orders = (await desk.use("production.list_open", "production/plan")).rows
    order = next(one for one in orders if one["state"] == "draft")
    mine, case = {"production_id": order["production_id"]}, f"production/{order['production_id']}"
    days = {"planned_start_date": start, "planned_date": end}
    await desk.use("production.schedule", case, **mine, version=order["version"], **days)
    await desk.use("production.plan", case, **mine)
    assigned = await desk.use("production.assign", case, **mine)
    if assigned.result["state"] != "assigned":
        note("parts are missing")
        return
    started = await desk.use_patiently("production.start", case, why="its parts are there", **mine)
    if started.done:
        await desk.use("production.finish", case, **mine)


if __name__ == "__main__":
    work(lambda desk: {"make": lambda **task: make(desk, **task)})
