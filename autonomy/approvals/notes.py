"""What people who could decide say to others before they do: a question to somebody, or a handing to another decider.

Neither changes who may decide. Each is one transaction with its own leaf; the words themselves stay out of the log.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from autonomy.audit import record
from autonomy.db import CommitQueue, Database, Reader, Tx
from autonomy.kernel.clock import Clock
from autonomy.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from autonomy.kernel.ids import new_id

from . import rules, store
from .model import Hold, Note, NoteKind
from .ports import Announce
from .rules import MAX_REASON
from .voices import Voices

MAX_NOTES = 50  # about one hold: whoever has more to say talks to the other

FindVoices = Callable[[Reader, int], Voices]


class Notes:
    """Questions and handings about holds. Blocks: call it from a thread."""

    def __init__(
        self, database: Database, queue: CommitQueue, voices: FindVoices, clock: Clock, announce: Announce
    ) -> None:
        self._database = database
        self._queue = queue
        self._voices = voices
        self._clock = clock
        self._announce = announce

    def ask(self, action: str, by: str, to: str, text: str) -> Note:
        """Let `by`, who could decide, ask `to` something about the held action; the hold goes on waiting meanwhile.

        Raises NotFound, Forbidden (`approval.role`), Conflict (decided already, too many notes) or Invalid.
        """
        _check_text(text, needed=True)
        return self._queue.run(lambda tx: self._say(tx, "question", action, by, to, text))

    def hand(self, action: str, by: str, to: str, text: str = "") -> Note:
        """Let `by`, who could decide, hand the decision to `to`, who could as well; both still may.

        Raises NotFound, Forbidden (`approval.role`, `approval.hand_to`), Conflict or Invalid.
        """
        _check_text(text, needed=False)
        return self._queue.run(lambda tx: self._say(tx, "handing", action, by, to, text))

    def answer(self, note: str, by: str, text: str) -> Note:
        """The answer of whom the question was put to, once. Raises NotFound, Forbidden, Conflict or Invalid."""
        _check_text(text, needed=True)
        return self._queue.run(lambda tx: self._answer(tx, note, by, text))

    def about(self, actions: Sequence[str]) -> list[Note]:
        """The notes about the holds of these actions, oldest first."""
        with self._database.reading() as connection:
            return store.notes_about(connection, actions)

    def unanswered(self, person: str) -> list[Note]:
        """Questions put to the person about what still waits that they have not answered, oldest first."""
        with self._database.reading() as connection:
            return store.unanswered(connection, person)

    def _say(self, tx: Tx, kind: NoteKind, action: str, by: str, to: str, text: str) -> Note:
        at = self._clock()
        hold = _known(tx, action)
        rules.check_open(hold, at)
        rules.check_kept(hold, text)
        voices = self._voices(tx, at)
        if not voices.could_decide(hold, by):
            raise Forbidden("this is not yours to decide", code="approval.role", hint="only who could decide may")
        if kind == "handing" and not voices.could_decide(hold, to):
            raise Forbidden(f"`{to[:80]}` could not decide this", code="approval.hand_to", hint="name who could")
        if by == to:
            raise Invalid("this is you", code="approval.self", hint="name another person")
        if len(store.notes_about(tx, [action])) >= MAX_NOTES:
            raise Conflict(f"there are {MAX_NOTES} notes about it already", code="approval.notes")
        note = Note(new_id("note", at), action, kind, by, to, text, at)
        store.add_note(tx, note)
        self._record(tx, hold, kind, by, to, at)
        return note

    def _answer(self, tx: Tx, id: str, by: str, text: str) -> Note:
        at = self._clock()
        note = store.find_note(tx, id)
        if note is None or note.kind != "question":
            raise NotFound(f"there is no question `{id[:40]}`", code="approval.no_question")
        if note.to != by:
            raise Forbidden("this question was put to somebody else", code="approval.not_asked")
        if note.answered_at is not None:
            raise Conflict("it has been answered", code="approval.answered")
        hold = _known(tx, note.action)
        rules.check_open(hold, at)
        rules.check_kept(hold, text)
        answered = replace(note, answer=text, answered_at=at)
        store.answer_note(tx, answered)
        self._record(tx, hold, "answer", by, note.by, at)
        return answered

    def _record(self, tx: Tx, hold: Hold, event: str, by: str, to: str, at: int) -> None:
        record(
            tx,
            "approval",
            at=at,
            actor=f"person:{by}",
            action=hold.action,
            agent=hold.agent,
            tool=hold.tool,
            event=event,
            round=hold.round,
            state=hold.state,
            to=[to],
        )
        self._announce(tx, f"approval.{event}", hold, lambda: (to,), at)


def _known(tx: Tx, action: str) -> Hold:
    found = store.find(tx, action)
    if found is None:
        raise NotFound(f"no approval is asked for `{action[:80]}`", code="approval.unknown")
    return found


def _check_text(text: str, needed: bool) -> None:
    if needed and not text.strip():
        raise Invalid("it says nothing", code="approval.reason", hint="write what you want to know, or what you know")
    if len(text) > MAX_REASON:
        raise Invalid(f"a text has at most {MAX_REASON} characters", code="approval.reason")
