"""Work as calls of the server's API: runs of workflows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .caller import Caller, Object, Objects, part


class WorkCalls(Caller):
    """Runs of workflows: begin, look, steer, decide about exceptions."""

    def start_run(self, workflow: str, input: Mapping[str, Any], priority: str | None = None) -> Object:
        """Begin a run: its `run`, and whether it `joined` one that was live."""
        said = {} if priority is None else {"priority": priority}
        return self._post("/api/runs", workflow=workflow, input=dict(input), **said)

    def runs(self, workflow: str | None = None, status: Sequence[str] = ()) -> Objects:
        """Runs, newest first."""
        return self._pages("/api/runs", workflow=workflow, status=list(status) or None)

    def run(self, run: str) -> Object:
        """One run with its `steps`, and what it `waits` for."""
        return self._get(f"/api/runs/{part(run)}")

    def run_graph(self, run: str) -> str:
        """The run as a Mermaid flowchart."""
        return str(self._get(f"/api/runs/{part(run)}/graph")["mermaid"])

    def steer_run(self, run: str, what: str, **said: Any) -> Object:
        """`pause`, `resume`, `cancel`, set the `priority` of, or `choose` about an exception of a run."""
        return self._post(f"/api/runs/{part(run)}/{what}", **said)

    def run_exceptions(self, mine: bool = False) -> Objects:
        """Exceptions that wait for people, the oldest first."""
        return self._pages("/api/runs/exceptions", mine=mine or None)

    def signal(self, event: str, key: str | None = None, data: Any = None) -> Object:
        """Tell every run that waits for it of an event; returns its `event` id."""
        said = {} if key is None else {"key": key}
        return self._post("/api/runs/signal", event=event, data=data, **said)
