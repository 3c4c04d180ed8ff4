"""A trace for each action, in a real OTLP receiver: below its caller's, continued by its upstream, absent when off."""

from __future__ import annotations

import gzip
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from autonomy.kernel.errors import Invalid
from autonomy.kernel.ids import number_of
from autonomy.telemetry import outgoing, read_caller
from autonomy.telemetry.otlp import endpoint_of
from tests.gate.works import TOOLS, TRUSTED
from tests.server.desk import Desk, desk, files

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
UNSAMPLED = PARENT[:-2] + "00"
TRACE, SPAN = 0x0AF7651916CD43DD8448EB211C80319C, 0xB7AD6B7169203331
STEPS = ["admit", "describe", "decide", "intent", "effect", "outcome"]
MCP = {"MCP_Protocol_Version": "2025-11-25", "Accept": "application/json, text/event-stream"}


@dataclass
class Collector:
    """What came in: spans by name, with their attributes as plain values; and requests to the upstream."""

    port: int
    spans: list[dict[str, Any]] = field(default_factory=list)
    asked: list[dict[str, str]] = field(default_factory=list)
    resource: dict[str, str] = field(default_factory=dict)

    def root(self, action: str) -> dict[str, Any]:
        """The span of the whole action."""
        return next(each for each in self.spans if each["attributes"].get("autonomy.action") == action)

    def below(self, root: dict[str, Any]) -> list[str]:
        """The steps under a root, in the order in which they began."""
        found = [each for each in self.spans if each["parent"] == root["id"] and each["trace"] == root["trace"]]
        return [each["name"] for each in sorted(found, key=lambda each: each["began"])]


@contextmanager
def collector() -> Iterator[Collector]:
    """An OTLP receiver and an upstream of an HTTP connector, on one port of the loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path == "/v1/traces":
                take(found, gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body)
            self._answer(b"")

        def do_GET(self) -> None:
            found.asked.append({name.lower(): value for name, value in self.headers.items()})
            self._answer(b"{}")

        def _answer(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found = Collector(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def take(found: Collector, body: bytes) -> None:
    for batch in ExportTraceServiceRequest.FromString(body).resource_spans:
        found.resource = {each.key: each.value.string_value for each in batch.resource.attributes}
        for span in (span for scope in batch.scope_spans for span in scope.spans):
            found.spans.append(
                {
                    "name": span.name,
                    "trace": int.from_bytes(span.trace_id, "big"),
                    "id": int.from_bytes(span.span_id, "big"),
                    "parent": int.from_bytes(span.parent_span_id, "big"),
                    "kind": span.kind,
                    "state": span.trace_state,
                    "began": span.start_time_unix_nano,
                    "seconds": (span.end_time_unix_nano - span.start_time_unix_nano) / 1e9,
                    "failed": span.status.code == 2,
                    "attributes": {each.key: _plain(each.value) for each in span.attributes},
                }
            )


def _plain(value: Any) -> Any:
    kind = value.WhichOneof("value")
    return [_plain(each) for each in value.array_value.values] if kind == "array_value" else getattr(value, kind)


@contextmanager
def traced(folder: Path, found: Collector, **set: Any) -> Iterator[Desk]:
    """A server that sends its traces to the collector, which is its upstream as well. They are all there at the end."""
    web = "".join(
        f"""---
apiVersion: autonomy/v1
kind: Connector
metadata: {{ name: {name} }}
spec:
  use: {{ type: http, baseUrl: "http://127.0.0.1:{found.port}", allow: [127.0.0.0/8], traceContext: {on} }}
