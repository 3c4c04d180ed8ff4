"""What the catalog needs from others: they hand it in, so that it need not know them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from autonomy.db import Tx

from .organisation import Organisation, Revision

Projector = Callable[[Tx, Organisation, Sequence[Revision], Sequence[Revision]], None]
"""`project(tx, organisation, written, retired)`: carries people, units and agents into identity, in the transaction of
the change. `written` are the revisions that are new or other than before, `retired` those no longer declared."""
