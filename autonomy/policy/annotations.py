"""What a rule says of itself in annotations: its id, its reason, whom to ask, what binds an allowed action."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from autonomy.kernel import clock
from autonomy.kernel.errors import Invalid

from .model import Ask
from .problems import Problem
from .source import Statement

OBLIGATIONS = ("obligation_mask", "obligation_redact", "obligation_label")
TIMES = ("escalate_after", "expires")
DEFAULT_EXPIRES = "1d"  # an approval nobody gave within a day is asked for anew, with today's facts
APPROVAL = ("outcome", "escalate", "approvals", "escalate_after", "escalate_to", "expires", "remind")
KNOWN = frozenset({"id", "reason", "needs", "incident", *APPROVAL, *OBLIGATIONS})
SEVERITIES = ("low", "medium", "high", "critical")

MAX_PEOPLE = 20  # who must gather more than that for one action needs a meeting, not a rule
MAX_ROLES = 8  # that one rule asks
MAX_REMINDERS = 8

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}")
_WANTED = re.compile(r"(?:([0-9]{1,2}) of )?([a-z0-9][a-z0-9_.-]{0,62})")
_APPROVALS_FIX = 'write for example `@approvals("2 of finance-manager")` or `@approvals("2 of finance-manager, cfo")`'


def asks_of(statement: Statement) -> tuple[Ask, ...]:
    """The approvals that lift this rule; none where it is not an approval rule. The statement has been checked."""
    said = statement.annotations
    if "outcome" not in said:
        return ()
    times = {name: clock.duration(said[name]) for name in TIMES if name in said}
    remind = tuple(sorted(map(clock.duration, _list(said.get("remind", ""))), reverse=True))
    return tuple(
        Ask(
            role,
            said["id"],
            times.get("escalate_after"),
            said.get("escalate_to"),
            times.get("expires"),
            people,
            remind,
        )
        for role, people in wanted_of(said).items()
    )


def wanted_of(said: Mapping[str, str]) -> dict[str, int]:
    """How many people of which roles an approval rule asks; raises Invalid where `@approvals` cannot be read."""
    if "approvals" not in said:
        return {said["escalate"]: 1}
    found: dict[str, int] = {}
    for part in said["approvals"].split(","):
        match = _WANTED.fullmatch(part.strip())
        if match is None:
            raise Invalid(f"`{part.strip()[:60]}` does not say how many of which role")
        people, role = int(match[1] or 1), match[2]
        if not 1 <= people <= MAX_PEOPLE:
            raise Invalid(f"`{part.strip()}` asks for {people} people; it must be 1 to {MAX_PEOPLE}")
        if role in found:
            raise Invalid(f"the role `{role}` is named twice")
        found[role] = people
    if len(found) > MAX_ROLES:
        raise Invalid(f"more than {MAX_ROLES} roles are named")
    return found


def obligations_of(statement: Statement) -> dict[str, tuple[str, ...]]:
    """`{"mask": ("iban", "email")}` from `@obligation_mask("iban, email")`."""
    said = statement.annotations
    return {name.removeprefix("obligation_"): _list(said[name]) for name in OBLIGATIONS if name in said}


def _list(text: str) -> tuple[str, ...]:
    return tuple(sorted({part.strip() for part in text.split(",")} - {""}))


def annotation_problems(statement: Statement, roles: Collection[str]) -> Iterator[Problem]:
    """Every fault in the annotations of one statement; that ids are unique is seen elsewhere."""
    said = statement.annotations
    if not said.get("id"):
        yield statement.problem("policy.missing_id", "the rule has no `@id`", 'write `@id("a-unique-name")` before it')
    elif not _ID.fullmatch(said["id"]):
        fix = "use letters, digits, `-`, `_`, `.`, `:`; 100 characters at most"
        yield statement.problem("policy.bad_id", f"`{said['id'][:100]}` cannot be an `@id`", fix)
    for name in sorted(said.keys() - KNOWN):
        fix = "known are " + ", ".join(f"`@{known}`" for known in sorted(KNOWN))
        yield statement.problem("policy.unknown_annotation", f"unknown annotation `@{name}`", fix)
    for name in ("reason", "needs", *OBLIGATIONS):
        if name in said and not said[name].strip(" ,"):
            yield statement.problem("policy.empty_annotation", f"`@{name}` is empty", "say something, or leave it out")
    if said.get("incident", "low") not in SEVERITIES:
        what, fix = f"`@incident` says `{said['incident'][:40]}`", f"say one of {', '.join(SEVERITIES)}"
        yield statement.problem("policy.bad_incident", what, fix)
    yield from _permit(statement) if statement.form["effect"] == "permit" else _forbid(statement, roles)


def _permit(statement: Statement) -> Iterator[Problem]:
    for name in APPROVAL:
        if name in statement.annotations:
            fix = "write the approval as a `forbid` that the approval lifts"
            yield statement.problem("policy.approval_on_permit", f"`@{name}` stands on a `permit`", fix)


def _forbid(statement: Statement, roles: Collection[str]) -> Iterator[Problem]:
    said = statement.annotations
    for name in OBLIGATIONS:
        if name in said:
            what = f"`@{name}` stands on a `forbid`, which never lets an action pass"
            yield statement.problem("policy.obligation_on_forbid", what, "put it on the `permit`")
    if "outcome" in said:
        yield from _approval(statement, roles)
        return
    for name in APPROVAL:
        if name in said:
            fix = 'add `@outcome("require_approval")`, or leave it out'
            yield statement.problem("policy.missing_outcome", f"`@{name}` stands on a rule without `@outcome`", fix)


def _approval(statement: Statement, roles: Collection[str]) -> Iterator[Problem]:
    said = statement.annotations
    if said["outcome"] != "require_approval":
        what = f"unknown `@outcome` `{said['outcome']}`"
        yield statement.problem("policy.unknown_outcome", what, 'the only one is `@outcome("require_approval")`')
    if ("escalate" in said) == ("approvals" in said):
        fix = (
            'add `@escalate("role")` with the role that approves, or `@approvals("2 of role")` where several people do'
        )
        what = "an approval rule says twice who approves" if "escalate" in said else _NOBODY_APPROVES
        yield statement.problem("policy.missing_escalate", what, fix)
    else:
        yield from _wanted(statement, roles)
    if "escalate_to" in said:
        yield from _known_role(statement, "escalate_to", said["escalate_to"], roles)
    yield from _times(statement)
    yield from _reminders(statement)


_NOBODY_APPROVES = "an approval rule does not say who approves"


def _wanted(statement: Statement, roles: Collection[str]) -> Iterator[Problem]:
    said = statement.annotations
    try:
        wanted = wanted_of(said)
    except Invalid as error:
        yield statement.problem("policy.bad_approvals", f"`@approvals`: {error.message}", _APPROVALS_FIX)
        return
    for role in wanted:
        yield from _known_role(statement, "approvals" if "approvals" in said else "escalate", role, roles)
        if not lifted_by(statement.form, role):
            fix = f'add `unless {{ context.approvals.contains("{role}") }}`'
            if len(wanted) > 1:
                names = ", ".join(f'"{each}"' for each in wanted)
                fix = f"add `unless {{ context.approvals.containsAll([{names}]) }}`"
            yield statement.problem("policy.never_lifted", f"no approval by `{role}` lifts this rule", fix)


def _known_role(statement: Statement, annotation: str, role: str, roles: Collection[str]) -> Iterator[Problem]:
    if role not in roles:
        fix = "declare the Role, or name one that is declared"
        yield statement.problem("policy.unknown_role", f"`@{annotation}` names the unknown role `{role}`", fix)


def _reminders(statement: Statement) -> Iterator[Problem]:
    """A reminder comes before the question ends, and after it was asked."""
    said = statement.annotations
    if "remind" not in said:
        return
    fix = 'write for example `@remind("4h, 1h")`: how long before `@expires` people are reminded'
    try:
        before = [clock.duration(part) for part in _list(said["remind"])]
        expires = clock.duration(said.get("expires", DEFAULT_EXPIRES))
    except Invalid as error:
        yield statement.problem("policy.bad_reminder", f"`@remind`: {error.message}", fix)
        return
    if not 1 <= len(before) <= MAX_REMINDERS:
        what = f"`@remind` names {len(before)} times; it must be 1 to {MAX_REMINDERS}"
        yield statement.problem("policy.bad_reminder", what, fix)
    if not all(0 < time < expires for time in before):
        what = f"`@remind` names a time that is not within the time to decide, `{said.get('expires', DEFAULT_EXPIRES)}`"
        yield statement.problem("policy.bad_reminder", what, fix)


def _times(statement: Statement) -> Iterator[Problem]:
    said = statement.annotations
    if ("escalate_after" in said) != ("escalate_to" in said):
        what = "`@escalate_after` and `@escalate_to` belong together"
        yield statement.problem("policy.half_escalation", what, "say both when and to whom, or neither")
    for name in TIMES:
        try:
            if name in said and clock.duration(said[name]) == 0:
                raise Invalid("no time at all")
        except Invalid:
            what = f"`@{name}` is not a duration: `{said[name][:40]}`"
            yield statement.problem("policy.bad_duration", what, "write for example `30m`, `4h`, `2d`")


def lifted_by(form: Mapping[str, Any], role: str) -> bool:
    """Whether a condition asks if `role` is among the approvals; whether that suffices is seen at each decision."""
    return any(role in roles for roles in map(_approvals_asked, walk(form.get("conditions", []))))


def _approvals_asked(node: Any) -> list[Any]:
    """The roles that `node` looks for in `context.approvals`."""
    if not isinstance(node, dict):
        return []
    for operator in ("contains", "containsAll", "containsAny"):
        if operator in node and node[operator]["left"] == {".": {"left": {"Var": "context"}, "attr": "approvals"}}:
            right = node[operator]["right"]
            return [part.get("Value") for part in right.get("Set", [right])]
    return []


def walk(node: Any) -> Iterator[Any]:
    """Every part of a JSON value, itself included."""
    waiting = [node]
    while waiting:
        part = waiting.pop()
        yield part
        if isinstance(part, dict):
            waiting.extend(part.values())
        elif isinstance(part, list):
            waiting.extend(part)
