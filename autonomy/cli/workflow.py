"""`autonomy workflow`: runs of workflows, begun, looked at and steered."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import typer

from autonomy.kernel import canonical

from .connect import connected
from .ending import Misused
from .following import follow_run
from .options import AsJson, Limit, Url, commands
from .screen import details, heading, json_lines, say, show_json, table
from .words import moment

app = commands()
workflow = commands("Run workflows: begin, look, steer, decide about exceptions.")
app.add_typer(workflow, name="workflow")

Run = Annotated[str, typer.Argument(help="The run, `run_…`.")]
Priority = Literal["low", "normal", "high", "urgent"]
Follow = Annotated[bool, typer.Option("--follow", "-f", help="Tell each change until the run ends, or Ctrl-C.")]
Input = Annotated[str, typer.Option("--input", "-i", help="JSON, an object.")]


@workflow.command()
def run(
    name: Annotated[str, typer.Argument(help="The workflow.")],
    input: Input = "{}",
    priority: Annotated[Priority | None, typer.Option(help="Before others or after; else the workflow's own.")] = None,
    once: Annotated[str | None, typer.Option("--idempotency-key", help="The same key begins one run.")] = None,
    follow: Follow = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Begin a run; where one with the same key is live, say which.

    \b
      autonomy workflow run reorder --input '{"sku": "sku-2", "cost_center": "cc-optics"}'
    """
    with connected(url) as client:
        found = client.start_run(name, _object(input), priority, once)
        if as_json:
            json_lines([found]) if follow else show_json(found)
        else:
            say(f"{found['run']} {'is live already' if found['joined'] else 'has begun'}")
        if follow:
            follow_run(client, found["run"], as_json)


