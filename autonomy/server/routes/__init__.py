"""The routes of the API, a file for each resource."""

from . import (
    absences,
    actions,
    agents,
    approvals,
    audit,
    budgets,
    containment,
    credentials,
    decisions,
    deliveries,
    events,
    memory,
    organisation,
    people,
    policies,
    secrets,
    services,
    sessions,
    sites,
    tools,
)

ROUTERS = (
    sessions.router,
    organisation.router,
    agents.router,
    credentials.router,
    people.router,
    services.router,
    actions.router,
    approvals.router,
    absences.router,
    containment.router,
    budgets.router,
    policies.router,
    tools.router,
    deliveries.router,
    sites.router,
    secrets.router,
    memory.router,
    decisions.router,
    audit.router,
    events.router,
)

__all__ = ["ROUTERS"]
