"""The words of an incident: what it is about, where it stands, what was stopped, and who said what about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from autonomy.identity.model import Scope

Severity = Literal["low", "medium", "high", "critical"]
State = Literal["open", "contained", "closed"]
AboutKind = Literal["action", "agent", "run", "case"]
Cause = Literal[
    "agent", "policy", "tool", "data", "credential", "person", "system_of_record", "outside", "false_alarm", "unknown"
]
"""Where it came from, as far as people found out. `agent` is what an agent was told, is or did."""

StopKind = Literal["containment", "agent", "tokens", "keys", "call", "runs", "run", "task"]
"""`runs` says that it was looked which ones take part; the others are one thing each, or all tokens and keys."""
StopState = Literal["asked", "confirmed", "before", "resuming", "resumed"]
"""`before`: it rested already when it was looked at, and goes on resting. An agent is called so once its incident has
let go of it."""


class About(Struct, frozen=True):
    """What an incident is about: an action, an agent (by name), a run or a case."""

    kind: AboutKind
    id: str


class Place(Struct, frozen=True):
    """Where it happened, as far as that is known: the agent's id and name, the case, the run, and the rule that saw
    it with the index of the leaf."""

    agent: str | None = None
    agent_name: str | None = None
    case: str | None = None
    run: str | None = None
    rule: str | None = None
    leaf: int | None = None


class Incident(Struct, frozen=True):
    """An incident. Times are milliseconds; `containment` is the one in force because of it."""

    id: str
    title: str
    severity: Severity
    state: State
    about: About
    place: Place
    opened_by: str
    opened_at: int
    owner: str | None = None
    scope: Scope | None = None
    target: str | None = None
    containment: str | None = None
    cause: Cause | None = None
    closed_by: str | None = None
    closed_at: int | None = None


class Entry(Struct, frozen=True):
    """A line of its timeline. `text` is what somebody wrote; it stands here and not in the log."""

    number: int
    at: int
    by: str
    event: str
    text: str


class Stop(Struct, frozen=True):
    """One thing that was stopped, or is to be: `at` is when that was last known, `detail` by what it is known."""

    kind: StopKind
    target: str
    state: StopState
    at: int
    detail: str


class FollowUp(Struct, frozen=True):
    """Something to be done because of it, after it too. `due` is milliseconds."""

    id: str
    text: str
    owner: str
    due: int | None
    at: int
    done_at: int | None
    done_by: str | None


class Told(Struct, frozen=True):
    """An incident as it is shown first: the newest of its timeline, and what is stopped, what is not confirmed yet
    before the rest. `timeline_count` and `stop_counts` are of all there is."""

    incident: Incident
    timeline: tuple[Entry, ...]
    timeline_count: int
    stops: tuple[Stop, ...]
    stop_counts: Mapping[StopState, int]
    follow_ups: tuple[FollowUp, ...]

    @property
    def is_stopped(self) -> bool:
        """Whether everything that was to be stopped is known to have been."""
        return bool(self.stop_counts) and not self.stop_counts.get("asked")
