"""What is told of holds and absences: ids, roles, the tool, the agent and times, never a value of an argument. Pure."""

from __future__ import annotations

from autonomy.kernel.clock import rfc3339
from autonomy.notices import News

from .model import Absence, Hold
from .ports import People

_SUBJECTS = {
    "approval.asked": "asks for an approval",
    "approval.asked_again": "asks again, because facts have changed",
    "approval.escalated": "has been waiting for an approval",
    "approval.reminded": "still waits for an approval",
    "approval.question": "waits for an approval, and somebody asks you about it",
    "approval.answer": "waits for an approval, and your question is answered",
    "approval.handing": "waits for an approval that was handed to you",
}


def of_hold(kind: str, hold: Hold, people: People, link: str) -> News:
    """What those who could decide about the hold are told; `link` is the address of the console, or empty."""
    roles = sorted({role for seat in hold.open_seats for role in seat.roles})
    where = f"{link}/inbox/{hold.action}" if link else ""
    lines = [
        _wish(hold),
        f"It waits for {', '.join(hold.waits_for)} until {_minute(hold.expires_at)}.",
        f"Look at it and decide: autonomy approvals show {hold.action}",
        where,
    ]
    facts = {
        "action": hold.action,
        "agent": hold.agent_name,
        "tool": hold.tool,
        "roles": roles,
        "expires_at": rfc3339(hold.expires_at),
        "link": where,
    }
    return News(kind, facts, f"{hold.agent_name} {_SUBJECTS[kind]}", "\n".join(filter(None, lines)), people)


def _wish(hold: Hold) -> str:
    if hold.is_checkpoint:
        return f"A run of the workflow {hold.agent_name} asks before it goes on."
    return f"The agent {hold.agent_name} wants to use {hold.tool}."


def of_absence(kind: str, absence: Absence) -> News:
    """What both ends are told when an absence is declared or ended."""
    since, until = _minute(absence.since), _minute(absence.over_at)
    if kind == "absence.declared":
        subject = f"{absence.deputy} decides for {absence.person}"
        text = f"From {since} until {until}, {absence.deputy} may decide the approvals that {absence.person} could."
    else:
        subject = f"{absence.person} is back"
        text = f"{absence.deputy} no longer decides for {absence.person}, since {until}."
    facts = {
        "absence": absence.id,
        "person": absence.person,
        "deputy": absence.deputy,
        "since": rfc3339(absence.since),
        "until": rfc3339(absence.over_at),
    }
    return News(kind, facts, subject, text, lambda: (absence.person, absence.deputy))


def _minute(at: int) -> str:
    return f"{rfc3339(at)[:16].replace('T', ' ')} UTC"
