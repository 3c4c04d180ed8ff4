"""What must hold of connectors and tools before they go live. Every problem at once, with field and remedy."""

from __future__ import annotations

import re
from collections.abc import Container

from autonomy.catalog.mcp_server import McpConnector
from autonomy.catalog.model import (
    ConnectorSpec,
    HttpConnector,
    PythonConnector,
    RecordSpec,
    SqlConnector,
    ToolSpec,
    WindowSpec,
)
from autonomy.catalog.operations import input_of
from autonomy.catalog.organisation import Organisation, Revision
from autonomy.catalog.problem import Problem, nearest
from autonomy.catalog.services import HttpService, OAuth, OpenApiConnector
from autonomy.catalog.systems import MailConnector, ProcessConnector, WebhookConnector
from autonomy.catalog.words import Strict
from autonomy.kernel import clock, money
from autonomy.kernel.errors import Invalid

from .calls import check_call, check_facts, check_reconcile
from .connectors.python import GROUP, installed
from .database_url import read_url
from .effects import check_effect
from .report import NUMBERS, SCALARS, Report
from .schema import Schema
from .secret_names import PLACES, named_secrets, places_in
from .sql_words import RESERVED
from .ssrf import parse_url, ranges

MAX_DEADLINE = 5 * clock.MINUTE  # a call that takes longer is a workflow step with a callback

_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # RFC 9110, field names and schemes
_OWN_HEADERS = {"host", "content-length", "content-type", "transfer-encoding", "connection", "accept", "upgrade", "te"}


def check(organisation: Organisation, entry_points: Container[str] | None = None) -> list[Problem]:
    """What is wrong with the connectors and tools; empty where they can go live. The catalog checks that names resolve.

    `entry_points` are the installed Python connectors; those of this process where it is not given.
    """
    known = installed() if entry_points is None else entry_points
    declared = [one for one in organisation.revisions() if one.kind in ("Connector", "Tool")]
    reports = [_connector(revision, known) for revision in declared if revision.kind == "Connector"]
    reports += [_tool(revision, organisation) for revision in declared if revision.kind == "Tool"]
    return [problem for report in reports for problem in report.problems]


def _connector(revision: Revision, entry_points: Container[str]) -> Report:
    report = Report("Connector", revision.name)
    if not isinstance(revision.spec, ConnectorSpec):
        raise Invalid(f"`{revision.name}` is not a connector", code="catalog.kind")
    use = revision.spec.use
    _duration(report, "spec.use.timeout", use.timeout)
    _places(report, use)
    match use:
        case SqlConnector():
            _sql_connector(report, use)
        case HttpConnector():
            _base_url(report, use)
            _http_service(report, use)
            _headers(report, use)
        case OpenApiConnector():
            _base_url(report, use)
            _http_service(report, use)
            _openapi_connector(report, use)
        case McpConnector():
            _mcp_connector(report, use)
        case PythonConnector():
            _python_connector(report, use, entry_points)
        case ProcessConnector():
            _process_connector(report, use)
        case WebhookConnector():
            _address(report, "spec.use.url", use.url, use.allow)
        case MailConnector():
            _address(report, "spec.use.host", f"https://{use.host}:{use.port}/", use.allow)
    return report


def _python_connector(report: Report, use: PythonConnector, entry_points: Container[str]) -> None:
    if use.entryPoint not in entry_points:
        report.say(
            "spec.use.entryPoint",
            f"no installed package offers `{use.entryPoint}`",
            f"install one with this entry point in the group `{GROUP}`",
        )


def _process_connector(report: Report, use: ProcessConnector) -> None:
    ours = [name for name in (*use.inherit, *use.environment) if name.startswith("AUTONOMY_")]
    if ours:
        report.say("spec.use.inherit", f"`{ours[0]}` is the server's own", "programs get no variable of this name")
    if use.credentialVariable is not None and use.credential is None:
        report.say("spec.use.credentialVariable", "there is no credential to put into it", "declare `credential`")


def _address(report: Report, field: str, url: str, allow: list[str]) -> None:
    """A URL that can be posted to, and the ranges it may lead to."""
    with report.within(field):
        parse_url(url)
    with report.within("spec.use.allow"):
        ranges(allow)


def _sql_connector(report: Report, use: SqlConnector) -> None:
    if use.url is not None:
        with report.within("spec.use.url"):
            read_url(use.url, use.socket)
    with report.within("spec.use.allow"):
        ranges(use.allow)


def _base_url(report: Report, use: HttpService) -> None:
    with report.within("spec.use.baseUrl"):
        if "?" in parse_url(use.baseUrl).path:
            raise Invalid("a base URL has no query", hint="declare it with each request")


def _mcp_connector(report: Report, use: McpConnector) -> None:
    if use.service is not None:
        with report.within("spec.use.url"):
            parse_url(use.service.baseUrl)
        _http_service(report, use.service)


def _http_service(report: Report, use: HttpService) -> None:
    with report.within("spec.use.allow"):
        ranges(use.allow)
    if not _TOKEN.fullmatch(use.header) or use.header.lower() in _OWN_HEADERS:
        report.say(
            "spec.use.header", f"`{use.header[:40]}` is not a header for a credential", "such as `Authorization`"
        )
    if use.scheme and not _TOKEN.fullmatch(use.scheme):
        report.say("spec.use.scheme", f"`{use.scheme[:40]}` is not a scheme", "one word such as `Bearer`, or empty")
    if use.oauth is not None:
        _oauth(report, use.oauth)


def _oauth(report: Report, oauth: OAuth) -> None:
    with report.within("spec.use.oauth.tokenUrl"):
        parse_url(oauth.tokenUrl)
    if oauth.refreshToken is not None and ":" in oauth.refreshToken:
        report.say(
            "spec.use.oauth.refreshToken",
            "it lies where a renewed one cannot be stored",
            "keep it in our own store: `autonomy secret set`",
        )


