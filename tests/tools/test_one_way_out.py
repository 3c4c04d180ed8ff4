"""Only the outbound module opens connections for connectors; everything else in this room goes through it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import autonomy.tools

ROOM = Path(autonomy.tools.__file__).parent

WAY_OUT = {"outbound.py", "endpoint.py", "mail_server.py", "postgres_server.py", "programs.py", "child.py"}
"""SQLite files, HTTP, mail, PostgreSQL, programs, and programs that are spoken to over pipes: each connects, or starts
something, after it was judged what to."""

OPENERS = {
    "connect",
    "connect_ex",
    "create_connection",
    "create_subprocess_exec",
    "create_subprocess_shell",
    "create_engine",
    "create_unix_connection",
    "open_connection",
    "open_unix_connection",
    "urlopen",
    "ClientSession",
    "HTTPConnection",
    "HTTPSConnection",
    "PoolManager",
    "Popen",
    "subprocess_exec",
    "subprocess_shell",
    "TCPConnector",
}
MODULES = {
    "aiohttp",
    "ftplib",
    "http.client",
    "httpx",
    "requests",
    "smtplib",
    "socket",
    "subprocess",
    "urllib.request",
    "urllib3",
}


def opened(tree: ast.AST) -> Iterator[str]:
    """Calls that open a connection, and modules that exist to do so."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in OPENERS:
                yield name
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in MODULES)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module in MODULES:
            yield node.module or ""


def test_no_other_module_of_the_room_opens_anything() -> None:
    found = {str(path.relative_to(ROOM)): set(opened(ast.parse(path.read_text()))) for path in ROOM.rglob("*.py")}
    assert {name for name, names in found.items() if names} == WAY_OUT
    assert {"ClientSession", "TCPConnector", "aiohttp", "socket"} <= found["endpoint.py"]
    assert "connect" in found["outbound.py"]
    assert found["child.py"] == {"subprocess_exec"}
    assert {"smtplib", "socket"} <= found["mail_server.py"]
    assert found["postgres_server.py"] == {"socket", "connect"}
    assert found["programs.py"] == {"create_subprocess_exec"}


@pytest.mark.parametrize("opener", ["Endpoint", "MailServer", "PostgresServer", "Programs"])
def test_only_the_outbound_module_uses_what_opens(opener: str) -> None:
    """Others name it for types at most."""
    users = set()
    for path in ROOM.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == opener:
                users.add(str(path.relative_to(ROOM)))
    assert users == {"outbound.py"}


def test_only_the_outbound_module_starts_programs() -> None:
    """It asks first whether whoever runs the server has admitted the command."""
    users = {
        str(path.relative_to(ROOM))
        for path in ROOM.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and (node.module == "child" or any(a.name == "child" for a in node.names))
    }
    assert users == {"outbound.py", "mcp/stdio.py"}, "the second one names it for types"


REVEALING = WAY_OUT - {"child.py"} | {
    "aws.py",  # signs requests with our own keys at AWS
    "certificates.py",  # OpenSSL is handed the key of a client certificate
    "oauth.py",  # the form that asks for a token holds secrets, and goes out by the endpoint
    "keyring.py",  # reveals in the other sense: asks the store, or a provider, for a credential
}


def test_only_what_writes_to_a_socket_reveals_a_credential() -> None:
    found = {
        str(path.relative_to(ROOM))
        for path in ROOM.rglob("*.py")
        if any(
            isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "reveal"
            for node in ast.walk(ast.parse(path.read_text()))
        )
    }
    assert found == REVEALING
