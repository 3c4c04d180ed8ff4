"""People decide what waits for them, at the API, as the person who has the role."""

from __future__ import annotations

from .company import Company
from .processes import Event


class Approving:
    """Listens to what agents do, tells it, and has the right person decide what waits."""

    def __init__(self, company: Company) -> None:
        self._company = company
        self.rejected: set[str] = set()

    def __call__(self, agent: str, event: Event) -> None:
        teller = self._company.teller
        match event["event"]:
            case "used":
                teller.used(agent, event)
                if event["status"] == "held":
                    self.decide(str(event["action"]))
            case "note":
                teller.say(f"[dim]{event['text']}[/]", who=agent)

    def decide(self, action: str) -> None:
        """Have the right people decide about an action. Every seat is filled by one person; the first no ends it."""
        shown = self._company.auditor.client.approval(action)
        self._company.teller.about([*shown["reasons"], shown["consequence"]])
        for seat in shown["seats"]:
            if not self._vote(action, seat["role"]):
                self.rejected.add(action)
                return

    def _vote(self, action: str, role: str) -> bool:
        person, teller = self._company.people[self._company.approvers[role]], self._company.teller
        shown = person.client.approval(action)
        title = f"{person.display_name}, {role.replace('-', ' ')}"
        agreed = teller.asks(f"approve as {title}?")
        verdict = "approve" if agreed else "reject"
        person.client.decide(action, verdict, shown["shown"], role=role)
        teller.say(f"[bold]{title}[/] {'approves' if agreed else 'rejects'}", "☞", colour="yellow")
        return agreed
