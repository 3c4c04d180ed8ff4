"""Who may not decide a checkpoint lets it be passed in no other way either: not by what they say that its step came to,
nor a step around it, nor the run inside that asks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from autonomy.kernel.errors import Corrupt, Forbidden, NotFound

from . import paths
from .damage import FOR_EVER
from .definition import ApprovalWork, ChildWork, Definition
from .definitions import Definitions
from .desk import Desk, Known
from .events import Chosen
from .model import RaiseException, State, StepState
from .questions import barred


class Passing:
    """Looks at runs, and at those inside them."""

    def __init__(self, desk: Desk, definitions: Definitions) -> None:
        self._desk = desk
        self._definitions = definitions

    async def check(self, run: str, asked: RaiseException, event: Chosen) -> None:
        """Raise Forbidden (`approval.own`) where a person chooses that steps go on past a checkpoint that nobody else
        has let pass."""
        if not asked.path or event.choice not in ("edit", "skip"):
            return
        if event.by.removeprefix("person:") in await self._barred(await self._desk.look(run), asked.path):
            raise Forbidden(
                "you are behind this run, so another person must decide its checkpoint",
                code="approval.own",
                hint="ask somebody else with the role to decide, or retry the step",
            )

    async def _barred(self, known: Known, path: str) -> set[str]:
        """Who decides none of the checkpoints that are still to be passed at `path`, or anywhere where it is empty."""
        try:
            definition = await self._definitions.pinned(known.state.digest)
        except Corrupt as error:
            if error.code not in FOR_EVER:
                raise
            return set(barred(known))  # nobody knows whether there was a checkpoint
        found = set(barred(known)) if _is_to_be_passed(definition, known.state, path) else set()
        for command in _begun(definition, known.state, path):
            with suppress(NotFound):  # it was never begun, or ended so long ago that it was tidied away
                found |= await self._barred(await self._desk.look(paths.derived("run", command)), "")
        return found


def _is_to_be_passed(definition: Definition, state: State, path: str) -> bool:
    """Whether a checkpoint at `path` has not been passed: one that was asked about, or where none was, any."""
    asked = [found for one, found in _at(state, path) if isinstance(_work(definition, one), ApprovalWork)]
    if asked:
        return any(found.state != "done" for found in asked)
    return _holds_checkpoint(definition, paths.split(path)[1])


def _holds_checkpoint(definition: Definition, step: str) -> bool:
    """Whether the step is a checkpoint, or one is inside it; of the whole workflow where `step` is empty."""
    if not step:
        return any(isinstance(one.work, ApprovalWork) for one in definition.steps.values())
    if isinstance(definition.steps[step].work, ApprovalWork):
        return True
    inside = [block for block in definition.blocks.values() if block.owner == step]
    return any(_holds_checkpoint(definition, one) for block in inside for one in block.steps)


def _begun(definition: Definition, state: State, path: str) -> Iterator[str]:
    """The commands by which steps at `path` began the runs that they are now."""
    for one, found in _at(state, path):
        if isinstance(_work(definition, one), ChildWork):
            yield paths.command(state.run, one, found.attempt)


def _at(state: State, path: str) -> Iterator[tuple[str, StepState]]:
    """The step at `path` and all inside it; every step where it is empty."""
    return ((one, found) for one, found in state.steps.items() if not path or one == path or one.startswith(f"{path}["))


def _work(definition: Definition, path: str) -> object:
    return definition.steps[paths.split(path)[1]].work
