"""Which SQL a tool may declare: one ordinary statement, known functions, named parameters, nothing hidden.

Two readers look at each statement. A scanner of our own, which refuses every spelling that databases tokenise
differently (comments, dollar quotes, escapes, back-ticks), finds parameters and called functions; sqlglot finds kind,
tables and clauses. What the scanner passed is the text that runs, unchanged but for the parameter marks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from autonomy.kernel.errors import Invalid

from .sql_words import FUNCTIONS, KEYWORDS, Dialect, Kind

REMEMBERED = 512  # statements; each change of what is declared looks at all of them, and few have changed
MAX_LENGTH = 16_384  # characters; a longer statement is a program, and belongs into a view

_TOKEN = re.compile(
    r"""(?P<comment>--|/\*)
      | (?P<text>'(?:[^']|'')*')
      | (?P<quoted>"(?:[^"]|"")+")
      | (?P<cast>::)
      | :(?P<parameter>[A-Za-z_][A-Za-z0-9_]*)
      | (?P<word>[A-Za-z_][A-Za-z0-9_]*)
      | (?P<number>\d+(?:\.\d+)?)
      | (?P<space>[ \t\r\n]+)
      | (?P<mark>[()<>=!+*/%|,.~-])""",
    re.VERBOSE,
)
_FIRST_WORDS = {"select", "with", "insert", "update", "delete"}


class Token(NamedTuple):
    """A piece of a statement: `text`, `quoted`, `cast`, `parameter`, `word`, `number`, `space` or `mark`."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Parsed:
    """A statement that obeys the rules: what it does, to which tables, with which parameters."""

    kind: Kind
    tables: frozenset[str]
    written: str | None
    parameters: frozenset[str]
    locks: bool
    tokens: tuple[Token, ...]

    def text(self, dialect: Dialect) -> str:
        """The statement with parameter marks as the driver of `dialect` wants them (`:name` or `%(name)s`)."""
        if dialect == "sqlite":
            return _text(self.tokens, ":{}")
        return _text([token._replace(text=token.text.replace("%", "%%")) for token in self.tokens], "%({})s")


@lru_cache(REMEMBERED)
def parse(sql: str, dialect: Dialect) -> Parsed:
    """Read one declared statement. Raises Invalid (`sql.*`) with what is wrong and what would be right."""
    tokens = tuple(_scan(sql.strip().removesuffix(";").rstrip()))
    _refuse_other_kinds(tokens)
    _refuse_unknown_functions(tokens)
    # sqlglot takes a quarter of a second to load; processes that only serve need it at their first SQL call.
    from .syntax import read_syntax  # noqa: PLC0415

    syntax = read_syntax(_text(tokens, ":{}"), dialect)
    parameters = frozenset(token.text for token in tokens if token.kind == "parameter")
    if syntax.parameters != parameters:
        raise Invalid("parameters must be written `:name`", code="sql.parameter")  # one reader was led astray
    return Parsed(syntax.kind, syntax.tables, syntax.written, parameters, syntax.locks, tokens)


def require_read(parsed: Parsed) -> None:
    """Raise Invalid (`sql.not_read`) where the statement changes or locks anything."""
    if parsed.kind != "select" or parsed.locks:
        raise Invalid(
            f"this is {parsed.kind.upper()}, not a plain read",
            code="sql.not_read",
            hint="use SELECT without FOR UPDATE",
        )


def _scan(sql: str) -> Iterator[Token]:
    if len(sql) > MAX_LENGTH:
        raise Invalid(f"the statement is longer than {MAX_LENGTH} characters", code="sql.too_long")
    position, before = 0, ""
    while position < len(sql):
        match = _TOKEN.match(sql, position)
        if match is None or match.lastgroup is None:
            raise _unreadable(sql, position)
        if match.lastgroup == "comment":
            raise Invalid(
                "comments do not belong in a statement", code="sql.comment", hint="say it in the tool's description"
            )
        if match.lastgroup in ("text", "quoted") and before == "word":
            raise Invalid(
                "prefixed strings such as E'…' are not admitted", code="sql.syntax", hint="write an ordinary '…'"
            )
        if before in ("parameter", "number") and match.lastgroup in ("word", "number", "text", "quoted"):
            raise _unreadable(sql, position)
        yield Token(match.lastgroup, match[match.lastgroup])
        position, before = match.end(), match.lastgroup


def _unreadable(sql: str, position: int) -> Invalid:
    if sql[position] == ";":
        return Invalid("more than one statement", code="sql.stacked", hint="declare each statement by itself")
    return Invalid(
        f"`{sql[position : position + 20]}` at character {position + 1} is not admitted",
        code="sql.syntax",
        hint="ASCII words, '…' strings, \"…\" names, numbers, operators and `:name` parameters only",
    )


def _refuse_other_kinds(tokens: tuple[Token, ...]) -> None:
    first = tokens[0].text.lower() if tokens else ""
    if first not in _FIRST_WORDS:
        raise Invalid(
            f"`{first[:20]}` cannot be declared", code="sql.kind", hint="use SELECT, INSERT, UPDATE or DELETE"
        )


def _refuse_unknown_functions(tokens: tuple[Token, ...]) -> None:
    """Every name before a bracket is a known function or keyword, or the table of an INSERT."""
    solid = [token for token in tokens if token.kind != "space"]
    for index, token in enumerate(solid[1:], start=1):
        if token.text != "(" or token.kind != "mark":
            continue
        name = solid[index - 1]
        if (
            name.kind in ("word", "quoted")
            and not _is_insert_target(solid, index - 1)
            and not _is_known(solid, index - 1)
        ):
            raise Invalid(
                f"the function `{name.text[:40]}` is not admitted",
                code="sql.function",
                hint="use ordinary functions only",
            )


def _is_known(solid: list[Token], index: int) -> bool:
    name = solid[index]
    qualified = index > 0 and solid[index - 1].text == "."
    return name.kind == "word" and not qualified and name.text.lower() in FUNCTIONS | KEYWORDS


def _is_insert_target(solid: list[Token], index: int) -> bool:
    if index >= 2 and solid[index - 1].text == ".":
        index -= 2
    return index >= 1 and solid[index - 1].kind == "word" and solid[index - 1].text.lower() == "into"


def _text(tokens: Iterable[Token], mark: str) -> str:
    return "".join(mark.format(token.text) if token.kind == "parameter" else token.text for token in tokens)
