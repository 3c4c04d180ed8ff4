"""How a route of the API asks for what it works with."""

from typing import Annotated

from fastapi import Depends

from .parts import Parts, parts_of

Here = Annotated[Parts, Depends(parts_of)]
