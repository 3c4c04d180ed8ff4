"""What apply finds wrong with connectors and tools, field by field."""

from __future__ import annotations

from typing import Any

import pytest

from autonomy.catalog.organisation import Revision
from autonomy.tools import check

from .organisations import arguments, connector, organisation, sql, tool

ERP = connector("erp", type="sql", url="sqlite:///business.sqlite")
WEB = connector("web", type="http", baseUrl="https://api.example.org/v1")
CODE = connector("code", type="python", entryPoint="mine")

GET = {"request": {"method": "GET", "path": "/x"}}
POST = {"request": {"method": "POST", "path": "/x", "body": "arguments", "idempotencyHeader": "Idempotency-Key"}}
INSERT = sql("INSERT INTO o (id, ref) VALUES (:id, :action_id)")
ASK = sql("SELECT id FROM o WHERE ref = :action_id")


def problems(*revisions: Revision) -> list[tuple[str, str]]:
    found = check(organisation(ERP, WEB, CODE, *revisions), {"mine"})
    assert all(problem.message and problem.kind and problem.name for problem in found)
    return [(problem.field, problem.message) for problem in found]


def order(**spec: Any) -> Revision:
    """A sound write."""
    declared: dict[str, Any] = {
        "connector": "erp",
        "call": INSERT,
        "input": arguments("id", "amount", id="string", amount="number", note="string", tags="array"),
        "effect": "write-queryable",
        "reconcile": ASK,
        "record": {"kind": "order", "key": "id"},
        "cost": {"amount": "amount"},
        "windows": {"day": {"over": "24h", "sum": "amount", "by": ["agent", "record", "arguments.id"]}},
        "facts": {"left": {"sql": "SELECT n FROM budget WHERE id = :id", "type": "integer", "default": 0}},
    }
    return tool("order", **(declared | spec))


def test_sound_tools_have_no_problems() -> None:
    assert problems(
        order(),
        tool("get", connector="web", call=GET),
        tool("post", connector="web", call=POST, effect="write-keyed", input=arguments(a="string")),
        order(**BY_STATE),
        tool("run", connector="code", call={"function": "go"}, effect="write-neither"),
    ) == []  # fmt: skip


PUT = {"request": {"method": "PUT", "path": "/o/{id}", "body": {"note": "{note}"}}}
ASK_STATE = {"request": {"method": "GET", "path": "/o", "query": {"d": {"asBase64": [["id", "=", "{id}"]]}}}}


BY_STATE: dict[str, Any] = {
    "connector": "web",
    "call": PUT,
    "reconcile": ASK_STATE,
    "reconcileBy": "state",
    "facts": {},
}


UNSOUND: list[tuple[dict[str, Any], str, str]] = [
    ({"call": GET}, "spec.call", "a connector of type sql cannot do `request`"),
    ({"call": sql("DROP TABLE o")}, "spec.call.statements[0]", "`drop` cannot be declared"),
    ({"call": sql("INSERT INTO o (id, r) VALUES (:ix, :action_id)")}, "spec.call.statements[0]", "there is no"),
    ({"call": sql("INSERT INTO o (id, r) VALUES (:tags, :action_id)")}, "spec.call.statements[0]", "the argument"),
    ({"call": sql("INSERT INTO o (id) VALUES (:id)")}, "spec.call", "`write-queryable` needs the action's id"),
    ({"call": sql("SELECT :action_id AS a")}, "spec.effect", "the statements only read"),
    ({"effect": "read"}, "spec.call", "this is INSERT, not a plain read"),
    ({"reconcile": None}, "spec.reconcile", "`write-queryable` needs a way to ask"),
    ({"reconcile": sql("SELECT 1 FROM o")}, "spec.reconcile", "it does not ask by the action's id"),
    ({"reconcile": sql("DELETE FROM o WHERE ref = :action_id")}, "spec.reconcile", "this is DELETE"),
    ({"reconcile": GET}, "spec.reconcile", "a connector of type sql cannot do `request`"),
    ({"input": {"type": "string"}}, "spec.input", "the schema does not describe an object"),
    ({"input": arguments("id", "amount", id="string", amount="number", agent="string")}, "spec.input", "`agent` is"),
    ({"output": {"type": "strng"}}, "spec.output", "not a JSON Schema"),
    ({"deadline": "0s"}, "spec.deadline", "`0s` is not a time to wait for"),
    ({"deadline": "6m"}, "spec.deadline", "`6m` is not a time to wait for"),
    ({"record": {"kind": "order", "key": "nr"}}, "spec.record.key", "there is no argument `nr`"),
    ({"record": {"kind": "order", "key": "note"}}, "spec.record.key", "the argument `note` may be missing"),
    ({"record": {"kind": "order", "key": "id", "current": "left"}}, "spec.record", "`version` and `current`"),
    ({"record": {"kind": "o", "key": "id", "version": "id", "current": "no"}}, "spec.record.current", "there is no"),
    ({"windows": {"w": {"over": "0s"}}}, "spec.windows.w.over", "a window of no length"),
    ({"windows": {"w": {"over": "1h", "sum": "note"}}}, "spec.windows.w.sum", "the argument `note` may be missing"),
    ({"windows": {"w": {"over": "1h", "sum": "tags"}}}, "spec.windows.w.sum", "the argument `tags` may be"),
    ({"windows": {"w": {"over": "1h", "by": ["arguments.x"]}}}, "spec.windows.w.by", "there is no argument `x`"),
    ({"windows": {"w": {"over": "1h", "by": ["colour"]}}}, "spec.windows.w.by", "`colour` is not known"),
    ({"windows": {"w": {"over": "1h", "by": ["record"]}}, "record": None}, "spec.windows.w.by", "the tool"),
    ({"subject": "who"}, "spec.subject", "there is no argument `who`"),
    ({"cost": {"amount": "price"}}, "spec.cost.amount", "there is no argument `price`"),
    ({"cost": {"amount": "note"}}, "spec.cost.amount", "the argument `note` may be missing"),
    ({"cost": {"currency": "amount"}}, "spec.cost.currency", "the argument `amount` may be something else"),
    ({"cost": {"tokens": "id"}}, "spec.cost.tokens", "the argument `id` may be something else"),
    ({"cost": {"tokens": -1}}, "spec.cost.tokens", "a cost is not less than nothing"),
    ({"facts": {"f": {"sql": "DELETE FROM o WHERE id = :id", "type": "string"}}}, "spec.facts.f", "this is DELETE"),
    ({"facts": {"f": {"sql": "SELECT a FROM o FOR UPDATE", "type": "string"}}}, "spec.facts.f", "this is SELECT"),
    ({"facts": {"f": {"sql": "SELECT a FROM o WHERE i = :z", "type": "string"}}}, "spec.facts.f.sql", "there is no"),
    ({"facts": {"f": {"sql": "SELECT pg_sleep(9)", "type": "string"}}}, "spec.facts.f.sql", "the function `pg_sleep`"),
    ({"facts": {"f": {"connector": "web", **POST, "type": "string"}}}, "spec.facts.f.request.method", "POST"),
    (BY_STATE | {"record": None}, "spec.reconcileBy", "the tool declares no record"),
    (BY_STATE | {"reconcile": GET}, "spec.reconcile", "it does not ask for the record"),
    (BY_STATE | {"reconcileBy": "action"}, "spec.call", "`write-queryable` needs the action's id"),
]  # fmt: skip


