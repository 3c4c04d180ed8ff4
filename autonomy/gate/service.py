"""The door. Whatever an agent does to the world passes `Gate.perform`; nothing else leads to a connector.

admit → describe → decide → reserve and record the intent → perform → settle and record the outcome
                      ├─ deny   (the rule, the reason, what would be needed)
                      └─ hold   (people are asked; the caller gets a handle, never a blocked connection)
"""

from __future__ import annotations

import asyncio
from functools import partial

from msgspec.structs import replace

from autonomy.approvals import Claim
from autonomy.approvals.rules import ALIVE
from autonomy.db import CommitQueue
from autonomy.identity import Identity
from autonomy.kernel import clock
from autonomy.kernel.clock import Clock
from autonomy.kernel.errors import Conflict, NotFound
from autonomy.kernel.ids import new_id
from autonomy.policy import Verdict
from autonomy.tools import Tool

from .abandoned import Abandoned
from .admission import Admission, Knock
from .describe import Describer
from .effect import Effects
from .endings import Endings
from .epochs import Watch
from .figures import DoorFigures, about
from .holding import Holding
from .judging import Cleared, Judged, errand_of
from .leaves import denial_leaf, intent_leaf
from .lifeline import Lifeline
from .model import Action, Attempt, Denied, Papers, Reply, Request
from .refusals import PASSING, Refusals
from .results import Results, hold_reply, notices, plan_reply, repeat_key
from .rows import action_row
from .seen import Seen
from .timing import in_step
from .turnstile import Turnstile
from .units import (
    ANY_EPOCHS,
    Answer,
    ClaimLost,
    Committed,
    Denial,
    Drift,
    HoldClaim,
    Intent,
    Moved,
    OverBudget,
    RecordBusy,
    RecordMoved,
    Repeat,
)

MOVES = 8  # decisions that the epochs overtook before the door stays shut: many may be taken on at once
ROUNDS = 12  # decisions in all; windows, labels and records of a busy moment are looked at again more often


