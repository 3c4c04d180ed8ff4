"""What must hold of a workflow before it goes live. Pure: an organisation in, problems with field and fix out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import jsonschema_rs

from autonomy.kernel import clock, money
from autonomy.kernel.errors import Invalid

from .cron import parse, zone_of
from .model import AgentSpec, PersonSpec, RoleSpec
from .organisation import Organisation, Revision, matches, spec
from .problem import Problem, about, nearest
from .workflow import HOOK_EVENTS, Step, WorkflowSpec
from .workflow_flow import MAX_STEPS, Block, blocks, inner_blocks
from .workflow_references import calls
from .workflow_types import Types

RESERVED = frozenset({"input", "steps", "run", "now", "trigger", "index", "previous", "round"})
"""Names that expressions know already."""


def workflows(organisation: Organisation) -> Iterator[Problem]:
    """Everything wrong with the workflows as declared."""
    for revision in organisation.all("Workflow").values():
        yield from workflow(organisation, revision)


def workflow(organisation: Organisation, revision: Revision) -> Iterator[Problem]:
    """Everything wrong with one workflow, which need not be declared itself."""
    shape = [*_shape(revision)]
    yield from shape
    yield from _people(organisation, revision)
    yield from _self_calls(organisation, revision)
    yield from _not_undone(organisation, revision)
    if not shape:  # types are read along the needs
        types = Types(organisation, revision)
        types.read()
        yield from types.problems


def _shape(revision: Revision) -> Iterator[Problem]:
    said = spec(revision, WorkflowSpec)
    found = list(blocks(said))
    if sum(len(block.steps) for block in found) > MAX_STEPS:
        hint = "let child workflows do parts of it"
        yield about(revision, "spec.steps", f"more than {MAX_STEPS} steps, those inside others counted", hint)
    yield from _twice(revision, found)
    for block in found:
        for name, step in block.steps.items():
            yield from _names(revision, block, name, step)
            yield from _unreachable(revision, block, name, step)
        if circle := block.circle():
            told = " → ".join(f"`{name}`" for name in (*circle, circle[0]))
            hint = "take one of the `needs` away; to do steps again, write `repeat`"
            yield about(revision, f"{block.place(circle[0])}.needs", f"goes round in a circle: {told}", hint)
    yield from _numbers(revision, said, found)
    yield from _schemas(revision, said, found)


def _schemas(revision: Revision, said: WorkflowSpec, found: list[Block]) -> Iterator[Problem]:
    """Inputs and outputs that are described by no JSON Schema."""
    if said.input.get("type") != "object":
        yield about(revision, "spec.input", "does not describe an object", "write `type: object` at its top")
    schemas = {"spec.input": said.input}
    for block in found:
        schemas |= {f"{block.place(name)}.output": step.output for name, step in block.steps.items() if step.output}
    for field, schema in schemas.items():
        try:
            jsonschema_rs.Draft202012Validator(
                schema, validate_formats=True, ignore_unknown_formats=False, offline=True
            )
        except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError) as error:
            told = str(error).partition("\n")[0][:300]
            yield about(revision, field, f"not a JSON Schema: {told}", "see JSON Schema 2020-12")


def _twice(revision: Revision, found: list[Block]) -> Iterator[Problem]:
    """Names stand once in the whole workflow, so that `steps.NAME` means one step wherever it is read."""
    places: dict[str, str] = {}
    for block in found:
        for name, step in block.steps.items():
            first = places.setdefault(name, block.place(name))
            if first != block.place(name):
                yield about(revision, block.place(name), f"`{name}` is a step already, at `{first}`", "rename one")
            item = step.foreach.item if step.foreach else ""
            if item in RESERVED:
                field = f"{block.place(name)}.foreach.item"
                yield about(revision, field, f"`{item}` means something else in expressions", "take another name")


def _names(revision: Revision, block: Block, name: str, step: Step) -> Iterator[Problem]:
    """Steps that are named and are not there, or are the step itself."""
    lists: Mapping[str, list[str]] = {"needs": step.needs, "before": step.before, "cancel": step.cancel or []}
    for field, named in lists.items():
        for index, other in enumerate(named):
            place = f"{block.place(name)}.{field}[{index}]"
            if other == name:
                yield about(revision, place, "a step cannot name itself", "name another one")
            elif other not in block.steps:
                hint = nearest(other, block.steps) or "only steps beside this one can be named"
                yield about(revision, place, f"there is no step `{other}` beside this one", hint)
    if step.join == "any" and len(step.needs) < 2:
        hint = "name the steps of which the first one counts"
        yield about(revision, f"{block.place(name)}.join", "`any` of fewer than two steps", hint)
    if step.alone and any(one.alone for inner in inner_blocks(block, name, step) for one in _all_steps(inner)):
        hint = "write `alone` on the outer step or on those inside, not on both"
        yield about(revision, f"{block.place(name)}.alone", "steps inside this one wait for each other as well", hint)
    for index, rule in enumerate(step.onException):
        if rule.then == "reassign" and step.task is None:
            place = f"{block.place(name)}.onException[{index}].then"
            yield about(revision, place, "only a task can be given to another role", "write `then: ask`")


def _all_steps(block: Block) -> Iterator[Step]:
    """The steps of a block and of those inside it."""
    for name, step in block.steps.items():
        yield step
        for inner in inner_blocks(block, name, step):
            yield from _all_steps(inner)


def _unreachable(revision: Revision, block: Block, name: str, step: Step) -> Iterator[Problem]:
    needed = [block.steps[one] for one in block.known_needs(name)]
    ended = [one for one in needed if one.end is not None]
    if ended and (step.join == "all" or len(ended) == len(needed)):
        place = f"{block.place(name)}.needs"
        yield about(revision, place, "never begins: the run ends before it", "leave out the step that ends the run")
    if step.when is not None and step.when.strip() == "false":
        yield about(revision, f"{block.place(name)}.when", "never begins", "leave the step out")
    if step.choose is None or step.choose.match != "first":
        return
    ways = list(step.choose.branches.items())
    for index, (branch, said) in enumerate(ways):
        if said.when.strip() == "true" and (index < len(ways) - 1 or step.choose.otherwise):
            place = f"{block.place(name)}.choose.branches.{branch}.when"
            yield about(revision, place, "nothing after this branch is ever taken", "put it last, as `otherwise`")


def _numbers(revision: Revision, said: WorkflowSpec, found: list[Block]) -> Iterator[Problem]:
    """Caps, times and schedules that say nothing or too much."""
    for block in found:
        for name, step in block.steps.items():
            if step.foreach is not None:
                yield from _fan_out(revision, said, block, name)
            if step.emit is not None:
                yield from _only_hooks(revision, f"{block.place(name)}.emit.event", step.emit.event)
    if said.caps.spend is not None:
        yield from _read(revision, "spec.caps.spend", lambda: money.parse(said.caps.spend or "", "EUR"))
    if clock.duration(said.caps.time) == 0:
        yield about(revision, "spec.caps.time", "a run of no length does nothing", "write for example `30d`")
    yield from _triggers(revision, said)


def _triggers(revision: Revision, said: WorkflowSpec) -> Iterator[Problem]:
    for index, trigger in enumerate(said.triggers):
        if (schedule := trigger.schedule) is not None:
            yield from _read(revision, f"spec.triggers[{index}].schedule", lambda text=schedule: parse(text))
        if (zone := trigger.zone) is not None:
            yield from _read(revision, f"spec.triggers[{index}].zone", lambda name=zone: zone_of(name))
        if trigger.event is not None:
            yield from _only_hooks(revision, f"spec.triggers[{index}].event", trigger.event)


def _only_hooks(revision: Revision, field: str, event: str) -> Iterator[Problem]:
    if event.startswith(HOOK_EVENTS):
        hint = "name it otherwise; what a hook starts says `webhook`, what waits for one says this event in `wait`"
        yield about(revision, field, f"events that begin with `{HOOK_EVENTS}` come from hooks alone", hint)


def _fan_out(revision: Revision, said: WorkflowSpec, block: Block, name: str) -> Iterator[Problem]:
    loop = block.steps[name].foreach
    items = loop.most if loop else 1
    around: Block | None = block
    while around is not None and around.outer is not None:
        owner = around.outer.steps[around.owner]
        items *= owner.foreach.most if owner.foreach else owner.repeat.most if owner.repeat else 1
        around = around.outer
    if items > said.caps.fanOut:
        place = f"{block.place(name)}.foreach.most"
        hint = "write a smaller `most` here or around it, or a larger `spec.caps.fanOut`"
        yield about(revision, place, f"may come to {items} items, {said.caps.fanOut} are allowed", hint)


def _read(revision: Revision, field: str, reader: object) -> Iterator[Problem]:
    assert callable(reader)
    try:
        reader()
    except Invalid as error:
        yield about(revision, field, error.message, error.hint)


def _people(organisation: Organisation, revision: Revision) -> Iterator[Problem]:
    """Steps nobody could do: no agent for a tool, no holder of a role."""
    said = spec(revision, WorkflowSpec)
    people = {role for one in organisation.all("Person").values() for role in spec(one, PersonSpec).roles}
    agents = {role for one in organisation.all("Agent").values() for role in spec(one, AgentSpec).roles}
    yield from _held(revision, "spec.escalation", said.escalation, people, "person")
    for block in blocks(said):
        for name, step in block.steps.items():
            place = block.place(name)
            if step.task is not None:
                able = {"person": people, "agent": agents, "anybody": people | agents}[step.task.by]
                who = "agent or person" if step.task.by == "anybody" else step.task.by
                yield from _held(revision, f"{place}.task.role", step.task.role, able, who)
            for role in step.approval.roles if step.approval else ():
                yield from _held(revision, f"{place}.approval.roles.{role}", role, people, "person")
            for index, rule in enumerate(step.onException):
                if rule.role is not None and rule.then == "ask":
                    yield from _held(revision, f"{place}.onException[{index}].role", rule.role, people, "person")
            for field, tool in _tools(place, step):
                yield from _performer(organisation, revision, said, step, field, tool)


def _tools(place: str, step: Step) -> Iterator[tuple[str, str]]:
    if step.tool is not None:
        yield f"{place}.tool", step.tool
    if step.compensate is not None and step.compensate.tool is not None:
        yield f"{place}.compensate.tool", step.compensate.tool


def _held(revision: Revision, field: str, role: str, held: set[str], who: str) -> Iterator[Problem]:
    if role not in held:
        yield about(revision, field, f"no {who} has the role `{role}`", "give it to one, or name another role")


def _performer(
    organisation: Organisation, revision: Revision, said: WorkflowSpec, step: Step, field: str, tool: str
) -> Iterator[Problem]:
    name = step.agent or said.agent
    if name is None:
        hint = "name one in `spec.agent` or in the step's `agent`"
        yield about(revision, field, f"no agent is named that performs `{tool}`", hint)
        return
    agent = organisation.get("Agent", name)
    if agent is None or organisation.get("Tool", tool) is None:
        return  # said by their references
    roles = [organisation.get("Role", role) for role in spec(agent, AgentSpec).roles]
    admitted = any(matches(spec(role, RoleSpec).scope.tools, tool) for role in roles if role)
    if not admitted or not organisation.grants(agent.unit, tool):
        hint = "widen the scope of one of its roles, or name another agent"
        yield about(revision, field, f"the agent `{name}` may not use `{tool}`", hint)


def _self_calls(organisation: Organisation, revision: Revision) -> Iterator[Problem]:
    """A workflow that comes back to itself says how deep it may go."""
    said = spec(revision, WorkflowSpec)
    if "depth" in said.caps.model_fields_set:
        return
    seen: set[str] = set()
    waiting = [name for _, name in calls(said)]
    while waiting:
        name = waiting.pop()
        found = organisation.get("Workflow", name)
        if name in seen or found is None:
            continue
        seen.add(name)
        waiting.extend(other for _, other in calls(spec(found, WorkflowSpec)))
    if revision.name in seen:
        field = next((field for field, name in calls(said) if name in seen), "spec.steps")
        yield about(revision, field, "the workflow comes back to itself", "say how deep it may go: `spec.caps.depth`")


def _not_undone(organisation: Organisation, revision: Revision) -> Iterator[Problem]:
    """Where a workflow is undone, the steps of a run inside that is done are over: they stay, unless the step that
    began it says what undoes it all."""
    said = spec(revision, WorkflowSpec)
    if not _undoes(said, also_by_rule=True):
        return
    for block in blocks(said):
        for name, step in block.steps.items():
            if step.workflow is None or step.workflow.detached or step.compensate is not None:
                continue
            child = organisation.get("Workflow", step.workflow.name)
            if child is not None and _leaves_done(organisation, child.name):
                told = f"`{child.name}` has steps that can be undone; once a run of it is done, nothing undoes them"
                hint = "say what does: `tool` or `task`; or why what it did stays: `nothing`"
                yield about(revision, f"{block.place(name)}.compensate", told, hint)


def _leaves_done(organisation: Organisation, workflow: str) -> bool:
    """Whether a run of it, or one inside it of which no step says what undoes it, has steps that can be undone."""
    seen: set[str] = set()
    waiting = [workflow]
    while waiting:
        found = organisation.get("Workflow", name := waiting.pop())
        if name in seen or found is None:
            continue
        seen.add(name)
        said = spec(found, WorkflowSpec)
        if _undoes(said):
            return True
        steps = [step for block in blocks(said) for step in block.steps.values() if step.compensate is None]
        waiting += [step.workflow.name for step in steps if step.workflow is not None and not step.workflow.detached]
    return False


def _undoes(said: WorkflowSpec, also_by_rule: bool = False) -> bool:
    """Whether any step says what undoes it; or, `also_by_rule`, that everything is undone when it fails."""
    steps = [step for block in blocks(said) for step in block.steps.values()]
    declared = any(step.compensate is not None and step.compensate.nothing is None for step in steps)
    by_rule = also_by_rule and any(rule.then == "compensate" for step in steps for rule in step.onException)
    return declared or by_rule
