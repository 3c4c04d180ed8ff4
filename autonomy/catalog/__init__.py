"""The organisation as code: manifests, content-addressed revisions, epochs."""

from .files import collect
from .manifest import Folder, read
from .organisation import Organisation, Revision
from .problem import Check, Problem
from .service import Applied, Catalog

__all__ = ["Applied", "Catalog", "Check", "Folder", "Organisation", "Problem", "Revision", "collect", "read"]