class Gate:
    """The one door of a process."""

    def __init__(
        self,
        *,
        queue: CommitQueue,
        watch: Watch,
        identity: Identity,
        admission: Admission,
        describer: Describer,
        holding: Holding,
        effects: Effects,
        endings: Endings,
        results: Results,
        lifeline: Lifeline,
        figures: DoorFigures,
        seen: Seen,
        clock: Clock = clock.now,
    ) -> None:
        self._queue = queue
        self._watch = watch
        self._identity = identity
        self.admission = admission
        self._describer = describer
        self._holding = holding
        self._effects = effects
        self._results = results
        self._lifeline = lifeline
        self.figures = figures
        self._seen = seen
        self._clock = clock
        self._refusals = Refusals(clock)
        self._abandoned = Abandoned(endings, clock)
        self._turnstile = Turnstile()

    async def perform(self, bearer: str, request: Request) -> Reply:
        """Do what an agent asks, or say why not. A refusal is a reply; errors are raised for bad credentials (not
        leafed), reused keys, and a store that does not answer."""
        return await self._pass(partial(self._identity.admit, bearer), request)

    async def employ(self, agent: str, request: Request, first: bool = False, person: str = "") -> Reply:
        """Do what a run of a workflow, or a `person`, asks of an agent that is named, under the rules of that agent.

        For those who run workflows or let people ask: no protocol leads here. Raises as `perform`. `first` says that
        the key is new, so that nobody has to look for an earlier call before the intent's own transaction does.
        """
        return await self._pass(partial(self._identity.employ, agent, person), request, first)

    async def _pass(self, knock: Knock, request: Request, first: bool = False) -> Reply:
        with self.figures.passing(request.tool) as passing:
            return passing.ended(await self._carry_out(await self._turnstile.decide(self._ask(knock, request, first))))

    async def _ask(self, knock: Knock, request: Request, first: bool) -> Reply | Cleared:
        arguments = request.check()
        admitted_at = self._watch.identity
        with self.figures.step("admit"):
            caller = await self.admission.let_in(knock)
        if request.key and not first and (earlier := await self._results.repeated(caller, request.key)):
            await self._results.check_same(caller, earlier.action, request)
            return earlier
        house, at = await self._watch.house(), self._clock()
        identity = self._watch.identity
        if identity != admitted_at:
            # Admitted at the very epoch the attempt is decided under: what was awaited since has moved it.
            caller = knock(identity)
        case = request.case or f"{caller.name}/{clock.day(at)}"
        attempt = Attempt(new_id("act", at), at, knock, caller, request, case, house, identity, arguments)
        return await self._decide_in_rounds(attempt)

    async def _carry_out(self, decided: Reply | Cleared) -> Reply:
        return (
            decided if isinstance(decided, Reply) else await self._effects.carry_out(errand_of(decided, self._clock()))
        )

    async def resume(self, claim: Claim) -> Reply:
        """Decide an approved action again, by what its agent is and what the facts are now, and perform it."""
        with self.figures.passing() as passing:
            return passing.ended(await self._carry_out(await self._turnstile.decide(self._resume(claim))))

    async def _resume(self, claim: Claim) -> Reply | Cleared:
        waiting = await self._results.waiting(claim.action)
        if waiting.arguments is None:
            raise NotFound("its arguments were erased", code="approval.erased")
        admit = partial(self._identity.readmit, waiting.chain, waiting.delegations, waiting.credential)
        await self._watch.refresh()
        house, at = await self._watch.house(), self._clock()
        attempt = Attempt(
            claim.action,
            at,
            admit,
            admit(self._watch.identity),
            waiting.request,
            waiting.request.case,
            house,
            self._watch.identity,
            waiting.arguments,
            hold=HoldClaim(claim.action, claim.fence, at),
            bound=waiting.bind,
        )
        return await self._decide_in_rounds(attempt)

    async def rehearse(self, attempt: Attempt) -> Reply:
        """What would come of an attempt that is a dry run, which clears nothing."""
        return await self._carry_out(await self._turnstile.decide(self._decide_in_rounds(attempt)))

    async def tools(self, bearer: str) -> list[Tool]:
        """The tools the caller may see, at the epochs in force now."""
        return await self._turnstile.decide(self._tools(bearer))

    async def _tools(self, bearer: str) -> list[Tool]:
        caller = await self.admission.admit(bearer)
        await self._watch.refresh()
        return (await self._watch.house()).tools_of(caller)

    async def result(self, bearer: str, action_id: str) -> Reply:
        """What became of one of the caller's actions."""
        return await self._turnstile.decide(self._result(bearer, action_id))

    async def _result(self, bearer: str, action_id: str) -> Reply:
        return await self._results.of(await self.admission.admit(bearer), action_id)

    async def _decide_in_rounds(self, attempt: Attempt) -> Reply | Cleared:
        about(attempt)
        try:
            for _ in range(ROUNDS):
                try:
                    decided = await self._decide(attempt)
                except Denied as denied:
                    decided = await self._refuse(attempt, denied)
                if decided is not None:
                    return decided
                if attempt.moves >= MOVES:
                    break
            return await self._give_up(attempt)
        finally:
            attempt.described = None  # the two name each other, and only the collector would find them

    async def _give_up(self, attempt: Attempt) -> Reply:
        refusal = Denied("policy.unsettled", "what is declared changes faster than it can be decided under")
        refused = await self._refuse(attempt, refusal, at_any_epoch=True)
        assert refused is not None  # a denial that counts at any epoch is never told that the epochs moved
        return refused

    async def _decide(self, attempt: Attempt) -> Reply | Cleared | None:
        """One round; None where what it rested on has moved."""
        attempt.described = None
        if attempt.hold is not None:
            await self._holding.count(attempt)
        with self.figures.step("describe"):
            action = attempt.described = await self._describer.describe(attempt)
        if attempt.hold is not None and action.bind != attempt.bound:
            raise Denied("approval.other_action", "what was approved is not what would be done now; ask again")
        verdict = await self._verdict(action)
        # An intent's own transaction looks; a refusal and a dry run have none.
        if (verdict.effect != "allow" or attempt.request.dry_run) and await self._guessed_wrong(action):
            return None
        if verdict.effect == "deny":
            return await self._deny(action, verdict)
        if attempt.request.dry_run:
            return await self._plan(action, verdict)
        if verdict.effect == "allow":
            return await self._intend(action, verdict)
        return await self._hold(action, verdict)

    async def _verdict(self, action: Action) -> Verdict:
        """What the rules say; who is not alone keeps step with the others."""
        if self._turnstile.is_crowded:
            await in_step()
        with self.figures.step("decide"):
            verdict = action.attempt.house.bundle.decide(action.question())
        self.figures.decisions.add(verdict.effect)
        if self._turnstile.is_crowded:
            await in_step()
        return verdict

    async def _deny(self, action: Action, verdict: Verdict) -> Reply:
        """Refuse what the rules refuse, unless people have answered this very call already: then it was done once."""
        attempt = action.attempt
        answered = None if attempt.hold or attempt.request.dry_run else await self._holding.answered(action)
        if answered is None:
            raise Denied("policy.denied", "; ".join(verdict.reasons), verdict)
        return await self._results.of(attempt.caller, answered)

    async def _hold(self, action: Action, verdict: Verdict) -> Reply | None:
        """Ask people. A repeat of an action they were asked about hears what became of that one."""
        attempt = action.attempt
        if attempt.hold is not None:
            return await self._ask_again(action)
        held = await self._holding.hold(action, verdict)
        match held:
            case None:
                await self._renew(attempt)
                return None
            case Repeat(action_id, same):
                return await self._repeat(attempt, action_id, same)
        if held.state in ALIVE:
            return hold_reply(held, notices(verdict))
        return await self._results.of(attempt.caller, held.action)

    async def _ask_again(self, action: Action) -> Reply:
        """What was approved would now need more: everybody is asked again, for what they said before is void."""
        question = replace(action.question(), approvals=frozenset())
        verdict = action.attempt.house.bundle.decide(question)
        if verdict.effect == "deny":
            raise Denied("policy.denied", "; ".join(verdict.reasons), verdict)
        return hold_reply(await self._holding.ask_again(action, verdict), notices(verdict))

    async def _plan(self, action: Action, verdict: Verdict) -> Reply:
        """What would come of it, budgets included."""
        refusal = await self._describer.no_room(action) if verdict.effect == "allow" else None
        if refusal is not None:
            raise self._refusals.over_budget(refusal, action.attempt.house.organisation.currency.base)
        return plan_reply(action, verdict)

    async def _guessed_wrong(self, action: Action) -> bool:
        """A refusal rests on what is true, not on what was taken for granted; look, and decide again if they differ."""
        attempt = action.attempt
        if attempt.drift is not None:
            return False
        attempt.drift = await self._describer.truth(action)
        return attempt.drift != action.granted

    async def _intend(self, action: Action, verdict: Verdict) -> Reply | Cleared | None:
        await self._lifeline.fresh()
        unit = self._intent(action, verdict, judged := Judged(action, verdict))
        written = self._queue.submit(unit, partial(self._abandoned.told, action, verdict))
        with self.figures.step("intent"):
            try:
                answer: Answer = await written
            except asyncio.CancelledError:
                self._abandoned.left(action, verdict, written)
                raise
        if isinstance(answer, Committed):
            self._seen.note(action.attempt.case, judged.action.labels)
            return Cleared(judged.action, judged.verdict, answer.warned)
        return await self._adapt(action, answer)

    async def _adapt(self, action: Action, answer: Answer) -> Reply | None:
        """What to make of an intent that was not written: decide again, or say why not."""
        attempt = action.attempt
        match answer:
            case Moved():
                await self._renew(attempt)
            case Drift():
                attempt.drift = answer
            case RecordMoved():
                attempt.drift = None
            case OverBudget(refusal):
                raise self._refusals.over_budget(refusal, attempt.house.organisation.currency.base)
            case RecordBusy():
                raise self._refusals.record_busy(attempt)
            case Repeat(action_id, same):
                return await self._repeat(attempt, action_id, same)
            case ClaimLost():
                raise Conflict("the approval was used or taken over", code="approval.lost")
        return None

    async def _repeat(self, attempt: Attempt, action_id: str, same: bool) -> Reply:
        if not same:  # bound otherwise: be it other words, or the same under a new key of a subject that was erased
            await self._results.check_same(attempt.caller, action_id, attempt.request)
        return await self._results.unless_in_flight(attempt.caller, action_id)

    async def _renew(self, attempt: Attempt) -> None:
        """Begin again under the epochs in force: who knocks is admitted anew, what is declared is read anew."""
        attempt.moves += 1
        await self._watch.refresh()
        attempt.house, attempt.identity = await self._watch.house(), self._watch.identity
        attempt.caller = attempt.admit(attempt.identity)

    async def _is_stale(self, attempt: Attempt) -> bool:
        """Whether the epochs have moved since the attempt was decided; looks in the store."""
        await self._watch.refresh()
        return (attempt.house.epoch, attempt.identity) != ((await self._watch.house()).epoch, self._watch.identity)

    async def _refuse(self, attempt: Attempt, refusal: Denied, at_any_epoch: bool = False) -> Reply | None:
        """Record a refusal; None where the epochs moved, for then it may be none. Of what people allowed, one that may
        pass is none yet: it is tried again."""
        if attempt.request.dry_run:
            return self._refusals.reply(attempt, refusal, action="")
        if attempt.hold is not None and refusal.code in PASSING:
            return self._refusals.reply(attempt, refusal, attempt.id)
        if earlier := self._refusals.earlier(attempt, refusal):
            if await self._is_stale(attempt):
                await self._renew(attempt)
                return None
            return self._refusals.reply(attempt, refusal, earlier)
        papers = await self._refusal_papers(attempt, refusal)
        epochs = ANY_EPOCHS if at_any_epoch else (attempt.house.epoch, attempt.identity)
        leaf = denial_leaf(attempt, refusal, papers)
        answer: Answer = await self._queue.submit(Denial(*epochs, leaf, tuple(papers.rows)))
        if isinstance(answer, Moved):
            await self._renew(attempt)
            return None
        self._refusals.remember(attempt, refusal)
        return self._refusals.reply(attempt, refusal, attempt.id)

    async def _refusal_papers(self, attempt: Attempt, refusal: Denied) -> Papers:
        """What is sealed about a refusal: what was asked, what was looked up, and words that are not the rules' own."""
        tool = attempt.house.registry.tools.get(attempt.request.tool)
        described = attempt.described
        papers = described.papers if described else await self._describer.papers(attempt, tool)
        if refusal.verdict is None:
            papers.seal(papers.part("message"), refusal.message.encode(errors="replace"))
        return papers

    def _intent(self, action: Action, verdict: Verdict, judged: Judged) -> Intent:
        attempt = action.attempt
        return Intent(
            action=action.id,
            row=action_row(action, "intent", self._lifeline.owner),
            catalog=attempt.house.epoch,
            identity=attempt.identity,
            agent=attempt.caller.agent_id,
            case=attempt.case,
            bind=action.bind,
            repeat_key=repeat_key(attempt.caller, attempt.request.key) if attempt.request.key else None,
            charges=action.charges,
            windows=action.windows,
            assumed=action.granted,
            bearing=attempt.bearing,
            record=action.record,
            hold=attempt.hold,
            leaf=intent_leaf(action, verdict),
            payloads=tuple(action.papers.rows),
            rejudge=judged.again,
        )
