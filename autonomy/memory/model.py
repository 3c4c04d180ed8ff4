"""The words of memory: who remembers and reads, what an item is, where it stands, and what recalling answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from autonomy.kernel.canonical import Json

Answer = Literal["found", "yours", "taken", "unclaimed"]
"""What recalling work says: somebody has done it, it is yours to do, somebody is at it, or nobody is."""


class Author(Struct, frozen=True):
    """An agent that acts on memory: under which action, in which case, and what that case has seen.

    `behind` are the names of the agents it acts for: what one of them may not see, it does not see for them.
    """

    agent: str
    action: str
    case: str = ""
    labels: frozenset[str] = frozenset()
    behind: tuple[str, ...] = ()

    @property
    def chain(self) -> tuple[str, ...]:
        """Everybody who has to be entitled."""
        return (self.agent, *self.behind)


class Member(Struct, frozen=True):
    """An agent or a person as the readers and writers of spaces are declared. `data` are the classes of data its roles
    may see, `lineage` its unit and those above; a person has none."""

    name: str
    roles: frozenset[str]
    data: frozenset[str]
    lineage: tuple[str, ...] = ()
    site: str | None = None
    is_person: bool = False


class Shelf(Struct, frozen=True):
    """Where items of one restriction stand: in `space`, of data of the classes `tags`, made of what was read in the
    spaces `origins`. Who may read one item of a shelf may read all."""

    id: int
    space: str
    tags: frozenset[str]
    origins: frozenset[str]


class Writing(Struct, frozen=True):
    """What an agent asks to be remembered. Times are in milliseconds; `task` and `inputs` name the work it is from."""

    space: str
    text: str
    title: str = ""
    data: Mapping[str, Json] | None = None
    subject: str | None = None
    tags: frozenset[str] = frozenset()
    untrusted: bool = False
    valid_from: int | None = None
    valid_until: int | None = None
    links: tuple[str, ...] = ()
    task: str | None = None
    inputs: Mapping[str, Json] = {}

    def content(self) -> dict[str, Json]:
        """What is sealed: the words, which may be somebody's own."""
        said: dict[str, Json] = {"title": self.title, "text": self.text, "subject": self.subject}
        if self.data is not None:
            said["data"] = dict(self.data)
        if self.task is not None:
            said |= {"task": self.task, "inputs": dict(self.inputs)}
        return {name: value for name, value in said.items() if value}


class Item(Struct, frozen=True):
    """One thing remembered. `author` is agent@revision, `source` the action that wrote it; `is_stale` says that it is
    older than its space counts as fresh."""

    id: str
    shelf: Shelf
    author: str
    source: str
    case: str
    untrusted: bool
    at: int
    valid_from: int | None
    valid_until: int | None
    is_stale: bool
    reused: int
    content: Mapping[str, Json]
    links: tuple[tuple[str, str], ...] = ()
    """Relation and item, of those the reader may read."""

    def as_dict(self) -> dict[str, Json]:
        """The item as every face shows it."""
        shown: dict[str, Json] = {
            "item": self.id,
            "space": self.shelf.space,
            **self.content,
            "author": self.author,
            "source": self.source,
            "case": self.case,
            "trust": "untrusted" if self.untrusted else "trusted",
            "tags": sorted(self.shelf.tags),
            "origins": sorted(self.shelf.origins),
            "at": self.at,
            "valid_from": self.valid_from,
            "valid_until": self.valid_until,
            "stale": self.is_stale,
            "reused": self.reused,
            "links": [{"relation": relation, "item": item} for relation, item in self.links],
        }
        return {name: value for name, value in shown.items() if value not in (None, [])}


By = Literal["text", "meaning", "both"]
"""By what items are found: the words of a question, what it means, or both."""


class Question(Struct, frozen=True):
    """What is looked for, in `space` or anywhere. By both where `by` is not said and a space declares an endpoint for
    meanings, else by words."""

    text: str
    space: str | None = None
    limit: int = 10
    by: By | None = None


class Found(Struct, frozen=True):
    """What was found, the best first, and by what. `missing` is the code of why meaning was left out of it, or out of a
    part; `newest` says for each space that was looked through by meaning how many of its items at most have one."""

    items: tuple[Item, ...]
    by: By = "text"
    missing: str | None = None
    newest: Mapping[str, int] = {}

    def as_dict(self) -> dict[str, Json]:
        """The answer as every face shows it."""
        shown: dict[str, Json] = {"items": [each.as_dict() for each in self.items], "by": self.by}
        if self.missing is not None:
            shown["missing"] = self.missing
        return shown | ({"newest": dict(self.newest)} if self.newest else {})


class Work(Struct, frozen=True):
    """Work that may have been done already: in `space`, known by `task` and `inputs`.

    Seconds: `lease` is how long a claim lasts, `wait` how long to wait for who is at it. `max_age` is in milliseconds.
    """

    space: str
    task: str
    inputs: Mapping[str, Json] = {}
    max_age: int | None = None
    claim: bool = True
    lease: int = 60
    wait: int = 0


class Recalled(Struct, frozen=True):
    """What recalling answers: the `item` found, or until when (milliseconds) it is whose."""

    answer: Answer
    item: Item | None = None
    by: str | None = None
    until: int | None = None


class Selection(Struct, frozen=True):
    """Which items of a space are to be forgotten: those that fit everything that is given."""

    space: str
    item: str | None = None
    source: str | None = None
    case: str | None = None
    author: str | None = None
    subject: str | None = None
    before: int | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing is said but the space."""
        said = (self.item, self.source, self.case, self.author, self.subject, self.before)
        return all(each is None for each in said)


class Held(Struct, frozen=True):
    """A space as somebody sees it: how many items they may read (None where they are no reader), how often work was
    found done, and how often it was begun."""

    space: str
    items: int | None
    saved: int
    begun: int
