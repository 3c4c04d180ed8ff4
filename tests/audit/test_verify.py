"""What the independent reader says of honest logs, and of logs that tell an impossible story."""

from __future__ import annotations

import json
import os
import random
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autonomy.audit import export, layout, merkle, note, verify
from autonomy.audit.report import Report
from autonomy.audit.witness import Copy
from autonomy.cli.evidence import verified
from autonomy.kernel import canonical
from autonomy.kernel.clock import HOUR, rfc3339
from autonomy.kernel.errors import Corrupt
from tests.examples import tried

from .logs import (
    EXPORTED_AT,
    LOG_KEY,
    ORIGIN,
    OTHER_KEY,
    SALT,
    Log,
    action_leaves,
    codes,
    exported,
    frontier,
    honest_log,
    leaf,
    nodes,
    resealed,
    signed,
    verdict,
)

HONEST = honest_log()
SIZE = len(HONEST.leaves)


def test_an_honest_export_verifies() -> None:
    report = verdict(exported(HONEST), [LOG_KEY.verifier], HONEST.checkpoints)
    assert report.ok
    assert (report.leaves, report.size, report.payloads) == (SIZE, SIZE, 15)
    assert report.checkpoints == len(HONEST.checkpoints) == report.witness_matched
    assert (report.key, report.witness) == ("given", "matched")


def test_without_a_key_or_a_witness_the_report_says_so() -> None:
    report = verdict(exported(HONEST))
    assert report.ok
    assert (report.key, report.witness) == ("from the file", "none given")


def test_an_export_of_an_empty_log_verifies() -> None:
    report = verdict(exported(signed(Log([]), [])))
    assert report.ok
    assert (report.leaves, report.checkpoints) == (0, 1)


@given(st.integers(0, SIZE), st.integers(0, SIZE), st.data())
@settings(max_examples=tried(60), deadline=None)
def test_every_range_verifies_with_links_to_checkpoints_outside(left: int, right: int, data: st.DataObject) -> None:
    start, stop = sorted((left, right))
    older = data.draw(st.integers(1, start)) if start else None
    newer = data.draw(st.integers(max(stop, 1), SIZE))
    links = ([_link(older, start)] if older else []) + ([_link(newer, stop)] if stop else [])
    whole = signed(HONEST, range(SIZE + 1))
    report = verdict(exported(whole, start, stop, links=links), [LOG_KEY.verifier])
    assert report.ok, report.findings
    assert report.leaves == stop - start


def _link(outside: int, edge: int) -> export.Link:
    """A link from the checkpoint of `outside` leaves to the edge of a range."""
    old, new = sorted((outside, edge))
    checkpoint = note.sign(note.Checkpoint(ORIGIN, outside, frontier(HONEST.leaves[:outside]).root()), LOG_KEY)
    return export.Link(checkpoint, tuple(merkle.consistency_proof(old, new, nodes(HONEST.leaves[:new]))))


def test_a_newer_checkpoint_covers_a_range_that_ends_between_two() -> None:
    assert codes(verdict(exported(HONEST, 3, 12))) == {"checkpoint.missing"}
    assert verdict(exported(HONEST, 3, 12, links=[_link(14, 12)])).ok


def test_a_link_with_a_false_proof_is_found() -> None:
    false = export.Link(_link(14, 12).checkpoint, (bytes(32),))
    assert "link.inconsistent" in codes(verdict(exported(HONEST, 3, 12, links=[false])))


def test_a_link_to_a_checkpoint_of_another_log_is_found() -> None:
    root = frontier(HONEST.leaves[:14]).root()
    other = note.sign(note.Checkpoint("example.org/other", 14, root), LOG_KEY)
    data = exported(HONEST, 0, 12, links=[export.Link(other, _link(14, 12).proof)])
    assert "link.other_log" in codes(verdict(data))


def test_no_leaf_may_follow_a_link() -> None:
    # Otherwise a true checkpoint replayed after an honest beginning would vouch for the forged leaves behind it.
    lines = exported(HONEST, 0, 12, links=[_link(14, 12)]).splitlines(keepends=True)[:-1]
    assert "file.malformed" in codes(verdict(resealed([*lines[:-3], lines[-1], *lines[-3:-1]])))


def test_a_false_frontier_cannot_lead_to_a_signed_root() -> None:
    forged = Log([leaf("change", actor="person:eve"), *HONEST.leaves[1:]], HONEST.checkpoints)
    assert "checkpoint.other_root" in codes(verdict(exported(forged, 4, SIZE)))


