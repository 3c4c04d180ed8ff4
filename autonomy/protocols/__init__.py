"""The wires agents speak: MCP in both of its eras, plain REST, and the OAuth endpoints where they get their tokens."""

from .app import MCP, app, serves
from .ports import Door

__all__ = ["MCP", "Door", "app", "serves"]
