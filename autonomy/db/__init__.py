"""The store: reading connections, the commit queue that does all writing, migrations."""

from .engine import Database, metadata, upsert
from .ports import Epochs, Plan
from .queue import CommitQueue
from .tx import Reader, Tx

__all__ = ["CommitQueue", "Database", "Epochs", "Plan", "Reader", "Tx", "metadata", "upsert"]
