"""The record itself, and the evidence by which others check it without us."""

from __future__ import annotations

from base64 import b64encode
from typing import Annotated, Any

from fastapi import Query
from fastapi.concurrency import run_in_threadpool
from pydantic import Field
from starlette.responses import StreamingResponse

from autonomy.audit import note, read_leaf
from autonomy.identity import Permission, PersonCaller
from autonomy.insight import Proof
from autonomy.kernel.errors import Forbidden

from ..access import allowed
from ..answers import PAGE, AfterIndex, Answer, Asked, Limit, Number, Reason, Text, refusals, streamed
from ..here import Here
from ..parts import Parts
from ..route import api

router = api("audit")

JSON_LINES = "application/jsonl"

Reader = Annotated[PersonCaller, allowed(Permission.AUDIT_LOG_READ)]
Exporter = Annotated[PersonCaller, allowed(Permission.AUDIT_LOG_EXPORT)]
Eraser = Annotated[PersonCaller, allowed(Permission.AUDIT_SUBJECT_ERASE)]


class Erasure(Asked):
    """`subject` is named as the tools name it; for what an agent itself wrote, `agent:` and its id."""

    subject: Text = Field(examples=["supplier-17"])
    reason: Reason = Field(examples=["erasure request 2031-4"])


class LoggedAnswer(Answer):
    """One leaf. `hash` (hexadecimal) is SHA-256 over a zero byte and the canonical JSON of `leaf`."""

    index: int
    hash: str
    leaf: dict[str, Any]


class LeavesAnswer(Answer):
    """`next` is the `after` of the page that follows; null where the log ends."""

    leaves: list[LoggedAnswer]
    next: int | None


class CheckpointAnswer(Answer):
    """A signed note (C2SP) over the log as it was at `size` leaves, and the key that checks it."""

    size: int
    note: str
    key: str


class ProofAnswer(Answer):
    """Leaf `index` lies under the root of the checkpoint of `size` leaves: the audit path of RFC 6962, base64."""

    index: int
    size: int
    body: str = Field(description="the exact text that was hashed")
    hash: str
    path: list[str]
    checkpoint: CheckpointAnswer


class ErasedAnswer(Answer):
    """How many payloads nobody can open any more."""

    payloads: int


@router.get("/audit/leaves", summary="the log")
def list_leaves(
    _person: Reader,
    here: Here,
    after: Annotated[int | None, AfterIndex] = None,
    kind: Annotated[str | None, Query(max_length=40)] = None,
    newest_first: Annotated[bool, Query(description="downwards; `after` then means below it")] = False,
    limit: Limit = PAGE,
) -> LeavesAnswer:
    """In order, of one kind if named; the oldest first, or the newest."""
    found = here.evidence.leaves(after, limit + 1, kind, newest_first)
    kept = found[:limit]
    leaves = [LoggedAnswer(index=index, hash=hash.hex(), leaf=read_leaf(body)) for index, body, hash in kept]
    return LeavesAnswer(leaves=leaves, next=kept[-1][0] if len(found) > limit else None)


@router.get("/audit/checkpoint", summary="the log's newest checkpoint")
async def show_checkpoint(_person: Reader, here: Here) -> CheckpointAnswer:
    """Signed now, so that it holds everything that has happened."""
    return _checkpoint(await here.system.checkpoints.sign(), here.system.checkpoints.verifier)


@router.get("/audit/proof/{index}", summary="proof that a leaf is in the log", responses=refusals(404))
async def prove_leaf(index: Number, _person: Reader, here: Here) -> ProofAnswer:
    """Under the first checkpoint that holds it; one is signed where none does yet."""
    return await prove(here, index)


async def prove(here: Parts, index: int) -> ProofAnswer:
    """The proof of one leaf. Raises NotFound (`audit.no_leaf`)."""
    found = await run_in_threadpool(here.evidence.proof, index)
    while found is None:
        await here.system.checkpoints.sign()
        found = await run_in_threadpool(here.evidence.proof, index)
    return _proof(found, here.system.checkpoints.verifier)


@router.get(
    "/audit/export", summary="the whole log as a file", response_class=StreamingResponse, responses=streamed(JSON_LINES)
)
async def export_log(person: Exporter, here: Here, payloads: bool = False) -> StreamingResponse:
    """JSON lines of the format `autonomy-audit/1`, to be checked offline; with `payloads`, what actions carried."""
    if payloads and Permission.AUDIT_PAYLOAD_READ not in person.permissions:
        raise Forbidden(
            f"payloads need the permission `{Permission.AUDIT_PAYLOAD_READ}`",
            code="permission.missing",
            hint="export without them",
        )
    checkpoints = here.system.checkpoints
    stop = note.read(await checkpoints.sign()).checkpoint().size
    lines = here.evidence.export_lines(checkpoints.signer, stop, payloads)
    headers = {"Content-Disposition": f'attachment; filename="autonomy-audit-{stop}.jsonl"'}
    return StreamingResponse(lines, media_type=JSON_LINES, headers=headers)


@router.post("/audit/erase", summary="forget a subject", responses=refusals(409))
async def erase_subject(asked: Erasure, person: Eraser, here: Here) -> ErasedAnswer:
    """Destroys its keys: what it was about cannot be opened again, and every proof still holds."""
    count = await here.system.vault.erase(asked.subject, person.actor, asked.reason)
    return ErasedAnswer(payloads=count)


def _checkpoint(text: str, key: note.Verifier) -> CheckpointAnswer:
    return CheckpointAnswer(size=note.read(text).checkpoint().size, note=text, key=str(key))


def _proof(found: Proof, key: note.Verifier) -> ProofAnswer:
    return ProofAnswer(
        index=found.index,
        size=found.size,
        body=found.body.decode("utf-8"),
        hash=found.hash.hex(),
        path=[b64encode(part).decode("ascii") for part in found.path],
        checkpoint=_checkpoint(found.checkpoint, key),
    )
