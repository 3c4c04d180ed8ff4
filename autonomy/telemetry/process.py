"""What the operating system says of this process, under the names every Prometheus client uses."""

from __future__ import annotations

import os
import resource
import sys
import time
from pathlib import Path

from .figures import Family, Sample, gauge

_STARTED = time.time()
_SELF = Path("/proc/self")
_KIBI = 1 if sys.platform == "darwin" else 1024  # what `ru_maxrss` counts in


def process_families() -> list[Family]:
    """Processor time, memory, open files and age of this process; what the system does not tell is left out."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = used.ru_utime + used.ru_stime
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return [
        Family("process_cpu_seconds_total", "counter", "Processor time used, in seconds.", [Sample({}, seconds)]),
        gauge("process_resident_memory_bytes", "Resident memory.", _resident()),
        gauge("process_resident_memory_peak_bytes", "The most there ever was of it.", used.ru_maxrss * _KIBI),
        gauge("process_open_fds", "Open files and sockets.", _open_files()),
        gauge("process_max_fds", "How many there may be.", limit),
        gauge("process_start_time_seconds", "When it started, in seconds since the epoch.", _STARTED),
    ]


def _resident() -> float | None:
    statm = _SELF / "statm"
    return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") if statm.exists() else None


def _open_files() -> float | None:
    folder = _SELF / "fd" if _SELF.exists() else Path("/dev/fd")
    return len(os.listdir(folder)) if folder.exists() else None
