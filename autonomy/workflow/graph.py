"""A workflow as a picture: the text of a Mermaid flowchart, of a definition or of a run on it. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from . import paths
from .definition import (
    ROOT,
    AgreeWork,
    ApprovalWork,
    Block,
    CancelWork,
    ChildWork,
    ChooseWork,
    DecideWork,
    Definition,
    EmitWork,
    EndWork,
    ForeachWork,
    RepeatWork,
    Step,
    TaskWork,
    ToolWork,
    WaitWork,
)
from .model import State

COLOURS = {
    "done": "fill:#d3f0d8,stroke:#2f7d3f",
    "running": "fill:#d6e6fb,stroke:#2a61a8",
    "waits": "fill:#fdf1cd,stroke:#a87b00",
    "blocked": "fill:#fbd9d6,stroke:#a8322a",
    "skipped": "fill:#eeeeee,stroke:#999999,color:#777777",
    "undone": "fill:#e9dcf7,stroke:#6d3fa0",
}
"""Fill and line of each look; what has not begun has none."""

_LOOKS = {
    "waiting": "waits",
    "running": "running",
    "held": "waits",
    "retrying": "waits",
    "blocked": "blocked",
    "stopping": "waits",
    "done": "done",
    "skipped": "skipped",
    "cancelled": "skipped",
    "undoing": "undone",
    "undone": "undone",
}
_ORDER = ("blocked", "held", "retrying", "stopping", "waiting", "undoing", "running", "undone", "done", "cancelled")
"""Which state shows where a step ran several times: the one that needs attention most."""

MAX_LABEL = 60  # characters


def mermaid(definition: Definition, state: State | None = None) -> str:
    """A flowchart of the workflow; with a `state`, each step in the colour of where it is, loops with their counts."""
    seen = states_of(state) if state is not None else {}
    lines = ["flowchart TD", *_block(definition, definition.blocks[ROOT], seen, "  ")]
    used = sorted({_LOOKS[foremost(counts)] for counts in seen.values()})
    lines += [f"  classDef {look} {COLOURS[look]}" for look in used]
    lines += [f"  class {_node(name)} {_LOOKS[foremost(counts)]}" for name, counts in sorted(seen.items())]
    return "\n".join(lines) + "\n"


def states_of(state: State) -> dict[str, Counter[str]]:
    """How often each step is in which state; what a loop has forgotten is counted by the loop."""
    found: dict[str, Counter[str]] = {}
    for path, one in state.steps.items():
        found.setdefault(paths.split(path)[1], Counter())[one.state] += 1
    return found


def foremost(counts: Counter[str]) -> str:
    """The state that shows where a step ran several times: the one that needs attention most."""
    return next((state for state in _ORDER if counts[state]), "skipped")


def _block(definition: Definition, block: Block, seen: dict[str, Counter[str]], indent: str) -> Iterator[str]:
    for name in block.steps:
        yield from _step(definition, definition.steps[name], seen, indent)
    for name in block.steps:
        step = definition.steps[name]
        for needed in step.needs:
            arrow = "-. first .->" if step.join == "any" else f"-- {_text(step.when)} -->" if step.when else "-->"
            yield f"{indent}{_node(needed)} {arrow} {_node(name)}"


def _step(definition: Definition, step: Step, seen: dict[str, Counter[str]], indent: str) -> Iterator[str]:
    inner = [block for block in definition.blocks.values() if block.owner == step.id and block.id != ROOT]
    label = _text(f"{step.id}: {what(step)}{_counts(seen.get(step.id))}")
    if not inner:
        open_, close = ("{{", "}}") if isinstance(step.work, ApprovalWork | TaskWork) else ("[", "]")
        yield f"{indent}{_node(step.id)}{open_}{label}{close}"
        return
    yield f"{indent}subgraph {_node(step.id)}[{label}]"
    for block in inner:
        way = block.id.removeprefix(step.id)[1:-1]
        if way:
            yield f"{indent}  subgraph {_node(step.id)}_{way}[{_text(way)}]"
            yield from _inside(definition, block, seen, indent + "    ")
            yield f"{indent}  end"
        else:
            yield from _inside(definition, block, seen, indent + "  ")
    yield f"{indent}end"


def _inside(definition: Definition, block: Block, seen: dict[str, Counter[str]], indent: str) -> Iterator[str]:
    if block.steps:
        yield from _block(definition, block, seen, indent)
    else:
        yield f"{indent}{_node(block.owner)}_{block.id.removeprefix(block.owner)[1:-1]}_nothing[{_text('nothing')}]"


def _counts(counts: Counter[str] | None) -> str:
    if counts is None or counts.total() < 2:
        return ""
    return " (" + ", ".join(f"{number} {state}" for state, number in sorted(counts.items())) + ")"


def what(step: Step) -> str:  # noqa: C901 - one line for each kind
    """What a step does, in a few words."""
    work = step.work
    match work:
        case ToolWork():
            return work.tool
        case TaskWork():
            return f"task for {work.role}"
        case DecideWork():
            return f"decide {work.decision}"
        case ApprovalWork():
            return f"approval by {', '.join(work.roles)}"
        case ChildWork():
            return f"workflow {work.workflow}"
        case ForeachWork():
            return f"for each of {work.items}"
        case ChooseWork():
            return f"{work.match} branch that is true"
        case RepeatWork():
            return f"until {work.until}"
        case WaitWork():
            return "wait for " + (", ".join(one.event for one in work.events) or "a time")
        case EmitWork():
            return f"emit {work.event}"
        case AgreeWork():
            return f"agree: {', '.join(work.figures)}"
        case CancelWork():
            return f"cancel {', '.join(work.steps)}"
        case EndWork():
            return f"end as {work.status}"


def _node(name: str) -> str:
    """The name of a node; no step's name is then a word of Mermaid's own."""
    return f"step_{name}"


def _text(text: str) -> str:
    """Text in quotes, with what Mermaid would read as its own written as entities (`#quot;`)."""
    line = " ".join(text.split())
    line = line if len(line) <= MAX_LABEL else line[: MAX_LABEL - 1] + "…"
    for character, entity in (("#", "#35;"), ('"', "#quot;"), ("<", "#lt;"), (">", "#gt;"), ("`", "#96;")):
        line = line.replace(character, entity)
    return f'"{line}"'
