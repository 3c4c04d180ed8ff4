"""Work for agents and people: who may do it, who has it, what goes with it from hand to hand."""

from .agents import AgentTasks
from .inbox import Inbox
from .model import Body, Candidate, Note, Task
from .of_runs import Asked, Ended, RunTasks
from .service import Tasks, Wanted, Word
from .waiting import Held

__all__ = [
    "AgentTasks",
    "Asked",
    "Body",
    "Candidate",
    "Ended",
    "Held",
    "Inbox",
    "Note",
    "RunTasks",
    "Task",
    "Tasks",
    "Wanted",
    "Word",
]
