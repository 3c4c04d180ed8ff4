"""Who may not decide a checkpoint lets it be passed in no other way either: not by what they say that its step came to,
nor a step around it, nor the run inside that asks, nor by skipping what it comes after.

What counts is where checkpoints are in the wording, whatever of them has been asked about: a way that was not taken, an
item that was not begun and a round that was not the first hold theirs too.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import suppress

from autonomy.gate import Watch
from autonomy.kernel.errors import Corrupt, Forbidden, NotFound

from . import paths
from .damage import FOR_EVER
from .definition import ROOT, ApprovalWork, ChildWork, Definition, Step
from .definitions import Definitions
from .desk import Desk, Known
from .events import Chosen
from .model import RaiseException
from .questions import barred


class Passing:
    """Looks at runs, and at those inside them."""

    def __init__(self, desk: Desk, definitions: Definitions, watch: Watch) -> None:
        self._desk = desk
        self._definitions = definitions
        self._watch = watch

    async def check(self, run: str, asked: RaiseException, event: Chosen) -> None:
        """Raise Forbidden (`approval.own`) where a person behind the run chooses that steps go on past a checkpoint."""
        instead = event.choice in ("edit", "skip") or (event.choice == "retry" and event.arguments is not None)
        if not instead or not (asked.path or event.choice == "edit"):
            return
        known = await self._desk.look(run)
        found = self._barred(known, asked.path, event.choice == "skip") if asked.path else self._barred_beyond(known)
        if event.by.removeprefix("person:") in await found:
            raise Forbidden(
                "you are behind this run, so another person must decide its checkpoint",
                code="approval.own",
                hint="ask somebody else with the role to decide, or retry the step as it is",
            )

    async def _barred(self, known: Known, path: str, skips: bool) -> set[str]:
        """Who decides none of the checkpoints that the steps go on past."""
        definition, name = await self._pinned(known), paths.split(path)[1]
        if definition is None:
            return set(barred(known))  # nobody knows whether there was a checkpoint
        found: set[str] = set()
        for step in _passed_over(definition, name, skips):
            work = definition.steps[step].work
            if isinstance(work, ApprovalWork):
                found.update(barred(known))
            elif isinstance(work, ChildWork) and not work.detached:
                found |= await self._barred_inside(known, path, step, work)
        return found

    async def _barred_beyond(self, known: Known) -> set[str]:
        """The same of what a run comes to, with which the one around it goes on."""
        return set() if known.parent is None or await self._is_passed(known) else set(barred(known))

    async def _barred_inside(self, known: Known, path: str, step: str, work: ChildWork) -> set[str]:
        """The same of runs inside, unless others have let all of their checkpoints pass."""
        begun = [child async for child in self._begun(known, path, step)]
        is_all = len(begun) == 1 and step == paths.split(path)[1]
        found = set() if is_all or not await self._asks(work, set()) else set(barred(known))
        for child in begun:
            if not await self._is_passed(child):
                found |= {*barred(known), *barred(child)}
        return found

    async def _pinned(self, known: Known) -> Definition | None:
        """The wording of a run; None where it is lost for ever."""
        try:
            return await self._definitions.pinned(known.state.digest)
        except Corrupt as error:
            if error.code not in FOR_EVER:
                raise
            return None

    async def _begun(self, known: Known, path: str, step: str) -> AsyncIterator[Known]:
        """The runs that `step`, at `path` or inside it, is now; not those that were tidied away. Of the whole run where
        `path` is empty."""
        for one, found in known.state.steps.items():
            if paths.split(one)[1] == step and (not path or one == path or one.startswith(f"{path}[")):
                with suppress(NotFound):
                    yield await self._desk.look(
                        paths.derived("run", paths.command(known.state.run, one, found.attempt))
                    )

    async def _is_passed(self, child: Known) -> bool:
        """Whether the run asked nobody, or all it asks about was allowed, as far as it can still be told: of a block
        it is forgotten."""
        definition = await self._pinned(child)
        if definition is None:
            return False
        for name, step in definition.steps.items():
            if isinstance(step.work, ChildWork) and not step.work.detached:
                if not await self._are_passed(child, step, step.work):
                    return False
            elif isinstance(step.work, ApprovalWork) and not (step.block == ROOT and _was_allowed(child, name)):
                return False
        return True

    async def _are_passed(self, known: Known, step: Step, work: ChildWork) -> bool:
        """The same of the runs that a step of the run has begun, and those it may begin yet."""
        begun = [child async for child in self._begun(known, "", step.id)]
        if not all([await self._is_passed(child) for child in begun]):
            return False
        return (len(begun) == 1 and step.block == ROOT) or not await self._asks(work, set())

    async def _asks(self, work: ChildWork, seen: set[str]) -> bool:
        """Whether the workflow, as it is declared now, holds a checkpoint or a run inside that does; also where nobody
        knows. `seen` are those looked at already."""
        if work.workflow in seen:
            return False
        seen.add(work.workflow)
        if work.definition is not None:
            return True
        organisation = (await self._watch.house()).organisation
        try:
            definition = await self._definitions.wording(organisation, work.workflow)
        except NotFound:
            return True
        works = [step.work for step in definition.steps.values()]
        if any(isinstance(one, ApprovalWork) for one in works):
            return True
        inside = [one for one in works if isinstance(one, ChildWork) and not one.detached]
        return any([await self._asks(one, seen) for one in inside])


def _was_allowed(child: Known, step: str) -> bool:
    found = child.state.steps.get(step)
    output = found.output if found is not None and found.state == "done" else None
    return isinstance(output, dict) and output.get("approved") is True


def _passed_over(definition: Definition, name: str, skips: bool) -> Iterator[str]:
    """The step, all inside it, and where it is skipped all that may be skipped with it."""
    passed, queue = {name}, [name]
    while queue:
        step = queue.pop()
        yield step
        inside = [one for block in definition.blocks.values() if block.owner == step for one in block.steps]
        after = definition.steps[step].followers if skips else ()
        for one in {*inside, *after} - passed:
            passed.add(one)
            queue.append(one)
