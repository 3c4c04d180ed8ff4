"""The face of the control plane on the network: the API for people, the agents' protocols beside it."""

from .app import Server
from .serving import bind, serve, serving

__all__ = ["Server", "bind", "serve", "serving"]
