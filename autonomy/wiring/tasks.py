"""What a process has to do with tasks: it opens them, gives them out, and looks after those who have them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from autonomy.catalog.model import CallSpec
from autonomy.db import CommitQueue, Database
from autonomy.gate import Admission, Watch
from autonomy.kernel import canonical
from autonomy.kernel.clock import Clock
from autonomy.tasks import AgentTasks, Inbox, RunTasks, Tasks
from autonomy.tasks.calling import Calling
from autonomy.tasks.elsewhere import Elsewhere
from autonomy.tasks.records import Records
from autonomy.tasks.service import Examine
from autonomy.tasks.sweeping import Sweeping
from autonomy.tasks.waiting import Waiting
from autonomy.tasks.workforce import Workforce
from autonomy.tools.outbound import Outbound
from autonomy.tools.poster import Poster
from autonomy.tools.secrets import Secrets
from autonomy.workflow.store import is_over

from .settings import Settings


@dataclass(frozen=True, slots=True)
class Workplace:
    """Tasks of agents, people and runs; those who wait for one; and what nobody does by themselves."""

    tasks: Tasks
    workforce: Workforce
    of_agents: AgentTasks
    inbox: Inbox
    of_runs: RunTasks
    waiting: Waiting
    calling: Calling
    sweeping: Sweeping


def open_workplace(
    settings: Settings,
    database: Database,
    queue: CommitQueue,
    master: bytes,
    admission: Admission,
    watch: Watch,
    examine: Examine,
    aside: Outbound,
    secrets: Secrets,
    owner: str,
    clock: Clock,
) -> Workplace:
    """Everything of tasks, put together. `examine` says what is wrong with results that contracts cannot judge; by
    `aside` agents are called; `owner` is this process."""

    async def post(said: CallSpec, headers: Mapping[str, str], body: bytes) -> int:
        return await Poster(aside, said.allow).post(said.url, headers, body)

    def reveal(name: str) -> str:
        return secrets.reveal(name).reveal()

    records = Records(canonical.derive(master, b"autonomy tasks"), clock)
    workforce = Workforce(admission, watch, clock)
    waiting = Waiting(database, queue, records, workforce, Elsewhere(database, queue, owner), clock)
    tasks = Tasks(database, queue, records, workforce, waiting, examine, clock)
    return Workplace(
        tasks,
        workforce,
        AgentTasks(tasks, admission),
        Inbox(database),
        RunTasks(database, records, workforce, waiting, clock),
        waiting,
        Calling(queue, records, workforce, waiting, post, reveal, clock),
        Sweeping(database, queue, records, workforce, waiting, watch, is_over, settings.retention_days, clock),
    )
