"""A process that carries runs out and serves nobody: `autonomy work --runs`."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import uvloop

from autonomy.kernel.errors import Invalid
from autonomy.wiring import System, open_system

from .screen import json_lines, say
from .serve import start_settings


def carry_runs_out(
    data: Path | None, database: str | None, url: str | None, programs: str | None, log: str | None, as_json: bool
) -> None:
    """Work on the runs of an organisation until SIGINT or SIGTERM, then end what is under way."""
    settings = start_settings("info", data=data, database=database, url=url, programs=programs, log=log)
    if settings.runs != "here":
        raise Invalid(
            "this process is to carry runs out, and the settings say that it does not",
            code="workflow.runs",
            hint="start it without `AUTONOMY_RUNS`",
        )
    system = open_system(settings)
    try:
        loop_factory = None if sys.platform == "win32" else uvloop.new_event_loop
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            runner.run(_work(system, lambda: _announce(system, as_json)))
    finally:
        system.close()


async def _work(system: System, ready: Callable[[], None]) -> None:
    stop = asyncio.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(each, stop.set)
    await system.start()
    try:
        ready()
        await stop.wait()
    finally:
        await system.stop()


def _announce(system: System, as_json: bool) -> None:
    if as_json:
        json_lines([{"runs": system.settings.engine, "data": str(system.settings.data)}])
    else:
        say(f"carrying out runs, delivered by the engine `{system.settings.engine}`; Ctrl-C ends it")
