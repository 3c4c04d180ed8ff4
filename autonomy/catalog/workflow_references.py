"""What a workflow names: tools, roles, people, agents, decisions, other workflows. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from .workflow import Step, TaskCall, WorkflowSpec
from .workflow_flow import blocks

Named = tuple[str, str, str]
"""The field, the kind of what it names, and the name."""


def named(said: WorkflowSpec) -> Iterator[Named]:
    """Every object the workflow refers to."""
    yield "spec.escalation", "Role", said.escalation
    if said.agent is not None:
        yield "spec.agent", "Agent", said.agent
    for index, trigger in enumerate(said.triggers):
        if trigger.ended is not None:
            yield f"spec.triggers[{index}].ended", "Workflow", trigger.ended
    for block in blocks(said):
        for name, step in block.steps.items():
            yield from _of_step(block.place(name), step)


def calls(said: WorkflowSpec) -> Iterator[tuple[str, str]]:
    """The other workflows that are steps of this one: field and name."""
    return ((field, name) for field, kind, name in named(said) if kind == "Workflow" and field.endswith(".name"))


def _of_step(place: str, step: Step) -> Iterator[Named]:
    if step.tool is not None:
        yield f"{place}.tool", "Tool", step.tool
    if step.agent is not None:
        yield f"{place}.agent", "Agent", step.agent
    if step.decide is not None:
        yield f"{place}.decide", "Decision", step.decide
    if step.workflow is not None:
        yield f"{place}.workflow.name", "Workflow", step.workflow.name
    if step.task is not None:
        yield from _of_task(f"{place}.task", step.task)
    for role in step.approval.roles if step.approval else ():
        yield f"{place}.approval.roles.{role}", "Role", role
    yield from _of_trouble(place, step)


def _of_trouble(place: str, step: Step) -> Iterator[Named]:
    for index, rule in enumerate(step.onException):
        at = f"{place}.onException[{index}]"
        if rule.role is not None:
            yield f"{at}.role", "Role", rule.role
        if rule.person is not None:
            yield f"{at}.person", "Person", rule.person
    if step.compensate is not None:
        if step.compensate.tool is not None:
            yield f"{place}.compensate.tool", "Tool", step.compensate.tool
        if step.compensate.task is not None:
            yield from _of_task(f"{place}.compensate.task", step.compensate.task)


def _of_task(place: str, task: TaskCall) -> Iterator[Named]:
    yield f"{place}.role", "Role", task.role
