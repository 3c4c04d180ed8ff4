"""Server processes of a bench: started, waited for, weighed, ended."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import urllib3

from demo.processes import end

READY_SECONDS = 30
LOOK_SECONDS = 0.005


class Process:
    """A command of this environment, which answers 200 at `url` + `path` once it is ready."""

    def __init__(self, url: str, *command: str, path: str = "/healthz") -> None:
        self.url = url
        self._name = " ".join(command)
        started = time.perf_counter()
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)  # our own last line is the result
        self._wait(f"{url}{path}")
        self.ready_s = time.perf_counter() - started

    def resident_mb(self) -> float:
        """Resident memory in megabytes of 2**20 bytes."""
        status = Path(f"/proc/{self._process.pid}/status")
        if status.exists():
            [kilobytes] = [line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmRSS:")]
        else:
            kilobytes = subprocess.check_output(["ps", "-o", "rss=", "-p", str(self._process.pid)], text=True)
        return int(kilobytes) / 1024

    def stop(self) -> None:
        """Ask it to end, and wait until it has."""
        end(self._process)

    def _wait(self, url: str) -> None:
        deadline = time.monotonic() + READY_SECONDS
        with urllib3.PoolManager(retries=False, timeout=5) as pool:
            while not _answers(pool, url):
                if self._process.poll() is not None or time.monotonic() > deadline:
                    self.stop()
                    raise RuntimeError(f"`{self._name}` did not become ready")
                time.sleep(LOOK_SECONDS)


@contextmanager
def running(url: str, *command: str, path: str = "/healthz") -> Iterator[Process]:
    """The process, ended at the end."""
    process = Process(url, *command, path=path)
    try:
        yield process
    finally:
        process.stop()


def _answers(pool: urllib3.PoolManager, url: str) -> bool:
    try:
        return pool.request("GET", url).status == 200
    except urllib3.exceptions.HTTPError:
        return False
