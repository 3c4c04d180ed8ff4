"""What passed the door, read for people: found, told case by case, explained, and proved to others."""

from .evidence import Evidence, Proof
from .following import Following
from .marking import Marks
from .model import ActionRow, Explanation, Part, Wanted
from .search import Search
from .sentences import sentences
from .service import Insight, Record
from .taken import forget_found

__all__ = [
    "ActionRow",
    "Evidence",
    "Explanation",
    "Following",
    "Insight",
    "Marks",
    "Part",
    "Proof",
    "Record",
    "Search",
    "Wanted",
    "forget_found",
    "sentences",
]
