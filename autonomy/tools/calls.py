"""What must hold of the calls a tool declares: that they fit their connector, the arguments and the effect. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from autonomy.catalog.mcp_server import McpConnector, McpTool
from autonomy.catalog.model import (
    Call,
    FactSpec,
    HttpConnector,
    PythonConnector,
    SqlConnector,
    Statement,
    ToolSpec,
)
from autonomy.catalog.openapi import Operation
from autonomy.catalog.problem import nearest
from autonomy.catalog.services import HttpRequest, OpenApiConnector, OperationCall
from autonomy.catalog.systems import MailConnector, MailMessage, OtherSystem, ProcessRun
from autonomy.kernel.canonical import Json
from autonomy.kernel.errors import Invalid

from .database_url import dialect_of
from .messages import admits
from .places import names_in
from .report import SCALARS, Report
from .requests import in_body, in_query, places, used
from .schema import Schema
from .sql_words import RESERVED
from .statements import Parsed, parse, require_read
from .template import at, keep
from .wanted import of_operation

Use = SqlConnector | HttpConnector | OpenApiConnector | PythonConnector | McpConnector | OtherSystem

_WAYS = {
    "sql": "statements",
    "http": "request",
    "openapi": "operation",
    "python": "function",
    "mcp": "tool",
    "process": "run",
    "webhook": "post",
    "mail": "mail",
}
"""What a connector of each type can do."""

_NEVER_READING = ("post", "mail")

_PATH = re.compile(r"/(?:[A-Za-z0-9/_.~@:,;=+$!*()-]|\{[a-z_][a-z0-9_]*\})*")
_FIELD = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
_ANYTHING = SCALARS | {"object", "array", "any"}
_WITH_BODY = ("POST", "PUT", "PATCH")
_READING = ("GET", "POST")  # many interfaces take queries by POST; facts and questions must do with GET


def check_call(report: Report, spec: ToolSpec, schema: Schema, use: Use) -> None:
    """The tool's own call: fit for the connector, reading for the effect `read`, carrying the key where it must."""
    if not _fits(report, "spec.call", spec.call, use):
        return
    parsed = _body(report, "spec.call", spec.call, schema, use)
    if spec.effect == "read":
        _require_reading(report, "spec.call", spec.call, parsed, _READING, use)
    elif isinstance(use, MailConnector) and spec.effect != "write-neither":
        report.say("spec.effect", "a mail server neither tells repeats apart nor can be asked", "use `write-neither`")
    elif isinstance(use, SqlConnector) and parsed and all(statement.kind == "select" for statement in parsed):
        report.say("spec.effect", "the statements only read", "declare the effect `read`")
    by_state = spec.effect == "write-queryable" and spec.reconcileBy == "state"
    if spec.effect in ("write-keyed", "write-queryable") and not by_state:
        _require_key(report, spec, parsed)


def _require_key(report: Report, spec: ToolSpec, parsed: list[Parsed]) -> None:
    if not _carries_key(spec.call, parsed, header=True):
        report.say(
            "spec.call",
            f"`{spec.effect}` needs the action's id to arrive with the write",
            "use `:action_id` in a statement, `idempotencyHeader` or `action_id` in a request, `fill` in an operation, "
            "`action_id` among the arguments of a tool",
        )


def check_reconcile(report: Report, spec: ToolSpec, schema: Schema, use: Use) -> None:
    """The question whether a write happened: there where it is needed, reading, and asking by the action's id."""
    if spec.reconcile is None:
        if spec.effect == "write-queryable":
            report.say("spec.reconcile", "`write-queryable` needs a way to ask", "declare `reconcile`")
        return
    if not _fits(report, "spec.reconcile", spec.reconcile, use):
        return
    parsed = _body(report, "spec.reconcile", spec.reconcile, schema, use)
    _require_reading(report, "spec.reconcile", spec.reconcile, parsed, ("GET",), use)
    if spec.reconcileBy == "state":
        _require_record(report, spec, spec.reconcile, parsed)
    elif not _carries_key(spec.reconcile, parsed, header=False):
        report.say(
            "spec.reconcile",
            "it does not ask by the action's id",
            "use `:action_id` in a statement, `action_id` in a request or a tool's arguments, `fill` in an operation",
        )


def _require_record(report: Report, spec: ToolSpec, asked: Call, parsed: list[Parsed]) -> None:
    """What is asked by its state is one record, and the question names it."""
    if spec.record is None:
        report.say("spec.reconcileBy", "the tool declares no record whose state could be asked", "declare `record`")
    elif not _asks_for(asked, parsed, spec.record.key):
        report.say("spec.reconcile", f"it does not ask for the record `{spec.record.key}`", "use the argument in it")


