"""Python clients of a running server: `Client` for people and their programs, `AgentClient` for agents."""

from .agent import AgentClient, Outcome
from .client import Client
from .errors import Unreachable
from .tasks import Task

__all__ = ["AgentClient", "Client", "Outcome", "Task", "Unreachable"]
