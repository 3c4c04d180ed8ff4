"""The tools `memory.*`: between the words of the gate and those of memory."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping

import msgspec

from autonomy.kernel.canonical import Json
from autonomy.kernel.errors import Conflict, Invalid, NotFound
from autonomy.memory import Author, Forgetting, Item, Memory, Question, Reuse, Selection, Work, Writing
from autonomy.tools import Invocation, Refused, Result

Arguments = Mapping[str, Json]
Tool = Callable[[Author, Arguments], Awaitable[Result]]


class MemoryTools:
    """The connector of the tools by which agents remember. Nothing it raises leaves open whether something happened,
    but a store that does not answer."""

    def __init__(self, memory: Memory, reuse: Reuse, forgetting: Forgetting) -> None:
        self._memory = memory
        self._reuse = reuse
        self._forgetting = forgetting
        self._tools: Mapping[str, Tool] = {
            "write": self._write,
            "search": self._search,
            "read": self._read,
            "recall": self._recall,
            "release": self._release,
            "link": self._link,
            "forget": self._forget,
        }

    async def __call__(self, function: str, arguments: Arguments, invocation: Invocation) -> Result:
        """Do what the tool `memory.FUNCTION` is for. Raises Refused with memory's own code where it may not be."""
        author = Author(
            invocation.agent, invocation.action_id, invocation.case, invocation.labels, tuple(invocation.behind)
        )
        try:
            return await self._tools[function](author, arguments)
        except (Conflict, Invalid, NotFound) as error:
            raise Refused(error.message, code=error.code, hint=error.hint) from None

    async def _write(self, author: Author, arguments: Arguments) -> Result:
        item = await self._memory.write(author, msgspec.convert(arguments, Writing))
        written = item.as_dict()
        shown = {name: written[name] for name in ("item", "space", "trust", "tags", "origins", "at") if name in written}
        return Result(shown)

    async def _search(self, author: Author, arguments: Arguments) -> Result:
        asked = {"text" if name == "query" else name: value for name, value in arguments.items()}
        found = await self._memory.search(author, msgspec.convert(asked, Question))
        return self._shown(found.as_dict(), found.items)

    async def _read(self, author: Author, arguments: Arguments) -> Result:
        item = await self._memory.read(author, str(arguments["item"]))
        return self._shown(item.as_dict(), [item])

    async def _recall(self, author: Author, arguments: Arguments) -> Result:
        found = await self._reuse.recall(author, msgspec.convert(arguments, Work))
        shown: dict[str, Json] = {"answer": found.answer}
        if found.item is not None:
            return self._shown(shown | {"item": found.item.as_dict()}, [found.item])
        return Result(shown | ({} if found.by is None else {"by": found.by, "until": found.until}))

    async def _release(self, author: Author, arguments: Arguments) -> Result:
        return Result({"released": await self._reuse.release(author, msgspec.convert(arguments, Work))})

    async def _link(self, author: Author, arguments: Arguments) -> Result:
        item, to, relation = (str(arguments[name]) for name in ("item", "to", "relation"))
        await self._memory.link(author, item, to, relation)
        return Result({"item": item, "to": to, "relation": relation})

    async def _forget(self, author: Author, arguments: Arguments) -> Result:
        return Result({"forgotten": await self._forgetting.by_author(author, msgspec.convert(arguments, Selection))})

    def _shown(self, value: Json, items: Iterable[Item]) -> Result:
        """What was read labels the case, and lies in memory alone: with its subject it is forgotten there."""
        read = list(items)
        return Result(value, labels=self._memory.seen(read), kept={"items": [each.id for each in read]})
