"""Decisions over a thousand policies and ten thousand agents, beside plain Cedar and AGT's PolicyEngine.

Every engine is asked questions of the same mix (`questions.MIX`) in turn, and every outcome is checked. Ours remembers
answers (`policy/likeness.py`); what is set beside the others is what it takes with nothing remembered.
"""

from __future__ import annotations

import dataclasses
import gc
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import cedarpy

from autonomy.catalog import Organisation
from autonomy.kernel.canonical import Json
from autonomy.policy import Bundle
from autonomy.policy.source import policy_set
from autonomy.wiring import Settings, open_system

from .door import noop
from .measure import BLOCKS, Measured, Scale, median, medians, percentile, timed
from .organisation import organisation
from .peers import agt
from .peers.environment import NotInstallable
from .questions import Asked, Draw

POLICIES = 1_000
AGENTS = 10_000
DECISIONS = 4_000  # of ours in a block
PEER_DECISIONS = 200  # of a peer in a block; they take longer


def run(scale: Scale) -> Measured:
    """The metrics of `Bundle.decide` and, in the same run, its peers."""
    declared = _declared(scale.of(AGENTS), scale.of(POLICIES, 50))
    started = time.perf_counter()
    bundle = Bundle.build(declared)
    build_s = time.perf_counter() - started
    gc.collect()
    gc.freeze()
    draw = Draw(sorted(bundle.tools), scale.of(AGENTS))
    peers = Peers(bundle)
    decide(bundle, draw(scale.of(DECISIONS, 100)))
    blocks = []
    for _ in range(BLOCKS):
        blocks.append(decide(bundle, draw(scale.of(DECISIONS, 100))))
        peers.block(draw(scale.of(PEER_DECISIONS, 20)))
    metrics = medians(blocks) | {"build_s": build_s}
    return Measured(metrics, peers.beside(metrics["first_p50_ms"]))


def decide(bundle: Bundle, asked: Sequence[Asked]) -> dict[str, float]:
    """What our own decisions take: as they come, beginning with nothing remembered; and each with nothing remembered,
    all together and by their effect."""
    bundle.engine.forget()
    found = timed(partial(_decide, bundle), asked)
    first = []
    for one in asked:
        bundle.engine.forget()
        first += timed(partial(_decide, bundle), [one])
    by_effect = {
        name: median([ms for ms, one in zip(first, asked, strict=True) if one.effect == effect])
        for name, effect in (("allowed_p50_ms", "allow"), ("held_p50_ms", "hold"), ("denied_p50_ms", "deny"))
    }
    return _shown(found) | {f"first_{name}": value for name, value in _shown(first).items()} | by_effect


def _decide(bundle: Bundle, asked: Asked) -> None:
    verdict = bundle.decide(asked.question)
    if verdict.effect != asked.effect:
        raise AssertionError(f"{asked} was decided as {verdict}")


class Peers:
    """The other engines, with the same rules."""

    def __init__(self, bundle: Bundle) -> None:
        self._cedar = PlainCedar(bundle)
        self._blocks: dict[str, list[dict[str, float]]] = {PlainCedar.NAME: []}
        self._notes: dict[str, str] = {}
        try:
            self._agt: agt.Engine | None = agt.Engine(sorted(bundle.tools), len(bundle.rules))
        except NotInstallable as error:
            self._agt = None
            self._notes[agt.NAME] = f"not run: {error}"
        else:
            self._blocks[agt.NAME] = []

    def block(self, asked: Sequence[Asked]) -> None:
        """Put the questions to each of them."""
        self._blocks[PlainCedar.NAME].append(_shown(self._cedar.block(asked)))
        if self._agt is not None:
            self._blocks[agt.NAME].append(_shown(self._agt.block(asked)))

    def beside(self, our_p50_ms: float) -> dict[str, dict[str, float | str]]:
        """Their figures, and how many times ours they are; ends their processes."""
        if self._agt is not None:
            self._agt.close()
        found: dict[str, dict[str, float | str]] = {name: {"note": note} for name, note in self._notes.items()}
        for name, blocks in self._blocks.items():
            figures = medians(blocks)
            found[name] = {**figures, "p50_times_ours": figures["p50_ms"] / our_p50_ms}
        return found


class Prepared(NamedTuple):
    """A request as Cedar takes it, and whether it must be allowed."""

    allowed: bool
    request: dict[str, Json]


class PlainCedar:
    """Cedar as one would use it at first: all policies in one set, handed over parsed, with schema and entities.

    The request is made before the clock starts, and a held action is put only once: both in its favour.
    """

    NAME = "cedarpy, unsliced"

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self._policies = policy_set({rule.id: rule.form for rule in bundle.rules.values()})
        self._schema = cedarpy.Schema.from_str(bundle.schema)

    def block(self, asked: Sequence[Asked]) -> list[float]:
        """The milliseconds of each."""
        return timed(self._decide, [self._prepared(one) for one in asked])

    def _prepared(self, asked: Asked) -> Prepared:
        request = self._bundle.requests(asked.question)[0]
        written = {
            "principal": f'Agent::"{request.agent}"',
            "action": f'Action::"{request.tool}"',
            "resource": f'Tool::"{request.tool}"',
            "context": request.context,
        }
        return Prepared(asked.effect == "allow", written)

    def _decide(self, prepared: Prepared) -> None:
        answer = cedarpy.is_authorized(prepared.request, self._policies, self._bundle.engine.entities, self._schema)
        if answer.allowed != prepared.allowed:
            raise AssertionError(f"plain Cedar decided otherwise: {prepared.request}")


def _shown(milliseconds: Sequence[float]) -> dict[str, float]:
    return {"p50_ms": median(milliseconds), "p99_ms": percentile(milliseconds, 0.99)}


def _declared(agents: int, policies: int) -> Organisation:
    """The organisation as the catalog reads it back."""
    with tempfile.TemporaryDirectory() as folder:
        system = open_system(dataclasses.replace(Settings(), data=Path(folder)), functions={"noop": noop})
        try:
            system.catalog.apply(organisation(agents, policies), by="person:bench")
            return system.catalog.organisation()
        finally:
            system.close()
