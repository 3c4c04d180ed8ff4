"""The organisation as code: what it is now, what it was, and how it changes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from autonomy.audit import record
from autonomy.audit.store import read_head
from autonomy.db import CommitQueue, Database, Tx
from autonomy.kernel import canonical
from autonomy.kernel.clock import Clock
from autonomy.kernel.errors import Conflict, NotFound
from autonomy.kernel.failpoint import failpoint
from autonomy.kernel.ids import new_id

from . import export, references, store
from .manifest import DEFAULT_SCOPE, Folder
from .model import SPECS, Manifest, PolicySpec
from .organisation import Organisation, Revision, spec
from .plan import Difference, Entry, Key, Plan, differences
from .ports import Projector
from .problem import Check, nearest
from .proposal import Proposal, Target, declared_as, examine, planned, propose, targets
from .revision import restore, revision, total, written
from .snapshot import Snapshot, Snapshots, load, manifest
from .store import Change, Listed, Period

MAX_CHANGES = 1_000  # how many changes one answer lists


@dataclass(frozen=True, slots=True)
class Applied:
    """What applying a folder did; `change` is None where nothing differed."""

    plan: Plan
    change: Change | None


@dataclass(frozen=True, slots=True)
class Description:
    """One object: its file as `pull` would write it, every wording it had, what it uses and who uses it."""

    revision: Revision
    scope: str
    since_epoch: int
    text: str
    periods: Sequence[Period]
    uses: Sequence[tuple[str, str]]
    used_by: Sequence[tuple[str, str]]


class Catalog:
    """What the organisation declares. Thread-safe; every write is one transaction through the commit queue."""

    def __init__(
        self,
        database: Database,
        queue: CommitQueue,
        clock: Clock,
        checks: Sequence[Check],
        projector: Projector,
        builtin_tools: Collection[str] = (),
    ) -> None:
        self._database = database
        self._queue = queue
        self._clock = clock
        self._checks = checks
        self._project = projector
        self._builtin_tools = frozenset(builtin_tools)
        self._snapshots = Snapshots()

    def plan(self, folder: Folder, retire: bool = False) -> Plan:
        """What applying `folder` would do, field by field. Raises Invalid where the result could not go live."""
        plan, proposal = self._proposal(folder, retire)
        if not plan.conflicts:
            examine(proposal.organisation, self._checks, self._builtin_tools, folder.declared)
        return self._with_differences(plan, proposal)

    def apply(self, folder: Folder, by: str, retire: bool = False, message: str = "") -> Applied:
        """Make `folder` the organisation, or change nothing at all. `by` is the actor, such as `person:ada`.

        Raises Invalid with every problem, or Conflict where somebody else changed the same (`catalog.conflict`)
        or anything since it was read (`catalog.moved`).
        """
        plan, proposal = self._proposal(folder, retire)
        if plan.conflicts:
            raise _conflict(plan)
        if not proposal.begun and not proposal.ended:
            return Applied(plan, None)
        examine(proposal.organisation, self._checks, self._builtin_tools, folder.declared)
        return Applied(plan, self._commit(proposal, by, message, plan.summary, folder.scope))

    def amend(
        self, kind: str, name: str, amended: Callable[[Manifest], Manifest], by: str, message: str
    ) -> Change | None:
        """Declare one object anew, as `amended` makes it of its manifest, in the scope it belongs to; None where that
        changes nothing.

        Raises NotFound, Invalid with every problem, or Conflict (`catalog.moved`) where anything changed meanwhile.
        """
        present = self._snapshot(None)
        _find(present.organisation, kind, name)
        held = present.held[kind, name]
        with self._database.reading() as connection:
            body = store.bodies(connection, [held.digest])[held.digest]
        target = declared_as(amended(restore(body)), held.unit, held.scope)
        proposal = propose(present, {**dict(targets(present)), (kind, name): target})
        if not proposal.begun:
            return None
        examine(proposal.organisation, self._checks, self._builtin_tools, ())
        return self._commit(proposal, by, message, f"{kind} `{name}` changed", held.scope)

    def rollback(self, epoch: int, by: str, message: str = "") -> Change | None:
        """Declare again what was declared at `epoch`, as a new change; None where nothing differs.

        Raises NotFound for an epoch that never was, Invalid where the old content could not go live today.
        """
        present, past = self._snapshot(None), self._snapshot(epoch)
        proposal = propose(present, dict(targets(past)))
        if not proposal.begun and not proposal.ended:
            return None
        examine(proposal.organisation, self._checks, self._builtin_tools, ())
        return self._commit(proposal, by, message, f"rolled back to epoch {epoch}", None)

    def organisation(self, epoch: int | None = None) -> Organisation:
        """The organisation now, or as it was at `epoch`. Raises NotFound for an epoch that never was."""
        return self._snapshot(epoch).organisation

    def get(self, kind: str, name: str, epoch: int | None = None) -> Revision:
        """One declared object. Raises NotFound with the nearest name."""
        return _find(self.organisation(epoch), kind, name)

    def describe(self, kind: str, name: str) -> Description:
        """One declared object and its surroundings. Raises NotFound."""
        snapshot = self._snapshot(None)
        organisation = snapshot.organisation
        found, held = _find(organisation, kind, name), snapshot.held[kind, name]
        with self._database.reading() as connection:
            body = store.bodies(connection, [held.digest])[held.digest]
            periods = store.periods(connection, kind, name)
        root = organisation.root.name
        return Description(
            found,
            held.scope,
            held.since_epoch,
            next(iter(export.files_of(body).values())),
            periods,
            [(link.kind, link.target) for link in references.links(found, root)],
            [(user.kind, user.name) for user in references.users(organisation, kind, name)],
        )

    def history(self, kind: str, name: str) -> list[Period]:
        """Every wording the object ever had, newest first. Raises NotFound where there never was such an object."""
        with self._database.reading() as connection:
            found = store.periods(connection, kind, name)
        if not found:
            raise NotFound(f"there never was a {kind} `{name}`", code="catalog.not_found")
        return found

    def compare(self, kind: str, name: str, before: str, after: str) -> tuple[Difference, ...]:
        """What differs between two wordings of an object, by their digests. Raises NotFound (`catalog.no_wording`)."""
        known = {period.digest for period in self.history(kind, name)}
        for digest in (before, after):
            if digest not in known:
                hint = "`revisions` of the object names those there were"
                raise NotFound(
                    f"`{digest[:80]}` is no wording of {kind} `{name}`", code="catalog.no_wording", hint=hint
                )
        with self._database.reading() as connection:
            stored = store.bodies(connection, {before, after})
        return tuple(differences(written(restore(stored[before])), written(restore(stored[after]))))

    def changes(self, limit: int = 50, before: int | None = None) -> list[Listed]:
        """The last changes of the organisation, those before the epoch `before` if it is given; newest first."""
        with self._database.reading() as connection:
            return store.changes(connection, min(limit, MAX_CHANGES), before)

    def change(self, epoch: int) -> Change:
        """The change that led to `epoch`, in full. Raises NotFound (`catalog.no_epoch`)."""
        with self._database.reading() as connection:
            found = store.change_at(connection, epoch)
        if found is None:
            raise NotFound(f"no change led to epoch {epoch}", code="catalog.no_epoch")
        return found

    def pull(self, scope: str = DEFAULT_SCOPE, without: str = "") -> dict[str, str]:
        """The objects of `scope` as files by path, with the state from which the next `apply` starts.

        Of the kind `without` there are none, nor any in that state: a folder that never had them retires none of them.
        """
        snapshot = self._snapshot(None)
        held = ((key, held) for key, held in snapshot.held.items() if held.scope == scope and key[0] != without)
        own = {key: one.digest for key, one in held}
        with self._database.reading() as connection:
            stored = store.bodies(connection, own.values())
        agreed = {f"{kind}/{name}": digest for (kind, name), digest in own.items()}
        return export.folder(scope, [stored[digest] for digest in own.values()], agreed)

    def policy_text_at(self, epoch: int, name: str) -> str:
        """The text of a policy as it was in force at `epoch`, without loading that organisation. Raises NotFound."""
        with self._database.reading() as connection:
            row = store.row_at(connection, "Policy", name, epoch)
        if row is None:
            raise NotFound(f"there was no policy `{name}` at epoch {epoch}", code="catalog.not_found")
        return spec(revision(manifest(row), row.held.digest, row.held.unit), PolicySpec).text

    def ruled_anew(self, epoch: int) -> bool:
        """Whether policies, roles, units or agents were declared anew since `epoch`, or are no more."""
        with self._database.reading() as connection:
            return store.is_moved(connection, ("Policy", "Role", "Unit", "Agent"), epoch)

    def _proposal(self, folder: Folder, retire: bool) -> tuple[Plan, Proposal]:
        present = self._snapshot(None)
        plan, wanted = planned(folder, present, retire)
        return plan, propose(present, wanted)

    def _with_differences(self, plan: Plan, proposal: Proposal) -> Plan:
        after = {(target.revision.kind, target.revision.name): target for target in proposal.begun}
        with self._database.reading() as connection:
            stored = store.bodies(connection, [entry.before for entry in plan.changed if entry.before])
        changed = tuple(_compared(entry, stored, after) for entry in plan.changed)
        return replace(plan, changed=changed)

    def _commit(self, proposal: Proposal, by: str, message: str, summary: str, scope: str | None) -> Change:
        organisation, rows, detail = proposal.organisation, proposal.rows, proposal.detail
        at = self._clock()
        change = Change(new_id("chg", at), organisation.epoch, by, at, summary, message, detail)
        leaf = {"content": total(proposal.digests), "detail": canonical.digest(detail), "scope": scope}

        def work(tx: Tx) -> None:
            if tx.epochs.catalog != organisation.epoch - 1:
                raise Conflict("the organisation changed meanwhile", code="catalog.moved", hint="plan and apply again")
            tx.bump("catalog")
            store.write_revisions(tx, rows, organisation.epoch)
            store.write_declared(tx, proposal.ended, rows, organisation.epoch)
            self._project(tx, organisation, [target.revision for target in proposal.begun], proposal.retired)
            store.write_change(tx, change)
            record(tx, "change", at, actor=by, change=change.id, epoch=change.epoch, summary=summary, **leaf)

        failpoint("apply.checked")
        self._queue.run(work)
        return change

    def _snapshot(self, epoch: int | None) -> Snapshot:
        """The snapshot at `epoch`, or the present one."""
        if epoch is not None and (kept := self._snapshots.get(epoch)):
            return kept
        with self._database.reading() as connection:
            return self._read_snapshot(connection, epoch)

    def _read_snapshot(self, connection: Connection, epoch: int | None) -> Snapshot:
        present = read_head(connection)[2]
        wanted = present if epoch is None else epoch
        if not 0 <= wanted <= present:
            hint = f"the present epoch is {present}"
            raise NotFound(f"there is no epoch {wanted}", code="catalog.no_epoch", hint=hint)
        return self._snapshots.get(wanted) or self._snapshots.keep(load(connection, wanted))


def _find(organisation: Organisation, kind: str, name: str) -> Revision:
    if kind not in SPECS:
        raise NotFound(f"there is no kind `{kind}`", code="catalog.no_kind", hint=nearest(kind, SPECS))
    if organisation.is_own(kind, name):
        hint = "`autonomy tool show` shows the system's own tools"
        raise NotFound(f"nobody has declared the {kind} `{name}`", code="catalog.not_found", hint=hint)
    if (found := organisation.get(kind, name)) is None:
        hint = nearest(name, organisation.all(kind))
        raise NotFound(f"there is no {kind} `{name}`", code="catalog.not_found", hint=hint)
    return found


def _conflict(plan: Plan) -> Conflict:
    first = plan.conflicts[0]
    shown = [{"kind": one.kind, "name": one.name, "reason": one.reason, "hint": one.hint} for one in plan.conflicts]
    return Conflict(
        f"{first.kind} `{first.name}` {first.reason}",
        code="catalog.conflict",
        hint=first.hint,
        conflicts=shown,
    )


def _compared(entry: Entry, stored: Mapping[str, str], after: Mapping[Key, Target]) -> Entry:
    """`entry` with the fields that differ."""
    before = written(restore(stored[entry.before or ""]))
    target = after[entry.kind, entry.name]
    now = written(restore(target.body or ""))
    return replace(entry, differences=tuple(differences(before, now)))