def _asks_for(asked: Call, parsed: list[Parsed], argument: str) -> bool:
    if asked.request is not None:
        return argument in used(asked.request)
    if asked.tool is not None:
        return asked.tool.arguments is None or argument in asked.tool.arguments.values()
    return asked.statements is None or any(argument in one.parameters for one in parsed)


def check_facts(report: Report, spec: ToolSpec, schema: Schema, connectors: Mapping[str, Use]) -> None:
    """Every fact: a look-up that its connector can do, reading only."""
    for field, fact in spec.lookups:
        call = fact_call(fact)
        use = connectors.get(fact.connector or spec.connector)
        if use is not None and _fits(report, field, call, use):
            _require_reading(report, field, call, _body(report, field, call, schema, use), ("GET",), use)


def fact_call(fact: FactSpec) -> Call:
    """A look-up in the form of a call."""
    statements = [Statement(sql=fact.sql, expectRows=None)] if fact.sql is not None else None
    return Call(statements=statements, request=fact.request, function=fact.function, operation=fact.operation)


def question(fact: FactSpec) -> tuple[str, Call]:
    """What a fact asks, as a text by which the same question is known, and the call that asks it. The call returns the
    whole answer, for facts may keep different parts of it."""
    call = fact_call(fact)
    if fact.request is not None:
        call = call.model_copy(update={"request": fact.request.model_copy(update={"rows": None, "fields": {}})})
    return call.model_dump_json(), call


def kept(fact: FactSpec, answer: Json) -> Json:
    """What the fact keeps of the answer to its question."""
    found = answer if fact.request is None else keep(answer, fact.request.rows, fact.request.fields)
    return found if fact.select is None else at(found, fact.select)


def _fits(report: Report, field: str, call: Call, use: Use) -> bool:
    """Whether `call` is in the one way that its connector's type can do."""
    wanted = _WAYS[use.type]
    if call.way != wanted:
        report.say(field, f"a connector of type {use.type} cannot do `{call.way}`", f"declare `{wanted}`")
    return call.way == wanted


def _body(report: Report, field: str, call: Call, schema: Schema, use: Use) -> list[Parsed]:
    """Check statements or request against the arguments; returns the statements that could be read."""
    if call.request is not None:
        _request(report, f"{field}.request", call.request, schema)
    if (called := call.operation_call) is not None and isinstance(use, OpenApiConnector):
        with report.within(f"{field}.operation"):
            _operation(report, f"{field}.operation", called, use, schema)
    if call.tool is not None:
        _tool_arguments(report, f"{field}.tool.arguments", call.tool, schema)
    if call.run is not None:
        _run(report, f"{field}.run", call.run, schema)
    if call.mail is not None and isinstance(use, MailConnector):
        _mail(report, f"{field}.mail", call.mail, schema, use)
    if call.statements is None or not isinstance(use, SqlConnector):
        return []
    return list(_statements(report, field, call.statements, schema, use))


def _statements(
    report: Report, field: str, statements: Iterable[Statement], schema: Schema, use: SqlConnector
) -> Iterable[Parsed]:
    for index, statement in enumerate(statements):
        place = f"{field}.statements[{index}]" if ".facts." not in field else f"{field}.sql"
        try:
            parsed = parse(statement.sql, dialect_of(use.url))
        except Invalid as error:
            report.say(place, error.message, error.hint)
            continue
        for name in sorted(parsed.parameters - RESERVED):
            report.argument(place, name, schema, SCALARS)
        if statement.expectRows is not None and statement.expectRows < 0:
            report.say(place, "fewer than no rows cannot be expected", "write 0 or more")
        yield parsed


def _request(report: Report, field: str, request: HttpRequest, schema: Schema) -> None:
    if not _PATH.fullmatch(request.path) or any(set(step) <= {"."} for step in request.path.split("/")[1:-1]):
        report.say(f"{field}.path", "it is not a plain path", "letters, digits and `{argument}` between slashes")
    for name in sorted(set(places(request.path)) - RESERVED):
        report.argument(f"{field}.path", name, schema, SCALARS - {"null"}, required=True)
    for name in sorted({part for part in request.query.values() if isinstance(part, str)} & set(schema.properties)):
        report.argument(f"{field}.query", name, schema)
    for place, found in (("query", in_query(request)), ("body", in_body(request))):
        for name in sorted(found - RESERVED - set(schema.properties)):
            report.argument(f"{field}.{place}", name, schema)
    if request.body != "none" and request.method not in _WITH_BODY:
        report.say(f"{field}.body", f"{request.method} carries no body", "use `none`, and put arguments into `query`")
    if request.idempotencyHeader is not None and not _FIELD.fullmatch(request.idempotencyHeader):
        report.say(f"{field}.idempotencyHeader", "it is not the name of a header", "such as `Idempotency-Key`")


