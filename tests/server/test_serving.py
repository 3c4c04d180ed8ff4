"""Starting and stopping: ready when it says so, in order when it ends, clear when it cannot."""

from __future__ import annotations

import http.client
import importlib
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from autonomy.kernel.errors import Unavailable
from autonomy.server import bind
from tests.server.desk import PATIENCE_SECONDS, Desk, desk

PROGRAM = """
import sys
from dataclasses import replace
from pathlib import Path
from autonomy.server import serve
from autonomy.wiring import Settings, open_system
system = open_system(replace(Settings(), data=Path(sys.argv[1])))
serve(system, port=0, ready=lambda url: print(url, flush=True))
print("stopped", flush=True)
"""


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_it_says_when_it_is_ready_and_stops_in_order_on_a_signal(tmp_path: Path, sign: signal.Signals) -> None:
    command = [sys.executable, "-c", PROGRAM, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": "."}) as process:
        assert process.stdout is not None
        host, port = process.stdout.readline().strip().removeprefix("http://").split(":")
        assert host == "127.0.0.1"
        connection = http.client.HTTPConnection(host, int(port), timeout=60)
        connection.request("GET", "/readyz")
        assert connection.getresponse().status == 200
        process.send_signal(sign)
        assert process.stdout.readline() == "stopped\n"
        assert process.wait(10) == 0


def test_an_address_that_is_taken_is_said_so() -> None:
    with bind("127.0.0.1", 0) as taken:
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(Unavailable, match=f"`127.0.0.1:{port}` cannot be listened on"):
            bind("127.0.0.1", port)
    with pytest.raises(Unavailable):
        bind("no-such-host.invalid", 1)


def test_open_streams_end_when_the_server_stops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # What is under way would have longer than anybody here waits: the stream ends, and is not cut off.
    serving = importlib.import_module("autonomy.server.serving")
    monkeypatch.setattr(serving, "GRACE_SECONDS", 2 * int(PATIENCE_SECONDS))
    ended: list[bytes] = []
    with desk(tmp_path) as found:
        stream = found.person("aldo").stream("/api/events")
        reader = threading.Thread(target=lambda: ended.append(stream.read()))
        reader.start()
    reader.join(PATIENCE_SECONDS)
    assert ended and not reader.is_alive()


def test_many_people_at_once_are_all_answered(hall: Desk) -> None:
    aldo, statuses = hall.person("aldo"), []

    def look() -> None:
        for path in ("/api/actions", "/api/audit/leaves", "/api/budgets", "/api/agents"):
            statuses.append(aldo.get(path).status)

    threads = [threading.Thread(target=look) for _ in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 96


def test_the_agents_wires_answer_beside_the_api(hall: Desk) -> None:
    assert isinstance(hall.stranger.get("/.well-known/jwks.json").json["keys"], list)
    assert hall.stranger.post("/v1/actions", {"tool": "look"}).status == 401
    listed = hall.agent().post(
        "/mcp",
        {"jsonrpc": "2.0", "id": 1, "method": "tools/list"},
        MCP_Protocol_Version="2025-11-25",
        Accept="application/json, text/event-stream",
    )
    assert listed.status == 200 and b'"pay"' in listed.body


def test_a_process_that_only_agents_call_does_not_load_what_people_need(tmp_path: Path) -> None:
    program = (
        "import sys; from dataclasses import replace; from pathlib import Path; import autonomy.cli.serve; "
        "from autonomy.server import Server; from autonomy.wiring import Settings, open_system; "
        "print({'alembic', 'sqlalchemy.dialects.postgresql'} & set(sys.modules)); "  # migrating loads them
        "system = open_system(replace(Settings(), data=Path(sys.argv[1]))); Server(system); system.close(); "
        "print({'fastapi', 'rich', 'urllib3', 'autonomy.sdk'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\nset()\n"
