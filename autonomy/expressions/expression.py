"""Compiling and evaluating: the engine is Google's CEL in C++ (`cel-expr-python`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from autonomy.kernel.canonical import Json, check_text
from autonomy.kernel.errors import AutonomyError, Invalid, TooLarge

from . import faults
from .cost import MAX_LOOPS_INSIDE, MAX_WORK, loops_inside, worst
from .syntax import Node, Reference, Tree, grows, path, read, references, start, type_of, walk
from .types import ANY, Type
from .values import Intake, Outcome, Trie, at, trie

MAX_TEXT = 4_000  # characters; a longer rule belongs into a decision table

_ENGINE_FAULTS = (RuntimeError, ValueError, TypeError, OverflowError, KeyError)
"""What the binding raises where the engine refuses something."""

_PLAIN = (bool, int, float, str)
_JSON = (*_PLAIN, list, dict)


@dataclass(frozen=True, slots=True, eq=False)
class Expression:
    """A compiled expression: its text, the type of its result, and every value it reads."""

    text: str
    result: Type
    references: tuple[Reference, ...]
    tree: Tree = field(repr=False)
    _run: Any = field(repr=False)
    _reads: Trie = field(repr=False)
    _places: Mapping[str, int] = field(repr=False)
    _loops: bool = field(repr=False)
    _lists: tuple[tuple[str, ...], ...] = field(repr=False)
    _alone: tuple[str, ...] = field(repr=False)
    """The path, where the expression is nothing but a value that it reads."""
    _fixed: tuple[Json, ...] = field(repr=False)
    """The result, where it is the same whatever the values are."""

    def evaluate(self, values: Mapping[str, Json]) -> Json:
        """The result for these values of the variables; only those it reads need to be there.

        Raises Invalid: `expression.missing` where a value it reads is absent, `expression.failed` where it cannot be
        computed (a division by zero, kinds that do not go together), `expression.value` and `expression.result` for
        what is no JSON, `expression.too_costly`; TooLarge (`expression.too_large`).
        """
        if self._fixed:
            return self._fixed[0]
        intake = Intake()
        taken = {name: intake.take(values[name], inner) for name, inner in self._reads.items() if name in values}
        for names in self._lists:
            if isinstance(at(taken, names), dict):
                raise faults.without_order(self.text, ".".join(names))
        if self._loops and worst(self.tree, intake.size, intake.longest) > MAX_WORK:
            raise faults.too_costly(self.text)
        plain = at(taken, self._alone) if self._alone else None
        if isinstance(plain, _JSON):  # as the engine would answer, for a tenth of its time
            return Outcome().json(plain)
        try:
            found = self._run(data=taken)
            kind, plain = found.type().name(), found.plain_value()
        except _ENGINE_FAULTS as error:
            raise faults.of_evaluating(self.text, str(error), self._places) from None
        if kind in ("ERROR", "UNKNOWN"):
            raise faults.of_evaluating(self.text, str(plain), self._places)
        return Outcome().json(plain)


def compile(text: str, variables: Mapping[str, Type], check: bool = True) -> Expression:
    """The expression `text` over `variables`.

    With `check` its names and kinds are compared with the types of the variables; without, which is for what was
    checked when it was declared, `result` is ANY and a wrong name shows when it is evaluated.

    Raises Invalid with `line` and `column` in its detail: `expression.syntax`, `expression.unknown_name`,
    `expression.type`, `expression.too_deep`; TooLarge (`expression.too_long`).
    """
    _admit(text)
    program = _program(text, variables)
    tree = read(program.serialize())
    _no_messages(tree.root, text)
    loops = loops_inside(tree.root)
    if loops > MAX_LOOPS_INSIDE:
        raise Invalid(
            f"{loops} loops stand inside one another, {MAX_LOOPS_INSIDE} are allowed",
            code="expression.too_deep",
            hint="do it in several steps",
        )
    found = references(tree)
    return Expression(
        text=text,
        result=_result(text, variables) if check else ANY,
        references=found,
        tree=tree,
        _run=program.eval,
        _reads=trie({one.path: _at(variables, one.path) for one in found}),
        _places={one.path[-1]: one.offset for one in reversed(found)},
        _loops=loops > 0,
        _lists=tuple(names for node in walk(tree.root) if _builds(node) and (names := path(node.parts[0]))),
        _alone=() if tree.root.shape == "has" else path(tree.root),
        _fixed=() if found else _fixed(program.eval),
    )


def _fixed(run: Any) -> tuple[Json, ...]:
    """The result of a program that reads nothing, where it is a plain one; what fails does so when it is evaluated."""
    try:
        found = run(data={})
        result = Outcome().json(found.plain_value())
    except (*_ENGINE_FAULTS, AutonomyError):
        return ()
    return (result,) if isinstance(result, _PLAIN) and found.type().name() != "ERROR" else ()


def _admit(text: str) -> None:
    if len(text) > MAX_TEXT:
        raise TooLarge(
            f"the expression has {len(text)} characters, {MAX_TEXT} are allowed",
            code="expression.too_long",
            hint="say it in several steps, or as a decision table",
        )
    try:
        check_text(text, "the expression")
    except Invalid as error:
        raise Invalid(error.message, code="expression.syntax", line=1, column=1) from None
    if not text.strip():
        raise Invalid("the expression is empty", code="expression.syntax", line=1, column=1)


def _program(text: str, variables: Mapping[str, Type]) -> Any:
    """The program that is evaluated: every variable may be anything, for values stay JSON; but time is no JSON."""
    times = {name: kind.kind for name, kind in variables.items() if kind.kind in ("timestamp", "duration")}
    try:
        return _environment(frozenset(variables), frozenset(times.items())).compile(text)
    except _ENGINE_FAULTS as error:
        raise faults.of_compiling(text, str(error), (), variables) from None


def _result(text: str, variables: Mapping[str, Type]) -> Type:
    """The type of the result, where every name and kind in `text` is right."""
    # The engine takes eight megabytes: a process that evaluates nothing does without it.
    from .checking import checker  # noqa: PLC0415

    checking = checker(tuple(sorted(variables.items())))
    try:
        checked = checking.environment.compile(text)
    except _ENGINE_FAULTS as error:
        raise faults.of_compiling(text, str(error), checking.objects, variables) from None
    tree = read(checked.serialize())
    _loops_have_order(tree, text, checking.objects)
    return type_of(tree, tree.root, checking.objects)


def _loops_have_order(tree: Tree, text: str, objects: Sequence[Type]) -> None:
    """Refuse a list that is built from an object: the engine walks through its members in no certain order."""
    for node in filter(_builds, walk(tree.root)):
        over = node.parts[0]
        kind = type_of(tree, over, objects).kind
        if kind == "object" or (kind != "array" and not path(over)):
            line, column = faults.position(text, start(tree, over))
            raise Invalid(
                f"this is not known to be a list at {faults.place(text, line, column)}",
                code="expression.type",
                hint="`map` and `filter` go through lists; the members of an object have no order",
                line=line,
                column=column,
            )


def _builds(node: Node) -> bool:
    return node.shape == "loop" and grows(node)


@lru_cache(maxsize=256)
def _environment(names: frozenset[str], times: frozenset[tuple[str, str]]) -> Any:
    # Loaded when the first expression is compiled, see `_result`.
    from cel_expr_python import cel  # noqa: PLC0415

    from .amounts import FUNCTIONS  # noqa: PLC0415

    kinds = dict.fromkeys(sorted(names), cel.Type.DYN)
    kinds |= {name: cel.Type.TIMESTAMP if kind == "timestamp" else cel.Type.DURATION for name, kind in times}
    return cel.NewEnv(variables=kinds, extensions=[FUNCTIONS])


def _no_messages(root: Node, text: str) -> None:
    for node in walk(root):
        if node.shape == "message":
            raise Invalid(
                f"`{node.text[:40]}` cannot be built, in `{faults.shown(text)}`",
                code="expression.syntax",
                hint="write an object as `{'name': value}`",
                line=1,
                column=1,
            )


def _at(variables: Mapping[str, Type], path: tuple[str, ...]) -> Type:
    found = variables.get(path[0], ANY)
    for name in path[1:]:
        found = found.member(name)
    return found
