"""What people may do here: one permission for each kind of request, and the roles that bundle them."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from autonomy.kernel.errors import Invalid


class Permission(StrEnum):
    """`scope:resource:action`, in alphabetical order."""

    APPROVALS_ABSENCE_ASSIGN = "approvals:absence:assign"
    APPROVALS_ABSENCE_DECLARE = "approvals:absence:declare"
    APPROVALS_HOLD_DECIDE = "approvals:hold:decide"
    APPROVALS_HOLD_READ = "approvals:hold:read"
    AUDIT_LOG_EXPORT = "audit:log:export"
    AUDIT_LOG_READ = "audit:log:read"
    AUDIT_PAYLOAD_READ = "audit:payload:read"
    AUDIT_SUBJECT_ERASE = "audit:subject:erase"
    BUDGET_ACCOUNT_READ = "budget:account:read"
    CATALOG_CHANGE_APPLY = "catalog:change:apply"
    CATALOG_CHANGE_PLAN = "catalog:change:plan"
    CATALOG_OBJECT_READ = "catalog:object:read"
    GATE_ACTION_READ = "gate:action:read"
    GATE_ACTION_RECONCILE = "gate:action:reconcile"
    GATE_ACTION_SIMULATE = "gate:action:simulate"
    IDENTITY_ACCESS_REQUEST = "identity:access:request"
    IDENTITY_ACCESS_REVIEW = "identity:access:review"
    IDENTITY_AGENT_PROMOTE = "identity:agent:promote"
    IDENTITY_AGENT_READ = "identity:agent:read"
    IDENTITY_AGENT_RETIRE = "identity:agent:retire"
    IDENTITY_AGENT_SUSPEND = "identity:agent:suspend"
    IDENTITY_CONTAINMENT_IMPOSE = "identity:containment:impose"
    IDENTITY_CONTAINMENT_LIFT = "identity:containment:lift"
    IDENTITY_CONTAINMENT_READ = "identity:containment:read"
    IDENTITY_CREDENTIAL_ISSUE = "identity:credential:issue"
    IDENTITY_CREDENTIAL_READ = "identity:credential:read"
    IDENTITY_CREDENTIAL_REVOKE = "identity:credential:revoke"
    IDENTITY_DELEGATION_GRANT = "identity:delegation:grant"
    IDENTITY_DELEGATION_READ = "identity:delegation:read"
    IDENTITY_DELEGATION_REVOKE = "identity:delegation:revoke"
    IDENTITY_KEY_ROTATE = "identity:key:rotate"
    IDENTITY_PERSON_INVITE = "identity:person:invite"
    IDENTITY_PERSON_OFFBOARD = "identity:person:offboard"
    IDENTITY_PERSON_READ = "identity:person:read"
    IDENTITY_SERVICE_ISSUE = "identity:service:issue"
    IDENTITY_SERVICE_READ = "identity:service:read"
    IDENTITY_SERVICE_REVOKE = "identity:service:revoke"
    INCIDENTS_INCIDENT_OPEN = "incidents:incident:open"
    INCIDENTS_INCIDENT_READ = "incidents:incident:read"
    INCIDENTS_INCIDENT_STEER = "incidents:incident:steer"
    INSIGHT_FIGURE_MEND = "insight:figure:mend"
    INSIGHT_FIGURE_READ = "insight:figure:read"
    INSIGHT_FIGURE_RECOMPUTE = "insight:figure:recompute"
    INSIGHT_LABEL_GIVE = "insight:label:give"
    MEMORY_ITEM_FORGET = "memory:item:forget"
    MEMORY_ITEM_READ = "memory:item:read"
    POLICY_DECISION_EXPLAIN = "policy:decision:explain"
    TASKS_TASK_OPEN = "tasks:task:open"
    TASKS_TASK_READ = "tasks:task:read"
    TASKS_TASK_STEER = "tasks:task:steer"
    TASKS_TASK_WORK = "tasks:task:work"
    TELEMETRY_METRICS_READ = "telemetry:metrics:read"
    TOOLS_DEFINITION_ACCEPT = "tools:definition:accept"
    TOOLS_DELIVERY_READ = "tools:delivery:read"
    TOOLS_SECRET_READ = "tools:secret:read"
    TOOLS_SECRET_WRITE = "tools:secret:write"
    WORKFLOW_EVENT_TELL = "workflow:event:tell"
    WORKFLOW_RUN_READ = "workflow:run:read"
    WORKFLOW_RUN_START = "workflow:run:start"
    WORKFLOW_RUN_STEER = "workflow:run:steer"


_SEE = frozenset(
    {
        Permission.BUDGET_ACCOUNT_READ,
        Permission.CATALOG_OBJECT_READ,
        Permission.GATE_ACTION_READ,
        Permission.IDENTITY_AGENT_READ,
        Permission.IDENTITY_CONTAINMENT_READ,
        Permission.INSIGHT_FIGURE_READ,
        Permission.INCIDENTS_INCIDENT_READ,
        Permission.WORKFLOW_RUN_READ,
        # What a task is about sees only who may take it or has it.
        Permission.TASKS_TASK_READ,
        # Of each memory space only its owner and those whose roles are among its readers see anything.
        Permission.MEMORY_ITEM_READ,
    }
)
_DECIDE = frozenset({Permission.APPROVALS_HOLD_DECIDE})
_READ_PAYLOADS = frozenset({Permission.AUDIT_PAYLOAD_READ})

ROLES: dict[str, frozenset[Permission]] = {
    # Who writes the rules neither decides under them nor reads what people's data the actions carried:
    # an administrator who must do either holds the other role as well, and the log shows it.
    "admin": frozenset(Permission) - _DECIDE - _READ_PAYLOADS,
    "approver": _SEE
    | _DECIDE
    | {
        Permission.APPROVALS_ABSENCE_DECLARE,
        Permission.APPROVALS_HOLD_READ,
        Permission.GATE_ACTION_SIMULATE,
        Permission.INSIGHT_LABEL_GIVE,
        Permission.INCIDENTS_INCIDENT_OPEN,
        Permission.IDENTITY_ACCESS_REQUEST,
        Permission.POLICY_DECISION_EXPLAIN,
        Permission.TASKS_TASK_WORK,
    },
    "auditor": _SEE
    | _READ_PAYLOADS
    | {
        Permission.APPROVALS_HOLD_READ,
        Permission.AUDIT_LOG_EXPORT,
        Permission.AUDIT_LOG_READ,
        Permission.IDENTITY_ACCESS_REVIEW,
        Permission.IDENTITY_CREDENTIAL_READ,
        Permission.IDENTITY_DELEGATION_READ,
        Permission.IDENTITY_PERSON_READ,
        Permission.IDENTITY_SERVICE_READ,
        Permission.INSIGHT_FIGURE_RECOMPUTE,
        Permission.POLICY_DECISION_EXPLAIN,
        Permission.TOOLS_DELIVERY_READ,
    },
    "supervisor": _SEE
    | {
        Permission.APPROVALS_HOLD_READ,
        Permission.AUDIT_LOG_READ,
        Permission.CATALOG_CHANGE_PLAN,
        Permission.GATE_ACTION_RECONCILE,
        Permission.GATE_ACTION_SIMULATE,
        Permission.IDENTITY_ACCESS_REQUEST,
        Permission.IDENTITY_AGENT_PROMOTE,
        Permission.IDENTITY_AGENT_SUSPEND,
        Permission.IDENTITY_CONTAINMENT_IMPOSE,
        Permission.IDENTITY_CONTAINMENT_LIFT,
        Permission.IDENTITY_CREDENTIAL_READ,
        Permission.IDENTITY_CREDENTIAL_REVOKE,
        Permission.IDENTITY_DELEGATION_READ,
        Permission.IDENTITY_DELEGATION_REVOKE,
        Permission.INSIGHT_LABEL_GIVE,
        Permission.INCIDENTS_INCIDENT_OPEN,
        Permission.INCIDENTS_INCIDENT_STEER,
        Permission.MEMORY_ITEM_FORGET,
        Permission.POLICY_DECISION_EXPLAIN,
        Permission.TASKS_TASK_OPEN,
        Permission.TASKS_TASK_STEER,
        Permission.TASKS_TASK_WORK,
        Permission.TELEMETRY_METRICS_READ,
        Permission.TOOLS_DELIVERY_READ,
        Permission.WORKFLOW_EVENT_TELL,
        Permission.WORKFLOW_RUN_START,
        Permission.WORKFLOW_RUN_STEER,
    },
    "viewer": _SEE,
}
"""What each console role admits; a person's `access` is a list of these names."""


def permissions_of(access: Iterable[str]) -> frozenset[Permission]:
    """Everything the console roles in `access` admit together. Raises Invalid for a role that does not exist."""
    found: frozenset[Permission] = frozenset()
    for role in access:
        if role not in ROLES:
            raise Invalid(
                f"`{role}` is no kind of access",
                code="access.unknown",
                hint=f"choose among {', '.join(sorted(ROLES))}",
            )
        found |= ROLES[role]
    return found
