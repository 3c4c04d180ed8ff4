"""What agents know together: written, found, reused and forgotten, each as far as they may."""

from .forgetting import Forgetting, forget_subject
from .model import Author, Held, Item, Member, Recalled, Selection, Work, Writing
from .service import Memory
from .work import Reuse

__all__ = [
    "Author",
    "Forgetting",
    "Held",
    "Item",
    "Member",
    "Memory",
    "Recalled",
    "Reuse",
    "Selection",
    "Work",
    "Writing",
    "forget_subject",
]
