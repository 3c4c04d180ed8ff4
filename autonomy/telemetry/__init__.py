"""How we see ourselves: figures for Prometheus, log lines, and traces. Nothing here decides anything."""

from .arrival import Arrival, arrival, arrived
from .exposition import CONTENT_TYPE, expose
from .figures import UNITS, Family, Histogram, Sample, Tally, counter, gauge, gauges, histogram
from .passage import Passage, Span, Take, Trace, enter, leave, new_span, passage, trace_headers
from .traceparent import Caller, outgoing, read_caller

__all__ = [
    "CONTENT_TYPE",
    "UNITS",
    "Arrival",
    "Caller",
    "Family",
    "Histogram",
    "Passage",
    "Sample",
    "Span",
    "Take",
    "Tally",
    "Trace",
    "arrival",
    "arrived",
    "counter",
    "enter",
    "expose",
    "gauge",
    "gauges",
    "histogram",
    "leave",
    "new_span",
    "outgoing",
    "passage",
    "read_caller",
    "trace_headers",
]
