"""Random bytes are given once, whoever asks for them and in whichever process."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

from autonomy.kernel.chance import BLOCK, random_bytes


def test_nothing_is_given_twice_in_one_thread_or_several() -> None:
    def some(_: int) -> list[bytes]:
        return [random_bytes(12 + number % 30) for number in range(2_000)]

    with ThreadPoolExecutor(4) as threads:
        found = [one[:12] for part in threads.map(some, range(8)) for one in part]
    assert len(set(found)) == len(found) == 16_000


def test_they_are_as_many_as_asked_for() -> None:
    assert [len(random_bytes(count)) for count in (1, 10, 28, BLOCK, 3)] == [1, 10, 28, BLOCK, 3]


def test_a_child_is_not_given_what_its_parent_is() -> None:
    random_bytes(1)  # there is a block to inherit
    out, into = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(into, random_bytes(16))
        os._exit(0)
    os.close(into)
    with os.fdopen(out, "rb") as told:
        theirs = told.read()
    os.waitpid(child, 0)
    assert len(theirs) == 16
    assert theirs != random_bytes(16)
