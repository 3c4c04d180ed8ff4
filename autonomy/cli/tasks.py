"""`autonomy tasks`: the inbox of a person, and what they do with what is in it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import typer

from autonomy.kernel import canonical

from .connect import connected
from .options import AsJson, Limit, Url, commands
from .screen import details, heading, say, show_json, table
from .words import moment

app = commands()
tasks = commands("Find, take, do and hand on tasks.")
app.add_typer(tasks, name="tasks")

Id = Annotated[str, typer.Argument(metavar="TASK", help="The task, `task_…`.")]
Note = Annotated[str, typer.Option("--note", help="What you have found out, for who goes on with it.")]
Data = Annotated[str, typer.Option("--data", help="The same as JSON.")]
Question = Annotated[str, typer.Option("--question", help="A question that is still open.")]


@tasks.command("list")
def list_tasks(
    every: Annotated[bool, typer.Option("--all", help="Not only those that you have or may take.")] = False,
    run: Annotated[str | None, typer.Option(help="Only those of this run.")] = None,
    role: Annotated[str | None, typer.Option(help="Only those for this role.")] = None,
    state: Annotated[list[str] | None, typer.Option(help="Only those that stand so, such as `escalated`.")] = None,
    limit: Limit = 50,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """List tasks, newest first: those that you have or may take.

    \b
      autonomy tasks list
    """
    with connected(url) as client:
        asked = client.tasks(not every, run, role, state or ())
        found = [one for one, _ in zip(asked, range(limit), strict=False)]
    if as_json:
        show_json(found)
        return
    rows = (
        [one["task"], one["state"], one["role"], one["priority"], one["holder"], one["run"], moment(one["opened_at"])]
        for one in found
    )
    table(["TASK", "STATE", "ROLE", "PRIORITY", "HELD BY", "RUN", "SINCE"], rows, "there is nothing to do")


@tasks.command()
def show(task: Id, url: Url = None, as_json: AsJson = False) -> None:
    """Show a task with everything that goes with it.

    \b
      autonomy tasks show task_01jd8m3y6p2k7q4r9t5v8x0z1b
    """
    with connected(url) as client:
        found = client.task(task)
    _tell(found, as_json)


@tasks.command("open")
def open_task(
    role: Annotated[str, typer.Argument(help="The role that is to do it.")],
    goal: Annotated[str, typer.Argument(help="What is to be achieved.")],
    input: Annotated[str, typer.Option("--input", "-i", help="JSON, what it is to be achieved with.")] = "null",
    unit: Annotated[str | None, typer.Option(help="Only agents of this unit and those below; else all.")] = None,
    by: Annotated[Literal["anybody", "agent", "person"], typer.Option(help="Who may do it.")] = "anybody",
    capability: Annotated[str | None, typer.Option(help="What an agent must be able to do.")] = None,
    contract: Annotated[str, typer.Option(help="JSON Schema of the result.")] = "null",
    parent: Annotated[str | None, typer.Option(help="The task that it comes from, `task_…`.")] = None,
    once: Annotated[str | None, typer.Option("--idempotency-key", help="The same key opens one task.")] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Open a task that belongs to no run.

    \b
      autonomy tasks open buyer 'Find three suppliers of lenses' --by agent
    """
    said = {"input": _json(input), "unit": unit, "by": by, "capability": capability, "contract": _json(contract)}
    said["parent"] = parent
    with connected(url) as client:
        wanted = {name: value for name, value in said.items() if value is not None}
        found = client.open_task(role, goal, once=once, **wanted)
    if as_json:
        show_json(found)
    else:
        say(f"{found['task']} is open")


@tasks.command()
def take(task: Id, url: Url = None, as_json: AsJson = False) -> None:
    """Take a task, or take it over from whoever has it, with everything that goes with it.

    \b
      autonomy tasks take task_01jd8m3y6p2k7q4r9t5v8x0z1b
    """
    with connected(url) as client:
        found = client.take_task(task)
    _tell(found, as_json)


