"""Decision tables: compiled, checked for gaps and overlaps, and asked."""

from .checks import check
from .model import Decided
from .service import Decisions
from .table import Table

__all__ = ["Decided", "Decisions", "Table", "check"]