def _openapi_connector(report: Report, use: OpenApiConnector) -> None:
    declared = use.described.value.get("components", {}).get("securitySchemes", {})
    for name in use.credentials:
        if name not in declared:
            report.say(
                "spec.use.credentials",
                f"the document has no security scheme `{name[:60]}`",
                nearest(name, declared) or "name one of `components.securitySchemes`",
            )


def _places(report: Report, use: Strict) -> None:
    """Names of secrets in which something else than a place stands in braces."""
    for field, name in named_secrets(use):
        for place in sorted(places_in(name) - PLACES):
            known = ", ".join(f"`{{{one}}}`" for one in sorted(PLACES))
            report.say(field, f"`{{{place[:20]}}}` is not known here", f"use {known}")


def _headers(report: Report, use: HttpConnector) -> None:
    for name, value in use.headers.items():
        if not _TOKEN.fullmatch(name) or name.lower() in _OWN_HEADERS | {use.header.lower()}:
            report.say(f"spec.use.headers.{name[:40]}", "it is not a header of your own", "such as `X-Requested-With`")
        elif not (value.isascii() and value.isprintable()):
            report.say(f"spec.use.headers.{name[:40]}", "its value cannot stand in a header", "printable ASCII")


def _tool(revision: Revision, organisation: Organisation) -> Report:
    report = Report("Tool", revision.name)
    spec = revision.spec
    if not isinstance(spec, ToolSpec):
        raise Invalid(f"`{revision.name}` is not a tool", code="catalog.kind")
    _duration(report, "spec.deadline", spec.deadline)
    with report.within("spec.output"):
        _output(spec)
    with report.within("spec.input"):
        schema = Schema(input_of(organisation, revision))
        _reserved(report, schema)
        _arguments(report, spec, schema)
        _calls(report, spec, schema, organisation)
        check_effect(report, spec, schema)
    return report


def _calls(report: Report, spec: ToolSpec, schema: Schema, organisation: Organisation) -> None:
    connectors = {
        name: revision.spec.use
        for name, revision in organisation.all("Connector").items()
        if isinstance(revision.spec, ConnectorSpec)
    }
    check_facts(report, spec, schema, connectors)
    use = connectors.get(spec.connector)
    if use is not None:  # where it is missing, the catalog says so
        check_call(report, spec, schema, use)
        check_reconcile(report, spec, schema, use)


def _reserved(report: Report, schema: Schema) -> None:
    for name in RESERVED & set(schema.properties):
        report.say("spec.input", f"`{name}` is filled in by the gate", "give the argument another name")


def _output(spec: ToolSpec) -> None:
    if spec.output is not None:
        Schema({"type": "object", "properties": {"output": spec.output}})


def _arguments(report: Report, spec: ToolSpec, schema: Schema) -> None:
    if spec.record is not None:
        _record(report, spec, spec.record, schema)
    for name, window in spec.windows.items():
        _window(report, f"spec.windows.{name}", spec, window, schema)
    if spec.subject is not None:
        report.argument("spec.subject", spec.subject, schema)
    _cost(report, spec, schema)


def _record(report: Report, spec: ToolSpec, record: RecordSpec, schema: Schema) -> None:
    report.argument("spec.record.key", record.key, schema, SCALARS - {"null"}, required=True)
    if record.version is not None:
        report.argument("spec.record.version", record.version, schema, SCALARS - {"null"}, required=True)
    if record.current is not None and record.current not in spec.facts:
        report.say("spec.record.current", f"there is no fact `{record.current}`", nearest(record.current, spec.facts))
    if (record.version is None) != (record.current is None):
        report.say("spec.record", "`version` and `current` are compared with each other", "declare both or neither")


def _window(report: Report, field: str, spec: ToolSpec, window: WindowSpec, schema: Schema) -> None:
    if clock.duration(window.over) == 0:
        report.say(f"{field}.over", "a window of no length sees nothing", "write for example `24h`")
    if window.sum is not None:
        report.argument(f"{field}.sum", window.sum, schema, NUMBERS, required=True)
    for by in window.by:
        if by.startswith("arguments."):
            report.argument(f"{field}.by", by.removeprefix("arguments."), schema, SCALARS - {"null"}, required=True)
        elif by not in ("agent", "unit", "record"):
            report.say(f"{field}.by", f"`{by[:60]}` is not known", "use `agent`, `unit`, `record` or `arguments.NAME`")
        elif by == "record" and spec.record is None:
            report.say(f"{field}.by", "the tool declares no record", "declare `record`, or count by something else")


def _cost(report: Report, spec: ToolSpec, schema: Schema) -> None:
    cost = spec.cost
    if cost.amount is not None and cost.amount[0].isdigit():
        with report.within("spec.cost.amount"):
            money.parse(cost.amount, "EUR")
    elif cost.amount is not None:
        report.argument("spec.cost.amount", cost.amount, schema, NUMBERS, required=True)
    if cost.currency is not None:
        report.argument("spec.cost.currency", cost.currency, schema, frozenset({"string"}), required=True)
    if isinstance(cost.tokens, str):
        report.argument("spec.cost.tokens", cost.tokens, schema, frozenset({"integer"}), required=True)
    elif cost.tokens is not None and cost.tokens < 0:
        report.say("spec.cost.tokens", "a cost is not less than nothing", "write 0 or more")


def _duration(report: Report, field: str, text: str) -> None:
    with report.within(field):
        if not 0 < clock.duration(text) <= MAX_DEADLINE:
            raise Invalid(f"`{text}` is not a time to wait for", hint="more than nothing, at most `5m`")
