"""Which SQL may be declared."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autonomy.kernel.errors import Invalid
from autonomy.tools.sql_words import Dialect
from autonomy.tools.statements import parse, require_read

DIALECTS: tuple[Dialect, ...] = ("sqlite", "postgres")

ADMITTED = [
    ("SELECT sku, on_hand FROM item WHERE sku = :sku", "select", {"item"}),
    (
        "SELECT count(*) AS n, sum(amount) FROM purchase_order WHERE supplier = :s GROUP BY supplier;",
        "select",
        {"purchase_order"},
    ),
    ("SELECT a.x FROM a JOIN b ON (a.i = b.i) WHERE a.k IN (SELECT k FROM c WHERE z = :z)", "select", {"a", "b", "c"}),
    ("WITH low AS (SELECT sku FROM item WHERE n < :n) SELECT * FROM low", "select", {"item", "low"}),
    ("SELECT x FROM a UNION SELECT y FROM b", "select", {"a", "b"}),
    ("SELECT 'it''s; -- not a comment /* either */' AS t, coalesce(x, 0) FROM a WHERE n LIKE '%x%'", "select", {"a"}),
    ('INSERT INTO "order" (id, ref) VALUES (:id, :action_id) RETURNING id', "insert", {"order"}),
    ("INSERT INTO o (id) VALUES (:id) ON CONFLICT (id) DO UPDATE SET n = excluded.n", "insert", {"o"}),
    ("INSERT INTO o (id, n) SELECT id, n FROM p WHERE id = :id", "insert", {"o", "p"}),
    ("UPDATE item SET n = n - :q, version = version + 1 WHERE sku = :sku AND version = :v", "update", {"item"}),
    ("UPDATE item SET n = 0 WHERE (sku = :a OR sku = :b) AND n > 1", "update", {"item"}),
    ("DELETE FROM draft WHERE id = :id", "delete", {"draft"}),
    ("SELECT CAST(:n AS integer), -1 - -2, x::text FROM a", "select", {"a"}),
]

REFUSED = [
    ("", "sql.kind"),
    (";", "sql.kind"),
    ("SELECT 1; DROP TABLE item", "sql.stacked"),
    ("SELECT 1;;", "sql.stacked"),
    ("SELECT 1 -- and the rest", "sql.comment"),
    ("SELECT/**/1", "sql.comment"),
    ("SELECT 1 /*!50000 UNION SELECT 2 */", "sql.comment"),
    ("DROP TABLE item", "sql.kind"),
    ("ATTACH DATABASE 'x.sqlite' AS x", "sql.kind"),
    ("DETACH x", "sql.kind"),
    ("PRAGMA writable_schema = 1", "sql.kind"),
    ("VACUUM INTO 'x'", "sql.kind"),
    ("COPY item TO PROGRAM 'sh'", "sql.kind"),
    ("COPY (SELECT 1) TO '/tmp/x'", "sql.kind"),
    ("CREATE TABLE x (a int)", "sql.kind"),
    ("TRUNCATE item", "sql.kind"),
    ("GRANT ALL ON item TO public", "sql.kind"),
    ("SET ROLE postgres", "sql.kind"),
    ("DO 'x'", "sql.kind"),
    ("CALL p()", "sql.kind"),
    ("EXPLAIN SELECT 1", "sql.kind"),
    ("REPLACE INTO item VALUES (1)", "sql.kind"),
    ("INSERT OR REPLACE INTO item VALUES (1)", "sql.kind"),
    ("MERGE INTO a USING b ON a.i = b.i WHEN MATCHED THEN DELETE", "sql.kind"),
    ("VALUES (1)", "sql.kind"),
    ("TABLE item", "sql.kind"),
    ("SELECT pg_read_file('/etc/passwd')", "sql.function"),
    ("SELECT pg_sleep(10)", "sql.function"),
    ('SELECT "pg_sleep"(10)', "sql.function"),
    ("SELECT pg_catalog.pg_sleep(10)", "sql.function"),
    ("SELECT pg_sleep (10)", "sql.function"),
    ("SELECT lo_import('/etc/passwd')", "sql.function"),
    ("SELECT lo_export(1, '/tmp/x')", "sql.function"),
    ("SELECT * FROM dblink('host=x', 'SELECT 1') AS t(a int)", "sql.function"),
    ("SELECT * FROM pg_ls_dir('/')", "sql.function"),
    ("SELECT load_extension('x')", "sql.function"),
    ("SELECT writefile('x', 'y')", "sql.function"),
    ("SELECT readfile('x')", "sql.function"),
    ("SELECT fts3_tokenizer('x')", "sql.function"),
    ("SELECT set_config('a', 'b', false)", "sql.function"),
    ("SELECT current_setting('a')", "sql.function"),
    ("SELECT query_to_xml('SELECT 1', true, true, '')", "sql.function"),
    ("SELECT nextval('s')", "sql.function"),
    ("SELECT pg_advisory_lock(1)", "sql.function"),
    ("SELECT pg_terminate_backend(1)", "sql.function"),
    ("SELECT * FROM generate_series(1, 1000000000)", "sql.function"),
    ("SELECT randomblob(1000000000)", "sql.function"),
    ("SELECT * FROM pragma_table_info('item')", "sql.function"),
    ("WITH d AS (DELETE FROM item RETURNING *) SELECT * FROM d", "sql.hidden_write"),
    ("WITH d AS (INSERT INTO item (a) VALUES (1) RETURNING a) SELECT * FROM d", "sql.hidden_write"),
    ("WITH d AS (UPDATE item SET a = 1 WHERE b = :b RETURNING a) SELECT * FROM d", "sql.hidden_write"),
    ("SELECT a INTO copy FROM item", "sql.hidden_write"),
    ("SELECT * FROM sqlite_master", "sql.table"),
    ("SELECT * FROM pg_shadow", "sql.table"),
    ("SELECT * FROM pg_catalog.pg_user", "sql.table"),
    ("SELECT * FROM information_schema.tables", "sql.table"),
    ("SELECT 1 FROM a UNION SELECT name FROM sqlite_schema", "sql.table"),
    ("UPDATE item SET a = 1", "sql.unbound"),
    ("UPDATE item SET a = :a WHERE 1 = 1", "sql.unbound"),
    ("UPDATE item SET a = :a WHERE sku = :sku OR 1 = 1", "sql.unbound"),
    ("UPDATE item SET a = :a WHERE :a = :a", "sql.unbound"),
    ("UPDATE item SET a = :a WHERE NOT sku = :sku", "sql.unbound"),
    ("DELETE FROM item", "sql.unbound"),
    ("DELETE FROM item WHERE n > 0", "sql.unbound"),
    ("SELECT $1", "sql.syntax"),
    ("SELECT ?", "sql.syntax"),
    ("SELECT @x", "sql.syntax"),
    ("SELECT $$x$$", "sql.syntax"),
    ("SELECT E'a\\'; DROP TABLE item'", "sql.syntax"),
    ("SELECT U&'x'", "sql.syntax"),
    ("SELECT `a` FROM item", "sql.syntax"),
    ("SELECT [a] FROM item", "sql.syntax"),
    ("SELECT 'open", "sql.syntax"),
    ("SELECT 1\0", "sql.syntax"),
    ("SELECT a FROM item WHERE b = ：b", "sql.syntax"),
    ("SELECT FROM WHERE", "sql.syntax"),
    ("SELECT " + "a, " * 9_000 + "a FROM item", "sql.too_long"),
]


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(("sql", "kind", "tables"), ADMITTED)
def test_an_ordinary_statement_is_admitted(sql: str, kind: str, tables: set[str], dialect: Dialect) -> None:
    parsed = parse(sql, dialect)
    assert parsed.kind == kind and parsed.tables == frozenset(tables)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(("sql", "code"), REFUSED)
def test_anything_else_is_refused_by_name(sql: str, code: str, dialect: Dialect) -> None:
    with pytest.raises(Invalid) as caught:
        parse(sql, dialect)
    assert caught.value.code == code


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_look_up_neither_writes_nor_locks(dialect: Dialect) -> None:
    require_read(parse("SELECT a FROM item", dialect))
    for sql in ("SELECT a FROM item FOR UPDATE", "SELECT a FROM item FOR SHARE", "DELETE FROM item WHERE a = :a"):
        with pytest.raises(Invalid) as caught:
            require_read(parse(sql, dialect))
        assert caught.value.code == "sql.not_read"


def test_the_text_that_runs_is_the_text_that_was_declared_but_for_parameter_marks() -> None:
    parsed = parse("SELECT ':no', \":no\", x::text FROM a WHERE b LIKE '%' AND c = :yes", "postgres")
    assert parsed.text("sqlite") == "SELECT ':no', \":no\", x::text FROM a WHERE b LIKE '%' AND c = :yes"
    assert parsed.text("postgres") == "SELECT ':no', \":no\", x::text FROM a WHERE b LIKE '%%' AND c = %(yes)s"
    assert parsed.parameters == {"yes"}


@given(st.text(alphabet="SELECTFROMab ,'\"()=:;-/*\\$%`[]\n\0é1", max_size=60))
def test_any_text_is_read_or_refused_never_broken_by(tail: str) -> None:
    for dialect in DIALECTS:
        try:
            parsed = parse(f"SELECT {tail}", dialect)
        except Invalid:
            continue
        assert parsed.kind == "select" and parsed.text("sqlite").startswith("SELECT")