def test_an_export_under_a_key_other_than_the_given_one_is_found() -> None:
    theirs = signed(HONEST, range(0, SIZE, 7), OTHER_KEY)
    assert verdict(exported(theirs, key=OTHER_KEY)).ok
    found = codes(verdict(exported(theirs, key=OTHER_KEY), [LOG_KEY.verifier]))
    assert {"file.seal", "checkpoint.unsigned"} <= found


def test_a_checkpoint_of_another_log_is_found() -> None:
    other = signed(HONEST, range(0, SIZE, 7), origin="example.org/other")
    assert "checkpoint.other_log" in codes(verdict(exported(other)))


def test_more_than_a_thousand_leaves_between_checkpoints_are_found() -> None:
    leaves = [leaf("change", number=number) for number in range(2_500)]
    assert verdict(exported(signed(Log(leaves), [1_000, 2_000]))).ok
    assert codes(verdict(exported(signed(Log(leaves), [1_000, 1_499])))) == {"checkpoint.gap"}


@pytest.mark.parametrize(
    ("leaves", "code"),
    [
        ([leaf("outcome", action="act_1")], "action.no_intent"),
        ([leaf("outcome", action="act_1"), leaf("intent", action="act_1")], "action.no_intent"),
        ([leaf("intent", action="act_1"), leaf("intent", action="act_1")], "action.second_intent"),
        ([*action_leaves(1, b""), leaf("intent", action="act_0001")], "action.second_intent"),
        ([*action_leaves(1, b""), leaf("outcome", action="act_0001")], "action.second_outcome"),
        ([leaf("intent"), leaf("change")], "action.unnamed"),
        ([leaf("outcome")], "action.unnamed"),
        (
            [leaf("intent", action="a", approval="apr"), leaf("intent", action="b", approval="apr")],
            "approval.used_twice",
        ),
        ([leaf("confession")], "leaf.unknown_kind"),
        ([canonical.encode({"v": 2, "kind": "intent", "at": 1, "action": "a"})], "leaf.unknown_version"),
        ([canonical.encode({"v": 2, "kind": "change", "at": 1})], "leaf.unknown_version"),
        ([b"[]"], "leaf.malformed"),
        ([b"{"], "leaf.malformed"),
        ([b"\xff"], "leaf.malformed"),
        ([b"[" * 100_000], "leaf.malformed"),
        ([b'{"v":1,"kind":"change","at":1},"leaf2":{}'], "leaf.malformed"),
    ],
)
def test_a_story_that_cannot_be_is_found(leaves: list[bytes], code: str) -> None:
    log = signed(Log(leaves), [])
    assert code in codes(verdict(exported(log)))
    assert verdict(exported(log), fast=True).ok  # the tree itself is sound


def test_an_outcome_whose_intent_lies_before_the_range_is_no_finding() -> None:
    whole = signed(HONEST, range(SIZE + 1))
    assert verdict(exported(whole, 4, SIZE)).ok


def test_a_payload_other_than_the_committed_one_is_found() -> None:
    payload = HONEST.payloads[0]
    for false in (
        export.Payload(payload.index, payload.name, payload.salt, b'{"iban":"DE03"}'),
        export.Payload(payload.index, payload.name, b"another salt 16b", payload.value),
        export.Payload(payload.index, payload.name, payload.salt[:-1], payload.salt[-1:] + payload.value),
        export.Payload(payload.index, payload.name, payload.salt + payload.value[:1], payload.value[1:]),
    ):
        log = Log(HONEST.leaves, HONEST.checkpoints, [false])
        assert codes(verdict(exported(log))) == {"payload.other_value"}
        assert codes(verdict(exported(log), fast=True)) == {"payload.other_value"}


def test_a_payload_without_a_commitment_is_found() -> None:
    for stray in (
        export.Payload(0, "arguments", SALT, b"x"),
        export.Payload(HONEST.payloads[0].index, "result", SALT, b"x"),
    ):
        log = Log(HONEST.leaves, HONEST.checkpoints, [stray])
        assert codes(verdict(exported(log))) == {"payload.misplaced"}


def test_a_payload_that_names_another_leaf_is_found() -> None:
    lines = exported(HONEST).splitlines(keepends=True)[:-1]
    at = next(at for at, line in enumerate(lines) if line.startswith(b'{"payload"'))
    lines[at] = lines[at].replace(b'"index":3', b'"index":7')
    assert codes(verdict(resealed(lines))) == {"payload.misplaced"}


