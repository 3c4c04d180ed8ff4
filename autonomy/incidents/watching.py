"""Opens incidents by rule: where a policy's rule says `@incident("high")` and a decision rests on it, be it one that is
only on trial, an incident is opened about the action. While one of the same rule and agent is open, it is noted there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy import func, select

from autonomy.catalog.model import PolicySpec
from autonomy.catalog.organisation import Organisation, spec
from autonomy.db import Tx
from autonomy.kernel.clock import Clock
from autonomy.kernel.errors import NotFound
from autonomy.kernel.ids import new_id
from autonomy.policy.source import read

from . import store
from .model import About, Incident, Severity
from .rules import MAX_TITLE
from .service import begin, place_of

KEPT = 4  # epochs; as many as the catalog keeps
SEEN = 100  # further actions that an open incident notes; that there were more is seen in the search


class Watched(dict[str, Severity]):
    """Rules that open incidents, and how grave those are."""


class Watching:
    """Hears every leaf once, in the transaction that takes it in for the search."""

    def __init__(self, organisation_at: Callable[[int], Organisation], clock: Clock) -> None:
        self._watched = lru_cache(KEPT)(lambda epoch: _watched(organisation_at, epoch))
        self._clock = clock

    def hear(self, tx: Tx, leaves: Iterable[tuple[int, Mapping[str, Any]]]) -> None:
        """Open or go on with incidents because of these leaves."""
        for index, leaf in leaves:
            if leaf["kind"] in DECISIONS and "decision" in leaf:
                watched = self._watched(leaf.get("epochs", {}).get("catalog", 0))
                for rule in _rested_on(leaf["decision"]) if watched else ():
                    if rule in watched:
                        self._seen(tx, index, leaf, rule, watched[rule])

    def _seen(self, tx: Tx, index: int, leaf: Mapping[str, Any], rule: str, severity: Severity) -> None:
        columns = store.incident.c
        live = columns.rule == rule, columns.agent == leaf["agent"], columns.closed_at.is_(None)
        known = tx.execute(select(columns.id).where(*live).limit(1)).scalar_one_or_none()
        if known is not None:
            self._again(tx, known, leaf)
            return
        about = About("action", leaf["action"])
        title = f"{rule}: {leaf.get('agent_name') or leaf['agent']} and {leaf['tool']}"[:MAX_TITLE]
        place = place_of(index, dict(leaf), rule)
        opened = Incident(new_id("inc"), title, severity, "open", about, place, f"rule:{rule}", self._clock())
        begin(tx, opened)

    def _again(self, tx: Tx, id: str, leaf: Mapping[str, Any]) -> None:
        seen = store.entry.c.incident == id, store.entry.c.event == "seen"
        if tx.execute(select(func.count()).select_from(store.entry).where(*seen)).scalar_one() < SEEN:
            store.note(tx, id, leaf["at"], "system", "seen", leaf["action"])


SEVERITIES: Mapping[str, Severity] = {"low": "low", "medium": "medium", "high": "high", "critical": "critical"}
DECISIONS = frozenset({"intent", "hold", "denial"})


def _rested_on(decision: Mapping[str, Any]) -> dict[str, None]:
    """The rules a decision rests on, and those on trial that would have decided otherwise; each once."""
    tried = (rule for notice in decision.get("notices", ()) for rule in notice["policies"])
    return dict.fromkeys([*decision.get("policies", ()), *tried])


def _watched(organisation_at: Callable[[int], Organisation], epoch: int) -> Watched:
    try:
        organisation = organisation_at(epoch)
    except NotFound:
        return Watched()
    found = Watched()
    for name, revision in organisation.all("Policy").items():
        declared = spec(revision, PolicySpec)
        if "@incident" in declared.text:
            statements, _ = read(name, revision.unit, declared.mode, declared.text)
            said = (one.annotations for one in statements)
            found.update((one["id"], SEVERITIES[one["incident"]]) for one in said if one.keys() >= {"id", "incident"})
    return found
