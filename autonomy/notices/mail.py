"""Tells people by e-mail what waits for them. At least once: the id of a letter is that of its notice."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

import msgspec

from autonomy.kernel.errors import AutonomyError

from .model import News, Notice
from .ports import AddressOf, SendLetter

SEND_TIMEOUT_S = 30.0  # mail servers think about their letters
MAX_RECIPIENTS = 200  # of one news: each is a row of the same transaction; whoever gets a letter reads of the others

log = logging.getLogger("autonomy.notices")


class Letter(msgspec.Struct, frozen=True):
    """What a letter says; to whom, the outbox knows by name."""

    subject: str
    text: str


class Mail:
    """The channel by e-mail. The address of a person is looked up when the letter is sent, and kept nowhere."""

    name = "mail"

    def __init__(self, send: SendLetter, address_of: AddressOf) -> None:
        self._send_letter = send
        self._address_of = address_of

    def compose(self, news: News, id: str) -> Mapping[str, str]:  # noqa: ARG002 - letters do not name their notice
        """The same letter for everybody whom the news concern; where they are too many, it says that they are."""
        people = sorted(news.people())
        told, text = people[:MAX_RECIPIENTS], news.text
        if len(people) > len(told):
            text += f"\n\nThis concerns {len(people)} people, of whom {len(told)} get a letter. Please tell the others."
            log.warning("news of the kind %s concern %d people, of whom %d are told", news.kind, len(people), len(told))
        body = msgspec.json.encode(Letter(_one_line(news.subject), text)).decode()
        return dict.fromkeys(told, body)

    async def send(self, notice: Notice) -> bool:
        """Whether the letter was accepted; it counts as sent where the person has left meanwhile."""
        address = await asyncio.to_thread(self._address_of, notice.recipient)
        if address is None:
            return True
        letter = msgspec.json.decode(notice.body, type=Letter)
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                await self._send_letter(notice.id, address, letter.subject, letter.text)
        except (AutonomyError, OSError) as error:
            log.warning("the letter %s was not accepted: %s", notice.id, type(error).__name__)
            return False
        return True


def _one_line(subject: str) -> str:
    """A subject that ends no header: everything that would break the line is a blank."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in subject).split())