def test_a_key_that_stands_twice_is_found_even_where_the_last_of_its_values_is_true() -> None:
    lines = exported(HONEST).splitlines(keepends=True)[:-1]
    at = next(at for at, line in enumerate(lines) if line.startswith(b'{"payload"'))
    lines[at] = lines[at].replace(b'"value":', b'"value":"what a careless reader shows","value":')
    assert codes(verdict(resealed(lines))) == {"file.malformed"}


def test_a_file_changed_after_it_was_sealed_is_found_even_where_the_tree_does_not_cover_the_change() -> None:
    data = exported(HONEST)
    assert codes(verdict(data.replace(b'"exported_at":17', b'"exported_at":16', 1))) == {"file.seal"}


def test_a_file_without_its_seal_is_found() -> None:
    lines = exported(HONEST).splitlines(keepends=True)
    assert codes(verdict(b"".join(lines[:-1]))) == {"file.no_seal"}


def test_a_leaf_that_is_not_one_line_is_not_exported() -> None:
    with pytest.raises(Corrupt):
        exported(signed(Log([b'{"v":1,\n}']), []))


def test_a_rewrite_signed_with_the_stolen_key_is_found_by_the_witness_alone() -> None:
    leaves = [*HONEST.leaves]
    leaves[2] = leaf("approval", actor="person:mallory", subject="apr_0000")
    forged = exported(signed(Log(leaves, payloads=HONEST.payloads), range(0, SIZE, 7)))
    assert verdict(forged, [LOG_KEY.verifier]).ok
    report = verdict(forged, [LOG_KEY.verifier], HONEST.checkpoints[:1])
    assert codes(report) == {"witness.fork"}
    assert report.witness == "failed"


def test_a_truncation_signed_with_the_stolen_key_is_found_by_the_witness_alone() -> None:
    short = exported(signed(Log(HONEST.leaves[:41], payloads=HONEST.payloads[:10]), range(0, 41, 7)))
    assert verdict(short, [LOG_KEY.verifier]).ok
    assert codes(verdict(short, [LOG_KEY.verifier], HONEST.checkpoints)) == {"witness.truncated"}


def test_a_witness_is_not_satisfied_by_a_replayed_checkpoint_behind_forged_leaves() -> None:
    forged = Log([*HONEST.leaves[:12], leaf("change", actor="person:eve")])
    forged = signed(forged, [12])
    lines = exported(forged).splitlines(keepends=True)[:-1]
    link = exported(HONEST, 0, 12, links=[_link(14, 12)]).splitlines(keepends=True)[-2]
    for place in range(1, len(lines) + 1):
        report = verdict(resealed([*lines[:place], link, *lines[place:]]), (), [HONEST.checkpoints[1]])
        assert not report.ok


def test_copies_outside_the_range_are_counted_and_do_not_count_as_agreement() -> None:
    whole = signed(HONEST, range(SIZE + 1))
    report = verdict(exported(whole, 20, 40), (), HONEST.checkpoints[:4])
    assert report.ok
    assert (report.witness_matched, report.witness_outside) == (2, 2)
    assert codes(verdict(exported(whole, 20, 40), (), HONEST.checkpoints[:2])) == {"witness.outside"}


@pytest.mark.parametrize(
    ("notes", "code"),
    [
        ([], "witness.empty"),
        (["nonsense"], "witness.unreadable"),
        ([note.sign(note.Checkpoint("example.org/other", 3, bytes(32)), LOG_KEY)], "witness.empty"),
        ([note.sign(note.Checkpoint(ORIGIN, 7, frontier(HONEST.leaves[:7]).root()), OTHER_KEY)], "witness.unreadable"),
        ([note.sign(note.Checkpoint(ORIGIN, 0, merkle.EMPTY_ROOT), LOG_KEY)], "witness.empty"),
    ],
)
def test_a_witness_that_says_nothing_is_no_witness(notes: list[str], code: str) -> None:
    report = verdict(exported(HONEST), (), notes)
    assert code in codes(report)
    assert report.witness == "failed"


