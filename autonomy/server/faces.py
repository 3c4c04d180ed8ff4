"""How often each face is asked, how it answers, and how long that takes."""

from __future__ import annotations

from collections import defaultdict

from autonomy.telemetry import Family, Histogram, Tally, counter, gauges, histogram


class FaceFigures:
    """Rate, errors and durations of the faces. Written on the event loop alone."""

    def __init__(self) -> None:
        self.requests = Tally()
        self.seconds: defaultdict[tuple[str, str], Histogram] = defaultdict(Histogram)
        self.in_flight: defaultdict[str, int] = defaultdict(int)

    def families(self) -> list[Family]:
        """What Prometheus is told of them."""
        return [
            counter(
                "autonomy_requests_total", "Requests answered.", ("face", "route", "method", "status"), self.requests
            ),
            histogram(
                "autonomy_request_seconds",
                "Seconds until an answer began.",
                ("face", "route"),
                sorted(self.seconds.items()),
            ),
            gauges("autonomy_requests_in_flight", "Requests being answered now.", "face", self.in_flight),
        ]
