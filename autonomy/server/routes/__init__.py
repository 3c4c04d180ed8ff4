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
    deliveries,
    events,
    organisation,
    people,
    policies,
    runs,
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
    runs.router,
    absences.router,
    containment.router,
    budgets.router,
    policies.router,
    tools.router,
    deliveries.router,
    sites.router,
    secrets.router,
    audit.router,
    events.router,
)

__all__ = ["ROUTERS"]
