"""The disk says that it could not sync: what was not synced is never acknowledged, and the process says so."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.crash.test_crashes import Run

HEARD = 150  # acknowledgements before the driver is killed

PROGRAM = """
import sys
from pathlib import Path
from tests.crash.driver import Orders, drive
drive(Orders(Path(sys.argv[1]), "", 3), sys.argv[2], 1)
"""


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("first", [12, 25, 61])
def test_what_the_disk_did_not_sync_is_not_acknowledged(tmp_path: Path, first: int) -> None:
    """Every second sync of a thread from the `first` on fails; SQLite syncs by `fdatasync`, nobody else here does."""
    strace = shutil.which("strace")
    assert strace, "this suite needs strace"
    run = Run(tmp_path, "")
    failing = f"inject=fdatasync:error=EIO:when={first}+2"
    command = [strace, "-f", "-qq", "-e", "trace=fdatasync", "-e", failing, "-o", "/dev/null"]
    driver = [sys.executable, "-c", PROGRAM, str(tmp_path), run.key]
    with subprocess.Popen([*command, *driver], stdout=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdout is not None
        for _ in range(HEARD):
            run.acknowledged.append(json.loads(process.stdout.readline()))
        os.killpg(process.pid, signal.SIGKILL)
    assert {"error": "store.unavailable"} in run.acknowledged, "syncs failed and the callers were told"
    assert any(said.get("status") == "done" for said in run.acknowledged), "others went well"
    run.judge()
