"""Hands finished spans to an OpenTelemetry collector (OTLP over HTTP), in the background and in batches.

Loaded only where traces are on: the SDK and its exporter are an extra, and take twenty megabytes.
"""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, TraceFlags, TraceState
from opentelemetry.trace.status import Status, StatusCode

from autonomy.kernel.errors import Invalid

from .passage import Span

QUEUE = 8_192  # spans that wait to be sent; more are dropped, an action never waits for its trace
BATCH = 512
DELAY_MS = 1_000
SEND_SECONDS = 5.0
PATH = "/v1/traces"
LAST_WORD_SECONDS = 3.0  # for what is left when the process ends

_KINDS = {"internal": SpanKind.INTERNAL, "server": SpanKind.SERVER, "client": SpanKind.CLIENT}


class Exporter:
    """Sends the spans of one process, which calls itself `instance`."""

    def __init__(self, url: str, instance: str, version: str) -> None:
        sender = OTLPSpanExporter(endpoint=endpoint_of(url), timeout=SEND_SECONDS)
        self._processor = BatchSpanProcessor(
            sender, max_queue_size=QUEUE, max_export_batch_size=BATCH, schedule_delay_millis=DELAY_MS
        )
        self._scope = InstrumentationScope("autonomy", version)
        self._resource = Resource.create(
            {"service.name": "autonomy", "service.version": version, "service.instance.id": instance}
        )

    def take(self, span: Span) -> None:
        """Queue a finished span."""
        self._processor.on_end(self._readable(span))

    async def close(self) -> None:
        """Send what is left, for as long as there is time."""
        try:
            async with asyncio.timeout(LAST_WORD_SECONDS):
                await asyncio.to_thread(self._processor.shutdown)
        except TimeoutError:
            return  # the collector does not take it; what an action did stands in the log

    def _readable(self, span: Span) -> ReadableSpan:
        state = TraceState.from_header([span.state]) if span.state else None
        parent = None if span.parent is None else _place(span.trace, span.parent, state, is_remote=True)
        failed = Status(StatusCode.ERROR, span.error) if span.error else Status(StatusCode.UNSET)
        attributes = {**span.attributes, "error.type": span.error} if span.error else span.attributes
        return ReadableSpan(
            name=span.name,
            context=_place(span.trace, span.id, state, is_remote=False),
            parent=parent,
            resource=self._resource,
            attributes=attributes,
            kind=_KINDS[span.kind],
            status=failed,
            start_time=span.began,
            end_time=span.ended,
            instrumentation_scope=self._scope,
        )


def endpoint_of(url: str) -> str:
    """Where spans are sent, for the URL of a collector. Raises Invalid (`traces.url`)."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.password:
        raise Invalid(
            "this is not the URL of a collector",
            code="traces.url",
            hint="write for example `http://127.0.0.1:4318`; credentials go into `OTEL_EXPORTER_OTLP_HEADERS`",
        )
    return url if parts.path not in ("", "/") else url.rstrip("/") + PATH


def _place(trace: int, span: int, state: TraceState | None, *, is_remote: bool) -> SpanContext:
    return SpanContext(trace, span, is_remote, TraceFlags(TraceFlags.SAMPLED), state)
