"""Connectors: a running Tryton through the gate, a long list of tools, and agents with identities of their own."""

from __future__ import annotations

from . import identities, listing, tryton
from .measure import Measured, Scale


def run(scale: Scale) -> Measured:
    """The metrics of all three, and beside them what Tryton and one shared identity take."""
    figures = tryton.measure(scale) | listing.measure(scale) | identities.measure(scale)
    beside: dict[str, dict[str, float | str]] = {
        "Tryton itself": {
            "read_ms": figures.pop("tryton_read_direct_ms"),
            "write_ms": figures.pop("tryton_write_direct_ms"),
        },
        "the same agents with one shared credential": {"resident_mb": figures.pop("agents_shared_mb")},
    }
    return Measured(figures, beside)
