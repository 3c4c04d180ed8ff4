"""What happened, as calls of the server's API: cases, samples, who could have done something; and incidents."""

from __future__ import annotations

from collections.abc import Mapping

from .caller import Caller, Object, Objects, part
from .wire import Json


class HistoryCalls(Caller):
    """Asks about what happened, and sees to what went wrong."""

    def case(self, case: str) -> Object:
        """A case in the order it happened: its `spans`, `labels` and `agents`."""
        return self._get(f"/api/cases/{part(case)}")

    def sample(self, **wanted: str | int | None) -> Object:
        """A random sample, with its `population` and `seed`; `wanted` may say `kind`, or `by` and `value`, and `count`,
        `seed`, `since`, `until` (ms), `size`."""
        return self._get("/api/audit/sample", **wanted)

    def who_could(self, **asked: Json) -> Object:
        """Who could have done what an `action` did, or what a `tool` does with `arguments`, `at` a time (ms)."""
        return self._post("/api/audit/could", **{name: value for name, value in asked.items() if value is not None})

    def incidents(self, **wanted: str | None) -> Objects:
        """Incidents, newest first; `wanted` may say `state`, `severity`, `owner`, `agent`."""
        return self._pages("/api/incidents", **wanted)

    def incident(self, incident: str) -> Object:
        """One incident with its `timeline`, its `stops` and its `follow_ups`."""
        return self._get(f"/api/incidents/{part(incident)}")

    def open_incident(self, about: str, id: str, **more: Json) -> Object:
        """Open an incident about an `action`, an `agent`, a `run` or a `case`; `more` may say `severity`, `title`,
        `text`."""
        return self._post("/api/incidents", about=about, id=id, **more)

    def steer_incident(self, incident: str, what: str, said: Mapping[str, Json]) -> Object:
        """`contain`, `reinstate`, `close` an incident, add to its `notes` or `follow-ups`."""
        return self._post(f"/api/incidents/{part(incident)}/{what}", **said)

    def assign_incident(self, incident: str, owner: str) -> Object:
        """Say who sees to an incident."""
        return self._put(f"/api/incidents/{part(incident)}/owner", owner=owner)
