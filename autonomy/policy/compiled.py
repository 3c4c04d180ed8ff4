"""The bundle built last in this process: whoever checks a change builds what whoever then enforces it needs."""

from __future__ import annotations

import threading
from collections.abc import Callable

from autonomy.catalog.organisation import Organisation

from .bundle import Bundle


class Compiled:
    """Builds bundles by `build`, and keeps the last one: for the same declarations it is not built again."""

    def __init__(self, build: Callable[[Organisation], Bundle]) -> None:
        self._build = build
        self._turn = threading.Lock()
        self._kept: tuple[str, Bundle] | None = None

    def __call__(self, organisation: Organisation) -> Bundle:
        """The bundle of what is declared; raises as `Bundle.build`. Its own organisation may be of another epoch."""
        digest = organisation.digest
        with self._turn:
            kept = self._kept
        if kept is not None and kept[0] == digest:
            return kept[1]
        bundle = self._build(organisation)
        with self._turn:
            self._kept = (digest, bundle)
        return bundle


bundle_of = Compiled(Bundle.build)
