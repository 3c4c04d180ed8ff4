"""What the expressions of a workflow may read, and of which types: a scope for each step. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from autonomy import expressions
from autonomy.expressions import ANY, Type, misfit, of_schema
from autonomy.expressions.types import kind_of, of_fields
from autonomy.kernel.errors import AutonomyError

from .model import ToolSpec
from .operations import input_of
from .organisation import Organisation, Revision, spec
from .problem import Problem, about, nearest
from .workflow import Step, Trigger, Value, WorkflowSpec
from .workflow_flow import Block, inner_blocks
from .yaml_text import inside

TEXT, WHOLE, NUMBER, TRUTH, TIME = (
    Type("string"),
    Type("integer"),
    Type("number"),
    Type("boolean"),
    Type("timestamp"),
)
RUN = of_fields(
    {"id": TEXT, "workflow": TEXT, "priority": TEXT, "started": WHOLE, "depth": WHOLE, "trigger": ANY},
)
MAX_INSIDE = 6  # workflows inside one another whose results are looked at


@dataclass(frozen=True)
class Scope:
    """What an expression sees: variables, the steps that may have been done, and those that surely have."""

    variables: Mapping[str, Type]
    steps: Mapping[str, Type]
    sure: frozenset[str]

    def all(self) -> dict[str, Type]:
        """Every variable with its type."""
        outputs = {name: of_fields({"output": kind}) for name, kind in self.steps.items()}
        return {**self.variables, "steps": of_fields(outputs, self.sure)}

    def with_variables(self, **kinds: Type) -> Scope:
        return replace(self, variables={**self.variables, **kinds})

    def with_step(self, name: str, kind: Type) -> Scope:
        return replace(self, steps={**self.steps, name: kind}, sure=self.sure | {name})


class Types:
    """The types of one workflow's steps by name (`outputs`), of the items of its loops by the name that expressions
    have for them (`items`), and every fault of its expressions (`problems`); all known after `read`.
    """

    def __init__(self, organisation: Organisation, revision: Revision, depth: int = 0) -> None:
        self.organisation = organisation
        self.revision = revision
        self.said = spec(revision, WorkflowSpec)
        self.problems: list[Problem] = []
        self.outputs: dict[str, Type] = {}
        self.items: dict[str, Type] = {}
        self._depth = depth
        self._names = frozenset(_names(self.said.steps))

    def read(self) -> Type:
        """The type of what a run comes to; every expression is looked at."""
        input = of_schema(self.said.input)
        start = Scope({"input": input, "run": RUN, "now": TIME}, {}, frozenset())
        if self.said.key is not None:
            self.expression(self.said.key, "spec.key", Scope({"input": input}, {}, frozenset()), TEXT)
        for index, trigger in enumerate(self.said.triggers):
            self._trigger(trigger, f"spec.triggers[{index}]", input)
        whole = Block("spec.steps", self.said.steps, dict(self.said.result), "spec.result")
        return self._block(whole, start)

    def expression(self, text: str, field: str, scope: Scope, wanted: Type = ANY) -> Type:
        """The type of one expression; ANY, and a problem, where it is wrong."""
        variables = scope.all()
        try:
            found = expressions.compile(text, variables, check=False)
            if self._unready(found.references, field, scope):
                return ANY
            kind = expressions.compile(text, variables).result
        except AutonomyError as error:
            self.say(field, error.message, error.hint)
            return ANY
        if reason := misfit(kind, wanted):
            self.say(field, f"does not come to what is wanted here: {reason}", "convert it, or take another value")
            return ANY
        return kind

    def value(self, value: Value, field: str, scope: Scope) -> Type:
        """The type of a value in which every text is an expression."""
        if isinstance(value, str):
            return self.expression(value, field, scope)
        if isinstance(value, dict):
            return of_fields({name: self.value(one, inside(field, name), scope) for name, one in value.items()})
        if isinstance(value, list):
            kinds = {self.value(one, f"{field}[{index}]", scope) for index, one in enumerate(value)}
            return Type("array", items=kinds.pop() if len(kinds) == 1 else ANY)
        return Type(kind_of(value))

    def say(self, field: str, message: str, hint: str = "") -> None:
        self.problems.append(about(self.revision, field, message, hint))

    def _unready(self, references: tuple[expressions.Reference, ...], field: str, scope: Scope) -> bool:
        """Whether the expression reads a step that does not come before, or may have been skipped."""
        asked = {
            one.path[1] for one in references if one.asked and one.path[0] == "steps" and one.path[2:] == ("output",)
        }
        read = dict.fromkeys(one.path[1] for one in references if one.path[0] == "steps" and len(one.path) > 1)
        absent = [name for name in read if name in self._names and name not in scope.steps]
        unsure = [name for name in read if name in scope.steps and name not in scope.sure and name not in asked]
        for name in absent:
            self.say(field, f"`{name}` is not a step that comes before", f"add `{name}` to `needs`")
        for name in unsure:
            hint = f"ask first: `has(steps.{name}.output) ? … : …`"
            self.say(field, f"`{name}` may not have been done, it can be skipped", hint)
        return bool(absent or unsure)

    def _trigger(self, trigger: Trigger, field: str, input: Type) -> None:
        scope = Scope({"trigger": ANY, "now": TIME}, {}, frozenset())
        if trigger.when is not None:
            self.expression(trigger.when, f"{field}.when", scope, TRUTH)
        given = {name: self.value(one, f"{field}.input.{name}", scope) for name, one in trigger.input.items()}
        self._fits(of_fields(given), input, f"{field}.input")

    def _block(self, block: Block, outside: Scope) -> Type:
        """Look at every step of the block, each after those it needs; the type of the block's result."""
        outputs: dict[str, Type] = {}
        for name in _in_order(block):
            before = block.before(name)
            steps = {**outside.steps, **{one: outputs.get(one, ANY) for one in before}}
            outputs[name] = self._step(block, name, replace(outside, steps=steps, sure=outside.sure | block.sure(name)))
        self.outputs |= outputs
        sure = frozenset(name for name in block.steps if block.never_skipped(name))
        return self.value(block.result, block.result_field, self._at_end(outside, outputs, sure))

    def _at_end(self, outside: Scope, outputs: Mapping[str, Type], sure: frozenset[str]) -> Scope:
        return replace(outside, steps={**outside.steps, **outputs}, sure=outside.sure | sure)

    def _step(self, block: Block, name: str, scope: Scope) -> Type:
        """Look at one step; the type of its output."""
        step, place = block.steps[name], block.place(name)
        if step.when is not None:
            self.expression(step.when, f"{place}.when", scope, TRUTH)
        output = self._kind(block, name, scope)
        if step.output is not None and step.kind not in ("emit", "cancel", "end"):
            output = of_schema(step.output)
        if step.compensate is not None:
            later = {one: kind for one, kind in scope.variables.items() if one != "previous"}  # rounds went on since
            undone = replace(scope, variables=later).with_step(name, output)
            at = f"{place}.compensate"
            if step.compensate.tool is not None:
                self._tool(step.compensate.tool, step.compensate.arguments, at, undone)
            elif step.compensate.task is not None:
                self._values(step.compensate.task.input, f"{at}.task.input", undone)
        return output

    def _kind(self, block: Block, name: str, scope: Scope) -> Type:
        step, place = block.steps[name], block.place(name)
        if step.tool is not None:
            return self._tool(step.tool, step.arguments, place, scope)
        if step.foreach is not None or step.choose is not None or step.repeat is not None:
            return self._structured(block, name, scope)
        if step.workflow is not None:
            return self._child(step, place, scope)
        self._words(step, place, scope)
        if step.agree is not None:
            return self._agreement(step, place, scope)
        if step.approval is not None:
            return of_fields({"approved": TRUTH, "by": TEXT, "reason": TEXT})
        if step.wait is not None:
            return of_fields({"by": TEXT, "data": ANY})
        return ANY

    def _words(self, step: Step, place: str, scope: Scope) -> None:
        """The expressions of the kinds that have no steps inside."""
        if step.decide is not None:
            self._values(step.arguments, f"{place}.arguments", scope)
        if step.task is not None:
            self._values(step.task.input, f"{place}.task.input", scope)
        if step.approval is not None:
            self._values(step.approval.show, f"{place}.approval.show", scope)
        if step.emit is not None:
            self._values(step.emit.data, f"{place}.emit.data", scope)
            self._optional(step.emit.key, f"{place}.emit.key", scope, TEXT)
        if step.end is not None:
            self.value(step.end.result, f"{place}.end.result", scope)
        if step.wait is not None:
            self._optional(step.wait.until, f"{place}.wait.until", scope, TIME)
            for event, said in step.wait.events.items():
                self._optional(said.key, f"{place}.wait.events.{event}.key", scope, TEXT)

    def _optional(self, text: str | None, field: str, scope: Scope, wanted: Type) -> None:
        if text is not None:
            self.expression(text, field, scope, wanted)

    def _values(self, values: Mapping[str, Value], field: str, scope: Scope) -> dict[str, Type]:
        return {name: self.value(one, f"{field}.{name}", scope) for name, one in values.items()}

    def _tool(self, name: str, arguments: Mapping[str, Value], place: str, scope: Scope) -> Type:
        given = self._values(arguments, f"{place}.arguments", scope)
        found = self.organisation.get("Tool", name)
        if found is None:
            return ANY
        try:
            taken = {"properties": {}, **input_of(self.organisation, found)}  # tools take what they declare, no more
            self._fits(of_fields(given), of_schema(taken), f"{place}.arguments")
        except AutonomyError:
            return ANY  # the tool itself is refused, with its place
        output = spec(found, ToolSpec).output
        return ANY if output is None else of_schema(output)

    def _child(self, step: Step, place: str, scope: Scope) -> Type:
        given = self._values(step.arguments, f"{place}.arguments", scope)
        assert step.workflow is not None
        found = self.organisation.get("Workflow", step.workflow.name)
        if found is None:
            return ANY
        self._fits(of_fields(given), of_schema(spec(found, WorkflowSpec).input), f"{place}.arguments")
        if step.workflow.detached or self._depth >= MAX_INSIDE:
            return ANY
        return Types(self.organisation, found, self._depth + 1).read()

    def _structured(self, block: Block, name: str, scope: Scope) -> Type:
        step, place = block.steps[name], block.place(name)
        inner = list(inner_blocks(block, name, step))
        if step.foreach is not None:
            items = self.expression(step.foreach.items, f"{place}.foreach.items", scope, Type("array", items=ANY))
            item = items.items or ANY
            self.items[step.foreach.item] = item if self.items.get(step.foreach.item, item) == item else ANY
            within = scope.with_variables(**{step.foreach.item: item, "index": WHOLE})
            return Type("array", items=self._block(inner[0], within))
        if step.repeat is not None:
            within = scope.with_variables(previous=ANY, round=WHOLE)
            result = self._block(inner[0], within)
            names = frozenset(step.repeat.steps)
            sure = frozenset(one for one in names if inner[0].never_skipped(one))
            self.expression(
                step.repeat.until,
                f"{place}.repeat.until",
                self._at_end(within, dict.fromkeys(names, ANY), sure),
                TRUTH,
            )
            return result
        assert step.choose is not None
        for branch, said in step.choose.branches.items():
            self.expression(said.when, f"{place}.choose.branches.{branch}.when", scope, TRUTH)
        results = {self._block(one, scope) for one in inner}
        return of_fields({"branch": TEXT, "result": results.pop() if len(results) == 1 else ANY})

    def _agreement(self, step: Step, place: str, scope: Scope) -> Type:
        assert step.agree is not None
        figures = {
            name: self.expression(text, f"{place}.agree.figures.{name}", scope)
            for name, text in step.agree.figures.items()
        }
        self.value(step.agree.within, f"{place}.agree.within", scope)
        kinds = {kind for kind in figures.values() if kind != ANY}
        if len(kinds) > 1 and not kinds <= {WHOLE, NUMBER}:
            told = " and ".join(sorted(f"`{kind}`" for kind in kinds))
            self.say(f"{place}.agree.figures", f"figures of different kinds never agree: {told}", "convert them first")
        return of_fields({"value": kinds.pop() if len(kinds) == 1 else ANY, "figures": of_fields(figures)})

    def _fits(self, given: Type, wanted: Type, field: str) -> None:
        """Whether arguments are known, complete and of their types."""
        if wanted.fields is None:
            return
        for name, kind in given.members.items():
            if name not in wanted.members:
                self.say(inside(field, name), f"there is no argument `{name}`", nearest(name, wanted.members))
            elif reason := misfit(kind, wanted.members[name]):
                self.say(inside(field, name), f"does not fit: {reason}", "convert it, or take another value")
        for name in sorted(wanted.required - given.members.keys()):
            self.say(field, f"`{name}` is missing", f"write `{name}: …`")


def _in_order(block: Block) -> Iterator[str]:
    """The steps, each after those it needs; steps in a circle last."""
    done: set[str] = set()
    waiting = list(block.steps)
    while waiting:
        ready = [name for name in waiting if done.issuperset(block.known_needs(name))]
        yield from ready or waiting
        done.update(ready or waiting)
        waiting = [name for name in waiting if name not in done]


def _names(steps: Mapping[str, Step]) -> Iterator[str]:
    for name, step in steps.items():
        yield name
        for inner in inner_blocks(Block("", {name: step}), name, step):
            yield from _names(inner.steps)
