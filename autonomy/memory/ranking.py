"""Which of the items found fit a question best. Pure."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

K1 = 1.2  # Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009)
B = 0.75
FUSION = 60  # the constant of reciprocal rank fusion, as its authors have it
USUAL_LENGTH = 40  # marks of an ordinary item; that of all items would tell of those nobody here may see


def shortlist(found: Iterable[Sequence[Any]], marks: Sequence[str], most: int) -> tuple[list[int], Mapping[str, float]]:
    """The `most` most promising items by `seq`, newest first among equals, and how much each mark weighs.

    `found` is what `index.find` returns. A mark that fills its answer is taken for a common one. Only what the
    asker may read is counted: weights and order say nothing about anything else.
    """
    answers: defaultdict[int, list[int]] = defaultdict(list)
    for number, seq in found:
        answers[number].append(seq)
    every = len({seq for seqs in answers.values() for seq in seqs})
    weights = {mark: _rarity(len(answers[number]), every) for number, mark in enumerate(marks)}
    scores: defaultdict[int, float] = defaultdict(float)
    for number, mark in enumerate(marks):
        for seq in answers[number]:
            scores[seq] += weights[mark]
    for seq in answers[len(marks)]:
        scores[seq] = sum(weights.values())
    best = sorted(scores, key=lambda seq: (scores[seq], seq), reverse=True)
    return best[:most], weights


def score(marks: Sequence[str], weights: Mapping[str, float]) -> float:
    """How well an item with these marks answers, by BM25: each mark of the question counts by its rarity.

    An item has a mark or has it not; how often is not kept.
    """
    has, norm = frozenset(marks), K1 * (1 - B + B * len(marks) / USUAL_LENGTH)
    return sum(weight * (K1 + 1) / (1 + norm) for mark, weight in weights.items() if mark in has)


def _rarity(having: int, every: int) -> float:
    return math.log(1 + (every - having + 0.5) / (having + 0.5))


def fused(rankings: Iterable[Sequence[int]]) -> list[int]:
    """Several rankings as one, by reciprocal rank fusion (Cormack, Clarke and Büttcher, SIGIR 2009): what stands high
    in any of them stands high, what stands in several stands higher. Of equals the newest comes first."""
    scores: defaultdict[int, float] = defaultdict(float)
    for each in rankings:
        for place, seq in enumerate(each, start=1):
            scores[seq] += 1 / (FUSION + place)
    return sorted(scores, key=lambda seq: (scores[seq], seq), reverse=True)
