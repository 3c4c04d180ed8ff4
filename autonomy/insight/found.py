"""Tables of the search over everything that happened: what a list shows of an action, what it is found by, and how
many leaves of each kind the log holds.

All of it but what people keep is made of the log and can be made of it again. What was sealed is found by marks, never
by its words (docs/decisions/0014): a mark is a keyed hash, and those of sealed words go when their subject is erased.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, Table, Text

from autonomy.db import metadata

action = Table(
    "search_action",
    metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("id", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("effect", Text, nullable=False),
    Column("agent", Text, nullable=False),
    Column("agent_name", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("case_id", Text, nullable=False),
    Column("tool", Text, nullable=False),
    Column("run", Text),
    Column("money", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Column("code", Text),
    Column("sealed", LargeBinary),
)
"""`seq` is the index of the action's first leaf, `sealed` the marks of its sealed words, eight bytes each: by them they
are found again when they have to go."""

Index("search_action_id", action.c.id, unique=True)

mark = Table(
    "search_mark",
    metadata,
    Column("mark", BigInteger, primary_key=True, autoincrement=False),
    Column("block", BigInteger, primary_key=True, autoincrement=False),
    Column("places", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
"""What is found by a mark: actions by `seq`, other leaves by their index. Those of a block of the log stand in one row
(`postings.py`), for most marks are borne by many: that is a tenth of the rows, and of the work to write them."""

census = Table(
    "search_census",
    metadata,
    Column("block", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", Text, primary_key=True),
    Column("leaves", Integer, nullable=False),
)
"""How many leaves of a kind each thousand of the log holds."""

Index("search_census_kind", census.c.kind, census.c.block, census.c.leaves)

place = Table(
    "search_place",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("next", BigInteger, nullable=False),
    Column("forgotten", BigInteger, nullable=False),
    Column("holder", Text, nullable=False),
)
"""The next leaf to be taken in, and the next action whose sealed words have not been let go of; and the process that is
at it, until it is dead."""

view = Table(
    "saved_view",
    metadata,
    Column("person", Text, primary_key=True),
    Column("page", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("query", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
)
"""Searches that people keep; `query` is a JSON object of filters."""

BLOCK = 1_000  # leaves of a block: of the census, and of what a mark leads to
