"""Threads of a server share what the C library keeps for them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from autonomy.kernel.allocator import ARENAS

PROGRAM = """
import ctypes, sys, threading
from autonomy.kernel.allocator import share_arenas
if sys.argv[2] == "shared":
    share_arenas()
all_here, told = threading.Barrier(9), threading.Event()
def hold():
    kept = bytearray(100_000)
    all_here.wait()
    told.wait()
for _ in range(8):
    threading.Thread(target=hold).start()
all_here.wait()
libc = ctypes.CDLL(None)
libc.fopen.restype = ctypes.c_void_p
file = ctypes.c_void_p(libc.fopen(sys.argv[1].encode(), b"w"))
libc.malloc_info(0, file)
libc.fclose(file)
told.set()
"""


def test_threads_share_a_few_arenas(tmp_path: Path) -> None:
    assert arenas(tmp_path / "own", "own") > ARENAS, "each thread would have taken one"
    assert arenas(tmp_path / "shared", "shared") <= ARENAS


def arenas(told: Path, mode: str) -> int:
    """How many arenas a program with eight threads has."""
    subprocess.run([sys.executable, "-c", PROGRAM, str(told), mode], check=True)
    return told.read_text().count("<heap nr=")
