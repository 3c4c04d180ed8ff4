"""Starts a program under limits and stays beside it. Run by the interpreter as a file of its own: it imports nothing of
ours.

`python -I -S launch.py FD PROCESSES LIMITS PROGRAM ARGUMENT…` starts the program in a session of its own, under the
limits (`cpu=60,as=1073741824`), and ends when it has ended, when it is told to (SIGTERM), when whoever started it is
gone, when the program has more than PROCESSES processes, or when it and all it has started have used together more than
those limits admit to one (`Family`). SIGHUP asks the program to end by itself: it gets SIGTERM,
with its process group, and is waited for as before. Nothing that the program has started outlives its end: on
Linux whatever loses its parent becomes a child of this process (prctl(2), PR_SET_CHILD_SUBREAPER), be it in a session
of its own; what is left is killed until no child is left. Elsewhere the program's process group is killed.

To the descriptor FD it writes a line, one word and a number: `failed 2` (errno: nothing was started), `ended 0` (the
exit code; negative: by that signal), `crowd 64` (it had more processes than this), `memory 1073741824` (they held more
bytes) or `cpu 60` (they used more seconds).

The system's own limits hold for each process by itself, so they alone would bind nothing that can start another one.
RLIMIT_NPROC is not used: it counts every process and thread of the user, of this server and of all its programs, and
does not bind root. Nor are control groups (cgroups(7)): who is not root has seldom been given one.
"""

import contextlib
import ctypes
import os
import resource
import signal
import sys
import time

LOOK_S = 0.1  # how often it is looked how many processes there are, and whether anybody still waits
OFTEN_S = 0.25  # the same for a program that has run for long and has limits of memory or CPU time
SELDOM_S = 1.0  # the same for one without
LONG = 60  # times the pause between two looks: so long it has run by then
KILLING_S = 5.0  # for what cannot be killed at once, such as a process that waits for a disk

KILOBYTE = 1_024
TICKS = os.sysconf("SC_CLK_TCK")  # to a second of CPU time

_PR_SET_CHILD_SUBREAPER = 36
_WATCHED = {signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP}


def main() -> None:
    """Start the program, see it end, and leave nothing of it."""
    report, most, command = int(sys.argv[1]), int(sys.argv[2]), sys.argv[4:]
    limits = {name: int(value) for name, _, value in (limit.partition("=") for limit in sys.argv[3].split(","))}
    os.set_inheritable(report, False)
    _adopt()
    signal.pthread_sigmask(signal.SIG_BLOCK, _WATCHED)
    program = os.fork()
    if program == 0:
        _become(report, limits, command)
    _let_go()
    said = _watched(program, most, Family(limits), os.getppid())
    with contextlib.suppress(BrokenPipeError):  # whoever would have heard it may be gone
        os.write(report, said.encode())
    _kill_all(program)


def descendants(process: int) -> list[int]:
    """The processes that `process` has started, and those that they have, as far as the system tells."""
    found, ahead = [], [process]
    while ahead:
        children = _children(ahead.pop())
        found += children
        ahead += children
    return found


class Family:
    """What a program uses together with everything it has started, as far as `/proc` (proc(5)) tells.

    Memory is what they hold, swapped out or not; what several share is divided among them (PSS). CPU time is user and
    system time of those that run and of those that have ended. Where a parent does not wait for its children
    (SIGCHLD ignored) the system forgets what they used: then it is what they had used when they were last looked at.
    """

    def __init__(self, limits: dict[str, int]) -> None:
        self._seconds = limits.get("cpu")
        self._bytes = limits.get("as")
        self._ticks: dict[tuple[int, int], int] = {}  # of each process that was there at the last look, by its start
        self._gone = 0  # ticks of those that were there once
        self._large_since: float | None = None

    @property
    def is_bounded(self) -> bool:
        return self._seconds is not None or self._bytes is not None

    def beyond(self, processes: list[int], now: float) -> str:
        """Which limit is passed, as it is reported; nothing where none is."""
        if self._seconds is not None and self._used(processes) > self._seconds:
            return f"cpu {self._seconds}"
        if self._bytes is None or not _is_larger(processes, self._bytes):
            self._large_since = None
            return ""
        # A child of vfork(2) has its parent's memory until it becomes a program, and both of them are told to hold all
        # of it: whoever starts a program looks twice as large for a moment.
        self._large_since = self._large_since or now
        return f"memory {self._bytes}" if now - self._large_since >= LOOK_S / 2 else ""

    def _used(self, processes: list[int]) -> float:
        """Seconds of CPU time. Of two counts, neither of which is ever too high, the higher one.

        Parents come before their children: a child that is waited for meanwhile is not counted twice.
        """
        before, self._ticks, waited_for = self._ticks, {}, 0
        for process in processes:
            if (found := _times(process)) is not None:
                start, own, of_children = found
                self._ticks[process, start] = own
                waited_for += own + of_children
        for process, start in before.keys() - self._ticks.keys():
            found = _times(process)  # it may have changed its parent just when it was looked for
            if found is not None and found[0] == start:
                self._ticks[process, start] = found[1]
            else:
                self._gone += before[process, start]
        ours = resource.getrusage(resource.RUSAGE_CHILDREN)
        seen = self._gone + sum(self._ticks.values())
        return max(waited_for / TICKS + ours.ru_utime + ours.ru_stime, seen / TICKS)


