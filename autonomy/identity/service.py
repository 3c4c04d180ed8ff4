"""The service of identity: its use cases, each in the file named for it, behind one door."""

from __future__ import annotations

from .accounts import Accounts
from .credentials import Credentials
from .delegations import Delegations
from .groups import Groups
from .lifecycle import Lifecycle
from .listings import Listings
from .oauth import TokenEndpoint
from .people import People
from .projection import Projecting
from .service_keys import ServiceKeys


class Identity(
    TokenEndpoint, Credentials, Delegations, Lifecycle, People, Accounts, Groups, ServiceKeys, Projecting, Listings
):
    """Who acts here, whether they may act at all, and for whom.

    `Identity(database, queue, clock, key, issuer, audiences)`: `key` is the 32-byte master key; `issuer` is the URL
    this server is known by, itself an audience; `audiences` are further resources it answers for. Reading by epoch
    (`admit`, `readmit`, `state_of`, `contained`) is for the event loop; everything else blocks and belongs in a thread.
    """
