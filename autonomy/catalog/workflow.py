"""The words of a workflow: what starts it, its steps and how they depend on each other, what happens when one fails.

Every text that is called an expression is CEL. It sees `input` (of the run), `steps.NAME.output` (of the steps needed
before), `run` (`id`, `workflow`, `priority`, `started`, `trigger`), `now`, and inside `foreach` the item.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field, StringConstraints, model_validator

from .expectation import Baseline
from .words import Amount, ArgumentName, Duration, Field_, Name, Strict, Text, exactly_one, fault

Expression = Annotated[str, StringConstraints(pattern=r"\S", max_length=4_000)]
"""CEL; the pattern only says that it is not blank."""

Value: TypeAlias = Expression | int | float | bool | list[Any] | dict[str, Any] | None
"""JSON in which every text is an expression; a fixed text is written `"'in quotes'"`."""

EventName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9_.-]{0,61}[a-z0-9])?$")]
Priority = Literal["low", "normal", "high", "urgent"]
ExceptionKind = Literal[
    "failed",
    "denied",
    "refused",
    "unknown",
    "overdue",
    "contract",
    "conflict",
    "expression",
    "child",
    "choice",
    "limit",
]
HOOK_EVENTS = "hook."
"""How the events begin that are deliveries at hooks: `hook.NAME`."""

STEP_KINDS = (
    "tool",
    "task",
    "decide",
    "approval",
    "workflow",
    "foreach",
    "choose",
    "repeat",
    "wait",
    "emit",
    "agree",
    "cancel",
    "end",
)
"""Every kind of step: exactly one of these fields says what a step is."""


class TaskCall(Strict):
    """Work for an agent or a person: whoever has the role and the capability, is free and within budget."""

    role: Name
    capability: Name | None = Field(None, description="what whoever takes it must be able to do")
    goal: Text = Field(description="what is to be achieved, for whoever takes it")
    input: dict[Field_, Value] = Field({}, description="what they are given")
    by: Literal["anybody", "agent", "person"] = "anybody"
    prefer: list[Name] = Field([], max_length=10, description="agents that get it first if several are free, in order")


class ApprovalCall(Strict):
    """A checkpoint: people say yes before the run goes on."""

    roles: dict[Name, Annotated[int, Field(ge=1, le=20)]] = Field(
        min_length=1, max_length=8, description="role → how many of its holders must say yes"
    )
    question: Text
    show: dict[Field_, Value] = Field({}, description="what they decide on")
    refusal: Literal["exception", "continue"] = Field(
        "exception", description="`continue`: the run goes on, and later steps look at `output.approved`"
    )


class ChildCall(Strict):
    """Another workflow as a step."""

    name: Name
    detached: bool = Field(False, description="do not wait for it; the step is done when it has begun")


class Branch(Strict):
    """One way of a choice: taken when `when` is true."""

    when: Expression
    steps: dict[Field_, Step] = Field({}, description="may be empty: then nothing is done")
    result: Value = None


class ChooseCall(Strict):
    """One of several ways. `unique`: exactly one `when` must be true; `first`: the first one counts."""

    match: Literal["first", "unique"] = "first"
    branches: dict[Field_, Branch] = Field(min_length=1, max_length=50)
    otherwise: Otherwise | None = Field(None, description="taken when no branch is; an exception when absent")


class Otherwise(Strict):
    steps: dict[Field_, Step] = Field({})
    result: Value = None


class ForeachCall(Strict):
    """The same steps for every item of a list, some at once."""

    items: Expression
    item: Field_ = Field("item", description="the name of the item in expressions; `index` is its number from 0")
    atOnce: int = Field(10, ge=1, le=100)
    most: int = Field(100, ge=1, le=1_000, description="more items than this are an exception")
    steps: dict[Field_, Step] = Field(min_length=1)
    result: Value = Field(None, description="what each item comes to; the step's output is the list of these")


class RepeatCall(Strict):
    """The same steps again until `until` is true, `most` times at most."""

    steps: dict[Field_, Step] = Field(min_length=1)
    until: Expression = Field(description="looked at after each round; sees the steps of that round and `previous`")
    most: int = Field(10, ge=1, le=100)
    result: Value = Field(None, description="what a round comes to; `previous` in the next one")


class EventWait(Strict):
    """An event that ends a wait."""

    event: EventName
    key: Expression | None = Field(None, description="only an event with this key; any when absent")


class WaitCall(Strict):
    """Until a time, or until the first of some events, whichever comes first."""

    duration: Duration | None = None
    until: Expression | None = Field(None, description="a point in time")
    events: dict[Field_, EventWait] = Field({}, max_length=20)

    @model_validator(mode="after")
    def _ends(self) -> WaitCall:
        if self.duration is not None and self.until is not None:
            raise fault("both `duration` and `until` are given", "keep one of them")
        if self.duration is None and self.until is None and not self.events:
            raise fault("nothing ends this wait", "name `events`, a `duration` or `until`")
        return self


class EmitCall(Strict):
    """An event for others: it starts or resumes what waits for it."""

    event: EventName
    key: Expression | None = None
    data: dict[Field_, Value] = Field({})


class AgreeCall(Strict):
    """Figures of several sources that must say the same; where they do not, a person says which is right."""

    figures: dict[Field_, Expression] = Field(min_length=2, max_length=10, description="source → its figure")
    within: Value = Field(0, description="how far numbers may be apart")


class EndCall(Strict):
    """The run ends here, whatever else is under way."""

    status: Literal["done", "failed", "cancelled"] = "done"
    reason: Text
    result: Value = None


class Retry(Strict):
    """How often a step that failed is tried again, and after how long."""

    attempts: int = Field(3, ge=1, le=20, description="tries in all")
    wait: Duration = "10s"
    factor: int = Field(2, ge=1, le=10, description="by how much each wait is longer than the one before")
    longest: Duration = "10m"


class OnException(Strict):
    """What is done about an exception; the first rule whose kinds name it counts."""

    kinds: list[ExceptionKind] = Field([], description="any kind when empty")
    then: Literal["ask", "reassign", "skip", "compensate", "fail"] = "ask"
    role: Name | None = Field(None, description="whose holders are asked, or who gets the task")
    person: Name | None = None

    @model_validator(mode="after")
    def _knows_whom(self) -> OnException:
        if self.then == "ask":
            exactly_one(role=self.role, person=self.person)
        elif self.then == "reassign" and (self.role is None or self.person is not None):
            raise fault("`reassign` needs a `role`", "name the role that gets the task")
        elif self.then in ("skip", "compensate", "fail") and (self.role or self.person):
            raise fault(f"`{self.then}` asks nobody", "leave out `role` and `person`")
        return self


class Compensation(Strict):
    """What undoes a step: a tool, or a task. Its expressions see the step's own output. Or `nothing`, and why."""

    tool: Name | None = None
    arguments: dict[ArgumentName, Value] = Field({})
    task: TaskCall | None = None
    nothing: str | None = Field(None, min_length=1, max_length=200, description="why what the step has done stays")

    @model_validator(mode="after")
    def _one_way(self) -> Compensation:
        exactly_one(tool=self.tool, task=self.task, nothing=self.nothing)
        return self


