"""SQL connectors on real business databases, SQLite and PostgreSQL alike."""

from __future__ import annotations

import asyncio
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from autonomy.db import Database
from autonomy.db.migrate import upgrade
from autonomy.tools import Refused, Result, Unreachable
from autonomy.tools.attempt import Attempt
from autonomy.tools.connectors.sqlite import SqliteSession
from autonomy.tools.credential import Credential
from autonomy.tools.errors import Stale
from autonomy.tools.statements import parse
from tests.postgres import REACHED

from .organisations import Bench, arguments, connector, invocation, sql, tool

SCHEMA = """
CREATE TABLE supplier (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE item (sku TEXT PRIMARY KEY, on_hand INTEGER NOT NULL CHECK (on_hand >= 0), price NUMERIC, version INTEGER);
CREATE TABLE purchase_order (
    id INTEGER PRIMARY KEY, ref TEXT UNIQUE, supplier_id INTEGER NOT NULL REFERENCES supplier (id), amount INTEGER);
CREATE TABLE payroll (person TEXT, salary INTEGER);
INSERT INTO supplier VALUES (1, 'Acme'), (2, 'Bolt');
INSERT INTO item VALUES ('A', 5, 12.50, 1), ('B', 0, 3, 1), ('C', 7, 1, 1);
INSERT INTO payroll VALUES ('ada', 100);
"""


