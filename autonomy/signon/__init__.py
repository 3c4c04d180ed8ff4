"""Whose word from outside counts: people sign on at identity providers, agents bring their tokens."""

from .service import Begun, Finished, SignOn
from .web import Web

__all__ = ["Begun", "Finished", "SignOn", "Web"]
