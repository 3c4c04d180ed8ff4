"""The words of tasks: what is to be done, who does it, what was noted on the way. Times are milliseconds."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

from autonomy.kernel.canonical import Json

State = Literal["open", "claimed", "done", "failed", "returned", "escalated", "withdrawn"]
"""`open`: whoever is fit may take it. `claimed`: somebody has it. `returned`: its result did not fit its contract, and
it is to be done again. `escalated`: a person has to take it. The others are ends.
"""

ENDED = frozenset({"done", "failed", "withdrawn"})
By = Literal["anybody", "agent", "person"]
Kind = Literal["agent", "person"]

AGENT, PERSON = "agent:", "person:"
"""How the names of holders begin that are agents, or people."""

PRIORITIES = {"urgent": 0, "high": 1, "normal": 2, "low": 3}
"""As they are stored: what has a lower number is done first."""

PRIORITY_WORDS = {number: word for word, number in PRIORITIES.items()}


class Note(Struct, frozen=True, omit_defaults=True):
    """Something that whoever had the task left for whoever has it next. `kind` says on which occasion."""

    at: int
    by: str
    kind: Literal["progress", "question", "handed_off", "refused", "given_back", "escalated", "returned", "lost"]
    text: str = ""
    data: Json = None


class Body(Struct, frozen=True, omit_defaults=True):
    """What goes with a task from hand to hand. It lies sealed.

    `results` are the outputs of the steps that came before, by name; `sources` say where they come from; `questions`
    are still open; `constraints` bind whoever does it; `contract` is the JSON Schema of the result.
    """

    goal: str
    input: Json = None
    results: dict[str, Json] = {}
    sources: tuple[dict[str, Json], ...] = ()
    questions: tuple[str, ...] = ()
    constraints: dict[str, Json] = {}
    contract: dict[str, Any] | None = None
    handed: Json = None
    notes: tuple[Note, ...] = ()
    output: Json = None
    reason: str = ""


class Task(Struct, frozen=True):
    """A task. `claim` counts how often it was taken: who had it under another number has it no more.

    `prefer` are agents who get it first. `giver` handed it to whom it is `meant` for, and gets it back when they
    refuse; `home` and `home_by` are whom it was opened for. `refused` are those who do not want it. `losses` counts
    holders who fell silent, `handovers` changes of hands (`handovers_most` at most), `returns` results that broke the
    contract. `limit` names the limit that was reached. `command` is that of the run which waits for it; none while the
    run looks at a result. `moved` is the leaf of its last change. `parent` is the task it came from, where it did;
    `depth` how many came before it. `origin` is where all of it came from. `asked_at` is when its run
    asked for it last. `bears` is what its case has seen, where that was looked up: it belongs to no row of a task.
    """

    id: str
    unit: str
    role: str
    home: str
    by: By
    home_by: By
    state: State
    priority: int
    opened_by: str
    opened_at: int
    until: int
    handovers_most: int
    capability: str | None = None
    prefer: tuple[str, ...] = ()
    command: str | None = None
    run: str | None = None
    path: str | None = None
    workflow: str | None = None
    case: str = ""
    holder: str | None = None
    claim: int = 0
    lease: int = 0
    lease_until: int | None = None
    giver: str | None = None
    giver_role: str | None = None
    meant: str | None = None
    refused: tuple[str, ...] = ()
    losses: int = 0
    handovers: int = 0
    returns: int = 0
    escalated: bool = False
    limit: str = ""
    moved: int = 0
    moved_at: int = 0
    ended_at: int | None = None
    parent: str | None = None
    depth: int = 0
    asked_at: int = 0
    origin: tuple[str, ...] = ()
    bears: frozenset[str] = frozenset()

    @property
    def is_free(self) -> bool:
        """Whether it waits for somebody to take it."""
        bound = self.run is None or self.command is not None
        return self.state in ("open", "returned", "escalated") and bound

    @property
    def is_over(self) -> bool:
        return self.state in ENDED


class Candidate(Struct, frozen=True):
    """Who may take tasks: an agent, or a person with business roles. `id` is `agent:NAME` or `person:NAME`.

    `lineage` are the units an agent belongs to, its own first; a person belongs to all of them. `busy` is how many
    tasks they have, `at_once` how many they may have; `done` and `missed` count what became of their tasks of late.
    `data` are the classes of data they may see, `*` for every one, `spaces` the memory spaces they may read.
    `funded`: some tool of theirs has room in every budget; `spent_for` are workflows whose budgets have none for them.
    """

    id: str
    kind: Kind
    roles: tuple[str, ...]
    lineage: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()
    at_once: int = 1
    busy: int = 0
    done: int = 0
    missed: int = 0
    funded: bool = True
    spent_for: frozenset[str] = frozenset()
    data: frozenset[str] = frozenset()
    spaces: frozenset[str] = frozenset()
    fit: bool = True
    """Whether they may act at all: active, not contained, not suspended."""

    @property
    def name(self) -> str:
        return self.id.partition(":")[2]


class Change(Struct, frozen=True):
    """A task after something happened to it, and how the log calls that. `note` is left for whoever has it next."""

    task: Task
    event: str
    note: Note | None = None
