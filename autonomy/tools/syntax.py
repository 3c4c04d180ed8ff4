"""What a statement does, read from its syntax tree. Pure, like its only caller `statements`."""

from __future__ import annotations

from typing import NamedTuple

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from autonomy.kernel.errors import Invalid

from .sql_words import Dialect, Kind

_SYSTEM = ("sqlite_", "pg_", "pragma_")
_SYSTEM_SCHEMAS = {"information_schema", "pg_catalog", "pg_toast", "temp", "sqlite_temp"}
_COMPARISONS = (exp.EQ, exp.In, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.Between)


class Syntax(NamedTuple):
    """Kind, tables named (lower case), the table written, parameters, and whether rows are locked."""

    kind: Kind
    tables: frozenset[str]
    written: str | None
    parameters: frozenset[str]
    locks: bool


def read_syntax(sql: str, dialect: Dialect) -> Syntax:
    """Read one statement; raises Invalid (`sql.*`) where it is none, several, or hides another."""
    tree = _tree(sql, dialect)
    _refuse_hidden_work(tree)
    kind = _kind(tree)
    _require_bound_where(tree, kind)
    if tree.find(exp.Parameter):
        raise Invalid("parameters must be written `:name`", code="sql.parameter")
    parameters = frozenset(node.name for node in tree.find_all(exp.Placeholder))
    return Syntax(kind, _tables(tree), _written(tree), parameters, _locks(tree))


def _tree(sql: str, dialect: Dialect) -> exp.Expr:
    try:
        trees = [tree for tree in sqlglot.parse(sql, dialect=dialect) if tree is not None]
    except (SqlglotError, RecursionError):
        raise Invalid("the statement is not valid SQL", code="sql.syntax", hint=f"it must parse as {dialect}") from None
    if len(trees) != 1:
        raise Invalid("more than one statement", code="sql.stacked", hint="declare each statement by itself")
    return trees[0]


def _kind(tree: exp.Expr) -> Kind:
    kinds: dict[type[exp.Expr], Kind] = {
        exp.Select: "select",
        exp.SetOperation: "select",
        exp.Insert: "insert",
        exp.Update: "update",
        exp.Delete: "delete",
    }
    for node, kind in kinds.items():
        if isinstance(tree, node):
            return kind
    raise Invalid(
        "this kind of statement cannot be declared", code="sql.kind", hint="use SELECT, INSERT, UPDATE or DELETE"
    )


def _refuse_hidden_work(tree: exp.Expr) -> None:
    """Nothing below the top changes data, creates a table or escapes into an unparsed command."""
    for node in tree.find_all(exp.DML, exp.DDL, exp.Command, exp.Into, exp.Merge, exp.Copy):
        if node is not tree:
            raise Invalid(
                "a statement may not change data inside another", code="sql.hidden_write", hint="declare it by itself"
            )
    if isinstance(tree, exp.Insert) and tree.args.get("alternative"):
        raise Invalid("INSERT OR … is not admitted", code="sql.kind", hint="use ON CONFLICT … DO …")


def _require_bound_where(tree: exp.Expr, kind: Kind) -> None:
    """UPDATE and DELETE compare a column with a parameter, so that they never mean the whole table."""
    if kind not in ("update", "delete"):
        return
    where = tree.args.get("where")
    if where is None or not _binds(where.this):
        raise Invalid(
            f"{kind.upper()} needs a WHERE that compares a column with a parameter",
            code="sql.unbound",
            hint="write for example `WHERE id = :id`",
        )


def _binds(condition: exp.Expr) -> bool:
    """Whether every row that `condition` admits was named by a parameter: of AND one side will do, of OR both must."""
    if isinstance(condition, exp.Paren):
        return _binds(condition.this)
    if isinstance(condition, exp.And):
        return _binds(condition.left) or _binds(condition.right)
    if isinstance(condition, exp.Or):
        return _binds(condition.left) and _binds(condition.right)
    if not isinstance(condition, _COMPARISONS):
        return False
    return condition.find(exp.Column) is not None and condition.find(exp.Placeholder) is not None


def _tables(tree: exp.Expr) -> frozenset[str]:
    """Every table named, lower case. Names of WITH clauses are among them: that admits nothing that is not written."""
    names = set()
    for table in tree.find_all(exp.Table):
        name, schema = table.name.lower(), table.db.lower()
        if not name or table.catalog or name.startswith(_SYSTEM) or schema in _SYSTEM_SCHEMAS:
            raise Invalid(
                f"`{table.sql()[:60]}` is not an ordinary table",
                code="sql.table",
                hint="name the tables of the business",
            )
        names.add(name)
    return frozenset(names)


def _written(tree: exp.Expr) -> str | None:
    if not isinstance(tree, exp.DML):
        return None
    table = tree.this.find(exp.Table)
    return table.name.lower() if table else None


def _locks(tree: exp.Expr) -> bool:
    return any(select.args.get("locks") for select in tree.find_all(exp.Select))
