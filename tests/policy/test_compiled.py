"""What is declared alike is built once, whoever asks for it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from autonomy.catalog.organisation import Organisation
from autonomy.kernel.errors import Invalid
from autonomy.policy import Bundle
from autonomy.policy.compiled import Compiled

from .organisations import company, policy

RULE = '@id("a") permit(principal, action, resource);'


def declared(epoch: int, text: str) -> Organisation:
    """The company with one policy; as in the catalog, other words have another digest."""
    found = replace(policy("p", text), digest=text)
    return Organisation(epoch, company(found).revisions())


def test_the_same_declarations_are_built_once_whatever_their_epoch() -> None:
    bundle_of = Compiled(Bundle.build)
    checked = bundle_of(declared(1, RULE))
    assert bundle_of(declared(2, RULE)) is checked


def test_other_declarations_are_built_anew() -> None:
    bundle_of = Compiled(Bundle.build)
    before = bundle_of(declared(1, RULE))
    after = bundle_of(declared(2, RULE.replace("permit", "forbid")))
    assert (before.rules["a"].effect, after.rules["a"].effect) == ("permit", "forbid")
    assert bundle_of(declared(3, RULE)).rules["a"].effect == "permit"


def test_what_is_refused_is_refused_again_and_takes_nobodys_place() -> None:
    bundle_of = Compiled(Bundle.build)
    kept = bundle_of(declared(1, RULE))
    for _ in range(2):
        with pytest.raises(Invalid):
            bundle_of(declared(2, RULE.replace("permit", "allow")))
    assert bundle_of(declared(3, RULE)) is kept
