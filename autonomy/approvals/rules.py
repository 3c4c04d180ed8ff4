"""Who may decide what, and what a decision makes of a hold. Pure: values in, value out.

waiting ──approve (all seats)──► ready ──claim──► claimed ──used──► performed
   │  ▲                            │                │ │
   │  └────── facts changed: asked again ───────────┘ └─the gate refuses──► denied
   ├──► rejected, returned         ├──► expired, withdrawn
   └──► expired, withdrawn
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace

from autonomy.catalog.model import RoleSpec
from autonomy.catalog.organisation import Organisation
from autonomy.kernel.clock import DAY
from autonomy.kernel.errors import Conflict, Forbidden, Invalid
from autonomy.policy.model import Ask

from .model import Ballot, Behind, Finish, Hold, NewHold, Seat, StandIn, State, Void, Vote

DEFAULT_EXPIRY = DAY  # an approval nobody gave within a day is asked for anew, with today's facts
REPEAT_FOR = DAY  # how long a repeat of the same action gets the answer that was given
MAX_CHAIN = 8  # roles one seat can be escalated to; more than an organisation has floors
MAX_REASON = 2_000  # characters: a reason is a remark, not a document

REFUSED: frozenset[State] = frozenset({"rejected", "returned"})
ANSWERED = REFUSED | {"performed"}
"""Ends that answer a repeat of the action; after the others it may be asked again."""

ALIVE: frozenset[State] = frozenset({"waiting", "ready", "claimed"})

_END_OF: dict[str, State] = {"reject": "rejected", "return": "returned"}

Targets = Callable[[str], Sequence[str]]
"""The roles a role's matters are escalated to, nearest first."""


def escalation_targets(organisation: Organisation, role: str) -> tuple[str, ...]:
    """The declared escalation targets of `role`; none for a role that is not declared."""
    revision = organisation.get("Role", role)
    return tuple(revision.spec.escalationTargets) if revision and isinstance(revision.spec, RoleSpec) else ()


def open_hold(new: NewHold, targets: Targets, at: int) -> Hold:
    """The hold that `new` begins as. Raises Invalid where nobody is asked or nobody stands behind the action."""
    if not new.needed or not new.behind:
        raise Invalid("a hold needs someone to ask and someone who is behind it", code="approval.empty")
    seats = seat_people(new.needed, targets)
    return Hold(
        new.action,
        new.agent,
        new.agent_name,
        new.case_id,
        new.tool,
        new.tool_revision,
        new.bind,
        new.behind,
        new.requesters,
        seats,
        state="waiting",
        round=0,
        created_at=at,
        asked_at=at,
        expires_at=at + expiry(new.needed),
        next_escalation_at=next_escalation(seats, at),
        consequence=new.consequence,
        reminders=reminders(new.needed),
        next_reminder_at=next_reminder(reminders(new.needed), at + expiry(new.needed), at),
        key=new.key,
    )


def ask_again(hold: Hold, fence: int, needed: Sequence[Ask], difference: str, targets: Targets, at: int) -> Hold:
    """The hold back before its people because facts changed the decision; what they said before is void."""
    _check_claim(hold, fence)
    seats = seat_people(needed, targets)
    if not seats:
        raise Invalid("nobody is asked", code="approval.empty")
    return replace(
        hold,
        seats=seats,
        state="waiting",
        round=hold.round + 1,
        asked_at=at,
        expires_at=at + expiry(needed),
        next_escalation_at=next_escalation(seats, at),
        reminders=reminders(needed),
        next_reminder_at=next_reminder(reminders(needed), at + expiry(needed), at),
        difference=difference,
        claimed_by=None,
        claim_until=None,
    )


def seat_people(needed: Iterable[Ask], targets: Targets) -> tuple[Seat, ...]:
    """One seat for each role asked: two rules that ask the same role are answered by the same people, as many as the
    rule asks that asks most.

    The chain starts with the rule's own `escalate_to` and goes on along the declared escalation targets. Of two rules
    the sooner escalation wins.
    """
    by_role: dict[str, list[Ask]] = {}
    for ask in sorted(needed, key=lambda ask: (ask.role, ask.policy)):
        by_role.setdefault(ask.role, []).append(ask)
    return tuple(_seat(role, asks, targets) for role, asks in by_role.items())


