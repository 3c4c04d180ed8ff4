"""Pages: every entry once, in order, whatever the size of the page and whatever is added meanwhile."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from autonomy.server.paging import page

NAMES = st.lists(st.text(max_size=4), unique=True, max_size=30)


def walked(names: list[str], limit: int, newest_first: bool, added: str | None = None) -> list[str]:
    found: list[str] = []
    after: str | None = None
    present = list(names)
    while True:
        items, after = page(present, str, after, limit, newest_first)
        assert len(items) <= limit
        found += items
        if added is not None and added not in present:
            present.append(added)
        if after is None:
            return found


@given(NAMES, st.integers(1, 7), st.booleans())
def test_every_entry_comes_once_and_in_order(names: list[str], limit: int, newest_first: bool) -> None:
    assert walked(names, limit, newest_first) == sorted(names, reverse=newest_first)


@given(NAMES, st.integers(1, 7), st.text(max_size=4))
def test_what_is_added_meanwhile_repeats_and_hides_nothing(names: list[str], limit: int, added: str) -> None:
    found = walked(names, limit, False, added)
    assert len(found) == len(set(found))
    assert [name for name in found if name in names] == sorted(names)
