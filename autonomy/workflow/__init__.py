"""Durable work of several agents, people and systems: definitions of workflows and the pure core of their runs."""

from .defining import define
from .definition import Definition
from .model import State
from .rules import Advanced, advance, decode, encode, new_state

__all__ = ["Advanced", "Definition", "State", "advance", "decode", "define", "encode", "new_state"]
