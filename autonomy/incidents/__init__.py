"""Incidents: opened by people and by rules, stopped in one call, followed up, closed with a cause."""

from .model import About, Cause, Entry, FollowUp, Incident, Place, Severity, State, Stop, Told
from .service import Incidents
from .stopping import Stopping
from .watching import Watching

__all__ = [
    "About",
    "Cause",
    "Entry",
    "FollowUp",
    "Incident",
    "Incidents",
    "Place",
    "Severity",
    "State",
    "Stop",
    "Stopping",
    "Told",
    "Watching",
]
