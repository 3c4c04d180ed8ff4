"""What may be spent: limits over a calendar period, reserved at the worst case before the effect, settled after it."""

from .limits import limits_for
from .model import Balance, Charge, Limit, Overrun, Refusal, Usage, Warned
from .rules import amount_in_words, charges, judge
from .store import spend

__all__ = [
    "Balance",
    "Charge",
    "Limit",
    "Overrun",
    "Refusal",
    "Usage",
    "Warned",
    "amount_in_words",
    "charges",
    "judge",
    "limits_for",
    "spend",
]
