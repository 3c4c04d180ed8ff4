"""schemathesis let loose on the API: what it asks of each operation of our document, and what holds of every answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode, Response
from schemathesis.checks import not_a_server_error
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from autonomy.kernel.clock import DAY, now
from tests.server.contract import PEOPLE, document
from tests.server.desk import Client, Desk, files

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
    allow_header_conformance,
]
ALLOW_SAYS_MORE = {"rotate_secret"}
"""The name of a secret may hold a slash: `PUT /api/secrets/erp/rotate` stores the secret `erp/rotate`. `Allow` of this
address rightly says so; schemathesis holds that against the template that only rotates."""

MODES = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]
DEADLINE = 20  # seconds for one answer
STREAM = "stream_events"

ROOT = """
apiVersion: autonomy/v1
kind: Person
metadata: { name: root }
spec:
  displayName: Root
  email: root@acme.example
  roles: [boss, chief]
  access: [admin, approver, auditor, supervisor, viewer]
  externalSubject: "idp|root"
"""
"""Somebody with every permission, so that nothing stops short at a missing one."""

Known = dict[str, list[Any]]
"""Values that mean something here, by the names of the parameters and fields they are for."""


def organisation() -> dict[str, str]:
    """The small organisation of the server's tests, and `root`."""
    return files(root=ROOT)


AGENTS = "openapi-v1.json"


def operations(name: str = PEOPLE) -> list[str]:
    """The name of every operation of a document."""
    return sorted(one["operationId"] for methods in document(name)["paths"].values() for one in methods.values())


@cache
def operation(name: str) -> APIOperation[Any, Any, Any, Any]:
    """The operation as schemathesis knows it."""
    return _schema(_document_of(name)).find_operation_by_id(name)


def needs(name: str) -> str:
    """The permission the document says the operation needs."""
    found: str = operation(name).definition.raw["x-permission"]
    return found


def coverage(name: str) -> Iterator[Case]:
    """Each constraint of each parameter and field of the operation, kept at its edge and broken on purpose."""
    schema, asked = _schema(_document_of(name)), operation(name)
    yield from schema.iter_coverage_cases(
        asked,
        generation_modes=MODES,
        generation_config=schema.config.generation_for(operation=asked, phase="coverage"),
    )


def fuzz(name: str, known: Known, count: int, ask: Callable[[Case], None]) -> None:
    """`ask` about `count` cases of the operation, fitting its description or not; always the same ones."""

    @settings(
        max_examples=count,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=_cases(operation(name), known))
    def run(case: Case) -> None:
        ask(case)

    run()


@dataclass
class Asker:
    """Somebody who asks, over one connection. Every answer is checked."""

    desk: Desk
    session: requests.Session
    client: Client

    def ask(self, case: Case) -> Response:
        """The answer, which is as the document says."""
        if case.operation.definition.raw["operationId"] == STREAM and case.method == "GET":
            return self._listen(case)
        found = case.call(**self._sent(), timeout=DEADLINE, allow_redirects=False, session=self.session)
        says_more = case.operation.definition.raw["operationId"] in ALLOW_SAYS_MORE
        case.validate_response(found, checks=CHECKS[:-1] if says_more else CHECKS)
        return found

    def _listen(self, case: Case) -> Response:
        """The beginning of a stream, which has no end; where it is refused, the whole answer."""
        sent = case.as_transport_kwargs(**self._sent())
        with self.session.request(**sent, timeout=DEADLINE, allow_redirects=False, stream=True) as found:
            if found.status_code == 200:
                assert found.headers["Content-Type"].startswith("text/event-stream")
                assert next(found.iter_content(12)).startswith(b": from leaf ")
                return Response(200, {}, b"", found.request, 0.0, verify=False)
            case.validate_response(found, checks=CHECKS)
            return Response.from_requests(found, verify=False)

    def _sent(self) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.client.token}"} if self.client.token else {}
        return {"base_url": self.desk.url, "headers": headers}


def known(desk: Desk) -> Known:
    """Names and ids of what is there, made for this: nothing else is lost with them."""
    root = desk.person("root")
    held, done = desk.held(), str(desk.act("look", n=1)["action"])
    credential = root.post("/api/agents/w2/credentials").json["id"]
    granted = {"from_agent": "w1", "to_agent": "w2", "tools": ["look"], "ttl": DAY}
    delegation = root.post("/api/delegations", granted).json["id"]
    away = {"deputy": "carl", "since": now(), "until": now() + DAY}
    absence = desk.person("bea").post("/api/absences", away).json["id"]
    service = root.post("/api/service-keys", {"name": "shop", "purpose": "authzen"}).json["id"]
    site = root.post("/api/site-keys", {"site": "hall"}).json["id"]
    contained = root.post("/api/contain", {"scope": "agent", "target": "clerk", "reason": "x"}).json["containment"][
        "id"
    ]
    root.send("PUT", "/api/secrets/erp/w1", {"value": "a long word"})
    opened = root.post("/api/incidents", {"about": "action", "id": done}).json["incident"]
    desk.taken_in()
    agents, people, tools = ["w1", "w2", "child", "clerk"], ["bea", "bob", "vera", "sam"], ["look", "pay", "press"]
    shown = root.get(f"/api/approvals/{held}").json["shown"]
    return {
        "name": [*agents, *people, *tools, "works", "erp/w1"],
        "action": [held, done],
        "incident": [opened["id"]],
        "case": [opened["place"]["case"], "elsewhere"],
        "owner": people,
        "kind": ["Agent", "Person", "Tool", "Unit", "intent"],
        "credential": [credential],
        "delegation": [delegation],
        "absence": [absence],
        "id": [site],
        "key": [service],
        "epoch": [0, 1, 2],
        "index": [0, 1, 7],
        "after": [held, done, credential, "w1", 3],
        "agent": agents,
        "from_agent": agents,
        "to_agent": agents,
        "tool": tools,
        "person": people,
        "deputy": people,
        "target": [*agents, *tools, "works", "*"],
        "what": [*agents, contained],
        "subject": ["acme", "agent:w1"],
        "shown": [shown],
        "files": [organisation(), {"root.yaml": ROOT}],
        "unit": ["works", "office"],
        "site": ["hall"],
    }


@st.composite
def _cases(draw: st.DrawFn, asked: APIOperation[Any, Any, Any, Any], known: Known) -> Case:
    case: Case = draw(asked.as_strategy(generation_mode=draw(st.sampled_from(MODES))))
    for part in (case.path_parameters, case.query, case.body):
        if isinstance(part, dict):
            for name in part.keys() & known.keys():
                if draw(st.booleans()):
                    part[name] = draw(st.sampled_from(known[name]))
    return case


def _document_of(operation: str) -> str:
    return AGENTS if operation in operations(AGENTS) else PEOPLE


@cache
def _schema(name: str) -> Any:
    # Whoever asks keeps their own token; wrong ones are the business of test_access.
    config = {"generation": {"with-security-parameters": False}}
    return schemathesis.openapi.from_dict(document(name), config=schemathesis.Config.from_dict(config))
