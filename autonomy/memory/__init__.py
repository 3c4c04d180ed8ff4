"""What agents know together: written, found, reused and forgotten, each as far as they may."""

from .forgetting import Forgetting, forget_subject
from .meaning import Ask
from .model import Author, By, Found, Held, Item, Member, Question, Recalled, Selection, Work, Writing
from .service import Memory
from .work import Reuse

__all__ = [
    "Ask",
    "Author",
    "By",
    "Forgetting",
    "Found",
    "Held",
    "Item",
    "Member",
    "Memory",
    "Question",
    "Recalled",
    "Reuse",
    "Selection",
    "Work",
    "Writing",
    "forget_subject",
]
