"""`autonomy tool import`: manifests to start from, written from what another system says of itself."""

from __future__ import annotations

from .importing_mcp import mcp
from .importing_openapi import openapi
from .options import commands

importing = commands("Write manifests from what a system says of itself, to be read and narrowed.")
importing.command()(openapi)
importing.command()(mcp)
