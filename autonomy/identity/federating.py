"""From declared to lived: workloads outside become credentials of agents, groups outside become grants."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import delete, insert, select, update

from autonomy.db import Tx
from autonomy.kernel.ids import new_id

from . import rows, store
from .ending import Stamp
from .model import GroupGrant, Workload
from .outside_store import group_grant

NEVER = 9_007_199_254_740_991
"""When a declared credential expires: not by time (the largest number every JSON reader knows)."""


def put_workloads(tx: Tx, wanted: Mapping[str, Sequence[Workload]], again: Collection[str], stamp: Stamp) -> bool:
    """Let exactly the `wanted` workloads be credentials, by agent (id); returns whether anything changed.

    A credential that was revoked stays so, until its workload is declared anew or its agent is among `again`.
    """
    table = store.credential
    declared = select(table.c.id, table.c.agent, table.c.hash, table.c.revoked_at)
    found = tx.execute(declared.where(table.c.kind == "federated", table.c.hash != "")).all()
    keys = {(agent, rows.workload(one)) for agent, workloads in wanted.items() for one in workloads}
    kept = {(row.agent, row.hash) for row in found if row.revoked_at is None or row.agent not in again}
    gone = [row.id for row in found if (row.agent, row.hash) not in keys or (row.agent, row.hash) not in kept]
    new = sorted(keys - kept)
    for some in store.batches(gone):
        # Without its words it is no longer looked for; that it once was stays on record.
        ended = {"hash": "", "changed": stamp.epoch}
        tx.execute(update(table).where(table.c.id.in_(some)).values(**ended))
        live = table.c.id.in_(some), table.c.revoked_at.is_(None)
        tx.execute(update(table).where(*live).values(revoked_at=stamp.at))
    if new:
        tx.execute(insert(table), [_credential(agent, key, stamp) for agent, key in new])
    return bool(gone or new)


def put_grants(tx: Tx, grants: Collection[GroupGrant]) -> None:
    """Let groups outside admit to exactly `grants`."""
    stored = tx.execute(select(group_grant))
    found = {GroupGrant(row.provider, row.group_name, row.kind, row.value) for row in stored}
    if found != set(grants):
        tx.execute(delete(group_grant))
        if grants:
            tx.execute(insert(group_grant), [_grant(one) for one in sorted(set(grants), key=repr)])


def _credential(agent: str, key: str, stamp: Stamp) -> dict[str, object]:
    return {
        "id": new_id("cred"),
        "agent": agent,
        "kind": "federated",
        "hash": key,
        "created_at": stamp.at,
        "expires_at": NEVER,
        "revoked_at": None,
        "issued_by": "system",
        "changed": stamp.epoch,
    }


def _grant(one: GroupGrant) -> dict[str, str]:
    return {"provider": one.provider, "group_name": one.group, "kind": one.kind, "value": one.value}
