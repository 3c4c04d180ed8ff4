"""What passed the door, read for people: lists of actions, why each came out as it did, and the evidence for it."""

from .evidence import Evidence, Proof
from .model import ActionRow, Explanation, Part, Wanted
from .sentences import sentences
from .service import Insight, Record

__all__ = ["ActionRow", "Evidence", "Explanation", "Insight", "Part", "Proof", "Record", "Wanted", "sentences"]
