"""Asking people first: a held action waits as a row, is decided by the right people, and is used at most once."""

from .absences import Absences
from .consequence import consequence
from .model import Absence, Behind, Claim, Hold, NewHold, Note
from .ports import Staff
from .requesters import requesters
from .rules import escalation_targets
from .service import Approvals
from .store import forget_subject

__all__ = [
    "Absence",
    "Absences",
    "Approvals",
    "Behind",
    "Claim",
    "Hold",
    "NewHold",
    "Note",
    "Staff",
    "consequence",
    "escalation_targets",
    "forget_subject",
    "requesters",
]
