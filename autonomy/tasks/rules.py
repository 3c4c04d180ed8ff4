"""What may become of a task. Pure: a task and what happened give the task after it.

    open ──claim──> claimed ──complete──> done
     ^                 │ ├──refuse, give back, silence──> open
     │                 │ ├──hand off──> open, for another role
     │                 │ ├──a result that breaks the contract──> returned, once; then escalated
     └─ returned       └──escalate, or a limit──> escalated, for people; failed where there is nobody above

Every way round has a named limit, and a person at its end.
"""

from __future__ import annotations

from msgspec.structs import replace

from autonomy.kernel.errors import Conflict, Forbidden, Invalid

from .model import Candidate, Change, Note, State, Task
from .origin import kept
from .routing import free_and_funded, obstacle

LOSSES = 3  # holders who fell silent, after which a person looks: the task may be what kills them
HANDOVERS = 10  # changes of hands of a task that no workflow limits
RETURNS = 1  # results that break the contract and go back to be mended
DEPTH = 10  # tasks that a task came from, one from another, after which a person looks
UNTAKEN = 7 * 86_400_000  # milliseconds in which a task must have come to its end
MIN_LEASE, LEASE, MAX_LEASE = 1_000, 60_000, 3_600_000  # milliseconds without a word after which a holder is gone
PERSON_LEASE = 7 * 86_400_000  # a person who has taken a task is not asked for signs of life
MAX_NOTES = 100
MAX_REFUSALS = 50


def from_parent(task: Task, parent: Task) -> Task:
    """The task as one that came from another."""
    chain = kept((*parent.origin, f"task:{parent.role}", *task.origin))
    return replace(task, parent=parent.id, depth=parent.depth + 1, origin=chain)


def too_deep(task: Task, at: int, above: str | None) -> Change | None:
    """A person has to take what came from too many other tasks: it may go round in a circle."""
    return raised(task, at, above, "limit.depth") if task.depth > DEPTH else None


def claim(task: Task, candidate: Candidate, at: int, lease: int, over: bool = False) -> Change:
    """Somebody takes the task; with `over` a person takes it from whoever has it.

    Raises Conflict (`task.taken`, `task.over`), Forbidden (`task.not_yours`).
    """
    _check_live(task)
    if not task.is_free and not (over and task.state == "claimed"):
        raise Conflict(f"`{task.holder or 'a run'}` has it", code="task.taken", hint="look for another one")
    if not over and (why := obstacle(task, candidate)):
        raise Forbidden(f"this task is not for you; {why}", code="task.not_yours")
    taken = replace(
        task,
        state="claimed",
        holder=candidate.id,
        claim=task.claim + 1,
        lease=lease,
        lease_until=at + lease,
        meant=None,
    )
    return Change(taken, "taken_over" if over and task.state == "claimed" else "claimed")


def check_holder(task: Task, holder: str, claim: int) -> None:
    """Raise Conflict (`task.lost`) unless `holder` has the task under this claim."""
    if task.state != "claimed" or task.holder != holder or task.claim != claim:
        told = f"it is {task.state}" if task.state != "claimed" or task.holder == holder else "somebody else has it"
        raise Conflict(f"the task is yours no more: {told}", code="task.lost", hint="drop it, and ask for the next one")


def beat(task: Task, at: int) -> Task:
    """The holder is alive: its lease begins anew."""
    return replace(task, lease_until=at + task.lease)


def is_silent(task: Task, at: int) -> bool:
    """Whether whoever has the task has let its lease pass."""
    return task.state == "claimed" and task.lease_until is not None and at >= task.lease_until


def lose(task: Task, why: str, at: int, above: str | None) -> Change:
    """Whoever had the task is gone: `silent`, or `stopped`. What they noted stays with it."""
    gone = replace(_freed(task), losses=task.losses + (why == "silent"))
    note = Note(at, task.holder or "", "lost", why)
    if gone.losses >= LOSSES:
        return raised(gone, at, above, "limit.losses", note)
    return Change(gone, "requeued", note)


def unmeant(task: Task, at: int) -> Change:
    """Whoever it was handed to by name may not act any more: others of the role may have it, with all there is."""
    return Change(replace(task, meant=None), "requeued", Note(at, task.meant or "", "lost", "stopped"))


def left(task: Task) -> Change:
    """Whoever asked for it was gone before they heard that it is theirs."""
    return Change(_freed(task), "unclaimed")


def done(task: Task) -> Change:
    """The result is there, and fits."""
    return Change(replace(task, state="done", lease_until=None), "done")


def returned(task: Task, at: int, above: str | None, breach: str) -> Change:
    """A result that does not fit its contract goes back, to whoever made it first; the second time people look.

    A task of a run waits until the run asks for it again, or asks a person.
    """
    note = Note(at, task.holder or "", "returned", breach)
    if task.run is not None and task.returns >= RETURNS:
        return Change(replace(task, state="failed", lease_until=None, limit="limit.returns"), "failed", note)
    back = replace(_freed(task), returns=task.returns + 1, state="returned")
    if task.run is not None:
        return Change(replace(back, command=None, prefer=_first(task.holder, task)), "returned", note)
    if back.returns > RETURNS:
        return raised(back, at, above, "limit.returns", note)
    return Change(replace(back, prefer=_first(task.holder, task)), "returned", note)