def test_a_file_and_a_folder_of_copies_are_read(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_bytes(exported(HONEST))
    for number, text in enumerate(HONEST.checkpoints):
        (tmp_path / f"{number}.note").write_text(text)
    key = str(LOG_KEY.verifier)
    report = verified(tmp_path / "log.jsonl", tmp_path, key, False).report
    assert report.ok
    assert report.witness_matched == len(HONEST.checkpoints)
    (tmp_path / "odd.note").write_bytes(b"\xff\xfe")
    assert not verified(tmp_path / "log.jsonl", tmp_path, key, False).ok


def test_an_older_export_beside_a_newer_witness_is_whole_as_far_as_it_goes(tmp_path: Path) -> None:
    short = signed(Log(HONEST.leaves[:42], payloads=HONEST.payloads[:10]), range(0, 43, 7))
    path = tmp_path / "log.jsonl"
    path.write_bytes(exported(short))
    for number, text in enumerate(HONEST.checkpoints):
        copy = tmp_path / f"{number}.note"
        copy.write_text(text)
        # The copies of what came after the export were made after it; those of before cannot be.
        is_later = note.read(text).checkpoint().size > 42
        at = EXPORTED_AT + (5_000 if is_later else -5_000)
        os.utime(copy, (at / 1000, at / 1000))
    found = verified(path, tmp_path, None, False)
    assert found.ok and found.report.witness == "matched"
    made = rfc3339(EXPORTED_AT)
    assert f"it holds the first 42 leaves, all there were at {made}; the witness saw {SIZE}" in found.remarks
    os.utime(copy, ((EXPORTED_AT - HOUR) / 1000,) * 2)
    assert codes(verified(path, tmp_path, None, False).report) == {"witness.truncated"}


def test_an_export_older_than_every_copy_agrees_with_none(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_bytes(exported(signed(Log(HONEST.leaves[:41]), [41])))
    (tmp_path / "last.note").write_text(HONEST.checkpoints[-1])
    assert codes(verified(tmp_path / "log.jsonl", tmp_path, None, False).report) == {"witness.outside"}


def test_the_format_is_what_the_documentation_says() -> None:
    lines = exported(HONEST).splitlines()
    header = json.loads(lines[0])
    assert header["format"] == "autonomy-audit/1"
    assert (header["from"], header["to"], header["keys"]) == (0, SIZE, [str(LOG_KEY.verifier)])
    leaves = [json.loads(line)["leaf"] for line in lines if line.startswith(b'{"index"')]
    assert [canonical.encode(body) for body in leaves] == HONEST.leaves
    text = json.loads(lines[-1])["seal"]
    digest = sha256(b"".join(line + b"\n" for line in lines[:-1])).digest()
    assert note.signed_text(text, [LOG_KEY.verifier]).splitlines()[2:] == [
        f"0 {SIZE}",
        note.sign(note.Checkpoint("x", 0, digest), LOG_KEY).splitlines()[2],
    ]


@given(st.binary(max_size=300), st.integers(0, 1_000), st.booleans())
@settings(max_examples=tried(300), deadline=None)
def test_no_file_makes_the_reader_raise(noise: bytes, at: int, anew: bool) -> None:
    data = b"" if anew else exported(HONEST)
    assert not verdict(data[:at] + noise + b"\n" + data[at:], (), ["noise"]).ok


HEADER = json.loads(exported(HONEST).splitlines()[0])
HOSTILE_HEADERS = [
    HEADER | change
    for change in (
        {"format": "autonomy-audit/2"},
        {"from": -1},
        {"from": True},
        {"from": 1},
        {"to": 2**53},
        {"to": -1},
        {"to": 1.5},
        {"keys": ["x"]},
        {"keys": [3]},
        {"keys": "x"},
        {"frontier": "A"},
        {"frontier": "é"},
        {"frontier": ""},
        {"more": 1},
    )
]
HOSTILE_LINES = [
    b'{"checkpoint":3}',
    b'{"checkpoint":"\\ud800"}',
    b'{"payload":{}}',
    b'{"payload":{"index":0,"name":"a","salt":"%%","value":"x"}}',
    b'{"payload":{"index":0,"name":"a","salt":"","value":"\\ud800"}}',
    b'{"link":[]}',
    b'{"link":{"checkpoint":"x","proof":[1]}}',
    b'{"seal":null}',
    b'{"seal":"x"}',
    b'{"index":1e999,"leaf":{}}',
    b'{"index":' + b"9" * 5_000 + b',"leaf":{}}',
    b'{"index":0, "leaf":{}}',
    b'{"leaf":{},"index":0}',
    b'{"checkpoint":"x","checkpoint":"y"}',
    b"{}",
    b"[]",
    b"null",
    b"[" * 200_000,
    b"",
]


@pytest.mark.parametrize("header", HOSTILE_HEADERS, ids=str)
def test_a_header_that_lies_about_its_form_is_a_finding(header: canonical.Json) -> None:
    lines = exported(HONEST).splitlines(keepends=True)
    data = json.dumps(header).encode() + b"\n" + b"".join(lines[1:])
    assert codes(verdict(data, [LOG_KEY.verifier], HONEST.checkpoints)) == {"file.header"}


@pytest.mark.parametrize("line", HOSTILE_LINES)
def test_a_line_of_no_known_form_is_a_finding_even_under_a_good_seal(line: bytes) -> None:
    lines = exported(HONEST).splitlines(keepends=True)[:-1]
    assert not verdict(resealed([*lines, line + b"\n"])).ok
    assert not verdict(resealed([*lines[:9], line + b"\n", *lines[9:]])).ok


def test_a_file_full_of_nonsense_stops_the_reader_at_a_hundred_findings() -> None:
    noise = random.Random(4).randbytes(2_000).hex().encode()
    lines = exported(HONEST).splitlines(keepends=True)
    data = lines[0] + b"".join(b"%x\n" % byte for byte in noise)
    assert len(verdict(data).findings) == 100


def rows(log: Log) -> list[layout.Row]:
    said = map(json.loads, log.leaves)
    return [
        (index, body, merkle.leaf_hash(body), told["kind"], told.get("action"), told["at"])
        for index, (body, told) in enumerate(zip(log.leaves, said, strict=True))
    ]


def database_verdict(
    changed: list[layout.Row],
    checkpoints: list[str],
    witness_notes: list[str] | None = None,
    fast: bool = False,
    nodes: list[merkle.Node] | None = None,
) -> Report:
    keys, copies = [LOG_KEY.verifier], witness_notes and map(Copy, witness_notes)
    return verify.verify_database(
        changed, checkpoints, origin=ORIGIN, keys=keys, witness_copies=copies, fast=fast, nodes=nodes
    )


def test_an_honest_database_verifies_with_a_tail_no_checkpoint_covers_yet() -> None:
    report = database_verdict(rows(HONEST), HONEST.checkpoints[:-2], witness_notes=HONEST.checkpoints[:3])
    assert report.ok
    assert (report.leaves, report.witness_matched) == (SIZE, 3)
    assert database_verdict([], []).ok
    assert database_verdict([], signed(Log([]), []).checkpoints).ok


HOLD = leaf("hold", action="act_0001", at=1)
HOLD_HASH = merkle.leaf_hash(HOLD)


@pytest.mark.parametrize("fast", [False, True])
@pytest.mark.parametrize(
    "column",
    [
        (HOLD_HASH, "label", "act_0001", 1),
        (HOLD_HASH, "hold", None, 1),
        (HOLD_HASH, "hold", "act_0001", 2),
        (merkle.leaf_hash(b"another"), "hold", "act_0001", 1),
    ],
)
def test_columns_that_say_something_else_than_their_leaf_are_one_finding(
    column: tuple[bytes, str, str | None, int], fast: bool
) -> None:
    log = signed(Log([*HONEST.leaves, HOLD, HOLD]), range(7, 100, 7))
    honest = rows(log)
    changed = [*honest[:-2], *((index, HOLD, *column) for index, *_ in honest[-2:])]
    assert database_verdict(honest, log.checkpoints, fast=fast).ok
    (found,) = database_verdict(changed, log.checkpoints, fast=fast).findings
    assert (found.code, found.index, found.message[-2:]) == ("leaf.column", len(honest) - 2, " 2")


def test_what_is_kept_of_the_tree_for_proofs_belongs_to_its_leaves() -> None:
    leaves = [leaf("change", number=number) for number in range(700)]
    kept = merkle.Frontier().extend(map(merkle.leaf_hash, leaves))
    assert [(level, index) for level, index, _ in kept] == [(8, 0), (8, 1)]
    assert database_verdict(rows(Log(leaves)), [], nodes=kept[::-1]).ok
    other = (*kept[1][:2], merkle.leaf_hash(b"another"))
    for changed in ([], kept[:1], [kept[0], other], [*kept, (8, 2, other[2])]):
        assert codes(database_verdict(rows(Log(leaves)), [], nodes=changed)) == {"node.other"}


def test_a_database_whose_rows_were_changed_is_found() -> None:
    honest = rows(HONEST)
    for changed, expected in (
        (honest[:-1], "checkpoint.misplaced"),
        ([*honest[:5], *honest[6:]], "leaf.order"),
        ([*honest[:5], (5, *honest[6][1:]), (6, *honest[5][1:]), *honest[7:]], "checkpoint.other_root"),
        ([*honest, honest[-1]], "leaf.order"),
        ([], "checkpoint.misplaced"),
    ):
        assert expected in codes(database_verdict(changed, HONEST.checkpoints))


def test_a_database_without_checkpoints_for_a_thousand_leaves_is_found() -> None:
    leaves = [leaf("change", number=number) for number in range(1_001)]
    assert codes(database_verdict(rows(Log(leaves)), [])) == {"checkpoint.missing"}