@workflow.command("list")
def list_runs(
    of: Annotated[str | None, typer.Option(help="Only runs of this workflow.")] = None,
    status: Annotated[list[str] | None, typer.Option(help="Only runs that stand so, such as `running`.")] = None,
    limit: Limit = 50,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """List runs, newest first.

    \b
      autonomy workflow list --status running
    """
    with connected(url) as client:
        found = [one for one, _ in zip(client.runs(of, status or ()), range(limit), strict=False)]
    if as_json:
        show_json(found)
        return
    rows = (
        [one["id"], one["workflow"], one["status"], one["priority"], one["started_by"], moment(one["created_at"])]
        for one in found
    )
    table(["RUN", "WORKFLOW", "STATUS", "PRIORITY", "BEGUN BY", "BEGUN"], rows, "there are no runs")


@workflow.command()
def show(run: Run, follow: Follow = False, url: Url = None, as_json: AsJson = False) -> None:
    """Show a run: where its steps are, and what it waits for.

    \b
      autonomy workflow show run_01jd8m3y6p2k7q4r9t5v8x0z1b
    """
    with connected(url) as client:
        if follow:
            follow_run(client, run, as_json)
            return
        found = client.run(run)
    if as_json:
        show_json(found)
        return
    _tell(found)


@workflow.command()
def graph(run: Run, url: Url = None, as_json: AsJson = False) -> None:
    """Draw a run as a Mermaid flowchart.

    \b
      autonomy workflow graph run_01jd8m3y6p2k7q4r9t5v8x0z1b
    """
    with connected(url) as client:
        found = client.run_graph(run)
    if as_json:
        show_json({"mermaid": found})
    else:
        say(found.rstrip())


@workflow.command()
def signal(
    event: Annotated[str, typer.Argument(help="The event.")],
    key: Annotated[str | None, typer.Option(help="For who waits for this key, and who waits for any.")] = None,
    data: Annotated[str, typer.Option(help="JSON that goes with it.")] = "null",
    once: Annotated[str | None, typer.Option("--idempotency-key", help="The same key tells it once.")] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Tell every run that waits for it of an event; it may start runs as well.

    \b
      autonomy workflow signal goods.arrived --key po-17 --data '{"pieces": 40}'
    """
    with connected(url) as client:
        found = client.signal(event, key, _json(data), once)
    if as_json:
        show_json(found)
    else:
        say(f"{found['event']} is told")


@workflow.command()
def pause(run: Run, url: Url = None, as_json: AsJson = False) -> None:
    """Let a run begin nothing more; what is under way ends.

    \b
      autonomy workflow pause run_01jd8m3y6p2k7q4r9t5v8x0z1b
    """
    _steer(run, "pause", url, as_json)


@workflow.command()
def resume(run: Run, url: Url = None, as_json: AsJson = False) -> None:
    """Let a paused run go on.

    \b
      autonomy workflow resume run_01jd8m3y6p2k7q4r9t5v8x0z1b
    """
    _steer(run, "resume", url, as_json)


@workflow.command()
def cancel(
    run: Run,
    reason: Annotated[str, typer.Option(help="Why.")] = "",
    compensate: Annotated[bool, typer.Option("--compensate", help="Undo what was done first.")] = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """End a run.

    \b
      autonomy workflow cancel run_01jd8m3y6p2k7q4r9t5v8x0z1b --compensate
    """
    _steer(run, "cancel", url, as_json, reason=reason, compensate=compensate)


@workflow.command()
def priority(
    run: Run,
    to: Annotated[Priority, typer.Argument(help="Its new priority.")],
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Let a run go before others, or after.

    \b
      autonomy workflow priority run_01jd8m3y6p2k7q4r9t5v8x0z1b urgent
    """
    _steer(run, "priority", url, as_json, priority=to)


@workflow.command()
def migrate(
    name: Annotated[str, typer.Argument(help="The workflow.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only look which could be moved.")] = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Move live runs to the newest wording of their workflow; say what stands in the way of those that stay.

    \b
      autonomy workflow migrate reorder --dry-run
    """
    with connected(url) as client:
        found = list(client.migrate_runs(name, dry_run))
    if as_json:
        show_json(found)
        return
    rows = ([one["run"], _moved(one["obstacles"], dry_run)] for one in found)
    table(["RUN", "WHAT BECAME OF IT"], rows, "every live run has the newest wording")


@workflow.command()
def exceptions(
    mine: Annotated[bool, typer.Option("--mine", help="Only those that you are asked about.")] = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """List exceptions that wait for people, the oldest first.

    \b
      autonomy workflow exceptions --mine
    """
    with connected(url) as client:
        found = list(client.run_exceptions(mine))
    if as_json:
        show_json(found)
        return
    rows = (
        [one["exception"], one["kind"], one["person"] or one["role"], one["choices"], one["reason"], moment(one["at"])]
        for one in found
    )
    table(["EXCEPTION", "KIND", "ASKED", "CHOICES", "WHY", "SINCE"], rows, "nothing waits")


@workflow.command()
def retry(
    exception: Annotated[str, typer.Argument(help="The exception, as `autonomy workflow exceptions` lists it.")],
    arguments: Annotated[str | None, typer.Option(help="JSON in place of what the step was to do.")] = None,
    reason: Annotated[str, typer.Option(help="Why.")] = "",
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Try again what went wrong.

    \b
      autonomy workflow retry run_01jd8m3y6p2k7q4r9t5v8x0z1b:contracts:1:contract.exception
    """
    said = {} if arguments is None else {"arguments": _object(arguments)}
    _choose(exception, "retry", url, as_json, reason=reason, **said)


@workflow.command()
def choose(
    exception: Annotated[str, typer.Argument(help="The exception, as `autonomy workflow exceptions` lists it.")],
    choice: Annotated[Literal["edit", "skip", "compensate", "cancel"], typer.Argument(help="What is done about it.")],
    output: Annotated[str, typer.Option(help="For `edit`: what the step comes to, JSON.")] = "null",
    reason: Annotated[str, typer.Option(help="Why.")] = "",
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Decide about an exception: give the step's output, skip it, undo everything, or end the run.

    \b
      autonomy workflow choose run_01jd8m3y6p2k7q4r9t5v8x0z1b:contracts:1:contract.exception skip
    """
    _choose(exception, choice, url, as_json, reason=reason, output=_json(output))


def _moved(obstacles: list[dict[str, str]], dry_run: bool) -> str:
    if not obstacles:
        return "can be moved" if dry_run else "is moved"
    told = [f"{one['step']}: {one['reason']}" if one["step"] else one["reason"] for one in obstacles]
    return f"stays: {'; '.join(told)}"


def _choose(exception: str, choice: str, url: str | None, as_json: bool, **said: Any) -> None:
    _steer(exception.partition(":")[0], "choose", url, as_json, exception=exception, choice=choice, **said)


def _steer(run: str, what: str, url: str | None, as_json: bool, **said: Any) -> None:
    with connected(url) as client:
        found = client.steer_run(run, what, **said)
    if as_json:
        show_json(found)
    else:
        say(f"{found['run']} is {'paused' if found['paused'] else found['status']}, priority {found['priority']}")


def _tell(found: dict[str, Any]) -> None:
    details(
        {
            "run": found["id"],
            "workflow": found["workflow"],
            "status": "paused" if found["paused"] else found["status"],
            "why": found["reason"] or None,
            "priority": found["priority"],
            "begun by": found["started_by"],
            "begun": moment(found["created_at"]),
            "ended": None if found["ended_at"] is None else moment(found["ended_at"]),
            "input": found["input"],
            "output": found["output"],
        }
    )
    heading("Steps")
    rows = ([one["path"], one["state"], one["attempt"] or None, one["trouble"] or None] for one in found["steps"])
    table(["STEP", "STATE", "ATTEMPT", "TROUBLE"], rows, "none has begun")
    heading("Waits for")
    waits = (
        [one["kind"].replace("_", " "), one["command"], one["action"], moment(one["due"])] for one in found["waits"]
    )
    table(["WHAT", "COMMAND", "ACTION", "DUE"], waits, "nothing")


def _object(text: str) -> dict[str, Any]:
    found = _json(text)
    if not isinstance(found, dict):
        raise Misused("this is no JSON object", hint="""for example '{"sku": "sku-0012"}'""")
    return found


def _json(text: str) -> Any:
    return canonical.parse(text.encode())
