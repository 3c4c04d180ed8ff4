"""By which ways people and other systems are told what concerns them."""

from __future__ import annotations

import logging
from collections.abc import Callable

from autonomy.catalog import Organisation
from autonomy.identity import Identity
from autonomy.kernel.clock import Clock
from autonomy.kernel.errors import NotFound
from autonomy.notices import Mail, Webhook
from autonomy.notices.ports import Channel
from autonomy.tools.letters import Letters
from autonomy.tools.outbound import Outbound
from autonomy.tools.poster import Poster
from autonomy.tools.secrets import Secrets

from .settings import Settings

log = logging.getLogger("autonomy")

WEBHOOK_SECRET = "approval-webhook"


def channels(
    settings: Settings,
    organisation: Callable[[], Organisation],
    aside: Outbound,
    secrets: Secrets,
    identity: Identity,
    clock: Clock,
) -> list[Channel]:
    """A webhook where a URL is set, signed with the secret `approval-webhook`; mail where a connector is named."""
    found: list[Channel] = []
    if settings.webhook and (webhook := _webhook(settings, aside, secrets, clock)) is not None:
        found.append(webhook)
    if settings.mail:
        letters = Letters(organisation, aside, settings.mail, settings.site, clock)
        found.append(Mail(letters.send, identity.address_of))
    return found


def _webhook(settings: Settings, outbound: Outbound, secrets: Secrets, clock: Clock) -> Webhook | None:
    try:
        key = secrets.reveal(WEBHOOK_SECRET).reveal().encode()
    except NotFound:
        log.error("no webhook is sent: set the secret `%s`, then start again", WEBHOOK_SECRET)
        return None
    return Webhook(Poster(outbound, settings.webhook_allow).post, settings.webhook, key, clock)
