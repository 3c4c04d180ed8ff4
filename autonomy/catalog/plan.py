"""What applying a folder would do: three-way between the folder, the server, and what both last agreed on. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from autonomy.kernel.canonical import Json

from .yaml_text import inside

Key = tuple[str, str]
"""Kind and name."""


@dataclass(frozen=True, slots=True)
class Held:
    """What the server has in force of one object: digest, declaring unit, owning scope, since which epoch."""

    digest: str
    unit: str
    scope: str
    since_epoch: int


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that differs; None on the side where it is not written."""

    path: str
    before: Json
    after: Json


@dataclass(frozen=True, slots=True)
class Entry:
    """One object the plan touches: digest before and after, and for a changed one which fields differ."""

    kind: str
    name: str
    before: str | None = None
    after: str | None = None
    differences: tuple[Difference, ...] = ()

    @property
    def key(self) -> str:
        return f"{self.kind}/{self.name}"


@dataclass(frozen=True, slots=True)
class Conflicting:
    """One object that the folder and the server both moved, or that another scope owns."""

    kind: str
    name: str
    reason: str
    hint: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What `apply` would do at `epoch`. `absent` is on the server only; it is retired where `retire` is set.

    `agreed` maps `Kind/name` to the digest folder and server have in common afterwards: the next `base`.
    """

    epoch: int
    scope: str
    retire: bool
    added: tuple[Entry, ...]
    changed: tuple[Entry, ...]
    absent: tuple[Entry, ...]
    conflicts: tuple[Conflicting, ...]
    unchanged: int
    agreed: Mapping[str, str]

    @property
    def retired(self) -> tuple[Entry, ...]:
        return self.absent if self.retire else ()

    @property
    def empty(self) -> bool:
        """Whether applying it would change nothing."""
        return not (self.added or self.changed or self.retired)

    @property
    def summary(self) -> str:
        """For example `2 added, 1 changed, 0 retired`."""
        return f"{len(self.added)} added, {len(self.changed)} changed, {len(self.retired)} retired"


def compare(
    epoch: int,
    scope: str,
    mine: Mapping[Key, str],
    server: Mapping[Key, Held],
    base: Mapping[str, str] | None,
    retire: bool,
) -> Plan:
    """The plan for a folder whose objects have the digests `mine`, without field differences.

    With `base` None folder and server never agreed on anything: what differs is then the folder's change.
    """
    added: list[Entry] = []
    changed: list[Entry] = []
    conflicts: list[Conflicting] = []
    for (kind, name), digest in sorted(mine.items()):
        held = server.get((kind, name))
        if held and held.digest == digest and held.scope == scope:
            continue
        if conflict := _conflict(kind, name, held, scope, base):
            conflicts.append(conflict)
        elif held is None:
            added.append(Entry(kind, name, after=digest))
        else:
            changed.append(Entry(kind, name, held.digest, digest))
    absent = tuple(
        Entry(kind, name, before=held.digest)
        for (kind, name), held in sorted(server.items())
        if held.scope == scope and (kind, name) not in mine
    )
    unseen = [entry for entry in absent if base is not None and base.get(entry.key) != entry.before]
    if retire:
        conflicts.extend(Conflicting(entry.kind, entry.name, _MOVED, _PULL) for entry in unseen)
    unchanged = len(mine) - len(added) - len(changed) - sum((one.kind, one.name) in mine for one in conflicts)
    agreed = {f"{kind}/{name}": digest for (kind, name), digest in mine.items()}
    if not retire:
        agreed |= {entry.key: entry.before or "" for entry in absent if entry not in unseen}
    return Plan(epoch, scope, retire, tuple(added), tuple(changed), absent, tuple(conflicts), unchanged, agreed)


_MOVED = "was declared or changed on the server since this folder last agreed with it"
_PULL = "run `autonomy pull` into a new folder, merge, then `autonomy pull FOLDER --note-only` and apply again"


def _conflict(
    kind: str, name: str, held: Held | None, scope: str, base: Mapping[str, str] | None
) -> Conflicting | None:
    """Why the folder may not decide alone what this object says; None where it may."""
    if held and held.scope != scope:
        hint = f"change it in the folder of the scope `{held.scope}`, or retire it there first"
        return Conflicting(kind, name, f"belongs to the scope `{held.scope}`", hint)
    agreed = None if base is None else base.get(f"{kind}/{name}")
    if base is None or agreed == (held.digest if held else None):
        return None
    return Conflicting(kind, name, _MOVED if held else "was retired on the server", _PULL)


def differences(before: Json, after: Json, path: str = "") -> Iterator[Difference]:
    """The fields in which two values differ, the smallest that say it; lists of different length count as a whole."""
    if isinstance(before, dict) and isinstance(after, dict):
        for name in [*before, *(name for name in after if name not in before)]:
            yield from differences(before.get(name), after.get(name), inside(path, name))
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from differences(old, new, inside(path, index))
    elif before != after or isinstance(before, bool) != isinstance(after, bool):
        yield Difference(path, before, after)
