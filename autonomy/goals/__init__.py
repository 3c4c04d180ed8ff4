"""Goals: what is to be achieved is handed to a planning agent; its plan is checked, admitted and run (R033)."""

from .model import GOAL, Goal
from .planning import Planning
from .service import Goals, Wanted

__all__ = ["GOAL", "Goal", "Goals", "Planning", "Wanted"]
