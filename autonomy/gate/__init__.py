"""The door: one function that everything an agent does to the world passes."""

from .admission import Admission
from .answering import Answering
from .considering import Considering
from .containing import Containing
from .describe import Describer
from .effect import Effects
from .endings import Endings
from .epochs import Watch
from .figures import DoorFigures
from .forgetting import forget_records
from .holding import Holding
from .housekeeping import Housekeeping
from .journal import Journal
from .lifeline import Lifeline
from .model import Reply, Request
from .permits import Permits
from .refusals import PASSING
from .results import Results
from .seen import Seen
from .service import Gate
from .taking_up import TakingUp

__all__ = [
    "PASSING",
    "Admission",
    "Answering",
    "Considering",
    "Containing",
    "Describer",
    "DoorFigures",
    "Effects",
    "Endings",
    "Gate",
    "Holding",
    "Housekeeping",
    "Journal",
    "Lifeline",
    "Permits",
    "Reply",
    "Request",
    "Results",
    "Seen",
    "TakingUp",
    "Watch",
    "forget_records",
]