class Step(Strict):
    """One step. Exactly one of its kinds is given; the other fields say when it runs and what happens when it fails."""

    tool: Name | None = Field(None, description="an action through the gate")
    task: TaskCall | None = None
    decide: Name | None = Field(None, description="a decision, by name")
    approval: ApprovalCall | None = None
    workflow: ChildCall | None = None
    foreach: ForeachCall | None = None
    choose: ChooseCall | None = None
    repeat: RepeatCall | None = None
    wait: WaitCall | None = None
    emit: EmitCall | None = None
    agree: AgreeCall | None = None
    cancel: list[Field_] | None = Field(None, min_length=1, description="steps beside this one that shall not go on")
    end: EndCall | None = None

    description: str = ""
    arguments: dict[ArgumentName, Value] = Field({}, description="for `tool`, `decide` and `workflow`")
    agent: Name | None = Field(None, description="who performs the tool; the workflow's agent when absent")
    needs: list[Field_] = Field([], description="steps beside this one that come before")
    join: Literal["all", "any"] = Field(
        "all", description="`all`: when every needed step is settled; `any`: when the first of them is done"
    )
    when: Expression | None = Field(None, description="the step is skipped when this is false")
    before: list[Field_] = Field([], description="skipped when one of these has begun already")
    alone: Field_ | None = Field(None, description="steps with the same word here never run at the same time")
    output: dict[str, Any] | None = Field(None, description="JSON Schema that the output must fit")
    retry: Retry | None = None
    deadline: Duration | None = Field(None, description="for each attempt")
    onException: list[OnException] = Field([], max_length=10)
    compensate: Compensation | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Step:
        exactly_one(**{kind: value for kind, value in self if kind in STEP_KINDS})
        if self.arguments and self.kind not in ("tool", "decide", "workflow"):
            raise fault(f"a step of the kind `{self.kind}` takes no `arguments`", "leave them out")
        if self.agent and self.kind != "tool":
            raise fault("`agent` says who performs a tool", "leave it out")
        if self.retry and self.kind not in ("tool", "task", "decide", "workflow"):
            raise fault(f"a step of the kind `{self.kind}` does not fail and so is not retried", "leave out `retry`")
        return self

    @property
    def kind(self) -> str:
        """Which of the kinds it is."""
        return next(name for name in STEP_KINDS if dict(self)[name] is not None)


