"""Becomes a program under limits. Run by the interpreter as a file of its own: it imports nothing of ours.

`python -I -S launch.py FD LIMITS PROGRAM ARGUMENT…` sets the limits (`cpu=60,as=1073741824`) for itself and then turns
into the program. Where that fails it writes the number of the error to the descriptor FD, which closes by itself where
it does not.
"""

import os
import resource
import sys


def main() -> None:
    """Set the limits, then become the program."""
    report = int(sys.argv[1])
    os.set_inheritable(report, False)
    try:
        for limit in sys.argv[2].split(","):
            name, _, value = limit.partition("=")
            resource.setrlimit(_LIMITS[name], (int(value), int(value)))
        os.execv(sys.argv[3], sys.argv[3:])
    except (OSError, ValueError) as error:
        number = error.errno if isinstance(error, OSError) and error.errno else 1
        os.write(report, str(number).encode())
        os._exit(127)


_LIMITS = {
    "cpu": resource.RLIMIT_CPU,
    "as": resource.RLIMIT_AS,
    "nofile": resource.RLIMIT_NOFILE,
    "fsize": resource.RLIMIT_FSIZE,
    "core": resource.RLIMIT_CORE,
}

if __name__ == "__main__":
    main()
