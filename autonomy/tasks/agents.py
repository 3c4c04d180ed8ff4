"""Tasks as agents see them, whatever wire they speak: they show a credential, and words; they hear JSON."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from autonomy.gate import Admission
from autonomy.kernel.canonical import MAX_SAFE_INTEGER, Json
from autonomy.kernel.errors import Invalid, NotFound

from .service import MAX_WAIT_S, Tasks, Word, actor_of
from .shown import shown, status

Said = Mapping[str, Json]
_Do = Callable[[Word, Said], Awaitable[dict[str, Json]]]

_CLAIM = frozenset({"claim"})
WORDS: Mapping[str, frozenset[str]] = {
    "heartbeat": _CLAIM | {"text", "data", "question", "lease"},
    "complete": _CLAIM | {"output"},
    "hand_off": _CLAIM | {"role", "agent", "text", "data", "question"},
    "escalate": _CLAIM | {"reason", "data", "question"},
    "refuse": _CLAIM | {"reason"},
}
"""What whoever has a task can say, and the fields of each."""


class AgentTasks:
    """The desk at which agents ask for work and bring it back. Every call admits its caller anew."""

    def __init__(self, tasks: Tasks, admission: Admission) -> None:
        self._tasks = tasks
        self._admission = admission
        self._verbs: Mapping[str, _Do] = {
            "heartbeat": self._heartbeat,
            "complete": self._complete,
            "hand_off": self._hand_off,
            "escalate": self._escalate,
            "refuse": self._refuse,
        }

    async def next(self, bearer: str, said: Said) -> dict[str, Json]:
        """`{"task": …}` with the next task, claimed; `{"task": null}` where there was none within `wait` seconds."""
        caller = await self._admission.admit(bearer)
        _check_fields(said, frozenset({"wait", "lease"}))
        wait, lease = _number(said, "wait", MAX_WAIT_S), _number(said, "lease", None)
        held = await self._tasks.next(caller, MAX_WAIT_S if wait is None else wait, lease)
        return {"task": None if held is None else shown(held)}

    async def look(self, bearer: str, task: str) -> dict[str, Json]:
        """A task that the caller has or had to its end. Raises NotFound for any other."""
        caller = await self._admission.admit(bearer)
        return shown(await self._tasks.show_holder(task, actor_of(caller)))

    async def say(self, bearer: str, verb: str, task: str, said: Said) -> dict[str, Json]:
        """Do `verb`, one of WORDS, to a task that the caller has under the `claim` it says.

        Raises NotFound, Conflict (`task.lost`), Invalid (`task.field`, …), Forbidden.
        """
        caller = await self._admission.admit(bearer)
        do = self._verbs.get(verb)
        if do is None:
            raise NotFound("there is nothing at this path", code="route.unknown")
        _check_fields(said, WORDS[verb])
        claim = _number(said, "claim", None)
        if claim is None:
            raise Invalid("`claim` is missing", code="task.field", hint="say the `claim` that came with the task")
        return await do(Word(task, actor_of(caller), claim), said)

    async def _heartbeat(self, word: Word, said: Said) -> dict[str, Json]:
        text, question = _text(said, "text"), _text(said, "question")
        lease = _number(said, "lease", None)
        return status(await self._tasks.beat(word, text, said.get("data"), question, lease))

    async def _complete(self, word: Word, said: Said) -> dict[str, Json]:
        moved, breach = await self._tasks.complete(word, said.get("output"))
        return status(moved) | ({"breach": breach} if breach else {})

    async def _hand_off(self, word: Word, said: Said) -> dict[str, Json]:
        role, agent = _text(said, "role") or None, _text(said, "agent") or None
        text, question = _text(said, "text"), _text(said, "question")
        return status(await self._tasks.hand_off(word, role, agent, text, said.get("data"), question))

    async def _escalate(self, word: Word, said: Said) -> dict[str, Json]:
        moved = await self._tasks.escalate(word, _text(said, "reason"), said.get("data"), _text(said, "question"))
        return status(moved)

    async def _refuse(self, word: Word, said: Said) -> dict[str, Json]:
        return status(await self._tasks.refuse(word, _text(said, "reason")))


def _check_fields(said: Said, known: frozenset[str]) -> None:
    for name in said:
        if name not in known:
            raise Invalid(f"there is no field `{name[:80]}`", code="task.field", hint=f"use {', '.join(sorted(known))}")


def _text(said: Said, name: str) -> str:
    found: Any = said.get(name)
    if found is None:
        return ""
    if not isinstance(found, str):
        raise Invalid(f"`{name}` is not a text", code="task.field")
    return found


def _number(said: Said, name: str, otherwise: int | None) -> int | None:
    found: Any = said.get(name)
    if found is None:
        return otherwise
    if type(found) is not int or not 0 <= found <= MAX_SAFE_INTEGER:
        raise Invalid(f"`{name}` is not a whole number from 0", code="task.field")
    return found
