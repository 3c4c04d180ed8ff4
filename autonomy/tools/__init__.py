"""Approved operations and the systems of record behind them: registry, connectors, credentials."""

from .checks import check
from .errors import Refused, Unreachable, Unsure
from .model import Invocation, Result
from .registry import Registry, Tool
from .secrets import Secrets
from .service import Connectors

__all__ = [
    "Connectors",
    "Invocation",
    "Refused",
    "Registry",
    "Result",
    "Secrets",
    "Tool",
    "Unreachable",
    "Unsure",
    "check",
]