class Trigger(Strict):
    """What starts a run besides people and programs, who always may."""

    schedule: Text | None = Field(None, description="five cron fields, such as `0 6 * * 1-5`")
    zone: Text | None = Field(None, description="whose clock the schedule goes by, such as `Europe/Berlin`; else UTC")
    missed: Literal["once", "skip"] = Field(
        "once", description="times that passed while nothing ran: one run for all of them, or none"
    )
    event: EventName | None = None
    webhook: Name | None = Field(None, description="a hook: each delivery at it, once")
    ended: Name | None = Field(None, description="a workflow; each end of a run of it")
    when: Expression | None = Field(None, description="sees `trigger`, what came")
    input: dict[Field_, Value] = Field({}, description="the run's input, from `trigger`")

    @model_validator(mode="after")
    def _one_source(self) -> Trigger:
        exactly_one(schedule=self.schedule, event=self.event, webhook=self.webhook, ended=self.ended)
        if self.schedule is None and {"zone", "missed"} & self.model_fields_set:
            raise fault("`zone` and `missed` belong to a `schedule`", "leave them out")
        return self


class Caps(Strict):
    """Where a run stops that would go on for ever. Each stops it as `stopped`, with its own name as the reason."""

    steps: int = Field(1_000, ge=1, le=100_000, description="steps begun in all, each attempt counted")
    time: Duration = "30d"
    spend: Amount | None = Field(None, description="what its actions cost together; budgets hold besides")
    attempts: int = Field(10, ge=1, le=100, description="attempts at one step, hand-overs counted")
    depth: int = Field(5, ge=1, le=20, description="workflows inside one another")
    fanOut: int = Field(1_000, ge=1, le=10_000, description="items of all `foreach` steps together")


class WorkflowSpec(Strict):
    """Work that several agents, people and systems do together, in order, for days if it must."""

    input: dict[str, Any] = Field(
        {"type": "object", "properties": {}}, description="JSON Schema 2020-12 of a run's input, an object"
    )
    key: Expression | None = Field(None, description="two triggers with the same key are one run while it is live")
    triggers: list[Trigger] = Field([], max_length=20)
    agent: Name | None = Field(None, description="the agent that performs the tools of its steps")
    escalation: Name = Field(description="the role that is asked about exceptions no rule names")
    priority: Priority = "normal"
    deadline: Duration | None = Field(None, description="an exception when a run takes longer; it goes on")
    caps: Caps = Caps()
    steps: dict[Field_, Step] = Field(min_length=1, max_length=200)
    result: dict[Field_, Value] = Field({}, description="what a run comes to, by name")
    baseline: Baseline | None = Field(None, description="what a run costs when people do it by themselves")
