"""Judges a run from outside: the upstream's own journal, the exported log, and what was acknowledged. Nothing else.

It opens no database and asks the system nothing.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autonomy.cli.evidence import verified
from tests.crash.upstream import ASKED, KEYED, NEITHER, executions

WRITES = (*KEYED, *ASKED, *NEITHER)

Leaf = dict[str, Any]


@dataclass
class Judgement:
    """What was found wrong, and how much was looked at."""

    faults: list[str] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)


def judge(export: Path, journal: Path, witness: Path, acknowledged: list[dict[str, Any]]) -> Judgement:
    """Everything that must hold of a run, whatever was killed in it."""
    found = Judgement()
    report = verified(export, witness, None, False).report
    found.faults += [f"verify: {finding.code} {finding.message}" for finding in report.findings]
    leaves = read_leaves(export)
    if [index for index, _ in leaves] != list(range(len(leaves))):
        found.faults.append("the log has a gap")
    stories: defaultdict[str, list[Leaf]] = defaultdict(list)
    for _, leaf in leaves:
        stories[leaf.get("action", "")].append(leaf)
    _check_executions(found, stories, executions(journal))
    _check_endings(found, stories)
    _check_acknowledged(found, stories, acknowledged, len(leaves))
    found.seen["leaves"], found.seen["witnessed"] = len(leaves), report.witness_matched
    return found


def read_leaves(export: Path) -> list[tuple[int, Leaf]]:
    """Index and content of every leaf of an export, in order."""
    lines = (json.loads(line) for line in export.read_bytes().splitlines())
    return [(line["index"], line["leaf"]) for line in lines if "index" in line]


def _kinds(story: list[Leaf], kind: str) -> list[Leaf]:
    return [leaf for leaf in story if leaf["kind"] == kind]


def _check_executions(found: Judgement, stories: dict[str, list[Leaf]], executed: list[dict[str, str]]) -> None:
    counted = Counter(line["action"] for line in executed)
    for action, times in counted.items():
        intents = _kinds(stories[action], "intent")
        if len(intents) != 1:
            found.faults.append(f"{action} was executed with {len(intents)} intents")
        if times > 1:
            found.faults.append(f"{action} was executed {times} times")
    for action, story in list(stories.items()):
        outcome = next(iter(_kinds(story, "outcome")), None)
        if outcome is None or outcome["tool"] not in WRITES:
            continue
        status, times = outcome["status"], counted[action]
        found.seen[f"{outcome['tool']} {status}"] += 1
        if status == "done" and times != 1:
            found.faults.append(f"{action} is said to be done and was executed {times} times")
        if status == "failed" and times:
            found.faults.append(f"{action} is said to have failed and was executed")
        if status == "unknown" and outcome["tool"] not in NEITHER:
            found.faults.append(f"{action} is unknown although its system could tell")
    found.seen["executed"] = len(executed)


def _check_endings(found: Judgement, stories: dict[str, list[Leaf]]) -> None:
    for action, story in stories.items():
        intents, outcomes = len(_kinds(story, "intent")), len(_kinds(story, "outcome"))
        if (intents, outcomes) not in ((0, 0), (1, 1)):
            found.faults.append(f"{action} has {intents} intents and {outcomes} outcomes")


def _check_acknowledged(
    found: Judgement, stories: dict[str, list[Leaf]], acknowledged: list[dict[str, Any]], size: int
) -> None:
    for said in acknowledged:
        found.seen["acknowledged"] += 1
        if "status" in said:
            _check_reply(found, stories.get(said["action"], []), said)
        elif "approved" in said and not _kinds(stories.get(said["action"], []), "approval"):
            found.faults.append(f"the approval of {said['action']} is lost")
        elif "checkpoint" in said and said["checkpoint"] > size:
            found.faults.append(f"a checkpoint of {said['checkpoint']} leaves was told, there are {size}")
    declared = sum("declared" in said for said in acknowledged)
    changes = sum(leaf["kind"] == "change" and "epoch" in leaf for story in stories.values() for leaf in story)
    if changes < declared:
        found.faults.append(f"{declared} changes were told, {changes} are on record")


def _check_reply(found: Judgement, story: list[Leaf], said: dict[str, Any]) -> None:
    status = said["status"]
    expected = {"held": "hold", "denied": "denial"}.get(status, "intent")
    if not _kinds(story, expected):
        found.faults.append(f"{said['action']} was told to be {status} and has no {expected}")
    if status in ("done", "failed", "unknown") and said["tool"] != "look":
        outcomes = [leaf["status"] for leaf in _kinds(story, "outcome")]
        if outcomes != [status]:
            found.faults.append(f"{said['action']} was told to be {status} and is on record as {outcomes}")
