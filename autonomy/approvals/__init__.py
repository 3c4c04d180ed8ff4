"""Asking people first: a held action waits as a row, is decided by the right person, and is used at most once."""

from .consequence import consequence
from .model import Behind, Claim, Hold, NewHold
from .rules import escalation_targets
from .service import Approvals
from .webhook import Webhook

__all__ = ["Approvals", "Behind", "Claim", "Hold", "NewHold", "Webhook", "consequence", "escalation_targets"]
