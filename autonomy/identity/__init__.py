"""Who acts: units, people, agents; their credentials, states and delegations; what stops them."""

from .model import AgentRecord, AgentView, Caller, PersonCaller, PersonRecord, State, UnitRecord
from .permissions import ROLES, Permission
from .service import Identity

__all__ = [
    "ROLES",
    "AgentRecord",
    "AgentView",
    "Caller",
    "Identity",
    "Permission",
    "PersonCaller",
    "PersonRecord",
    "State",
    "UnitRecord",
]
