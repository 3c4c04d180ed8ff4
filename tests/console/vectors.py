"""Proofs by the server's own code, and logs with what it finds of them, by which the browser is tested.

`python -m tests.console.vectors` writes them.
"""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path

from autonomy.audit import merkle, note
from tests.audit.cases import cases
from tests.audit.logs import LOG_KEY, verdict

FOLDER = Path(__file__).parents[2] / "web" / "src" / "proof"
FILE = FOLDER / "vectors.json"
LOGS = FOLDER / "logs.json"
SIZES = (1, 2, 3, 7, 8, 13)


def vectors() -> list[dict[str, object]]:
    """For trees of several sizes: a proof of each leaf, in the form in which the API says it."""
    signer = note.Signer.from_seed("log.example", bytes(range(32)))
    return [proof(_bodies(size), index, signer) for size in SIZES for index in range(size)]


def _bodies(size: int) -> list[str]:
    return [f'{{"action":"act_{number}","at":1,"kind":"intent","said":"grüße","v":1}}' for number in range(size)]


def logs() -> dict[str, object]:
    """Whole logs by what is odd about them, each as its lines, of which most are the same, and whether it holds."""
    lines: dict[str, int] = {}
    files: dict[str, object] = {}
    for name, data in cases():
        text = data.decode("utf-8").split("\n")[:-1]
        places = [lines.setdefault(line, len(lines)) for line in text]
        files[name] = {"holds": verdict(data).ok, "lines": places}
    return {"key": str(LOG_KEY.verifier), "lines": list(lines), "files": files}


def proof(bodies: list[str], index: int, signer: note.Signer) -> dict[str, object]:
    """That the leaf `index` is in the log of these leaves, which `signer` has signed."""
    size = len(bodies)
    hashes = [merkle.leaf_hash(body.encode()) for body in bodies]
    source = merkle.node_source(lambda start, stop: hashes[start:stop], lambda *_: ())
    frontier = merkle.Frontier()
    frontier.extend(hashes)
    signed = note.sign(note.Checkpoint(signer.verifier.name, size, frontier.root()), signer)
    return {
        "index": index,
        "size": size,
        "body": bodies[index],
        "hash": hashes[index].hex(),
        "path": [b64encode(part).decode() for part in merkle.inclusion_proof(index, size, source)],
        "checkpoint": {"size": size, "note": signed, "key": str(signer.verifier)},
    }


if __name__ == "__main__":
    for file, found in ((FILE, vectors()), (LOGS, logs())):
        file.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
