"""An organisation as it would be after a change, built and checked before anything is written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from autonomy.kernel.canonical import Json

from . import revision, rules
from .manifest import Declared, Folder
from .model import Manifest, UnitSpec
from .organisation import Organisation, Revision
from .plan import Held, Key, Plan, compare
from .problem import Check, Problem, invalid
from .snapshot import Snapshot
from .store import Row


@dataclass(frozen=True, slots=True)
class Target:
    """One object as it shall be. `body` is None where its wording is stored already."""

    revision: Revision
    scope: str
    body: str | None = None


@dataclass(frozen=True, slots=True)
class Proposal:
    """What to write to come from the present organisation to `organisation`, one epoch later."""

    organisation: Organisation
    held: Mapping[Key, Held]
    begun: Sequence[Target]
    ended: Sequence[Key]
    retired: Sequence[Revision]

    @property
    def rows(self) -> list[Row]:
        """What begins with the new epoch, as stored."""
        return [row(target, self.organisation.epoch) for target in self.begun]

    @property
    def digests(self) -> dict[str, str]:
        """`Kind/name` to digest of everything declared."""
        return {f"{one.kind}/{one.name}": one.digest for one in self.organisation.revisions()}

    @property
    def detail(self) -> dict[str, Json]:
        """What changed, for the record: objects as `Kind/name` with their digests, before and after."""
        before = {(one.kind, one.name): self.held.get((one.kind, one.name)) for one in _revisions(self.begun)}
        added = {_key(one): one.digest for one in _revisions(self.begun) if before[one.kind, one.name] is None}
        changed = {
            _key(one): [held.digest, one.digest]
            for one in _revisions(self.begun)
            if (held := before[one.kind, one.name]) is not None
        }
        return {"added": added, "changed": changed, "retired": {_key(one): one.digest for one in self.retired}}


def row(target: Target, epoch: int) -> Row:
    """The target as stored from `epoch` on."""
    one = target.revision
    return Row(one.kind, one.name, Held(one.digest, one.unit, target.scope, epoch), target.body or "")


def planned(folder: Folder, present: Snapshot, retire: bool) -> tuple[Plan, dict[Key, Target]]:
    """The plan for `folder`, and every object as it would be after it."""
    mine = _targets(folder, present)
    digests = {key: target.revision.digest for key, target in mine.items()}
    plan = compare(present.organisation.epoch, folder.scope, digests, present.held, folder.base, retire)
    kept = dict(targets(present))
    for entry in plan.retired:
        kept.pop((entry.kind, entry.name))
    return plan, kept | mine


def targets(snapshot: Snapshot) -> Iterable[tuple[Key, Target]]:
    """The objects of `snapshot` as targets: what stays as it is."""
    for one in snapshot.organisation.revisions():
        yield (one.kind, one.name), Target(one, snapshot.held[one.kind, one.name].scope)


def declared_as(manifest: Manifest, unit: str, scope: str) -> Target:
    """What `manifest` says, declared by `unit` in the folder of `scope`."""
    value = revision.written(manifest)
    return Target(revision.revision(manifest, revision.digest(value), unit), scope, revision.body(value))


def propose(present: Snapshot, wanted: Mapping[Key, Target]) -> Proposal:
    """The step from `present` to the objects `wanted`."""
    held = present.held
    begun = [target for key, target in wanted.items() if not _same(held.get(key), target)]
    begun_keys = {(target.revision.kind, target.revision.name) for target in begun}
    ended = [key for key in held if key not in wanted or key in begun_keys]
    gone = [one for one in present.organisation.revisions() if (one.kind, one.name) not in wanted]
    organisation = Organisation(present.organisation.epoch + 1, _revisions(wanted.values()))
    return Proposal(organisation, held, begun, ended, gone)


def examine(
    organisation: Organisation, checks: Sequence[Check], builtin_tools: frozenset[str], sources: Iterable[Declared]
) -> None:
    """Raise Invalid with every problem of `organisation`, each at the file and line it was written.

    The checks of the rooms above run only on what refers to nothing missing: they may rely on that.
    """
    problems = rules.check(organisation, builtin_tools)
    if not problems:
        problems = [problem for check in checks for problem in check(organisation)]
    if problems:
        places = {declared.manifest.key: declared for declared in sources}
        raise invalid([_placed(problem, places.get((problem.kind, problem.name))) for problem in problems])


def _targets(folder: Folder, present: Snapshot) -> dict[Key, Target]:
    root = _root(folder, present)
    found: dict[Key, Target] = {}
    for declared in folder.declared:
        manifest = declared.manifest
        found[manifest.key] = declared_as(manifest, _unit(manifest, root), folder.scope)
    return found


def _root(folder: Folder, present: Snapshot) -> str:
    """The root unit after the change; the present one where the folder declares none. Empty where there is none."""
    for declared in folder.declared:
        spec = declared.manifest.spec
        if isinstance(spec, UnitSpec) and spec.parent is None:
            return declared.manifest.metadata.name
    return present.organisation.root.name if present.organisation.all("Unit") else ""


def _unit(manifest: Manifest, root: str) -> str:
    """The unit that declares `manifest`: the one it names; for a unit its parent; else the root."""
    if manifest.metadata.unit:
        return manifest.metadata.unit
    if isinstance(manifest.spec, UnitSpec):
        return manifest.spec.parent or manifest.metadata.name
    return root


def _same(held: Held | None, target: Target) -> bool:
    if held is None:
        return False
    return (held.digest, held.unit, held.scope) == (target.revision.digest, target.revision.unit, target.scope)


def _revisions(found: Iterable[Target]) -> list[Revision]:
    return [target.revision for target in found]


def _key(one: Revision) -> str:
    return f"{one.kind}/{one.name}"


def _placed(problem: Problem, declared: Declared | None) -> Problem:
    if declared is None:
        return problem
    return replace(problem, file=declared.file, line=problem.line or declared.line(problem.field))
