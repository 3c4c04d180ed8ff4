"""A process that works on runs, to be killed, frozen and woken.

`python -m tests.workflow.worker FOLDER DATABASE COUNT WORKFLOW` starts COUNT runs, says the id of each when it is
durable, and works until every run it can see has ended. Its plant acts on files, so that what was done outlives it. The
agent whose key lies in FOLDER does tasks as they come.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import select

from autonomy.identity import PersonCaller
from autonomy.identity.permissions import permissions_of
from autonomy.kernel import failpoint
from autonomy.kernel.canonical import Json
from autonomy.kernel.errors import Conflict, Unavailable
from autonomy.tasks import Held, Word
from autonomy.tools import Invocation
from autonomy.workflow.model import ENDED
from autonomy.workflow.store import command
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


EVERYTHING = {
    "everything": """
steps:
  hear: { wait: { events: { it: { event: go, key: run.id } } } }
  kid: { workflow: { name: kid }, arguments: { n: input.n, of: run.id } }
  each: { foreach: { items: '[1, 2]', item: one, steps: { press: { tool: press, arguments: { n: one } } } } }
  count: { task: { role: worker, goal: count, by: agent, input: { n: input.n } } }
  rest: { wait: { duration: 300ms } }
  regret: { workflow: { name: regretted, detached: true }, arguments: { n: input.n } }
  last: { needs: [hear, kid, each, count, rest], tool: press, arguments: { n: input.n } }
""",
    "kid": """
input: { type: object, properties: { n: { type: integer }, of: { type: string } }, required: [n, of] }
steps:
  press: { tool: press, arguments: { n: input.n } }
  tell: { needs: [press], emit: { event: go, key: input.of, data: { n: input.n } } }
""",
    "regretted": """
steps:
  press: { tool: press, arguments: { n: input.n }, compensate: { tool: press, arguments: { n: input.n + 1 } } }
  differ:
    needs: [press]
    agree: { figures: { one: "1", two: "2" } }
    onException: [{ kinds: [conflict], then: compensate }]
""",
}
"""Children, a detached one that is undone, an event, a timer, a task, a loop: and the actions of each."""

ANY_COMMAND = select(command.c.id).limit(1)

KEY = "agent.key"
LEASE_S = 1  # of a task: whoever is killed has it no longer
LOOK_S = 0.1  # between two looks for what people are asked about
CARL = PersonCaller("carl", "Carl", ("chief",), ("approver",), permissions_of(["approver"]))


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
    engine = os.environ.get("WORKER_ENGINE", "embedded")
    async with office(folder, database, FilePlant(folder / "plant"), engine=engine) as it:
        starts = asyncio.as_completed([it.start(workflow, n=number) for number in range(count)])
        for number, start in enumerate(starts):
            print(await start, flush=True)
            if number == 0:  # from here on there is a run to be lost
                failpoint.arm(*_armed())
        doing = [asyncio.create_task(_do_tasks(it, key.read_text())) for key in folder.glob(KEY)]
        doing += [asyncio.create_task(_look_after(it)) for _ in folder.glob(KEY)]
        await it.eventually(lambda: _all_ended(it))
        for one in doing:
            one.cancel()
        await asyncio.gather(*doing, return_exceptions=True)


async def _do_tasks(it: Office, key: str) -> None:
    """Takes each task that comes, and does it."""
    caller = await it.works.system.gate.admission.admit(key)
    tasks = it.flows.workplace.tasks
    while True:
        try:
            held = await tasks.next(caller, 1, LEASE_S)
            if held is not None:
                await _complete(it, held)
        except (Conflict, Unavailable):
            continue  # it took too long, and somebody else has it


async def _look_after(it: Office) -> None:
    """Does as a person what people are asked about, for too many who had it were killed."""
    tasks = it.flows.workplace.tasks
    while True:
        await asyncio.sleep(LOOK_S)
        try:
            for one in await it.flows.workplace.inbox.tasks(CARL):
                # What he took in a process that was killed since he has still.
                mine = one.holder == CARL.actor
                await _complete(it, await (tasks.show(one.id) if mine else tasks.take(one.id, CARL, anyway=False)))
        except (Conflict, Unavailable):
            continue  # another process of his was faster


async def _complete(it: Office, held: Held) -> None:
    word = Word(held.task.id, held.task.holder or "", held.task.claim)
    await it.flows.workplace.tasks.complete(word, held.body.input)


async def _all_ended(it: Office) -> bool:
    try:
        runs = await it.flows.runs.runs(count=1_000)
        asked = await it.works.system.database.read(lambda connection: connection.execute(ANY_COMMAND).first())
    except Unavailable:  # a question that was frozen with its process is too old when it wakes
        return False
    return asked is None and all(run.status in ENDED for run in runs)


def _armed() -> tuple[str, int]:
    name, _, passes = os.environ.get("WORKER_FAILPOINT", "").partition(":")
    return name, int(passes or 1)


if __name__ == "__main__":
    asyncio.run(work(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4]))
