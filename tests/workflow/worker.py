"""A process that works on runs, to be killed, frozen and woken.

`python -m tests.workflow.worker FOLDER DATABASE COUNT WORKFLOW` starts COUNT runs, says the id of each when it is
durable, and works until every run it can see has ended. Its plant acts on files, so that what was done outlives it.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from autonomy.kernel import failpoint
from autonomy.kernel.canonical import Json
from autonomy.kernel.errors import Unavailable
from autonomy.tools import Invocation
from autonomy.workflow.model import ENDED
from tests.gate.works import Plant
from tests.workflow.office import Office, office

LOOK_AND_POST = """
steps:
  look: { tool: look, arguments: { n: input.n } }
  post: { tool: post, arguments: { n: input.n } }
"""

STEPS = """
steps:
  first: { tool: press, arguments: { n: input.n } }
  second: { needs: [first], tool: press, arguments: { n: input.n + 1 } }
  third: { needs: [second], tool: press, arguments: { n: input.n + 2 } }
"""


class FilePlant(Plant):
    """Honours keys by files in `folder`; while there is a file `shut`, it takes what is asked and does not answer."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        folder.mkdir(exist_ok=True)
        self.behaves |= dict.fromkeys(("press", "look", "post"), self._press)
        self.behaves["happened"] = self._happened

    async def _press(self, arguments: Mapping[str, Json], invocation: Invocation) -> Json:
        (self._folder / "asked").touch()
        while (self._folder / "shut").exists():
            await asyncio.sleep(0.01)
        key = self._folder / f"{invocation.action_id}.{os.getpid()}"
        with key.open("x") as file:  # a second try by the same process under the same key would be a defect of ours
            file.write(str(arguments["n"]))
        return {"ok": dict(arguments)}

    def _happened(self, arguments: Mapping[str, Json], invocation: Invocation) -> Json:
        found = any(self._folder.glob(f"{invocation.action_id}.*"))
        return {"ok": dict(arguments)} if found else None


async def work(folder: Path, database: str, count: int, workflow: str) -> None:
    async with office(folder, database, FilePlant(folder / "plant")) as it:
        starts = asyncio.as_completed([it.start(workflow, n=number) for number in range(count)])
        for number, start in enumerate(starts):
            print(await start, flush=True)
            if number == 0:  # from here on there is a run to be lost
                failpoint.arm(*_armed())
        await it.eventually(lambda: _all_ended(it))


async def _all_ended(it: Office) -> bool:
    try:
        runs = await it.flows.runs.runs(count=1_000)
    except Unavailable:  # a question that was frozen with its process is too old when it wakes
        return False
    return all(run.status in ENDED for run in runs)


def _armed() -> tuple[str, int]:
    name, _, passes = os.environ.get("WORKER_FAILPOINT", "").partition(":")
    return name, int(passes or 1)


if __name__ == "__main__":
    asyncio.run(work(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4]))
