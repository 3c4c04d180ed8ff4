"""What is declared and not carried out yet: it is refused when it is applied, so that no run waits for nobody. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from autonomy.catalog.organisation import Organisation, Revision, spec
from autonomy.catalog.problem import Problem, about
from autonomy.catalog.workflow import WorkflowSpec
from autonomy.catalog.workflow_flow import blocks

NOT_YET = {"task": "work is not handed out to agents and people yet"}
"""Kinds of steps that nobody carries out, and why."""

_HINT = "let a `tool`, an `approval` or another `workflow` do it"


def check_workflows(organisation: Organisation) -> list[Problem]:
    """Every step that a run would wait for in vain."""
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