class Business:
    """A business database to look into from outside."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.reached = {} if self.is_sqlite else REACHED
        self._script(SCHEMA)

    @property
    def is_sqlite(self) -> bool:
        return self.url.startswith("sqlite")

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self._open() as connection:
            return list(connection.execute(query).fetchall())

    def run(self, script: str) -> None:
        self._script(script)

    def _open(self) -> Any:
        if self.is_sqlite:
            return sqlite3.connect(self.url.removeprefix("sqlite:///"))
        return psycopg.connect(self.url)

    def _script(self, script: str) -> None:
        connection = self._open()
        if self.is_sqlite:
            connection.executescript(script)
        else:
            connection.execute(script)
        connection.commit()
        connection.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def business(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Business]:
    if request.param == "sqlite":
        yield Business(f"sqlite:///{tmp_path}/business.sqlite")
    else:
        yield Business(request.getfixturevalue("postgres_url"))


def bench(business: Business, *tools: Any, **use: Any) -> Bench:
    return Bench(connector("erp", type="sql", url=business.url, **business.reached, **use), *tools)


def write(*statements: str, expect: int | None = None, **properties: str) -> Any:
    return tool("t", call=sql(*statements, expect=expect), effect="write-neither", input=arguments(**properties))


def read(statement: str, **properties: Any) -> Any:
    return tool("t", call=sql(statement), input=arguments(**properties))


def call(made: Bench, **values: Any) -> Any:
    async def once() -> Any:
        async with made:
            return await made.call("t", **values)

    return asyncio.run(once())


def test_a_read_returns_rows_as_json(business: Business) -> None:
    made = bench(business, read("SELECT sku, CAST(price AS numeric) AS price FROM item WHERE sku = :sku", sku="string"))
    rows = call(made, sku="A")["rows"]
    assert len(rows) == 1 and rows[0]["sku"] == "A" and float(rows[0]["price"]) == 12.5


def test_an_injected_argument_is_only_a_value(business: Business) -> None:
    made = bench(business, read("SELECT sku FROM item WHERE sku = :sku", sku="string"))
    for attack in ("' OR '1'='1", "A' UNION SELECT person FROM payroll --", "'; DROP TABLE item; --", "\\'; --", "%"):
        made = bench(business, read("SELECT sku FROM item WHERE sku = :sku", sku="string"))
        assert call(made, sku=attack) == {"rows": []}
    assert len(business.rows("SELECT * FROM item")) == 3


def test_a_write_changes_the_record_and_says_how_many(business: Business) -> None:
    made = bench(business, write("UPDATE item SET on_hand = on_hand + :n WHERE sku = :sku", n="integer", sku="string"))
    assert call(made, n=2, sku="A") == {"changed": 1}
    assert business.rows("SELECT on_hand FROM item WHERE sku = 'A'") == [(7,)]


def test_a_write_returns_the_rows_of_its_last_statement(business: Business) -> None:
    made = bench(
        business,
        write(
            "INSERT INTO purchase_order (id, ref, supplier_id, amount) VALUES (1, :action_id, 1, 5) RETURNING id, ref"
        ),
    )
    assert call(made) == {"changed": 1, "rows": [{"id": 1, "ref": "act_1"}]}


def test_an_unexpected_number_of_rows_undoes_every_statement(business: Business) -> None:
    made = bench(
        business,
        write(
            "INSERT INTO supplier (id, name) VALUES (9, 'Nine')",
            "UPDATE item SET on_hand = 1, version = version + 1 WHERE sku = :sku AND version = :version",
            expect=1,
            sku="string",
            version="integer",
        ),
    )
    with pytest.raises(Stale) as caught:
        call(made, sku="A", version=0)
    assert caught.value.code == "record.stale"
    assert business.rows("SELECT id FROM supplier WHERE id = 9") == []


def test_a_broken_rule_of_the_database_is_a_refusal_and_undoes_everything(business: Business) -> None:
    made = bench(
        business,
        write(
            "INSERT INTO supplier (id, name) VALUES (9, 'Nine')",
            "UPDATE item SET on_hand = on_hand - 100 WHERE sku = :sku",
            sku="string",
        ),
    )
    with pytest.raises(Refused) as caught:
        call(made, sku="A")
    assert caught.value.code == "upstream.refused"
    assert business.rows("SELECT id FROM supplier WHERE id = 9") == []


def test_foreign_keys_and_triggers_of_the_database_work(business: Business) -> None:
    business.run("CREATE TABLE journal (ref TEXT)")
    if business.is_sqlite:
        business.run("CREATE TRIGGER j AFTER INSERT ON purchase_order BEGIN INSERT INTO journal VALUES (NEW.ref); END")
    else:
        business.run(
            "CREATE FUNCTION j() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN INSERT INTO journal VALUES (NEW.ref); RETURN NEW; END $$;"
            " CREATE TRIGGER j AFTER INSERT ON purchase_order FOR EACH ROW EXECUTE FUNCTION j()"
        )
    insert = "INSERT INTO purchase_order (ref, id, supplier_id) VALUES (:action_id, 1, :supplier)"
    assert call(bench(business, write(insert, supplier="integer")), supplier=1) == {"changed": 1}
    assert business.rows("SELECT ref FROM journal") == [("act_1",)]
    with pytest.raises(Refused):
        call(bench(business, write(insert.replace("1, :s", "2, :s"), supplier="integer")), supplier=77)


def test_a_read_cannot_write_even_when_the_rules_are_bypassed(business: Business) -> None:
    made = bench(business)

    async def attempt_to_write() -> None:
        line = made.connectors._line("erp")
        session = line.connector._open(False, None, 1.0)  # type: ignore[attr-defined]
        session.begin(1.0, Attempt(False, 1.0))
        try:
            session.execute(parse("UPDATE item SET on_hand = 9 WHERE sku = :sku", "postgres"), {"sku": "A"}, 10)
        finally:
            session.close()

    with pytest.raises(Refused):
        asyncio.run(attempt_to_write())
    assert business.rows("SELECT on_hand FROM item WHERE sku = 'A'") == [(5,)]


def test_more_rows_than_the_cap_are_an_error_not_silence(business: Business) -> None:
    made = bench(business, read("SELECT sku FROM item"), maxRows=2)
    with pytest.raises(Refused) as caught:
        call(made)
    assert caught.value.code == "result.too_large"
    assert len(call(bench(business, read("SELECT sku FROM item"), maxRows=3))["rows"]) == 3


def test_a_slow_statement_is_stopped_and_undone(business: Business) -> None:
    business.run("CREATE TABLE n (i INTEGER); INSERT INTO n SELECT id FROM supplier")
    for _ in range(8):
        business.run("INSERT INTO n SELECT i FROM n")
    endless = "SELECT count(*) AS c FROM n a, n b, n c, n d, n e WHERE a.i + b.i + c.i + d.i + e.i < 0"
    with pytest.raises(Unreachable) as caught:
        call(bench(business, read(endless), timeout="200ms"))
    assert caught.value.code == "upstream.overdue"


def test_a_statement_that_waits_for_a_lock_ends_at_its_deadline(business: Business) -> None:
    blocker = business._open()
    blocker.execute("BEGIN IMMEDIATE" if business.is_sqlite else "LOCK TABLE item IN ACCESS EXCLUSIVE MODE")
    made = bench(business, write("UPDATE item SET on_hand = 1 WHERE sku = :sku", sku="string"), timeout="300ms")
    with pytest.raises(Unreachable):
        call(made, sku="A")
    blocker.rollback()
    blocker.close()
    assert business.rows("SELECT on_hand FROM item WHERE sku = 'A'") == [(5,)]


def test_a_reader_finishes_what_a_writer_left_that_was_killed_in_its_commit(tmp_path: Path) -> None:
    business = Business(f"sqlite:///{tmp_path}/business.sqlite")
    business.run("CREATE TABLE wide (text TEXT)")
    business.run("INSERT INTO wide SELECT hex(randomblob(500)) FROM item a, item b, item c, item d, item e")

    async def across() -> list[Any]:
        async with bench(business, read("SELECT sku, on_hand FROM item WHERE sku = 'A'")) as made:
            before = await made.call("t")
            _die_in_the_middle_of_a_commit(tmp_path / "business.sqlite")
            return [before, await made.call("t"), await made.call("t")]

    assert asyncio.run(across()) == [{"rows": [{"sku": "A", "on_hand": 5}]}] * 3
    _die_in_the_middle_of_a_commit(tmp_path / "business.sqlite")
    made = bench(business, read("SELECT on_hand FROM item WHERE sku = 'A'"))
    assert call(made) == {"rows": [{"on_hand": 5}]}  # a connection that never saw the file before


def _die_in_the_middle_of_a_commit(file: Path) -> None:
    """A writer whose pages are in the file already, but not yet committed, and then kill -9."""
    dying = (
        "import os, sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None); "
        "c.execute('PRAGMA cache_size = 2'); c.execute('BEGIN IMMEDIATE'); c.execute('UPDATE item SET on_hand = 99'); "
        "c.execute(\"UPDATE wide SET text = 'x' || text\"); os.kill(os.getpid(), 9)"
    )
    ended = subprocess.run([sys.executable, "-c", dying, str(file)], check=False)
    assert ended.returncode == -signal.SIGKILL
    with pytest.raises(sqlite3.OperationalError), closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as reader:
        reader.execute("SELECT * FROM item").fetchall()  # a reader alone is helpless


def test_an_argument_that_was_not_given_is_null(business: Business) -> None:
    statement = "SELECT sku FROM item WHERE CAST(:sku AS text) IS NULL OR sku = :sku ORDER BY sku"
    made = bench(business, read(statement, sku="string"))
    assert [row["sku"] for row in call(made)["rows"]] == ["A", "B", "C"]


def test_an_argument_that_is_no_single_value_is_refused(business: Business) -> None:
    with pytest.raises(Refused):
        call(bench(business, read("SELECT sku FROM item WHERE sku = :sku", sku="array")), sku=["A"])


def test_a_missing_table_is_a_refusal_that_shows_no_url(business: Business) -> None:
    with pytest.raises(Refused) as caught:
        call(bench(business, read("SELECT a FROM nowhere")))
    assert business.url not in str(caught.value)


def test_many_calls_at_once_all_succeed(business: Business) -> None:
    made = bench(business, write("UPDATE item SET on_hand = on_hand + 1 WHERE sku = :sku", sku="string"))

    async def all_at_once() -> None:
        async with made:
            await asyncio.gather(*(made.call("t", sku="B") for _ in range(50)))

    asyncio.run(all_at_once())
    assert business.rows("SELECT on_hand FROM item WHERE sku = 'B'") == [(50,)]


def test_a_connection_that_went_stale_while_idle_is_replaced(postgres_url: str) -> None:
    business = Business(postgres_url)
    made = bench(business, read("SELECT sku FROM item WHERE sku = :sku", sku="string"))

    async def around_a_restart() -> Any:
        async with made:
            await made.call("t", sku="A")
            with psycopg.connect(postgres_url, autocommit=True) as admin:
                admin.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE pid <> pg_backend_pid() AND datname = current_database()"
                )
            return await made.call("t", sku="A")

    assert asyncio.run(around_a_restart()) == {"rows": [{"sku": "A"}]}


def test_a_secret_url_is_used_and_never_shown(postgres_url: str) -> None:
    Business(postgres_url)
    canary = "hunter2-canary"
    good = postgres_url.replace("postgres@", f"postgres:{canary}@")
    gone = re.sub(r":\d+/", ":1/", good)
    for secret, works in ((good, True), (gone, False)):
        made = Bench(
            connector("erp", type="sql", credential="erp-url", **REACHED),
            read("SELECT sku FROM item WHERE sku = :sku", sku="string"),
            reveal=lambda name, secret=secret: Credential(name, 1, secret),
        )
        if works:
            assert call(made, sku="A") == {"rows": [{"sku": "A"}]}
            continue
        with pytest.raises(Unreachable) as caught:
            call(made, sku="A")
        assert caught.value.code == "upstream.unreachable"
        assert canary not in repr(caught.value) + str(caught.value) + str(caught.value.as_dict())


def test_the_authorizer_holds_a_statement_to_what_it_names(tmp_path: Path) -> None:
    business = Business(f"sqlite:///{tmp_path}/business.sqlite")
    made = bench(business)
    harmless = parse("SELECT sku FROM item", "sqlite")
    smuggled = [
        parse("SELECT person FROM payroll", "sqlite"),
        parse("SELECT sku FROM item UNION SELECT person FROM payroll", "sqlite"),
        parse("SELECT (SELECT max(salary) FROM payroll) FROM item", "sqlite"),
        parse("WITH item2 AS (SELECT person FROM payroll) SELECT * FROM item2", "sqlite"),
    ]

    async def attack() -> list[str]:
        connection = made.connectors._line("erp").connector._open(False, None, 1.0)  # type: ignore[attr-defined]
        codes = []
        for parsed in smuggled:
            # A parser led astray: it believes to have seen `item` only.
            believed = type(parsed)("select", harmless.tables, None, frozenset(), False, parsed.tokens)
            connection.begin(1.0, Attempt(False, 1.0))
            with pytest.raises(Refused) as caught:
                connection.execute(believed, {}, 10)
            codes.append(caught.value.code)
            connection.rollback()
        connection.close()
        return codes

    assert asyncio.run(attack()) == ["sql.beyond"] * len(smuggled)


@pytest.mark.parametrize(
    "statement",
    ["ATTACH DATABASE 'x.sqlite' AS x", "PRAGMA user_version", "SELECT load_extension('x')", "SELECT sqlite_version()",
     "DROP TABLE item", "CREATE TABLE x (a)", "INSERT INTO payroll VALUES ('eve', 1)", "SELECT * FROM sqlite_master"],
)  # fmt: skip
def test_the_authorizer_denies_what_the_parser_would_have_refused(tmp_path: Path, statement: str) -> None:
    business = Business(f"sqlite:///{tmp_path}/business.sqlite")
    session = SqliteSession(sqlite3.connect(tmp_path / "business.sqlite", isolation_level=None))
    ordinary = parse("UPDATE item SET on_hand = 1 WHERE sku = :sku", "sqlite")
    session.begin(1.0, Attempt(True, 1.0))
    token = ordinary.tokens[0]._replace(text=statement)
    with pytest.raises(Refused):
        session.execute(type(ordinary)("update", ordinary.tables, "item", frozenset(), False, (token,)), {}, 10)
    session.close()
    assert business.rows("SELECT * FROM payroll") == [("ada", 100)]


def test_a_file_of_the_control_plane_cannot_be_opened(tmp_path: Path) -> None:
    Business(f"sqlite:///{tmp_path}/autonomy.sqlite")
    (tmp_path / "another.sqlite").hardlink_to(tmp_path / "autonomy.sqlite")
    (tmp_path / "linked.sqlite").symlink_to("autonomy.sqlite")
    for name in ("autonomy.sqlite", f"/{tmp_path}/autonomy.sqlite", "another.sqlite", "linked.sqlite"):
        made = Bench(
            connector("erp", type="sql", url=f"sqlite:///{name}"),
            read("SELECT sku FROM item"),
            folder=tmp_path,
            reserved=[tmp_path / "autonomy.sqlite"],
        )
        with pytest.raises(Unreachable) as caught:
            call(made)
        assert caught.value.code == "connector.reserved"


@pytest.fixture
def shared(postgres_url: str) -> Iterator[str]:
    """A database with business tables and a control plane, as a role without rights to the latter reaches it."""
    Business(postgres_url)
    upgrade(Database.open(postgres_url))
    administer(postgres_url, "CREATE ROLE stranger LOGIN; GRANT SELECT, UPDATE ON item TO stranger")
    yield postgres_url.replace("postgres@", "stranger@").replace("127.0.0.1", "localhost")
    administer(postgres_url, "DROP OWNED BY stranger; DROP ROLE stranger")


def administer(url: str, statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(statements.encode())


ANYWHERE = {
    "among business tables": "SELECT 1",
    "in another schema": "CREATE SCHEMA own; ALTER TABLE log_head SET SCHEMA own; "
    "ALTER TABLE subject_key SET SCHEMA own; ALTER TABLE checkpoint SET SCHEMA own",
}


@pytest.mark.parametrize("where", ANYWHERE)
@pytest.mark.parametrize("effect", ["read", "write-neither"])
def test_a_database_that_holds_a_control_plane_cannot_be_opened(
    shared: str, postgres_url: str, effect: str, where: str
) -> None:
    administer(postgres_url, ANYWHERE[where])
    statement = "SELECT sku FROM item" if effect == "read" else "UPDATE item SET on_hand = 1"
    declared = tool("t", call=sql(f"{statement} WHERE sku = :sku"), effect=effect, input=arguments(sku="string"))
    with pytest.raises(Unreachable) as caught:
        call(Bench(connector("erp", type="sql", url=shared, **REACHED), declared), sku="A")
    assert caught.value.code == "connector.reserved"


def test_a_business_table_named_as_one_of_ours_is_no_control_plane(shared: str, postgres_url: str) -> None:
    administer(postgres_url, "DROP TABLE log_head")
    made = Bench(
        connector("erp", type="sql", url=shared, **REACHED), read("SELECT sku FROM item WHERE sku = :sku", sku="string")
    )
    assert call(made, sku="A") == {"rows": [{"sku": "A"}]}


def test_a_missing_file_is_not_created(tmp_path: Path) -> None:
    made = Bench(connector("erp", type="sql", url="sqlite:///no.sqlite"), read("SELECT sku FROM item"), folder=tmp_path)
    with pytest.raises(Unreachable):
        call(made)
    assert not (tmp_path / "no.sqlite").exists()


def test_a_write_given_up_before_its_commit_never_commits(business: Business) -> None:
    made = bench(business, write("UPDATE item SET on_hand = 99 WHERE sku = :sku", sku="string"))

    async def give_up() -> Result:
        async with made:
            attempt = Attempt(True, 5.0)
            assert attempt.abandon()
            connection = made.connectors._line("erp").connector
            return await connection.run(made.tool("t").spec.call, {"sku": "A"}, invocation(), attempt)

    with pytest.raises(Unreachable):
        asyncio.run(give_up())
    assert business.rows("SELECT on_hand FROM item WHERE sku = 'A'") == [(5,)]


def test_a_deletion_cascades_as_the_database_says(business: Business) -> None:
    business.run(
        "CREATE TABLE cart (id INTEGER PRIMARY KEY);"
        "CREATE TABLE line (id INTEGER, cart_id INTEGER REFERENCES cart (id) ON DELETE CASCADE);"
        "INSERT INTO cart VALUES (1), (2); INSERT INTO line VALUES (1, 1), (2, 1), (3, 2)"
    )
    assert call(bench(business, write("DELETE FROM cart WHERE id = :id", id="integer")), id=1)["changed"] == 1
    assert business.rows("SELECT id FROM line") == [(3,)]


def test_a_view_is_read_without_naming_what_lies_behind_it(business: Business) -> None:
    business.run("CREATE VIEW stock AS SELECT sku, on_hand FROM item")
    assert call(bench(business, read("SELECT sku FROM stock WHERE on_hand = 0"))) == {"rows": [{"sku": "B"}]}
