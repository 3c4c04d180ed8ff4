"""The command `autonomy`: a client of the server's API, and what starts, checks and saves a server."""

from .app import main, run

__all__ = ["main", "run"]
