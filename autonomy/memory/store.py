"""Tables of memory. What is said in an item lies sealed in its box; the index holds marks in place of words."""

from __future__ import annotations

from sqlalchemy import (
    DDL,
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    event,
    literal_column,
)

from autonomy.db import metadata
from autonomy.db.indexes import ONLY_THERE, partial_index

item = Table(
    "memory_item",
    metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("id", Text, nullable=False),
    Column("space", Text, nullable=False),
    Column("shelf", Integer, nullable=False),
    Column("author", Text, nullable=False),
    Column("revision", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("case_id", Text, nullable=False),
    Column("untrusted", Integer, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("valid_from", BigInteger),
    Column("valid_until", BigInteger),
    Column("work", Text),
    Column("reused", Integer, nullable=False),
    Column("subject", Text, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("box", LargeBinary, nullable=False),
    Column("marks", Text, nullable=False),
)
"""`seq` rises with every item; the commit queue, whose turns come one after another, gives it. `work` is the keyed hash
of the task and inputs it results of, `subject` that of whom it is about."""

Index("memory_item_id", item.c.id, unique=True)
Index("memory_item_source", item.c.source)
Index("memory_item_subject", item.c.subject)
Index("memory_item_shelf", item.c.shelf)
Index("memory_item_space", item.c.space, item.c.at)
partial_index("memory_item_work", item.c.work, item.c.shelf, where=item.c.work.is_not(None))
BLOCK_BITS = 11  # items of a block as a power of two
TSVECTOR = (
    "to_tsvector('simple'::regconfig, 's' || shelf::text || ' ' || marks || ' ' || "
    f"replace(marks || ' ', ' ', (seq >> {BLOCK_BITS})::text || ' '))"
)
"""What PostgreSQL indexes: the shelf as a word beside the marks, none of which holds a digit; and each mark once more
with the number of the item's block behind it, so that a common one is read block by block, the newest first."""

Index(
    "memory_item_marks",
    literal_column(TSVECTOR),
    # A list of what is not in the index yet would have to be read with every search.
    info={ONLY_THERE: {"using": "gin", "with": {"fastupdate": "off"}}},
).ddl_if(dialect="postgresql")

SEARCH = "memory_search"
"""The full-text index of SQLite; PostgreSQL has one on the table itself."""

MAKE_SEARCH = f"CREATE VIRTUAL TABLE IF NOT EXISTS {SEARCH} USING fts5(marks, content='', columnsize=0, detail=none)"
event.listen(item, "after_create", DDL(MAKE_SEARCH).execute_if(dialect="sqlite"))  # type: ignore[no-untyped-call]

shelf = Table(
    "memory_shelf",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("space", Text, nullable=False),
    Column("tags", Text, nullable=False),
    Column("origins", Text, nullable=False),
    Column("author", Text, nullable=False),
)
Index("memory_shelf_name", shelf.c.space, shelf.c.tags, shelf.c.origins, unique=True)

link = Table(
    "memory_link",
    metadata,
    Column("item", Text, primary_key=True),
    Column("to_item", Text, primary_key=True),
    Column("relation", Text, primary_key=True),
    Column("source", Text, nullable=False),
)
Index("memory_link_to", link.c.to_item)

claim = Table(
    "memory_claim",
    metadata,
    Column("work", Text, primary_key=True),
    Column("shelf", Integer, primary_key=True),
    Column("agent", Text, nullable=False),
    Column("case_id", Text, nullable=False),
    Column("until", BigInteger, nullable=False),
)
"""Work that somebody is at; nobody is where the time is over."""

reuse = Table(
    "memory_reuse",
    metadata,
    Column("space", Text, primary_key=True),
    Column("saved", BigInteger, nullable=False),
    Column("begun", BigInteger, nullable=False),
)
"""How often recalling found work done, and how often it was begun instead."""

vector = Table(
    "memory_vector",
    metadata,
    Column("item", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("space", Text, nullable=False),
    Column("shelf", Integer, nullable=False),
    Column("maker", Text, nullable=False),
    Column("subject", Text),
    Column("generation", Integer),
    Column("box", LargeBinary),
    Column("tries", Integer, nullable=False),
    Column("due_at", BigInteger),
)
"""What an item means, sealed as the item is, by the `maker` that said so: endpoint and model. Until it has said so
there is no box, and the row is due at a time."""

Index("memory_vector_shelf", vector.c.shelf, vector.c.seq)
Index("memory_vector_space", vector.c.space, vector.c.seq)
partial_index("memory_vector_due", vector.c.due_at, where=vector.c.due_at.is_not(None))
