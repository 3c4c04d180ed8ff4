"""`autonomy audit`: the log, its evidence, and checking it without the server."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from autonomy.kernel.clock import duration
from autonomy.sdk import Client

from .actions import tell
from .arguments import read_object
from .asking import confirm
from .connect import connected
from .evidence import read_key, save_export, verified
from .options import AsJson, Limit, Reason, Url, Yes, commands
from .proving import UNKEYED, Proven, prove_action, prove_leaf
from .screen import details, json_lines, say, show_json, table
from .words import cell, moment, point_in_time

LOOK_SECONDS = 1.0  # between two looks for new leaves

app = commands()
audit = commands("Read, export, verify and explain the log.")
app.add_typer(audit, name="audit")

_INDEX = re.compile("[0-9]{1,15}")  # what else looks like digits is no index
_FRAME = frozenset({"kind", "at", "v", "version"})


@audit.command()
def tail(
    limit: Limit = 20,
    kind: Annotated[str | None, typer.Option(help="intent, outcome, denial, hold, approval, change, …")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as the log grows, until Ctrl-C.")] = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Show the end of the log. With `--json` one object a line.

    \b
      autonomy audit tail --kind denial
    """
    if follow:
        # As an exception Ctrl-C may arrive inside a finaliser, which swallows it; here is nothing to put in order.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    with connected(url) as client:
        found = _growing(client, limit, kind) if follow else iter(_last(client, limit, kind))
        if as_json:
            json_lines(found)
            return
        for one in found:
            say(_line(one))