def _seat(role: str, asks: Sequence[Ask], targets: Targets) -> Seat:
    policies, people = tuple(ask.policy for ask in asks), max(ask.people for ask in asks)
    timed = [ask for ask in asks if ask.escalate_after]
    if not timed:
        return Seat(role, policies, people=people)
    first = min(timed, key=lambda ask: ask.escalate_after or 0)
    return Seat(role, policies, _chain(role, first.escalate_to, targets), first.escalate_after, people=people)


def _chain(role: str, first: str | None, targets: Targets) -> tuple[str, ...]:
    """The roles above `role`, nearest first, each once."""
    found: list[str] = []
    ahead = deque([first] if first else targets(role))
    while ahead and len(found) < MAX_CHAIN:
        current = ahead.popleft()
        if current != role and current not in found:
            found.append(current)
            ahead.extend(targets(current))
    return tuple(found)


def expiry(needed: Iterable[Ask]) -> int:
    """How long people have to decide, in milliseconds: the shortest time any rule gives them."""
    return min((ask.expires for ask in needed if ask.expires), default=DEFAULT_EXPIRY)


def reminders(needed: Iterable[Ask]) -> tuple[int, ...]:
    """How long before the end people are reminded, in milliseconds: whenever any rule wants it, the first one first."""
    return tuple(sorted({before for ask in needed for before in ask.remind}, reverse=True))


def next_reminder(before: Iterable[int], expires_at: int, at: int) -> int | None:
    """When people are reminded next after `at`; None when they no longer are."""
    return min((expires_at - each for each in before if expires_at - each > at), default=None)


def remind(hold: Hold, at: int) -> Hold:
    """The hold after the reminder that is due at `at`; the same hold where none is. Of several missed ones, one is
    made up for."""
    if hold.state != "waiting" or hold.next_reminder_at is None or hold.next_reminder_at > at:
        return hold
    return replace(hold, next_reminder_at=next_reminder(hold.reminders, hold.expires_at, at))


def next_escalation(open_seats: Iterable[Seat], asked_at: int) -> int | None:
    """When the next role joins one of the open seats; None when no more will."""
    return min((due for seat in open_seats if (due := _due(seat, asked_at)) is not None), default=None)


def _due(seat: Seat, asked_at: int) -> int | None:
    if seat.every is None or seat.stage >= len(seat.chain):
        return None
    return asked_at + (seat.stage + 1) * seat.every


def escalate(hold: Hold, at: int) -> Hold:
    """The hold after every escalation that is due at `at`; the same hold where none is."""
    if hold.state != "waiting" or hold.next_escalation_at is None or hold.next_escalation_at > at:
        return hold
    unfilled = {seat.role for seat in hold.open_seats}
    seats = tuple(_raised(seat, hold.asked_at, at) if seat.role in unfilled else seat for seat in hold.seats)
    return _with_seats(hold, seats)


def _raised(seat: Seat, asked_at: int, at: int) -> Seat:
    while (due := _due(seat, asked_at)) is not None and due <= at:
        seat = replace(seat, stage=seat.stage + 1)
    return seat


def _with_seats(hold: Hold, seats: tuple[Seat, ...]) -> Hold:
    moved = replace(hold, seats=seats)
    return replace(moved, next_escalation_at=next_escalation(moved.open_seats, hold.asked_at))


def decide(hold: Hold, ballot: Ballot, at: int) -> Hold:
    """The hold after `ballot`, with the vote as its last; escalations due must have been applied.

    Raises Conflict where it is too late or something else was shown, Forbidden where this person may not decide it,
    Invalid for a vote that says too little or too much.
    """
    check_open(hold, at)
    _check_words(ballot)
    check_kept(hold, ballot.reason)
    seat, instead_of = _place_of(hold, ballot)
    if ballot.shown != hold.shown:
        raise Conflict(
            "what was shown is not what would be done", code="approval.shown", hint="look at it again, then decide"
        )
    said = (ballot.verdict, ballot.shown, ballot.reason)
    vote = Vote(hold.round, seat.role, ballot.person, *said, at, instead_of)
    return _after(replace(hold, votes=(*hold.votes, vote)), vote)


def _after(hold: Hold, vote: Vote) -> Hold:
    if vote.verdict != "approve":
        return end(hold, _END_OF[vote.verdict], vote.at)
    if not hold.open_seats and hold.is_checkpoint:
        return end(hold, "performed", vote.at)
    if not hold.open_seats:
        return replace(hold, state="ready", next_escalation_at=None, next_reminder_at=None)
    return _with_seats(hold, hold.seats)


