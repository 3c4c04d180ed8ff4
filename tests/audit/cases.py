"""Exports that hold and exports that do not, by which every reader is tested: ours, the console's, the page's."""

from __future__ import annotations

import json
from collections.abc import Iterator

from autonomy.audit import note
from autonomy.audit.story import KINDS
from autonomy.kernel import canonical

from .logs import LOG_KEY, OTHER_KEY, Log, exported, honest_log, leaf, resealed, signed

HONEST = honest_log(actions=1)
LINES = exported(HONEST).splitlines(keepends=True)[:-1]  # without the seal
HEADER = json.loads(LINES[0])
PAYLOAD = next(at for at, line in enumerate(LINES) if line.startswith(b'{"payload"'))


def cases() -> Iterator[tuple[str, bytes]]:
    """Each by what is odd about it, under a good seal: whoever holds the key may have made it so."""
    yield "nothing", exported(HONEST)
    kinds = [leaf(kind, action=f"act_{kind}") for kind in sorted(KINDS - {"outcome"})]
    yield "a leaf of every kind", exported(signed(Log(kinds), []))
    yield from ((f"a leaf: {name}", with_leaf(body)) for name, body in LEAVES.items())
    yield from ((f"the header: {name}", with_header(**said)) for name, said in HEADERS.items())
    yield "the header: a fraction", resealed([LINES[0].replace(b'"exported_at":1', b'"exported_at":0.1'), *LINES[1:]])
    yield "the header: a field less", resealed([canonical.encode(without("frontier")) + b"\n", *LINES[1:]])
    yield from ((f"a payload: {name}", with_payload(**said)) for name, said in PAYLOADS.items())
    yield from ((f"a line: {name}", resealed([*LINES, line + b"\n"])) for name, line in RECORDS.items())
    yield "a payload twice", resealed([*LINES[: PAYLOAD + 1], *LINES[PAYLOAD:]])
    yield "a checkpoint twice", resealed([*LINES, LINES[-1]])
    yield "no checkpoint", resealed(LINES[:-1])
    yield "a checkpoint of another log", exported(signed(HONEST, [], origin="example.org/other"))


def stories() -> Iterator[tuple[str, bytes]]:
    """What is odd about the story of an action alone; the console says that it does not look at that."""
    yield "an action intended twice", with_leaf(leaf("intent", action="act_0000"))
    yield "an action ended twice", with_leaf(leaf("outcome", action="act_0000", status="done"))
    yield "an outcome of what was not intended", with_leaf(leaf("outcome", action="act_9999", status="done"))
    yield "an approval used twice", with_leaf(leaf("intent", action="act_9999", approval="apr_0000"))


def with_leaf(body: bytes) -> bytes:
    return exported(signed(Log([*HONEST.leaves, body], payloads=HONEST.payloads), []))


def with_header(**said: canonical.Json) -> bytes:
    return resealed([canonical.encode(HEADER | said) + b"\n", *LINES[1:]])


def without(name: str) -> dict[str, canonical.Json]:
    return {key: value for key, value in HEADER.items() if key != name}


def with_payload(**said: canonical.Json) -> bytes:
    """Not written as we write it: a reader takes any JSON."""
    shown = json.loads(LINES[PAYLOAD])["payload"] | said
    return resealed([*LINES[:PAYLOAD], json.dumps({"payload": shown}).encode() + b"\n", *LINES[PAYLOAD + 1 :]])


LEAVES = {
    "another one": leaf("change", actor="person:bob"),
    "spaces around it": b' {"v":1,"kind":"change","at":1} ',
    "no JSON": b"pay 300",
    "JSON cut off": b'{"v":1,"kind":"change","at":1',
    "a list": b'[1,"change",1]',
    "nothing": b"null",
    "no version": b'{"kind":"change","at":1}',
    "another version": leaf("change", v=2),
    "a version of text": leaf("change", v="1"),
    "no kind": b'{"v":1,"at":1}',
    "a kind that nobody knows": leaf("payment"),
    "no time": b'{"v":1,"kind":"change"}',
    "a time of text": leaf("change", at="now"),
    "a fraction of a time": b'{"v":1,"kind":"change","at":1.5}',
    "an action of a number": leaf("hold", action=7),
    "no action": leaf("hold", action=None),
    "an intent of no action": leaf("intent"),
    "an outcome of no action": leaf("outcome", action=""),
    "an approval of a number": leaf("hold", approval=7),
    "no commitments": leaf("change", commitments=None),
    "a commitment of a number": leaf("change", commitments={"reason": 7}),
    "half a character": b'{"v":1,"kind":"change","at":1,"reason":"\\ud800"}',
    "a character as two halves": b'{"v":1,"kind":"change","at":1,"reason":"\\ud83d\\ude00"}',
    "a control character": b'{"v":1,"kind":"change","at":1,"reason":"\x01"}',
    "a mark of the order of bytes": b'\xef\xbb\xbf{"v":1,"kind":"change","at":1}',
}
HEADERS: dict[str, dict[str, canonical.Json]] = {
    "a field more": {"more": 1},
    "another format": {"format": "autonomy-audit/2"},
    "another origin": {"origin": "example.org/other"},
    "more leaves": {"to": len(HONEST.leaves) + 1},
    "fewer leaves": {"to": len(HONEST.leaves) - 1},
    "leaves of text": {"to": str(len(HONEST.leaves))},
    "another frontier": {"frontier": "AAAAAAAAAAE"},
    "a frontier written otherwise": {"frontier": "AAAAAAAAAAB"},
    "a time before all times": {"exported_at": -1},
    "a time after all times": {"exported_at": 253_402_300_800_000},
    "a key twice": {"keys": HEADER["keys"] * 2},
    "a key of a number": {"keys": [7]},
    "its key behind a hundred": {"keys": [str(OTHER_KEY.verifier)] * 100 + HEADER["keys"]},
}
PAYLOADS: dict[str, dict[str, canonical.Json]] = {
    "written otherwise": {},
    "a field more": {"more": 1},
    "another index": {"index": 1},
    "an index of text": {"index": "3"},
    "another name": {"name": "facts"},
    "a name that every object has": {"name": "constructor"},
    "another value": {"value": '{"iban":"DE03"}'},
    "another salt": {"salt": "AAAAAAAAAAAAAAAAAAAAAA"},
    "a padded salt": {"salt": json.loads(LINES[PAYLOAD])["payload"]["salt"] + "=="},
    "a salt with bits that say nothing": {"salt": json.loads(LINES[PAYLOAD])["payload"]["salt"][:-1] + "R"},
}
RECORDS = {
    "empty": b"",
    "an empty object": b"{}",
    "a list": b"[]",
    "no JSON": b"seal",
    "of no kind": b'{"word":1}',
    "two names": LINES[-1][:-2] + b',"word":1}',
    "a checkpoint of a number": b'{"checkpoint":7}',
    "a checkpoint that is none": canonical.encode({"checkpoint": note.sign_text("a word\n", LOG_KEY)}),
    "a leaf of another place": b'{"index":9,"leaf":{}}',
    "one name twice": LINES[-1][:-2] + b',"checkpoint":' + canonical.encode(HONEST.checkpoints[-1]) + b"}",
}