@tasks.command()
def note(task: Id, text: Note = "", data: Data = "null", url: Url = None, as_json: AsJson = False) -> None:
    """Note what you have found out about a task that you have.

    \b
      autonomy tasks note task_01jd8m3y6p2k7q4r9t5v8x0z1b --note 'the second offer is void'
    """
    _say(task, "note", url, as_json, text=text, data=_json(data))


@tasks.command("give-back")
def give_back(task: Id, text: Note = "", data: Data = "null", url: Url = None, as_json: AsJson = False) -> None:
    """Let others go on with a task that you have.

    \b
      autonomy tasks give-back task_01jd8m3y6p2k7q4r9t5v8x0z1b --note 'take the first offer'
    """
    _say(task, "give-back", url, as_json, text=text, data=_json(data))


@tasks.command()
def complete(
    task: Id,
    output: Annotated[str, typer.Option("--output", "-o", help="The result, JSON.")] = "null",
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Bring the result of a task that you have.

    \b
      autonomy tasks complete task_01jd8m3y6p2k7q4r9t5v8x0z1b --output '{"supplier": "sup-1"}'
    """
    _say(task, "complete", url, as_json, output=_json(output))


@tasks.command("hand-off")
def hand_off(
    task: Id,
    role: Annotated[str | None, typer.Option(help="The role that goes on with it.")] = None,
    agent: Annotated[str | None, typer.Option(help="The agent that goes on with it.")] = None,
    text: Note = "",
    data: Data = "null",
    question: Question = "",
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Give a task that you have to another role or agent: work, not authority.

    \b
      autonomy tasks hand-off task_01jd8m3y6p2k7q4r9t5v8x0z1b --agent buyer-1 --note 'ask sup-2 as well'
    """
    to = {name: value for name, value in (("role", role), ("agent", agent)) if value is not None}
    _say(task, "hand-off", url, as_json, text=text, data=_json(data), question=question, **to)


@tasks.command()
def escalate(
    task: Id,
    reason: Annotated[str, typer.Option(help="Why.")],
    question: Question = "",
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Let a person of the role above decide.

    \b
      autonomy tasks escalate task_01jd8m3y6p2k7q4r9t5v8x0z1b --reason 'both offers are above my limit'
    """
    _say(task, "escalate", url, as_json, reason=reason, question=question)


@tasks.command()
def withdraw(task: Id, url: Url = None, as_json: AsJson = False) -> None:
    """End a task that is not wanted any more.

    \b
      autonomy tasks withdraw task_01jd8m3y6p2k7q4r9t5v8x0z1b
    """
    with connected(url) as client:
        _tell_moved(client.say_of_task(task, "withdraw"), as_json)


def _say(task: str, what: str, url: str | None, as_json: bool, **said: Any) -> None:
    with connected(url) as client:
        claim = client.task(task)["claim"]
        _tell_moved(client.say_of_task(task, what, claim=claim, **said), as_json)


def _tell_moved(found: dict[str, Any], as_json: bool) -> None:
    if as_json:
        show_json(found)
        return
    say(f"{found['task']} is {found['state']}")
    if found.get("breach"):
        say(f"the result came back: {found['breach']}")


def _tell(found: dict[str, Any], as_json: bool) -> None:
    if as_json:
        show_json(found)
        return
    names = (
        "task",
        "state",
        "role",
        "unit",
        "holder",
        "run",
        "limit",
        "goal",
        "input",
        "results",
        "contract",
        "output",
    )
    details({name: found[name] for name in names} | {"until": moment(found["until"])})
    heading("Notes")
    notes = ([moment(one["at"]), one["by"], one["kind"].replace("_", " "), one["text"]] for one in found["notes"] or ())
    table(["WHEN", "WHO", "WHAT", "TEXT"], notes, "none")
    for question in found["questions"] or ():
        say(f"open: {question}")


def _json(text: str) -> Any:
    return canonical.parse(text.encode())