@pytest.mark.parametrize(("spec", "field", "message"), UNSOUND)
def test_an_unsound_tool_is_named_with_field_and_reason(spec: dict[str, Any], field: str, message: str) -> None:
    found = problems(order(**spec))
    assert any(where == field and what.startswith(message) for where, what in found), found


REQUESTS: list[tuple[dict[str, Any], str]] = [
    ({"method": "GET", "path": "/x/{no}"}, "spec.call.request.path"),
    ({"method": "GET", "path": "/x/{note}"}, "spec.call.request.path"),
    ({"method": "GET", "path": "/x/../y"}, "spec.call.request.path"),
    ({"method": "GET", "path": "/x?y=1"}, "spec.call.request.path"),
    ({"method": "GET", "path": "/x", "query": {"a": "no"}}, "spec.call.request.query"),
    ({"method": "GET", "path": "/x", "body": "arguments"}, "spec.call.request.body"),
    ({"method": "POST", "path": "/x", "idempotencyHeader": "a b"}, "spec.call.request.idempotencyHeader"),
    ({"method": "DELETE", "path": "/x"}, "spec.call.request.method"),
    ({"method": "POST", "path": "/x", "body": {"a": ["{no}"]}}, "spec.call.request.body"),
    ({"method": "POST", "path": "/x", "body": {"a": "is {no such}"}}, "spec.call.request.body"),
    ({"method": "GET", "path": "/x", "body": {"a": "{note}"}}, "spec.call.request.body"),
    ({"method": "GET", "path": "/x", "query": {"a": {"asJson": ["{no}"]}}}, "spec.call.request.query"),
]


@pytest.mark.parametrize(("request_", "field"), REQUESTS)
def test_an_unsound_request_is_named_with_its_field(request_: dict[str, Any], field: str) -> None:
    spec = {"connector": "web", "call": {"request": request_}, "input": arguments("id", id="string", note="string")}
    assert field in [where for where, _ in problems(tool("t", **spec))]


ELSEWHERE = [
    "one,two/db",
    "one:5432,two:5433/db",
    "10.0.0.1,[::1]/db",
    "%2Frun%2Fpostgresql/db",
    "/db",
    "user@/db",
    "%40run/db",
    "0x7f.1/db",
    "2130706433/db",
    "127.1/db",
    "host%00.example/db",
    "host:0/db",
    "host/",
    "host/d%00b",
    "us%0Aer@host/db",
    "host\t/db",
    "host/db#x",
    "host/db?",
    "host/db?hostaddr=127.0.0.1",
    "host/db?host=/run/postgresql",
    "host/db?service=other",
    "host/db?passfile=/tmp/x",
    "host/db?sslmode=disable",
    "host/db?sslrootcert=/tmp/x",
    "host/db?require_auth=password",
    "host/db?port=1",
    "host/db?dbname=other",
    "host/db?gssencmode=require",
    "host/db?target_session_attrs=any",
    "host/db?sslkeylogfile=/tmp/x",
]
"""What libpq would read as several hosts, a socket, a file or an option, or what two readers could read differently."""

