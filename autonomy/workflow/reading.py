"""What expressions see at a place in a run: input, outputs of steps, the item and round they are inside of. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autonomy.kernel.canonical import Json
from autonomy.kernel.errors import Invalid

from . import paths
from .definition import Definition, RepeatWork
from .model import Items, Round, State
from .prepared import Prepared

DONE = frozenset({"done", "undoing", "undone"})


class Reading:
    """Evaluates expressions and values for steps with one prefix, at one moment."""

    def __init__(self, prepared: Prepared, state: State, at: int, prefix: str) -> None:
        self._prepared = prepared
        self._definition: Definition = prepared.definition
        self._state = state
        self._at = at
        self._prefix = prefix

    def expression(self, text: str) -> Json:
        """The result of one expression. Raises Invalid or TooLarge (`expression.*`)."""
        found = self._prepared.expression(text)
        values: dict[str, Json] = {}
        for reference in found.references:
            name = reference.path[0]
            if name == "steps":
                if len(reference.path) > 1:
                    self._add_step(values.setdefault("steps", {}), reference.path[1])
                else:
                    values["steps"] = self._all_steps()
            elif name not in values:
                self._add(values, name)
        return found.evaluate(values)

    def value(self, value: Json) -> Json:
        """A value with every text in it evaluated. Raises like `expression`."""
        if isinstance(value, str):
            return self.expression(value)
        if isinstance(value, Mapping):
            return {name: self.value(one) for name, one in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(one) for one in value]
        return value

    def _add_step(self, steps: dict[str, Any], name: str) -> None:
        """The output of the nearest step of this name, looked for from the inside out.

        A step that is not done is there without an output, so that `has(steps.NAME.output)` is false for it.
        """
        steps[name] = {}
        prefix = self._prefix
        while True:
            found = self._state.steps.get(prefix + name)
            if found is not None and found.state in DONE:
                steps[name] = {"output": found.output}
            if found is not None or not prefix:
                return
            prefix = paths.split(paths.owner(prefix))[0]

    def _all_steps(self) -> dict[str, Any]:
        steps: dict[str, Any] = {}
        for name in self._definition.steps:
            self._add_step(steps, name)
        return steps

    def _add(self, values: dict[str, Json], name: str) -> None:
        state = self._state
        if name == "input":
            values[name] = state.input
        elif name == "now":
            values[name] = self._at
        elif name == "run":
            values[name] = {
                "id": state.run,
                "workflow": state.workflow,
                "priority": state.priority,
                "started": state.started,
                "depth": state.depth,
                "trigger": state.trigger,
            }
        else:
            self._add_loop(values, name)

    def _add_loop(self, values: dict[str, Json], name: str) -> None:
        """The item, the index, the round or what the round before came to."""
        prefix = self._prefix
        while prefix:
            owner = paths.owner(prefix)
            prefix, step = paths.split(owner)
            loop = self._state.steps[owner].loop
            if self._prepared.items.get(step) == name:
                values[name] = self._item(owner, loop)
                return
            if name == "index" and step in self._prepared.items:
                values[name] = int(paths.key(self._inside(owner)))
                return
            if name in ("previous", "round") and isinstance(self._definition.steps[step].work, RepeatWork):
                values[name] = _previous(loop) if name == "previous" else int(paths.key(self._inside(owner)))
                return

    def _item(self, owner: str, loop: Items | Round | None) -> Json:
        """The item of this place, of the attempt that it belongs to. Raises Invalid where that is not remembered."""
        inside = self._inside(owner)
        number, of = int(paths.key(inside)), paths.attempt(inside)
        assert isinstance(loop, Items)  # its steps have begun
        items = loop.items if of == loop.of else loop.earlier.get(of, [])
        if number >= len(items):
            raise Invalid("the items of an earlier attempt are not known any more", code="expression.missing")
        return items[number]

    def _inside(self, owner: str) -> str:
        """The prefix, on the way to this place, of the steps inside `owner`."""
        return self._prefix[: self._prefix.index("/", len(owner)) + 1]


def _previous(loop: Items | Round | None) -> Json:
    if not isinstance(loop, Round):
        raise Invalid("what the round before came to is not known any more", code="expression.missing")
    return loop.previous
