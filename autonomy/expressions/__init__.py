"""Expressions: CEL over typed JSON values, checked when they are declared, bounded when they are evaluated.

`compile(text, variables)` checks a text against the types of its variables; `Expression.evaluate(values)` computes it.
Nothing an expression can say has an effect, reads a clock or reaches outside the values handed in.
"""

from .expression import MAX_TEXT, Expression, compile
from .nearest import nearest
from .syntax import Reference
from .types import ANY, Type, misfit, of_schema

__all__ = ["ANY", "MAX_TEXT", "Expression", "Reference", "Type", "compile", "misfit", "nearest", "of_schema"]