CONNECTORS: list[tuple[dict[str, Any], str]] = [
    ({"type": "sql", "url": "mysql://host/db"}, "spec.use.url"),
    ({"type": "sql", "url": "postgresql://u:hunter2-canary@host/db"}, "spec.use.url"),
    ({"type": "sql", "url": "postgresql://host/db?options=-c%20default_transaction_read_only=off"}, "spec.use.url"),
    ({"type": "sql", "url": "postgresql://host/db?host=other"}, "spec.use.url"),
    *(({"type": "sql", "url": f"postgresql://{rest}"}, "spec.use.url") for rest in ELSEWHERE),
    ({"type": "sql", "url": "postgresql://host/db", "socket": "/run/postgresql"}, "spec.use.url"),
    ({"type": "sql", "url": "postgresql://host/db", "allow": ["10.0.0.1/8"]}, "spec.use.allow"),
    ({"type": "sql", "url": "sqlite:///../autonomy.sqlite"}, "spec.use.url"),
    ({"type": "sql", "url": "sqlite:///x?mode=rwc"}, "spec.use.url"),
    ({"type": "sql", "url": "sqlite:///:memory:"}, "spec.use.url"),
    ({"type": "sql", "url": "sqlite:///x", "timeout": "0s"}, "spec.use.timeout"),
    ({"type": "http", "baseUrl": "https://user:hunter2-canary@x.org"}, "spec.use.baseUrl"),
    ({"type": "http", "baseUrl": "http://0x7f.1/"}, "spec.use.baseUrl"),
    ({"type": "http", "baseUrl": "https://x.org/?a=1"}, "spec.use.baseUrl"),
    ({"type": "http", "baseUrl": "https://x.org", "allow": ["10.0.0.1/8"]}, "spec.use.allow"),
    ({"type": "http", "baseUrl": "https://x.org", "header": "Host"}, "spec.use.header"),
    ({"type": "http", "baseUrl": "https://x.org", "header": "A: b\r\nC"}, "spec.use.header"),
    ({"type": "http", "baseUrl": "https://x.org", "scheme": "a b"}, "spec.use.scheme"),
    ({"type": "http", "baseUrl": "https://x.org", "headers": {"Host": "y"}}, "spec.use.headers.Host"),
    ({"type": "http", "baseUrl": "https://x.org", "headers": {"authorization": "y"}}, "spec.use.headers.authorization"),
    ({"type": "http", "baseUrl": "https://x.org", "headers": {"X-A": "b\r\nC: d"}}, "spec.use.headers.X-A"),
    ({"type": "python", "entryPoint": "not-installed"}, "spec.use.entryPoint"),
]


@pytest.mark.parametrize(("use", "field"), CONNECTORS)
def test_an_unsound_connector_is_named_and_its_password_is_not_shown(use: dict[str, Any], field: str) -> None:
    found = problems(connector("c", **use))
    assert field in [where for where, _ in found]
    assert "canary" not in str(found)


def test_every_problem_is_reported_at_once() -> None:
    unsound = connector("c", type="sql", url="mysql://host/db", timeout="0s")
    assert len(problems(order(call=GET, deadline="0s", subject="y"), unsound)) == 5


LOOK = {"left": {"sql": "SELECT n FROM budget WHERE id = :id", "type": "integer", "default": 0}}


@pytest.mark.parametrize(
    ("check", "field"),
    [
        ({"facts": LOOK, "expect": "facts.lost == 1"}, "spec.check.expect"),
        ({"facts": LOOK, "expect": "facts.left + 1"}, "spec.check.expect"),
        ({"facts": LOOK, "expect": "facts.left >", "after": "1h"}, "spec.check.expect"),
        ({"facts": LOOK, "expect": "facts.left == 1", "after": "31d"}, "spec.check.after"),
        (
            {"facts": {"left": {"sql": "DELETE FROM budget", "type": "integer"}}, "expect": "facts.left == 1"},
            "spec.check.facts.left.sql",
        ),
    ],
)
def test_a_check_that_could_not_be_made_is_refused(check: dict[str, Any], field: str) -> None:
    assert (
        problems(order(check={"facts": LOOK, "expect": "facts.left >= 0 && arguments.id != ''", "after": "1h"})) == []
    )
    assert [found for found, _ in problems(order(check=check))] == [field]


def test_what_only_reads_has_no_effect_to_check() -> None:
    found = problems(tool("get", connector="web", call=GET, check={"facts": {}, "expect": "true"} | SEEN))
    assert [field for field, _ in found] == ["spec.check"]


SEEN = {"facts": {"seen": {"request": GET["request"], "type": "string"}}, "expect": "facts.seen != ''"}
