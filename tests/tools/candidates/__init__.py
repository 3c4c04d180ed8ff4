"""One candidate for each connector we ship: the connector, and a system of record that behaves as it is told.

To add a connector, add a file with a function that makes its candidate in a `Place`, and a row in `CANDIDATES`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType

from autonomy.tools.conformance import Candidate

from .databases import make_postgres, make_sqlite
from .functions import make_function
from .letters import make_mail
from .mcp_servers import make_mcp_program, make_mcp_service, make_mcp_stream
from .place import Place
from .programs import make_process
from .services import make_http, make_openapi, make_webhook

CANDIDATES: Mapping[str, Callable[[Place], Awaitable[Candidate]]] = MappingProxyType(
    {
        "sql on SQLite": make_sqlite,
        "sql on PostgreSQL": make_postgres,
        "http": make_http,
        "openapi": make_openapi,
        "python": make_function,
        "mcp over HTTP": make_mcp_service,
        "mcp by events": make_mcp_stream,
        "mcp over pipes": make_mcp_program,
        "process": make_process,
        "webhook": make_webhook,
        "mail": make_mail,
    }
)

__all__ = ["CANDIDATES", "Place"]