@audit.command()
def show(
    id: Annotated[str, typer.Argument(help="A leaf's index, or an action (`act_…`).")],
    key: Annotated[str | None, typer.Option(help="The log's key, or a file that holds it.")] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Prove a leaf, or every leaf of an action, and show what was proven.

    The hash of its text, the path to the root and the signature of the checkpoint are checked here, without trust in
    the server: where they do not hold, nothing is shown, and it ends with 1. Without `--key` the key itself is the
    server's own word.

    \b
      autonomy audit show 0
    """
    trusted, is_index = None if key is None else read_key(key), _INDEX.fullmatch(id) is not None
    with connected(url) as client:
        leaves = [prove_leaf(client, int(id), trusted)] if is_index else prove_action(client, id, trusted)
    if as_json:
        told = [one.as_dict(trusted is not None) for one in leaves]
        show_json(told[0] if is_index else told)
        return
    if is_index:
        _show_leaf(leaves[0])
    else:
        _show_leaves(leaves)
    if trusted is None:
        say(f"  {UNKEYED}", "yellow")


@audit.command()
def explain(
    id: Annotated[str, typer.Argument(help="The action, `act_…`.")], url: Url = None, as_json: AsJson = False
) -> None:
    """Say why an action came out as it did, from what was stored when it happened."""
    with connected(url) as client:
        found = client.explain(id)
    if as_json:
        show_json(found)
    else:
        tell(found)


@audit.command()
def sample(
    kind: Annotated[str | None, typer.Option(help="Of leaves of this kind; `intent` where nothing is said.")] = None,
    by: Annotated[str | None, typer.Option(help="Of actions, by `tool`, `agent`, `unit`, `policy` or `case` …")] = None,
    named: Annotated[str | None, typer.Option(help="… and which one.")] = None,
    count: Annotated[int, typer.Option(min=1, max=500, help="How many.")] = 25,
    seed: Annotated[str | None, typer.Option(help="That of an earlier sample, to draw it again.")] = None,
    size: Annotated[int | None, typer.Option(min=0, help="How long the log was then.")] = None,
    since: Annotated[str | None, typer.Option(help="From a date on, or the last `7d`.")] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Draw a random sample that anybody can draw again.

    \b
      autonomy audit sample --by tool --named order.place --count 10
    """
    with connected(url) as client:
        wanted: dict[str, str | int | None] = {"kind": kind, "by": by, "value": named, "count": count, "seed": seed}
        found = client.sample(**wanted, size=size, since=None if since is None else _since(since))
    if as_json:
        show_json(found)
        return
    told = ("population", "seed", "size", "first", "stop", "method")
    details({name: found[name] for name in told})
    for one in found["items"]:
        say(_line(one))


@audit.command()
def could(
    action: Annotated[str | None, typer.Option(help="What was done, `act_…`; for who may read what it asked.")] = None,
    tool: Annotated[str | None, typer.Option(help="Else the tool …")] = None,
    arguments: Annotated[str, typer.Option(help="… and its arguments as JSON.")] = "{}",
    at: Annotated[str | None, typer.Option(help="When: `2026-12-24T09:00Z`; else when the action was begun.")] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Say who could have done this on that date, by the rules in force then.

    \b
      autonomy audit could --tool supplier.get --arguments '{"supplier_id": "sup-1"}' --at 2026-12-24
    """
    when = None if at is None else point_in_time(at, time.time_ns() // 1_000_000)
    said = {} if tool is None else {"tool": tool, "arguments": read_object(arguments)}
    with connected(url) as client:
        found = client.who_could(action=action, at=when, **said)
    if as_json:
        show_json(found)
        return
    counts = ("allowed", "held", "denied", "stopped", "unlisted")
    details({"tool": found["tool"], "at": moment(found["at"]), "epoch": found["epoch"]})
    details({name: found[name] for name in counts})
    rows = ([one["agent"], one["unit"], one["effect"], one["roles"], one["stopped"]] for one in found["items"])
    table(["AGENT", "UNIT", "RULES SAY", "ASKING", "BUT WAS"], rows, "no agent could have done it")


@audit.command()
def key(url: Url = None, as_json: AsJson = False) -> None:
    """Show the key that checks the log; keep it where the server's owner cannot change it.

    \b
      autonomy audit key
    """
    with connected(url) as client:
        found = client.checkpoint()
    if as_json:
        show_json(found)
    else:
        say(found["key"])


@audit.command()
def export(
    file: Annotated[Path, typer.Argument(help="Where to write it.")],
    html: Annotated[bool, typer.Option("--html", help="As a page that verifies itself in any browser.")] = False,
    payloads: Annotated[bool, typer.Option("--payloads", help="With what actions carried, as far as you may.")] = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Write the whole log to a file that can be checked offline.

    \b
      autonomy audit export log.jsonl
    """
    with connected(url) as client:
        size = save_export(client, file, html, payloads)
    if as_json:
        show_json({"file": str(file), "bytes": size})
    else:
        say(f"{size:,} bytes are in `{file}`")


@audit.command()
def verify(
    file: Annotated[Path, typer.Argument(help="An export.")],
    witness: Annotated[Path | None, typer.Option(help="A folder of checkpoints that somebody else kept.")] = None,
    key: Annotated[str | None, typer.Option(help="The log's key, or a file that holds it.")] = None,
    fast: Annotated[bool, typer.Option("--fast", help="Leave out whether the actions' stories make sense.")] = False,
    as_json: AsJson = False,
) -> None:
    """Check an export: whether anything was changed, removed, reordered or cut off. Needs no server.

    Ends with 1 where something is wrong. Without a witness's copies a log that was written anew by whoever holds its
    key looks whole; the answer says when none were given.

    \b
      autonomy audit verify log.jsonl --witness autonomy-data/witness
    """
    report = verified(file, witness, key, fast)
    if as_json:
        show_json(report.as_dict())
    else:
        say(report.verdict, "green" if report.ok else "bold red")
        for finding in report.findings:
            say(f"  {finding}", "red")
        for remark in report.remarks:
            say(f"  {remark}", "yellow")
    if not report.ok:
        raise typer.Exit(1)


@audit.command()
def erase(
    subject: Annotated[str, typer.Argument(help="As the tools name it; `agent:` and an id for an agent's own words.")],
    reason: Reason,
    yes: Yes = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Forget a subject: what it was about cannot be opened again, and every proof still holds. Asks on a terminal.

    \b
      autonomy audit erase sup-1 --reason "erasure request 2031-4"
    """
    confirm(f"Make everything about `{subject}` unreadable for ever?", yes)
    with connected(url) as client:
        count = client.erase(subject, reason)
    if as_json:
        show_json({"subject": subject, "payloads": count})
    else:
        say(f"{count} payloads cannot be opened any more")


def _show_leaf(one: Proven) -> None:
    details(one.leaf)
    details({"hash": one.hash, "path": one.shown.path, "under the checkpoint of": one.size})
    say(one.shown.checkpoint.note.rstrip())
    say(f"this leaf is in the log of {one.size} leaves, as signed", "green")


def _show_leaves(leaves: Sequence[Proven]) -> None:
    for one in leaves:
        say(_line({"index": one.index, "leaf": one.leaf}))
    told = "this leaf is" if len(leaves) == 1 else f"these {len(leaves)} leaves are"
    say(f"{told} in the log, as signed; that there are no others of this action is the server's word", "green")


def _last(client: Client, count: int, kind: str | None) -> list[dict[str, Any]]:
    """The last `count` leaves, of one kind if named: looks back twice as far until there are enough."""
    size, window = client.checkpoint()["size"], count
    while True:
        start = max(size - window, 0)
        found = list(client.leaves(start - 1, kind))
        if len(found) >= count or start == 0:
            return found[-count:]
        window *= 2


def _growing(client: Client, count: int, kind: str | None) -> Iterator[dict[str, Any]]:
    last = -1
    for one in _last(client, count, kind):
        last = one["index"]
        yield one
    while True:
        for one in client.leaves(last, kind):
            last = one["index"]
            yield one
        time.sleep(LOOK_SECONDS)


def _since(text: str) -> int:
    """Milliseconds of a date, or of so long ago."""
    at = time.time_ns() // 1_000_000
    return point_in_time(text, at) if "-" in text else at - duration(text)


def _line(found: dict[str, Any]) -> str:
    """A leaf as one line: index, time, kind, then what it says."""
    leaf = found["leaf"]
    said = " ".join(f"{name}={_word(value)}" for name, value in leaf.items() if name not in _FRAME)
    return f"{found['index']} {moment(leaf.get('at'))} {leaf['kind']} {said}"


def _word(value: Any) -> str:
    """A value in one line: what a stranger wrote cannot begin a line of its own."""
    return cell(value).replace("\n", "\\n")
