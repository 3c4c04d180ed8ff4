"""Work as calls of the server's API: runs of workflows, and tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .caller import Caller, Object, Objects, part


class WorkCalls(Caller):
    """Runs of workflows: begin, look, steer, decide about exceptions. Tasks: open, take, bring to an end, hand on."""

    def start_run(
        self, workflow: str, input: Mapping[str, Any], priority: str | None = None, once: str | None = None
    ) -> Object:
        """Begin a run: its `run`, and whether it `joined` one that was live. `once` is an idempotency key: said again
        with the same request it begins nothing more, and answers alike."""
        said = {"priority": priority, "idempotency_key": once}
        said = {name: value for name, value in said.items() if value is not None}
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

    def workflow_graph(self, workflow: str) -> Object:
        """A workflow as `nodes` and `edges`, with how many of its live runs are at each step."""
        return self._get(f"/api/workflows/{part(workflow)}/graph")

    def questions(self) -> Objects:
        """What others ask you about approvals, the oldest first."""
        return self._pages("/api/questions")

    def answer(self, question: str, text: str) -> Object:
        """Answer a question, once."""
        return self._post(f"/api/questions/{part(question)}/answer", text=text)

    def steer_run(self, run: str, what: str, **said: Any) -> Object:
        """`pause`, `resume`, `cancel`, set the `priority` of, or `choose` about an exception of a run."""
        return self._post(f"/api/runs/{part(run)}/{what}", **said)

    def run_exceptions(self, mine: bool = False) -> Objects:
        """Exceptions that wait for people, the oldest first."""
        return self._pages("/api/runs/exceptions", mine=mine or None)

    def migrate_runs(self, workflow: str, dry_run: bool = False) -> Objects:
        """Move live runs to the newest wording of their workflow, or only look: each under an older one, with the
        `obstacles` in its way."""
        after: str | None = None
        while True:
            said = {} if after is None else {"after": after}
            found = self._post("/api/runs/migrate", workflow=workflow, dry_run=dry_run, **said)
            yield from found["runs"]
            if (after := found["next"]) is None:
                return

    def signal(self, event: str, key: str | None = None, data: Any = None, once: str | None = None) -> Object:
        """Tell every run that waits for it of an event; returns its `event` id. Under the same idempotency key (`once`)
        it is told once."""
        said = {"key": key, "idempotency_key": once}
        said = {name: value for name, value in said.items() if value is not None}
        return self._post("/api/runs/signal", event=event, data=data, **said)

    def hand_in_goal(self, goal: str, **more: Any) -> Object:
        """Hand a goal to whoever plans; its id is `goal`."""
        return self._post("/api/goals", goal=goal, **more)

    def goals(self) -> Objects:
        """Goals, newest first."""
        return self._pages("/api/goals")

    def goal(self, goal: str) -> Object:
        """One goal with its `state`, its `plan`, the `graph` of it, and the `run` that it became."""
        return self._get(f"/api/goals/{part(goal)}")

    def cancel_goal(self, goal: str, reason: str = "", compensate: bool = False) -> Object:
        """End a goal, and the run that it became."""
        return self._post(f"/api/goals/{part(goal)}/cancel", reason=reason, compensate=compensate)

    def open_task(self, role: str, goal: str, once: str | None = None, **more: Any) -> Object:
        """Open a task that belongs to no run; its id is `task`. Under the same idempotency key (`once`) it is opened
        once."""
        said = more if once is None else {**more, "idempotency_key": once}
        return self._post("/api/tasks", role=role, goal=goal, **said)

    def tasks(
        self, mine: bool = False, run: str | None = None, role: str | None = None, state: Sequence[str] = ()
    ) -> Objects:
        """Tasks, newest first; with `mine` those that you have or may take."""
        return self._pages("/api/tasks", mine=mine or None, run=run, role=role, state=list(state) or None)

    def task(self, task: str) -> Object:
        """One task with everything that goes with it."""
        return self._get(f"/api/tasks/{part(task)}")

    def take_task(self, task: str) -> Object:
        """Take a task, or take it over; its `claim` belongs to whatever you say about it."""
        return self._post(f"/api/tasks/{part(task)}/take")

    def say_of_task(self, task: str, what: str, **said: Any) -> Object:
        """`note`, `give-back`, `complete`, `hand-off`, `escalate` or `withdraw`, with the `claim` and what belongs to
        it."""
        return self._post(f"/api/tasks/{part(task)}/{what}", **said)