---
apiVersion: autonomy/v1
kind: Tool
metadata: {{ name: {name}-read, description: {name} }}
spec:
  connector: {name}
  call: {{ request: {{ method: GET, path: /x }} }}
  input: {{ type: object }}
  effect: read
{TRUSTED}"""
        for name, on in (("told", "true"), ("untold", "false"))
    )
    url = f"http://127.0.0.1:{found.port}"
    with desk(folder, traces=url, organisation=files(tools=TOOLS + web), **set) as it:
        yield it


def test_an_action_is_one_trace_with_a_span_for_each_step(tmp_path: Path) -> None:
    with collector() as found:
        with traced(tmp_path, found) as it:
            it.act("look", n=1)
            action = it.act("press", n=1)["action"]
        root = found.root(action)
    assert root["name"] == "execute_tool press"
    assert (root["trace"], root["parent"], root["kind"], root["failed"]) == (number_of(action), 0, 2, False)
    said = root["attributes"]
    assert said["gen_ai.operation.name"] == "execute_tool" and said["gen_ai.tool.name"] == "press"
    assert said["gen_ai.agent.name"] == "w1" and said["gen_ai.tool.call.id"] == action
    assert said["autonomy.status"] == "done" and said["autonomy.face"] == "rest"
    assert said["autonomy.policies"] == ["workers-work"]
    assert found.below(root) == STEPS
    steps = [each for each in found.spans if each["parent"] == root["id"]]
    assert sum(each["seconds"] for each in steps) <= root["seconds"]
    assert {each["name"] for each in steps if each["kind"] == 3} == {"effect"}
    assert found.resource["service.name"] == "autonomy" and found.resource["service.instance.id"].startswith("proc_")


def test_a_callers_trace_is_continued_and_handed_to_an_upstream_that_is_declared_to_take_it(tmp_path: Path) -> None:
    with collector() as found:
        with traced(tmp_path, found) as it:
            body = {"tool": "told-read", "arguments": {}}
            action = it.agent().post("/v1/actions", body, traceparent=PARENT, tracestate="other=1").json["action"]
            it.agent().post("/v1/actions", body | {"tool": "untold-read"}, traceparent=PARENT)
        root = found.root(action)
        effect = next(each for each in found.spans if each["parent"] == root["id"] and each["name"] == "effect")
    assert (root["trace"], root["parent"], root["state"]) == (TRACE, SPAN, "other=1")
    told, untold = found.asked
    assert told["traceparent"] == f"00-{TRACE:032x}-{effect['id']:016x}-01" and told["tracestate"] == "other=1"
    assert "traceparent" not in untold


def test_mcp_says_its_place_in_meta_and_its_method_is_told(tmp_path: Path) -> None:
    with collector() as found:
        with traced(tmp_path, found) as it:
            params = {"name": "look", "arguments": {"n": 1}, "_meta": {"traceparent": PARENT}}
            call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
            assert it.agent().post("/mcp", call, **MCP).status == 200
        root = next(each for each in found.spans if each["name"] == "execute_tool look")
    assert (root["trace"], root["parent"]) == (TRACE, SPAN)
    assert root["attributes"]["mcp.method.name"] == "tools/call" and root["attributes"]["autonomy.face"] == "mcp"


def test_refusals_are_told_by_their_code_and_never_by_words(tmp_path: Path) -> None:
    with collector() as found:
        with traced(tmp_path, found) as it:
            it.act("pay", payee="canary-payee", amount="1000000.00")
            it.stranger.post("/v1/actions", {"tool": "look", "arguments": {}}, Authorization="Bearer aos_canary_canary")
        codes = {each["attributes"].get("error.type") for each in found.spans}
    assert {"policy.denied", "credential.invalid"} <= codes
    assert all(each["trace"] for each in found.spans)
    assert "canary" not in str(found.spans)


def test_what_people_approved_goes_on_in_the_same_trace(tmp_path: Path) -> None:
    with collector() as found:
        with traced(tmp_path, found) as it:
            action = it.held()
            hold = it.system.approvals.get(action)
            it.system.approvals.decide(action, "bea", "approve", hold.shown)
            it.finished(action)
        roots = [each for each in found.spans if each["attributes"].get("autonomy.action") == action]
    assert {each["attributes"]["autonomy.status"] for each in roots} == {"held", "done"}
    assert {each["trace"] for each in roots} == {number_of(action)}


def test_a_caller_that_does_not_sample_and_a_share_of_none_leave_no_trace(tmp_path: Path) -> None:
    with collector() as found:
        with traced(tmp_path / "a", found) as it:
            body = {"tool": "told-read", "arguments": {}}
            assert it.agent().post("/v1/actions", body, traceparent=UNSAMPLED).status == 200
        with traced(tmp_path / "b", found, traces_percent=0) as it:
            it.act("told-read")
            assert it.agent().post("/v1/actions", body, traceparent=PARENT).status == 200
    assert {each["trace"] for each in found.spans} == {TRACE}, "who samples decides"
    assert [("traceparent" in each) for each in found.asked] == [False, False, True]


def test_a_collector_that_is_gone_costs_no_action(tmp_path: Path) -> None:
    with collector() as found:
        pass
    with traced(tmp_path, found) as it:
        assert it.act("look", n=1)["status"] == "done"


def test_nothing_of_it_is_loaded_while_traces_are_off(tmp_path: Path) -> None:
    program = (
        "import sys; from dataclasses import replace; from pathlib import Path; "
        "from autonomy.server import Server; from autonomy.wiring import Settings, open_system; "
        "system = open_system(replace(Settings(), data=Path(sys.argv[1]))); Server(system); system.close(); "
        "print([name for name in sys.modules if name.startswith(('opentelemetry.sdk', 'opentelemetry.exporter', "
        "'google.protobuf', 'requests'))])"
    )
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("url", ["collector:4318", "", "grpc://collector", "http://me:canary@collector", "http://"])
def test_a_collector_is_named_by_a_plain_url(url: str) -> None:
    with pytest.raises(Invalid) as refused:
        endpoint_of(url)
    assert refused.value.code == "traces.url" and "canary" not in str(refused.value)


def test_the_usual_path_of_a_collector_is_known() -> None:
    assert (
        endpoint_of("http://127.0.0.1:4318")
        == endpoint_of("http://127.0.0.1:4318/")
        == "http://127.0.0.1:4318/v1/traces"
    )
    assert endpoint_of("https://c.example/otlp") == "https://c.example/otlp"


@given(some.integers(1, 2**128 - 1), some.integers(1, 2**64 - 1), some.text(max_size=600))
def test_what_we_hand_on_is_what_others_read(trace: int, span: int, state: str) -> None:
    found = read_caller(outgoing(trace, span)["traceparent"], state)
    assert found is not None and (found.trace, found.span, found.sampled) == (trace, span, True)
    assert found.state in ("", state) and len(found.state) <= 512 and found.state.isprintable() | ("\t" in state)


@pytest.mark.parametrize(
    "parent",
    [
        None,
        "",
        "00",
        PARENT.upper(),
        PARENT + "-",
        PARENT + "-00",
        "ff" + PARENT[2:],
        "00-" + "0" * 32 + PARENT[35:],
        PARENT[:36] + "0" * 16 + "-01",
        PARENT + " ",
        " " + PARENT,
    ],
)
def test_a_place_that_is_none_is_not_believed(parent: str | None) -> None:
    assert read_caller(parent) is None


def test_a_later_version_is_read_as_far_as_it_is_known() -> None:
    found = read_caller("cc" + PARENT[2:] + "-what-comes-later")
    assert found is not None and found.trace == TRACE