def check_open(hold: Hold, at: int) -> None:
    """Raise Conflict unless people can still decide about the hold."""
    if hold.state != "waiting":
        raise _over(hold)
    if at >= hold.expires_at:
        raise Conflict("the time to decide is over", code="approval.expired", hint="the agent may ask again")


def check_kept(hold: Hold, words: str) -> None:
    """Raise Conflict (`approval.erased`) for words about what was erased: no erasure would find them any more."""
    if words and hold.erased:
        raise Conflict("what this is about was erased", code="approval.erased", hint="say it without words")


def _check_words(ballot: Ballot) -> None:
    if ballot.verdict not in ("approve", "reject", "return"):
        raise Invalid(f"`{ballot.verdict}` is not a verdict", code="approval.verdict", hint="approve, reject or return")
    if ballot.verdict == "return" and not ballot.reason.strip():
        raise Invalid("a return says which change is wanted", code="approval.reason", hint="give a reason")
    if len(ballot.reason) > MAX_REASON:
        raise Invalid(f"a reason has at most {MAX_REASON} characters", code="approval.reason")


def _place_of(hold: Hold, ballot: Ballot) -> tuple[Seat, str | None]:
    """The seat this person fills, and the absent one they fill it for (None: they speak for themselves).

    The one picked, else a person's own before an absent one's, and one of the role itself before an escalated one.
    """
    _check_independent(hold, ballot.person)
    theirs = _places(hold, ballot)
    if not theirs:
        raise _not_theirs(hold, ballot)
    unheard = [place for place in theirs if not hold.heard & {ballot.person, place[1].person}]
    if not unheard:
        raise Conflict("you have decided about this already", code="approval.voted", hint="another person must agree")
    unfilled = [place for place in unheard if hold.missing(place[0])]
    if not unfilled:
        raise Conflict("another person has decided in this role", code="approval.role_decided")
    seat, voice = min(
        unfilled, key=lambda place: (place[1].person != ballot.person, place[0].role not in place[1].held)
    )
    return seat, None if voice.person == ballot.person else voice.person


def _places(hold: Hold, ballot: Ballot) -> list[tuple[Seat, StandIn]]:
    """Every seat a person could have, by their own roles or as the deputy of somebody who may decide."""
    closed = barred(hold)
    voices = [StandIn(ballot.person, ballot.held), *(each for each in ballot.for_absent if each.person not in closed)]
    seats = [seat for seat in hold.seats if ballot.role in (None, seat.role)]
    return [(seat, voice) for voice in voices for seat in seats if voice.held.intersection(seat.roles)]


def could_decide(hold: Hold, ballot: Ballot) -> bool:
    """Whether the person could decide about the hold now, by themselves or as somebody's deputy."""
    if hold.state != "waiting" or ballot.person in barred(hold):
        return False
    places = _places(hold, ballot)
    return any(not hold.heard & {ballot.person, voice.person} and hold.missing(seat) for seat, voice in places)


def _not_theirs(hold: Hold, ballot: Ballot) -> Forbidden:
    behind = [each.person for each in ballot.for_absent if each.person in barred(hold)]
    if behind:
        return Forbidden(
            f"`{behind[0]}`, for whom you stand in, is behind this action",
            code="approval.own",
            hint="a deputy decides what the absent one could; another person must decide this",
        )
    wanted = ", ".join(sorted({role for seat in hold.seats for role in seat.roles}))
    return Forbidden("this is not yours to decide", code="approval.role", hint=f"it is for a holder of: {wanted}")


def _check_independent(hold: Hold, person: str) -> None:
    """Nobody approves what is done on their word or by an agent they answer for, however long the delegation."""
    if person in barred(hold):
        raise Forbidden(
            "you are behind this action, so another person must decide it",
            code="approval.own",
            hint="sponsors, owners and requesters of the agents behind an action never decide it",
        )


def with_behind(hold: Hold, now: Iterable[Behind]) -> Hold:
    """The hold with those who are behind it `now`. Who once was stays so: nobody hands an agent over to approve what it
    has asked."""
    new = tuple(link for link in now if link not in hold.behind)
    return replace(hold, behind=(*hold.behind, *new)) if new else hold


