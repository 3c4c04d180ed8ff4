"""A process that has a program with a runaway child, and waits to be killed: `serve_runaway.py FILE`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from .servers import misbehaving


async def main(file: Path) -> None:
    async with misbehaving("runaway") as connectors:
        runaway = (await connectors.call("work", 25.0))["text"]
        contact = connectors.connectors._lines["desk"].connector._contacts[()]
        made = file.with_suffix(".part")
        made.write_text(f"{runaway} {contact._open.wire._child.pid}")
        made.rename(file)
        await asyncio.Event().wait()


asyncio.run(main(Path(sys.argv[1])))
