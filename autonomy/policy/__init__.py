"""Who may do what, and why: an organisation's Cedar policies as bundles that decide, explain and test themselves."""

from .approvers import unanswerable
from .bundle import Bundle
from .compiled import bundle_of
from .model import Ask, Effect, Notice, Question, Rule, Verdict

__all__ = ["Ask", "Bundle", "Effect", "Notice", "Question", "Rule", "Verdict", "bundle_of", "unanswerable"]
