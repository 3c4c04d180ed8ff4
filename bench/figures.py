"""What every figure means and what it has to be. A metric without a line here is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

Metrics = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Target:
    """What a figure must be, in `words` and as a rule over all metrics of its run."""

    words: str
    met: Callable[[Metrics], bool]


@dataclass(frozen=True, slots=True)
class Figure:
    """One metric: its name, what it is, and its target where it has one."""

    name: str
    meaning: str
    target: Target | None = None


def _at_most(name: str, limit: float, unit: str = "") -> Target:
    return Target(f"≤ {limit:g}{unit}", lambda metrics: metrics[name] <= limit)


def _at_least(name: str, limit: float) -> Target:
    return Target(f"≥ {limit:,.0f}", lambda metrics: metrics[name] >= limit)


def _times(name: str, factor: float) -> Target:
    return Target(f"≥ {factor:g} times", lambda metrics: metrics[name] >= factor)


def _over_commits(name: str, commits: int, more: float) -> Target:
    words = f"≤ {commits} raw commit{'s' * (commits > 1)} + {more} ms"
    return Target(words, lambda metrics: metrics[name] <= commits * metrics["raw_commit_p50_ms"] + more)


FIGURES: Mapping[str, tuple[Figure, ...]] = {
    "door": (
        Figure("c1_p50_ms", "one caller: an action, both of its commits included", _over_commits("c1_p50_ms", 2, 1.0)),
        Figure("raw_commit_p50_ms", "one SQLite FULL commit of one row, in the same run"),
        Figure("c1_over_two_commits_ms", "what an action costs above its two commits"),
        Figure("c64_per_s", "64 callers: actions a second", _at_least("c64_per_s", 2_500)),
        Figure("c64_cpu_us", "64 callers: microseconds of CPU an action"),
        Figure(
            "c64_effects_per_s",
            "64 callers whose effects take 0–20 ms: actions a second",
            _at_least("c64_effects_per_s", 2_000),
        ),
        Figure("open_p50_ms", "arrivals at random, 1,000 a second: half are answered within"),
        Figure("open_p99_ms", "the same: 99 % are answered within", _at_most("open_p99_ms", 10, " ms")),
        Figure("pg_c64_per_s", "PostgreSQL, 64 callers: actions a second", _at_least("pg_c64_per_s", 1_500)),
        Figure("pg_c64_cpu_us", "the same: microseconds of this process's CPU an action"),
    ),
    "mcp": (
        Figure(
            "added_p50_ms",
            "one client: a governed read above the same call straight to the upstream",
            _over_commits("added_p50_ms", 1, 1.5),
        ),
        Figure("raw_commit_p50_ms", "one SQLite FULL commit of one row, in the same run"),
        Figure("added_write_p50_ms", "the same for a write, which waits for two commits"),
        Figure("c32_per_s", "32 clients: governed reads a second", _at_least("c32_per_s", 500)),
        Figure("c32_write_per_s", "32 clients: governed writes a second"),
        Figure("ready_s", "process start to ready", _at_most("ready_s", 2, " s")),
        Figure("rss_mb", "resident memory after the load", _at_most("rss_mb", 120, " MB")),
        Figure("ready_large_s", "process start to ready with 10,000 agents and 1,000 policies"),
        Figure("rss_large_mb", "resident memory with 10,000 agents and 1,000 policies, once ready"),
    ),
    "policy": (
        Figure("p50_ms", "half of the decisions take at most", _at_most("p50_ms", 0.2, " ms")),
        Figure("p99_ms", "99 % of the decisions take at most", _at_most("p99_ms", 0.5, " ms")),
        Figure("first_p50_ms", "with nothing remembered: half take at most"),
        Figure("first_p99_ms", "with nothing remembered: 99 % take at most"),
        Figure("allowed_p50_ms", "of these, decisions that allow: half take at most"),
        Figure("held_p50_ms", "decisions that hold, each put to Cedar twice: half take at most"),
        Figure("denied_p50_ms", "decisions that deny: half take at most"),
        Figure("build_s", "from a new revision of the organisation to a bundle that decides"),
    ),
    "audit": (
        Figure("verify_per_s", "leaves verified a second from SQLite by one core", _at_least("verify_per_s", 200_000)),
        Figure(
            "append_growth",
            "CPU to append a leaf at 1,000,000 leaves, over that at 1,000",
            _at_most("append_growth", 1.3),
        ),
        Figure("append_us", "microseconds of CPU to append a leaf at 1,000,000 leaves, 64 a commit"),
        Figure("append_small_us", "microseconds of CPU to append a leaf at 1,000 leaves, 64 a commit"),
        Figure("proof_ms", "an inclusion proof made and checked at 1,000,000 leaves", _at_most("proof_ms", 5, " ms")),
        Figure("proof_worst_ms", "the slowest of a block of twenty such proofs"),
        Figure("leaf_bytes", "bytes of a leaf, on average"),
    ),
    "connectors": (
        Figure(
            "tryton_read_added_ms",
            "a read of a running Tryton through the gate, above the same request straight to it",
            _at_most("tryton_read_added_ms", 4, " ms"),
        ),
        Figure("tryton_first_read_added_ms", "the same for the first read of a case, which waits for its label"),
        Figure("tryton_write_added_ms", "the same for a write", _at_most("tryton_write_added_ms", 5, " ms")),
        Figure("list_ms", "1,000 tools of an idle MCP server, listed for an agent", _at_most("list_ms", 20, " ms")),
        Figure(
            "agents_mb",
            "memory that 5,000 agents take for identities of their own at the other system, above one shared",
            _at_most("agents_mb", 100, " MB"),
        ),
    ),
    "memory": (
        Figure(
            "recall_p50_ms",
            "found by words among 1,000,000 items, opened and ranked: half within",
            _at_most("recall_p50_ms", 5, " ms"),
        ),
        Figure("recall_p99_ms", "the same: 99 % within"),
        Figure("reuse_p50_ms", "work recalled by task and inputs: half within"),
        Figure("door_search_p50_ms", "a search as an action through the door, intent durable: half within"),
        Figure("door_write_p50_ms", "an item written through the door, all three commits included: half within"),
        Figure("raw_commit_p50_ms", "one SQLite FULL commit of one row, in the same run"),
        Figure("items", "items in memory, a third of which the asker may not read"),
        Figure("fill_s", "seconds to seal, mark, write and index them in bulk"),
        Figure("bytes_per_item", "bytes of the database an item, index included"),
    ),
    "work": (
        Figure("sqlite_per_s", "SQLite, 64 at once: runs of five governed steps a second"),
        Figure("sqlite_ratio", "the same, over the faster of the peers", _times("sqlite_ratio", 3.0)),
        Figure("pg_per_s", "PostgreSQL, 64 at once: runs of five governed steps a second"),
        Figure("pg_ratio", "the same, over the faster of the peers", _times("pg_ratio", 1.5)),
        Figure(
            "dispatch_per_s",
            "SQLite: runs a second of five steps whose performer does nothing",
            _at_least("dispatch_per_s", 1_000),
        ),
        Figure(
            "resume_p50_ms",
            "from a person's yes to the end of the run that waited, 10,000 waiting: half within",
            _at_most("resume_p50_ms", 60, " ms"),
        ),
        Figure("resume_p99_ms", "the same: 99 % within"),
        Figure("waiting_mb", "memory that 10,000 runs take that wait for people", _at_most("waiting_mb", 10, " MB")),
        Figure("waiting", "runs that waited"),
    ),
    "console": (
        Figure(
            "api_p95_ms",
            "SQLite: 95 % of the slowest call of the slowest page are answered within",
            _at_most("api_p95_ms", 200, " ms"),
        ),
        Figure("leaves", "leaves of that log, by 5,000 agents"),
        Figure("pg_api_p95_ms", "PostgreSQL: the same", _at_most("pg_api_p95_ms", 200, " ms")),
        Figure("pg_leaves", "leaves of that log"),
        Figure("fcp_ms", "first contentful paint of Today, in a new browser", _at_most("fcp_ms", 1_000, " ms")),
        Figure("feed_ms", "from the answer to an agent to its row on the screen", _at_most("feed_ms", 500, " ms")),
        Figure("bundle_kb", "scripts that every page begins with, by gzip", _at_most("bundle_kb", 300, " kB")),
        Figure(
            "ingest_overhead",
            "share of what the door does at 64 callers that search and figures cost",
            _at_most("ingest_overhead", 0.05),
        ),
        Figure("ingest_per_s", "actions a second with both"),
    ),
}


def described(bench: str, metrics: Metrics) -> list[Figure]:
    """The figures of a bench in order; raises ValueError where metrics and figures are not the same names."""
    figures = list(FIGURES[bench])
    odd = {figure.name for figure in figures} ^ set(metrics)
    if odd:
        raise ValueError(f"the metrics of `{bench}` and its figures differ in {', '.join(sorted(odd))}")
    return figures
