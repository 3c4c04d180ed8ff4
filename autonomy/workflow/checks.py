"""What is declared and not carried out yet: it is refused when it is applied, so that no run waits for nobody. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from autonomy.catalog.organisation import Organisation, Revision, spec
from autonomy.catalog.problem import Problem, about
from autonomy.catalog.workflow import Trigger, WorkflowSpec
from autonomy.catalog.workflow_flow import blocks

NOT_YET = {"task": "work is not handed out to agents and people yet", "decide": "decisions are not declared yet"}
"""Kinds of steps that nobody carries out, and why."""

_HINT = "let a `tool`, an `approval` or another `workflow` do it"
_SOURCES = ("schedule", "webhook", "ended")


def check_workflows(organisation: Organisation) -> list[Problem]:
    """Every step and trigger that a run would wait for in vain."""
    return [found for revision in organisation.all("Workflow").values() for found in _of(revision)]


def _of(revision: Revision) -> Iterator[Problem]:
    said = spec(revision, WorkflowSpec)
    for block in blocks(said):
        for name, step in block.steps.items():
            place = block.place(name)
            if step.kind in NOT_YET:
                yield about(revision, f"{place}.{step.kind}", NOT_YET[step.kind], _HINT)
            if step.compensate is not None and step.compensate.task is not None:
                yield about(revision, f"{place}.compensate.task", NOT_YET["task"], "let a `tool` undo it")
    for number, trigger in enumerate(said.triggers):
        if source := _not_heard(trigger):
            told = f"nothing is started by a `{source}` yet"
            hint = "start runs by `event`, by the API or by `autonomy workflow run`"
            yield about(revision, f"spec.triggers.{number}", told, hint)


def _not_heard(trigger: Trigger) -> str:
    said = {"schedule": trigger.schedule, "webhook": trigger.webhook, "ended": trigger.ended}
    return next((source for source in _SOURCES if said[source] is not None), "")