def _is_larger(processes: list[int], most: int) -> bool:
    """Whether they hold more than `most` bytes. What they share is divided only where it matters, for it takes long."""
    if sum(_held(process) for process in processes) <= most:
        return False
    return sum(_share(process) for process in processes) > most


def _held(process: int) -> int:
    return _bytes_of(process, "status", (b"VmRSS", b"VmSwap")) or 0


def _share(process: int) -> int:
    """What it holds, less what others have of it; all of it where that is kept from us."""
    share = _bytes_of(process, "smaps_rollup", (b"Pss", b"SwapPss"))
    return _held(process) if share is None else share


def _bytes_of(process: int, file: str, names: tuple[bytes, ...]) -> int | None:
    try:
        with open(f"/proc/{process}/{file}", "rb") as lines:
            parts = [line.partition(b":") for line in lines]
    except OSError:
        return None
    return sum(int(value.split()[0]) for name, _, value in parts if name in names) * KILOBYTE


def _times(process: int) -> tuple[int, int, int] | None:
    """When a process has started, its CPU time, and that of the children it has waited for; all in ticks."""
    try:
        with open(f"/proc/{process}/stat", "rb") as file:
            values = file.read().rpartition(b")")[2].split()
    except OSError:
        return None
    return int(values[19]), int(values[11]) + int(values[12]), int(values[13]) + int(values[14])


def _become(report: int, limits: dict[str, int], command: list[str]) -> None:
    """Turn into the program. Never returns."""
    try:
        os.setsid()
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _WATCHED)
        for name, value in limits.items():
            resource.setrlimit(_LIMITS[name], (value, value))
        os.execv(command[0], command)
    except (OSError, ValueError) as error:
        number = error.errno if isinstance(error, OSError) and error.errno else 1
        os.write(report, f"failed {number}\n".encode())
    finally:
        os._exit(127)


def _watched(program: int, most: int, family: Family, parent: int) -> str:
    """What is to be said of the program once it has ended; nothing where it has to end for another reason."""
    began, seldom = time.monotonic(), OFTEN_S if family.is_bounded else SELDOM_S
    while True:
        pause = max(LOOK_S, min(seldom, (time.monotonic() - began) / LONG))
        signalled = signal.sigtimedwait(_WATCHED, pause)
        if signalled is not None and signalled.si_signo == signal.SIGTERM:
            return ""
        if signalled is not None and signalled.si_signo == signal.SIGHUP:
            _kill((-program,), signal.SIGTERM)
        if (ended := _reaped(program)) is not None:
            return f"ended {ended}"
        if os.getppid() != parent:
            return ""
        processes = descendants(os.getpid())
        if len(processes) > most:
            return f"crowd {most}"
        if beyond := family.beyond(processes, time.monotonic()):
            return beyond


def _reaped(program: int) -> int | None:
    """Take away what has ended; how the program did, where it has."""
    ended = None
    try:
        while (found := os.waitpid(-1, os.WNOHANG))[0]:
            if found[0] == program:
                ended = os.waitstatus_to_exitcode(found[1])
    except ChildProcessError:
        return ended
    return ended


def _kill_all(program: int) -> None:
    """Kill until no child is left. A parent that was killed leaves its children to us, so that none is missed."""
    until = time.monotonic() + KILLING_S
    while time.monotonic() < until:
        _kill((-program, *descendants(os.getpid())), signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        signal.sigtimedwait({signal.SIGCHLD}, LOOK_S)


def _kill(processes: tuple[int, ...], number: signal.Signals) -> None:
    for each in processes:
        try:
            os.kill(each, number)
        except (ProcessLookupError, PermissionError):
            continue  # it is gone already, or runs as somebody else


def _adopt() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _let_go() -> None:
    """Hold none of the program's pipes: who reads from it must see that it has closed them."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    os.close(nowhere)


def _children(process: int) -> list[int]:
    """The children of one process, of each of its threads; none where the system has no `/proc` that tells."""
    try:
        threads = os.listdir(f"/proc/{process}/task")
    except OSError:
        return []
    found: list[int] = []
    for thread in threads:
        try:
            with open(f"/proc/{process}/task/{thread}/children", encoding="ascii") as file:
                found += map(int, file.read().split())
        except OSError:
            continue  # the thread has ended meanwhile
    return found


_LIMITS = {
    "cpu": resource.RLIMIT_CPU,
    "as": resource.RLIMIT_AS,
    "nofile": resource.RLIMIT_NOFILE,
    "fsize": resource.RLIMIT_FSIZE,
    "core": resource.RLIMIT_CORE,
}

if __name__ == "__main__":
    main()
