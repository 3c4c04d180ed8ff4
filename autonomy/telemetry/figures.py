"""Figures kept in plain integers, each written by one thread only, so that counting costs no lock.

A reader of another thread may see a count that is one action old, never one that is wrong.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

Labels = tuple[str, ...]
Kind = Literal["counter", "gauge", "histogram"]

MAX_SERIES = 500  # of one tally: what names more values than this is no label
OTHER = "other"

SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds for durations, from one commit of a fast disk to the longest deadline that is usual."""

UNITS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
"""Upper bounds for how many units share one transaction."""


class Sample(NamedTuple):
    """One line of a family: `suffix` stands behind its name."""

    labels: Mapping[str, str]
    value: float
    suffix: str = ""


class Family(NamedTuple):
    """A figure with everything that is known of it."""

    name: str
    kind: Kind
    told: str
    samples: Sequence[Sample]


class Tally:
    """How often something happened, by the values of its labels. The number of different values is bounded.

    Those that are `known` from the beginning are told as zero: what appears with its first count has not increased.
    """

    __slots__ = ("counts",)

    def __init__(self, *known: Labels) -> None:
        self.counts: dict[Labels, int] = dict.fromkeys(known, 0)

    def add(self, *labels: str, count: int = 1) -> None:
        """Count `count` more of it."""
        try:
            self.counts[labels] += count
        except KeyError:
            known = labels if len(self.counts) < MAX_SERIES else (OTHER,) * len(labels)
            self.counts[known] = self.counts.get(known, 0) + count


class Histogram:
    """How large something was, by upper bounds."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float] = SECONDS) -> None:
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(self.bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        """Take note of one more of them."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value


def gauge(name: str, told: str, value: float | None) -> Family:
    """A figure that goes up and down; without a sample where it is not known."""
    return Family(name, "gauge", told, [] if value is None else [Sample({}, value)])


def gauges(name: str, told: str, label: str, values: Mapping[str, float]) -> Family:
    """A figure that goes up and down, by one label."""
    return Family(name, "gauge", told, [Sample({label: each}, value) for each, value in values.items()])


def counter(name: str, told: str, labels: Sequence[str], tally: Tally) -> Family:
    """What a tally counted."""
    counts = tally.counts.copy()  # at once: its thread may be adding to it
    found = [Sample(dict(zip(labels, each, strict=True)), count) for each, count in sorted(counts.items())]
    return Family(name, "counter", told, found)


def histogram(name: str, told: str, labels: Sequence[str], found: Iterable[tuple[Labels, Histogram]]) -> Family:
    """What histograms saw, each with the values of its labels."""
    samples: list[Sample] = []
    for values, each in found:
        samples += _samples(dict(zip(labels, values, strict=True)), each)
    return Family(name, "histogram", told, samples)


def _samples(labels: dict[str, str], found: Histogram) -> list[Sample]:
    samples, seen = [], 0
    for bound, count in zip((*found.bounds, None), tuple(found.counts), strict=True):
        seen += count
        upper = "+Inf" if bound is None else f"{bound:g}"
        samples.append(Sample({**labels, "le": upper}, seen, "_bucket"))
    return [*samples, Sample(labels, found.total, "_sum"), Sample(labels, seen, "_count")]
