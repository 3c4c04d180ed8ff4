"""Starts a program under limits and stays beside it. Run by the interpreter as a file of its own: it imports nothing of
ours.

`python -I -S launch.py FD PROCESSES LIMITS PROGRAM ARGUMENT…` starts the program in a session of its own, under the
limits (`cpu=60,as=1073741824`), and ends when it has ended, when it is told to (SIGTERM), when whoever started it is
gone, or when the program has more than PROCESSES processes. SIGHUP asks the program to end by itself: it gets SIGTERM,
with its process group, and is waited for as before. Nothing that the program has started outlives its end: on
Linux whatever loses its parent becomes a child of this process (prctl(2), PR_SET_CHILD_SUBREAPER), be it in a session
of its own; what is left is killed until no child is left. Elsewhere the program's process group is killed.

To the descriptor FD it writes a line, one word and a number: `failed 2` (errno: nothing was started), `ended 0` (the
exit code; negative: by that signal) or `crowd 64` (it had more processes than this).

RLIMIT_NPROC is not used: it counts every process and thread of the user, of this server and of all its programs, and
does not bind root.
"""

import contextlib
import ctypes
import os
import resource
import signal
import sys
import time

LOOK_S = 0.1  # how often it is looked how many processes there are, and whether anybody still waits
SELDOM_S = 1.0  # the same for a program that has run for long
LONG = 60  # times the pause between two looks: so long it has run by then
KILLING_S = 5.0  # for what cannot be killed at once, such as a process that waits for a disk

_PR_SET_CHILD_SUBREAPER = 36
_WATCHED = {signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP}


def main() -> None:
    """Start the program, see it end, and leave nothing of it."""
    report, most, limits, command = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:]
    os.set_inheritable(report, False)
    _adopt()
    signal.pthread_sigmask(signal.SIG_BLOCK, _WATCHED)
    program = os.fork()
    if program == 0:
        _become(report, limits, command)
    _let_go()
    said = _watched(program, most, os.getppid())
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


def _become(report: int, limits: str, command: list[str]) -> None:
    """Turn into the program. Never returns."""
    try:
        os.setsid()
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _WATCHED)
        for limit in limits.split(","):
            name, _, value = limit.partition("=")
            resource.setrlimit(_LIMITS[name], (int(value), int(value)))
        os.execv(command[0], command)
    except (OSError, ValueError) as error:
        number = error.errno if isinstance(error, OSError) and error.errno else 1
        os.write(report, f"failed {number}\n".encode())
    finally:
        os._exit(127)


def _watched(program: int, most: int, parent: int) -> str:
    """What is to be said of the program once it has ended; nothing where it has to end for another reason."""
    began = time.monotonic()
    while True:
        pause = max(LOOK_S, min(SELDOM_S, (time.monotonic() - began) / LONG))
        signalled = signal.sigtimedwait(_WATCHED, pause)
        if signalled is not None and signalled.si_signo == signal.SIGTERM:
            return ""
        if signalled is not None and signalled.si_signo == signal.SIGHUP:
            _kill((-program,), signal.SIGTERM)
        if (ended := _reaped(program)) is not None:
            return f"ended {ended}"
        if os.getppid() != parent:
            return ""
        if len(descendants(os.getpid())) > most:
            return f"crowd {most}"


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
