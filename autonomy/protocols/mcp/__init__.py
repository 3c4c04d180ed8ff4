"""The Model Context Protocol on one URL: 2026-07-28, which is stateless, and 2025-11-25 and 2025-06-18 before it."""

from .endpoint import McpEndpoint

__all__ = ["McpEndpoint"]
