"""`autonomy memory`: what agents know together, as far as you may see it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import typer

from autonomy.kernel.clock import now

from .connect import connected
from .options import AsJson, Reason, Url, commands
from .screen import details, say, show_json, table
from .words import moment, point_in_time

app = commands()
memory = commands("List, find, show and forget what agents remember.")
app.add_typer(memory, name="memory")

Found = Literal["text", "meaning", "both"]
Space = Annotated[str | None, typer.Option(help="Only in this memory space.")]


@memory.command("list")
def list_spaces(url: Url = None, as_json: AsJson = False) -> None:
    """List memory spaces, and how often work was found done in them.

    \b
      autonomy memory list
    """
    with connected(url) as client:
        found = list(client.memory_spaces())
    if as_json:
        show_json(found)
        return
    rows = (
        [each["name"], each["owner"], each["retention"], each["data"], _items(each), each["saved"], each["begun"]]
        for each in found
    )
    table(["SPACE", "OWNER", "KEPT FOR", "DATA", "ITEMS", "WORK SAVED", "BEGUN"], rows, "there is no memory space")


@memory.command()
def search(
    query: Annotated[list[str], typer.Argument(help="Words to look for.")],
    space: Space = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=50, help="How many at most.")] = 10,
    by: Annotated[Found | None, typer.Option(help="By words, by meaning, or by both.")] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Find items by words, or by meaning where spaces declare it, the best first, of those you may read.

    \b
      autonomy memory search late payment
    """
    with connected(url) as client:
        found = client.search_memory(" ".join(query), space, limit, by)
    if as_json:
        show_json(found)
        return
    items = found["items"]
    rows = ([each["item"], each["space"], moment(each["at"]), each["author"], _short(each)] for each in items)
    nothing = "has these words" if found["by"] == "text" else "is like this"
    table(["ITEM", "SPACE", "WRITTEN", "BY", "WHAT"], rows, f"nothing you may read {nothing}")
    if found.get("missing"):
        say(f"not looked for by meaning, or not everywhere: {found['missing']}")


@memory.command()
def show(item: Annotated[str, typer.Argument(help="The item.")], url: Url = None, as_json: AsJson = False) -> None:
    """Show one item: what it says, who wrote it in which action, and how far it may be trusted.

    \b
      autonomy memory show mem_01jd…
    """
    with connected(url) as client:
        found = client.memory_item(item)
    if as_json:
        show_json(found)
    else:
        times = {name: moment(found[name]) for name in ("at", "valid_from", "valid_until") if found.get(name)}
        details({name: value for name, value in (found | times).items() if value not in (None, "", [])})


@memory.command()
def forget(
    space: Annotated[str, typer.Argument(help="The memory space; you own it.")],
    reason: Reason,
    item: Annotated[str | None, typer.Option(help="One item.")] = None,
    source: Annotated[str | None, typer.Option(help="What this action wrote.")] = None,
    case: Annotated[str | None, typer.Option(help="What was written in this case.")] = None,
    author: Annotated[str | None, typer.Option(help="What this agent wrote.")] = None,
    subject: Annotated[str | None, typer.Option(help="What is about this person or company.")] = None,
    before: Annotated[str | None, typer.Option(help="What is older: `2026-12-24`, or `7d` ago; UTC.")] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Forget items of a space you own: those that fit everything you say. The log keeps how many, and why.

    \b
      autonomy memory forget purchasing-notes --author buyer-2 --reason "it believed a forged letter"
    """
    which: dict[str, Any] = {"item": item, "source": source, "case": case, "author": author, "subject": subject}
    with connected(url) as client:
        gone = client.forget_memory(space, reason, **which, before=None if before is None else _before(before))
    if as_json:
        show_json({"forgotten": gone})
    else:
        say(f"forgotten: {gone}")


def _before(words: str) -> int:
    """A point in time; a duration counts backwards."""
    at = now()
    found = point_in_time(words, at)
    return 2 * at - found if found > at else found


def _items(space: dict[str, Any]) -> str:
    return "" if space["items"] is None else str(space["items"])


def _short(item: dict[str, Any]) -> str:
    words = item.get("title") or item["text"]
    return f"{words} (stale)" if item["stale"] else str(words)