def _tool_arguments(report: Report, field: str, tool: McpTool, schema: Schema) -> None:
    for name in sorted(set((tool.arguments or {}).values()) - RESERVED):
        if name not in schema.properties:
            report.say(field, f"there is no argument `{name}`", "declare it in `input`")


def _run(report: Report, field: str, run: ProcessRun, schema: Schema) -> None:
    for name in names_in(run.arguments):
        if name not in RESERVED:
            report.argument(f"{field}.arguments", name, schema)
    meant = [*run.refused, *run.stale, *run.absent]
    if len(set(meant)) != len(meant):
        report.say(field, "an exit code means two things", "name each in one of `refused`, `stale`, `absent`")


def _mail(report: Report, field: str, mail: MailMessage, schema: Schema, use: MailConnector) -> None:
    for place, texts in (
        ("to", mail.to),
        ("cc", mail.cc),
        ("subject", [mail.subject]),
        ("text", [mail.text, mail.html or ""]),
    ):
        for name in names_in(texts):
            if name not in RESERVED:
                report.argument(f"{field}.{place}", name, schema, required=place == "to")
    for address in (*mail.to, *mail.cc):
        if not names_in([address]) and not admits(use.recipients, address):
            report.say(
                f"{field}.to", f"`{address[:80]}` may not be written to", "add it to the connector's `recipients`"
            )


def _require_reading(
    report: Report, field: str, call: Call, parsed: Iterable[Parsed], methods: tuple[str, ...], use: Use
) -> None:
    for statement in parsed:
        with report.within(field):
            require_read(statement)
    if call.request is not None and call.request.method not in methods:
        report.say(f"{field}.request.method", f"{call.request.method} changes something", f"use {' or '.join(methods)}")
    if call.way in _NEVER_READING:
        report.say(f"{field}.{call.way}", "it tells somebody something", "declare an effect that writes")

    if (called := call.operation_call) is not None and isinstance(use, OpenApiConnector):
        method = use.described.operation(called.id).method
        if method not in methods:
            report.say(f"{field}.operation", f"{method} changes something", f"use {' or '.join(methods)}")


def _operation(report: Report, field: str, called: OperationCall, use: OpenApiConnector, schema: Schema) -> None:
    operation = use.described.operation(called.id)
    of_operation(use, operation)
    decided = {*called.fill, *called.fixed}
    for name in sorted(decided - operation.arguments):
        report.say(field, f"the operation takes no `{name[:60]}`", nearest(name, operation.arguments) or "leave it out")
    for name in sorted(operation.required - decided):
        report.argument(field, name, schema, _ANYTHING, required=True)
    for name in sorted(decided & set(schema.properties)):
        report.say("spec.input", f"`{name}` is not for agents to decide", "leave it out, or out of `fill` and `fixed`")
    if called.idempotencyHeader is not None and not _FIELD.fullmatch(called.idempotencyHeader):
        report.say(f"{field}.idempotencyHeader", "it is not the name of a header", "such as `Idempotency-Key`")
    if called.pagination is not None:
        _pages(report, f"{field}.pagination", operation)


def _pages(report: Report, field: str, operation: Operation) -> None:
    if not operation.reads:
        report.say(field, f"{operation.method} has no pages", "only GET is asked again")


def _carries_key(call: Call, parsed: list[Parsed], *, header: bool) -> bool:
    if call.request is not None:
        return "action_id" in used(call.request) or (header and call.request.idempotencyHeader is not None)
    if (called := call.operation_call) is not None:
        return "action_id" in called.fill.values() or (header and called.idempotencyHeader is not None)
    if call.statements is not None:
        # A statement that could not be read has its own problem already.
        return len(parsed) < len(call.statements) or any("action_id" in one.parameters for one in parsed)
    if call.tool is not None:
        return "action_id" in (call.tool.arguments or {}).values()
    return True  # a function gets the invocation, a program the variable, a webhook is named by it
