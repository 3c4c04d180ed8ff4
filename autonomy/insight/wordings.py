"""Rules as they were written at an epoch. Read without the checks of today, which they might not pass any more."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache

from autonomy.catalog.model import PolicySpec
from autonomy.catalog.organisation import Organisation, spec
from autonomy.kernel.errors import NotFound
from autonomy.policy.source import read

from .explain import Wordings
from .model import Wording

KEPT = 4  # epochs; as many as the catalog keeps


def rules_of(organisation: Organisation) -> Mapping[str, Wording]:
    """Every rule of an organisation by its `@id`."""
    return _rules(organisation)


def wordings(organisation_at: Callable[[int], Organisation]) -> Wordings:
    """Finds rules at epochs; one that is not there has no text."""

    def find(epoch: int, rule: str) -> Wording:
        try:
            organisation = organisation_at(epoch)
        except NotFound:
            return Wording(rule)
        return _rules(organisation).get(rule, Wording(rule))

    return find


@lru_cache(maxsize=KEPT)
def _rules(organisation: Organisation) -> Mapping[str, Wording]:
    found: dict[str, Wording] = {}
    for name, revision in sorted(organisation.all("Policy").items()):
        declared = spec(revision, PolicySpec)
        statements, _ = read(name, revision.unit, declared.mode, declared.text)
        for one in statements:
            if rule := one.annotations.get("id"):
                found[rule] = Wording(rule, name, one.unit, one.mode, one.text)
    return found
