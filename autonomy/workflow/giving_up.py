"""What is said of a command that nobody carries out any more: to its run, or to the log."""

from __future__ import annotations

from sqlalchemy import delete

from autonomy.audit import record
from autonomy.db import Tx

from .codec import Unreadable
from .events import AnyEvent, ApprovalEnded, ChildEnded, Performed, TaskEnded
from .outcome import kind_of
from .ports import Work
from .store import command as table


def why(work: Work) -> str:
    """Why it is given up, the code first."""
    if isinstance(work.command, Unreadable):
        return f"{work.command.code}: {work.command.reason}"
    return f"limit.claims: it was begun {work.attempts - 1} times, and whoever did was gone before it ended"


def kind(work: Work) -> str:
    """The kind of its command, also where that cannot be read."""
    return work.command.kind if isinstance(work.command, Unreadable) else kind_of(work.command)


def last_word(work: Work, told: str, at: int) -> AnyEvent | None:
    """The answer that its run gets; None where the command has none. Pure."""
    match kind(work):
        case "perform_tool":
            return Performed(at, work.id, "failed" if _unbegun(work) else "unknown", reason=told, again=False)
        case "decide":
            return Performed(at, work.id, "failed", reason=told, again=False)
        case "start_child":
            return ChildEnded(at, work.id, "failed", reason=told, spent=None, left=not _unbegun(work))
        case "ask_approval":
            return ApprovalEnded(at, work.id, "refused", reason=told)
        case "open_task":
            return TaskEnded(at, work.id, "failed", reason=told, cost=None)
    return None


def _unbegun(work: Work) -> bool:
    """Whether nobody can have begun it: nobody had it before, and it cannot be read."""
    return isinstance(work.command, Unreadable) and work.attempts == 1


def came_to_nothing(tx: Tx, command: str, owner: str, at: int, event: str) -> None:
    """Drop a command, and write down what became of it; nothing where somebody else carries it out by now."""
    if tx.execute(delete(table).where(table.c.id == command, table.c.owner == owner)).rowcount:
        record(tx, "run", at, event=event, command=command, actor="system")