def asked_again(task: Task, command: str, at: int) -> Change:
    """The run that a returned task belongs to wants it done again."""
    return Change(replace(task, command=command, state="open", moved_at=at), "opened")


def fail(task: Task, limit: str = "") -> Change:
    """Nobody does it, and there is nobody left to ask."""
    return Change(replace(task, state="failed", lease_until=None, limit=limit or task.limit), "failed")


def withdraw(task: Task) -> Change:
    """It is not wanted any more."""
    _check_live(task)
    return Change(replace(task, state="withdrawn", lease_until=None), "withdrawn")


def hand_off(
    task: Task, note: Note, at: int, above: str | None, role: str | None, candidate: Candidate | None
) -> Change:
    """The holder gives it to another role, or to one agent, who takes it or refuses it. Work is handed on; authority
    never is: whoever takes it acts under their own rules.

    Raises Invalid (`task.hand_off`) where neither is named.
    """
    if role is None and candidate is None:
        raise Invalid("nobody is named whom it is for", code="task.hand_off", hint="name a role or an agent")
    to = task.role if role is None else role
    given = replace(
        _freed(task),
        role=to,
        giver=task.holder,
        giver_role=task.role,
        meant=None if candidate is None else candidate.id,
        handovers=task.handovers + 1,
    )
    if given.handovers > task.handovers_most:
        return raised(given, at, above, "limit.handovers", note)
    if candidate is not None and (why := obstacle(given, free_and_funded(candidate))):
        raise Invalid(f"`{candidate.name}` may not have it; {why}", code="task.hand_off", hint="name somebody else")
    return Change(given, "handed_off", note)


def refuse(task: Task, candidate: str, note: Note, at: int, above: str | None) -> Change:
    """Whoever it was handed to, or has just taken it, does not do it: it goes back to the giver, or to others."""
    refused = (*task.refused, candidate)
    if task.giver is not None:
        role = task.giver_role or task.role
        back = replace(_freed(task), role=role, giver=None, giver_role=None, meant=None, handovers=task.handovers + 1)
        back = replace(back, prefer=_first(task.giver, task), refused=refused)
        if back.handovers > task.handovers_most:
            return raised(back, at, above, "limit.handovers", note)
        return Change(back, "refused", note)
    if len(refused) > MAX_REFUSALS:
        return raised(_freed(task), at, above, "limit.refusals", note)
    return Change(replace(_freed(task), refused=refused), "refused", note)


def give_back(task: Task, note: Note, at: int, above: str | None) -> Change:
    """A person lets others go on with it: it is as it was when it was opened, with all that was noted since."""
    back = replace(
        _freed(replace(task, escalated=False)),
        role=task.home,
        by=task.home_by,
        handovers=task.handovers + 1,
        losses=0,
        returns=0,
        refused=(),
        limit="",
    )
    if back.handovers > task.handovers_most:
        return raised(back, at, above, "limit.handovers", note)
    return Change(back, "given_back", note)


def raised(task: Task, at: int, above: str | None, limit: str = "", note: Note | None = None) -> Change:
    """A person of the role above has to take it; where there is none, or a limit was reached before, it fails."""
    if above is None or (limit and task.limit):
        return Change(replace(task, state="failed", lease_until=None, limit=limit or task.limit), "failed", note)
    up = replace(
        _freed(task),
        state="escalated",
        role=above,
        by="person",
        escalated=True,
        giver=None,
        giver_role=None,
        meant=None,
        limit=limit,
        until=max(task.until, at + UNTAKEN) if limit == "limit.time" else task.until,
    )
    return Change(up, "escalated", note)


def _freed(task: Task) -> Task:
    state: State = "escalated" if task.escalated else "open"
    return replace(task, state=state, holder=None, lease_until=None, lease=0)


def _first(candidate: str | None, task: Task) -> tuple[str, ...]:
    """Who is asked first: this candidate, then those declared."""
    named = () if candidate is None else (candidate.partition(":")[2],)
    return tuple(dict.fromkeys((*named, *task.prefer)))


def _check_live(task: Task) -> None:
    if task.is_over:
        raise Conflict(f"the task is {task.state}", code="task.over", hint="look at what became of it")


def lease_of(seconds: int | None) -> int:
    """A lease in milliseconds. Raises Invalid (`task.lease`)."""
    lease = LEASE if seconds is None else seconds * 1_000
    if not MIN_LEASE <= lease <= MAX_LEASE:
        raise Invalid(f"a lease is 1 to {MAX_LEASE // 1_000} seconds", code="task.lease")
    return lease