def look_again(hold: Hold, roles_of: Callable[[str], Collection[str] | None]) -> Hold:
    """The hold as its approvals count now: those are void whose giver may not give them any more (`roles_of` as
    `ports.RolesOf`). An absence that has ended makes void nothing: the deputy spoke in time."""
    counted = hold.given
    votes = tuple(replace(vote, void=_void(hold, vote, roles_of)) if vote in counted else vote for vote in hold.votes)
    return hold if votes == hold.votes else replace(hold, votes=votes)


def _void(hold: Hold, vote: Vote, roles_of: Callable[[str], Collection[str] | None]) -> Void | None:
    heard = (vote.person,) if vote.instead_of is None else (vote.person, vote.instead_of)
    if not barred(hold).isdisjoint(heard):
        return "behind"
    standing = [roles_of(person) for person in heard]
    if None in standing:
        return "standing"
    allowed = {role for seat in hold.seats if seat.role == vote.role for role in seat.roles}
    return None if allowed.intersection(standing[-1] or ()) else "role"


def barred(hold: Hold) -> frozenset[str]:
    """The people who may not decide about the hold, whatever roles they have."""
    accountable = {person for link in hold.behind for person in (link.sponsor, link.owner)}
    return frozenset(accountable.union(hold.requesters))


def end(hold: Hold, state: State, at: int) -> Hold:
    """The hold at its end."""
    timeless = replace(hold, next_escalation_at=None, next_reminder_at=None)
    return replace(timeless, state=state, claimed_by=None, claim_until=None, ended_at=at)


def expire(hold: Hold, at: int) -> Hold:
    """The hold, expired if its time is over and nobody is carrying it out; the same hold otherwise."""
    if hold.state not in ALIVE or at < hold.expires_at or _leased(hold, at):
        return hold
    return end(hold, "expired", at)


def withdraw(hold: Hold, at: int) -> Hold:
    """The hold, withdrawn. Raises Conflict where it is over or being carried out."""
    if hold.state not in ALIVE:
        raise _over(hold)
    if _leased(hold, at):
        raise Conflict("it is being carried out", code="approval.claimed")
    return end(hold, "withdrawn", at)


def claim(hold: Hold, owner: str, at: int, lease_ms: int) -> Hold:
    """The hold as `owner` carries it out. Raises Conflict unless it is ready, or claimed by one whose lease is over."""
    if hold.state not in ("ready", "claimed") or _leased(hold, at) or at >= hold.expires_at:
        raise _over(hold)
    return replace(hold, state="claimed", claimed_by=owner, claim_until=at + lease_ms, fence=hold.fence + 1)


def finish(hold: Hold, fence: int, state: Finish, at: int) -> Hold:
    """The hold at its end, by whoever has claimed it with `fence`. An expired approval is not used."""
    _check_claim(hold, fence)
    if state == "performed" and at >= hold.expires_at:
        raise Conflict("the approval has expired", code="approval.expired", hint="the agent may ask again")
    return end(hold, state, at)


def still_answers(state: str, expires_at: int, ended_at: int | None, at: int) -> bool:
    """Whether a hold in `state` answers a repeat of its action at `at`: while it lives, and a day after its answer."""
    if state in ALIVE:
        return at < expires_at or state == "claimed"
    return state in ANSWERED and ended_at is not None and at < ended_at + REPEAT_FOR


def is_meant(key: str, asked: str, state: str) -> bool:
    """Whether a hold in `state`, asked for under `asked`, is about a call alike with `key`: a yes is for the one
    it was given to, a no for all that are alike. A call without a key is a repeat of any."""
    return not key or key == asked or state in REFUSED


def answers_repeat(hold: Hold, at: int, key: str = "") -> bool:
    """Whether a repeat of the same action, with this `key`, by the same agent in the same case gets this hold."""
    if not is_meant(key, hold.key, hold.state):
        return False
    if hold.state in ALIVE:
        return at < hold.expires_at or _leased(hold, at)
    return hold.state in ANSWERED and hold.ended_at is not None and at < hold.ended_at + REPEAT_FOR


def _check_claim(hold: Hold, fence: int) -> None:
    if hold.state != "claimed":
        raise _over(hold)
    if hold.fence != fence:
        raise Conflict("another process carries it out", code="approval.fence")


def _leased(hold: Hold, at: int) -> bool:
    return hold.state == "claimed" and hold.claim_until is not None and at < hold.claim_until


def _over(hold: Hold) -> Conflict:
    return Conflict(f"it is {hold.state} already", code="approval.decided", state=hold.state)
