"""What SQLite may touch for one statement: the tables it names, the functions we know, and what follows from them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import NamedTuple

from ..sql_words import FUNCTIONS
from ..statements import Parsed

Authorizer = Callable[[int, str | None, str | None, str | None, str | None], int]

_CHANGES = {sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE}
_HARMLESS = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_TRANSACTION, sqlite3.SQLITE_RECURSIVE}
_LINKS = """
    SELECT lower(m.name), lower(f."table"), f.on_update || f.on_delete
    FROM sqlite_master m, pragma_foreign_key_list(m.name) f WHERE m.type = 'table'"""
_DERIVED = "SELECT lower(name) FROM sqlite_master WHERE type IN ('view', 'trigger')"
_PASSING_ON = ("CASCADE", "SET NULL", "SET DEFAULT")


class Link(NamedTuple):
    """A foreign key from `child` to `parent`; whether a change of the parent is passed on to the child."""

    child: str
    parent: str
    passes_on: bool


class Shape(NamedTuple):
    """What the owner of the database made it do by itself: views and triggers by name, foreign keys."""

    derived: frozenset[str]
    links: Sequence[Link]


def read_shape(connection: sqlite3.Connection) -> Shape:
    """The shape of the database as the open transaction sees it."""
    derived = frozenset(name for (name,) in connection.execute(_DERIVED))
    links = [
        Link(child, parent, any(action in actions for action in _PASSING_ON))
        for child, parent, actions in connection.execute(_LINKS)
    ]
    return Shape(derived, links)


def authorizer(parsed: Parsed, shape: Shape) -> Authorizer:
    """Judges each access of `parsed`: it reads the tables it names and changes the one it writes; beyond them only what
    foreign keys look up or pass on, and what the database's own views and triggers do."""
    changed = _changed(parsed.written, shape.links)
    linked = {name for link in shape.links if {link.child, link.parent} & changed for name in (link.child, link.parent)}
    readable = parsed.tables | changed | linked

    def judge(action: int, first: str | None, second: str | None, _: str | None, source: str | None) -> int:
        if action in _HARMLESS or (source is not None and source.lower() in shape.derived):
            return sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_FUNCTION:
            admitted = (second or "").lower() in FUNCTIONS
        elif action == sqlite3.SQLITE_READ:
            admitted = (first or "").lower() in readable
        else:
            admitted = action in _CHANGES and (first or "").lower() in changed
        return sqlite3.SQLITE_OK if admitted else sqlite3.SQLITE_DENY

    return judge


def _changed(written: str | None, links: Sequence[Link]) -> set[str]:
    """The table that is written, and those to which its foreign keys pass the change on."""
    found = {written} if written else set()
    while more := {link.child for link in links if link.passes_on and link.parent in found} - found:
        found |= more
    return found
