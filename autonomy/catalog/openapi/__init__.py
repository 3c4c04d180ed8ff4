"""OpenAPI documents, 3.0 and 3.1, as strangers write them: read within bounds, asked for one operation at a time."""

from .document import Document, Listed
from .operation import Body, Operation, Parameter, Scheme
from .reading import read_document

__all__ = ["Body", "Document", "Listed", "Operation", "Parameter", "Scheme", "read_document"]
