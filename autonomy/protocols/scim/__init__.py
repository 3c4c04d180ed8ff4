"""SCIM 2.0: identity providers tell us of people and groups (RFC 7643, RFC 7644)."""

from .endpoint import ROOT, Scim

__all__ = ["ROOT", "Scim"]
