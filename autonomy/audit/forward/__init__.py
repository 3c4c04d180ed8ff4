"""Carries the log's leaves on to where an enterprise keeps its records: a file of OCSF events, or syslog."""

from .follower import Follower
from .target import Target, read_target

__all__ = ["Follower", "Target", "read_target"]
