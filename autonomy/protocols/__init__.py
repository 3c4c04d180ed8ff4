"""The wires agents speak: MCP in both of its eras, plain REST, and the OAuth endpoints where they get their tokens."""

from .app import app, serves
from .ports import Door

__all__ = ["Door", "app", "serves"]
