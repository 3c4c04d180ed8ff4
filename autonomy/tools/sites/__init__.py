"""Sites: calls that must be performed elsewhere, the workers that perform them, and the keys that tell them."""

from .keys import SiteKeys
from .model import Assignment, Desk, Ending
from .office import Counter, Office
from .performing import Performing
from .worker import Worker

__all__ = ["Assignment", "Counter", "Desk", "Ending", "Office", "Performing", "SiteKeys", "Worker"]
