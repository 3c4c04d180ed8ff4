"""What an action leaves behind in memory: nothing that only the collector of cycles would find."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.gate.works import works

ACTIONS = 20


@contextmanager
def garbage_of_ours() -> Iterator[Counter[str]]:
    """Counts, at its end, the objects of our own types that only the collector found."""
    found: Counter[str] = Counter()
    gc.collect()
    gc.disable()
    try:
        yield found
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        found.update(type(one).__qualname__ for one in gc.garbage if type(one).__module__.startswith("autonomy"))
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()


@pytest.mark.parametrize(("tool", "status"), [("press", "done"), ("look", "done"), ("melt", "denied")])
async def test_an_action_leaves_no_cycles(tmp_path: Path, database_url: str, tool: str, status: str) -> None:
    async with works(tmp_path, database_url) as it:
        assert (await it.ask(tool, n=0)).status == status
        with garbage_of_ours() as found:
            for n in range(ACTIONS):
                assert (await it.ask(tool, n=n)).status == status
        assert not found
