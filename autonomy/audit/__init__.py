"""What happened: an append-only, verifiable log, and beside it what may be forgotten."""

from .leaf import Leaf, commitment, make_leaf, read_leaf, record, sealed_as
from .log import Log, begin_log, name_log
from .vault import SubjectKey, Vault

__all__ = [
    "Leaf",
    "Log",
    "SubjectKey",
    "Vault",
    "begin_log",
    "commitment",
    "make_leaf",
    "name_log",
    "read_leaf",
    "record",
    "sealed_as",
]
