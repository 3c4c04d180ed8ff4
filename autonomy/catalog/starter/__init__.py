"""The starter organisation, Larkspur Instruments: what `autonomy init` writes, and the schema of its business data.

A pack puts the same company on other systems: its files stand in place of the starter's, or beside them. A template
brings a process with all it needs: agents, tools, rules with their tests, workflows, the tables of its tools.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable

from autonomy.kernel.errors import Conflict, NotFound

ON_ITS_OWN_DATABASE = frozenset({"tryton"})
"""Packs under which the tools of templates have no tables to work on."""


def organisation(packs: Iterable[str] = (), templates: Iterable[str] = ()) -> dict[str, str]:
    """The organisation's files by path, comments and policy tests included, with `packs` and `templates` applied.

    Raises NotFound (`pack.unknown`, `template.unknown`), or Conflict where two packs bring the same file
    (`pack.conflict`) or a template has no database to work on (`template.conflict`).
    """
    packs, templates = list(packs), list(templates)
    elsewhere = ON_ITS_OWN_DATABASE.intersection(packs)
    if templates and elsewhere:
        told = f"`{min(elsewhere)}` has no tables for the tools of the template `{templates[0][:40]}`"
        raise Conflict(told, code="template.conflict", hint="leave out one of them")
    found = dict(_texts(files(__name__) / "org", ""))
    brought: dict[str, str] = {}
    for name in packs:
        for path, text in pack(name).items():
            if brought.setdefault(path, name) != name:
                raise Conflict(
                    f"the packs `{brought[path]}` and `{name}` both bring `{path}`",
                    code="pack.conflict",
                    hint="choose one of them",
                )
            found[path] = text
    for name in templates:
        found |= template(name)
    return found


def template(name: str) -> dict[str, str]:
    """The files of one template by path. Raises NotFound (`template.unknown`)."""
    known = templates()
    if name not in known:
        hint = f"there are {', '.join(known)}"
        raise NotFound(f"there is no template `{name[:40]}`", code="template.unknown", hint=hint)
    return dict(_texts(files(__name__) / "templates" / name, ""))


def templates() -> list[str]:
    """The names of the templates there are."""
    return sorted(entry.name for entry in (files(__name__) / "templates").iterdir() if entry.is_dir())


def pack(name: str) -> dict[str, str]:
    """The files of one pack by path. Raises NotFound (`pack.unknown`)."""
    known = packs()
    if name not in known:
        raise NotFound(f"there is no pack `{name[:40]}`", code="pack.unknown", hint=f"there are {', '.join(known)}")
    return dict(_texts(files(__name__) / "packs" / name, ""))


def packs() -> list[str]:
    """The names of the packs there are."""
    return sorted(entry.name for entry in (files(__name__) / "packs").iterdir() if entry.is_dir())


def business_schema() -> str:
    """SQL that creates the tables the starter's tools work on; it says itself what differs on PostgreSQL."""
    return (files(__name__) / "business.sql").read_text(encoding="utf-8")


def _texts(folder: Traversable, path: str) -> Iterator[tuple[str, str]]:
    for entry in sorted(folder.iterdir(), key=lambda found: found.name):
        place = f"{path}/{entry.name}" if path else entry.name
        if entry.is_dir():
            yield from _texts(entry, place)
        else:
            yield place, entry.read_text(encoding="utf-8")
