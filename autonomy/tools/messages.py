"""How a declared template and an agent's arguments become one message. Pure.

Nothing an agent sends becomes a header, a further recipient or markup: values in headers are one printable line,
recipients must be admitted by the connector, values in HTML are escaped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from html import escape

from autonomy.catalog.systems import MailConnector, MailMessage
from autonomy.kernel.canonical import Json
from autonomy.kernel.errors import Invalid

from .places import fill

MAX_SUBJECT = 500  # characters
_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
"""The plain form of RFC 5321: no quotes, no comments, no display names, nothing that two readers read differently."""


def compose(
    spec: MailConnector, template: MailMessage, values: Mapping[str, Json], action: str, at_ms: int
) -> tuple[EmailMessage, list[str]]:
    """The message and its recipients. Raises Invalid (`arguments.invalid`, `mail.recipient`)."""
    to, cc = _recipients(spec, template.to, values), _recipients(spec, template.cc, values)
    message = EmailMessage(policy=SMTP)
    message["From"] = spec.sender
    message["To"] = ", ".join(to)
    if cc:
        message["Cc"] = ", ".join(cc)
    if template.replyTo:
        message["Reply-To"] = template.replyTo
    message["Subject"] = _line(fill(template.subject, values))
    message["Date"] = format_datetime(datetime.fromtimestamp(at_ms // 1000, UTC))
    message["Message-ID"] = message_id(spec, action)
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: answering machines leave it alone
    message.set_content(_text(fill(template.text, values)))
    if template.html is not None:
        message.add_alternative(_text(fill(template.html, values, escape)), subtype="html")
    return message, list(dict.fromkeys([*to, *cc]))


def message_id(spec: MailConnector, action: str) -> str:
    """The same for every try of an action, so that a person can find what was sent and a mailbox can tell repeats."""
    return f"<{action}@{spec.sender.rpartition('@')[2]}>"


def admits(recipients: Iterable[str], address: str) -> bool:
    """Whether one of the declared addresses or domains (`*@domain`, without its subdomains) covers `address`."""
    domain = address.rpartition("@")[2].lower()
    for admitted in recipients:
        local, _, where = admitted.rpartition("@")
        if where.lower() == domain and (local == "*" or admitted.lower() == address.lower()):
            return True
    return False


def _recipients(spec: MailConnector, templates: Iterable[str], values: Mapping[str, Json]) -> list[str]:
    found = [fill(template, values) for template in templates]
    for address in found:
        if not _ADDRESS.fullmatch(address):
            raise Invalid("a recipient is not a plain address", code="mail.recipient", hint="such as `ann@example.com`")
        if not admits(spec.recipients, address):
            raise Invalid(
                f"`{address[:80]}` may not be written to",
                code="mail.recipient",
                hint="the connector's `recipients` say who may",
            )
    return found


def _line(text: str) -> str:
    if len(text) > MAX_SUBJECT or not text.isprintable():
        raise Invalid(
            "the subject is not one line", code="arguments.invalid", hint=f"at most {MAX_SUBJECT} printable characters"
        )
    return text


def _text(text: str) -> str:
    """The body; control characters that mail readers would act upon are refused."""
    if any(not char.isprintable() and char not in "\n\r\t" for char in text):
        raise Invalid("the text holds control characters", code="arguments.invalid", hint="send plain text")
    return text
