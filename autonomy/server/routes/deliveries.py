"""What other systems told us at hooks."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query

from autonomy.identity import Permission, PersonCaller
from autonomy.kernel.errors import NotFound
from autonomy.tools import deliveries
from autonomy.tools.deliveries import Delivery

from ..access import allowed
from ..answers import PAGE, After, Answer, Limit, Page, refusals
from ..here import Here
from ..paging import cut
from ..route import api

router = api("deliveries")

Reader = Annotated[PersonCaller, allowed(Permission.TOOLS_DELIVERY_READ)]
PayloadReader = Annotated[PersonCaller, allowed(Permission.AUDIT_PAYLOAD_READ)]


class DeliveryAnswer(Answer):
    """One post that was taken. `sender_id` is the sender's own id of it; `action` the action it answers."""

    id: str
    hook: str
    sender_id: str
    type: str
    action: str | None
    at: int


class DeliveryDescription(DeliveryAnswer):
    """With what was said; null where that is forgotten."""

    said: dict[str, Any] | None


@router.get("/deliveries", summary="what came in at hooks")
async def list_deliveries(
    _person: Reader,
    here: Here,
    hook: Annotated[str | None, Query(max_length=63)] = None,
    after: After = None,
    limit: Limit = PAGE,
) -> Page[DeliveryAnswer]:
    """Newest first."""

    def look(connection: Any) -> list[Delivery]:
        last = deliveries.find(connection, after) if after is not None else None
        return [] if after is not None and last is None else deliveries.page(connection, hook, limit + 1, last)

    items, following = cut(await here.system.database.read(look), lambda one: one.id, limit)
    return Page(items=[DeliveryAnswer(**one._asdict()) for one in items], next=following)


@router.get("/deliveries/{id}", summary="one delivery, with what was said", responses=refusals(404))
async def describe_delivery(id: str, _person: PayloadReader, here: Here) -> DeliveryDescription:
    """For who may read what actions carried."""

    def look(connection: Any) -> tuple[Delivery | None, Any]:
        found = deliveries.find(connection, id)
        return found, here.system.hooks.said(connection, id) if found else None

    found, said = await here.system.database.read(look)
    if found is None:
        raise NotFound(f"there is no delivery `{id[:40]}`", code="delivery.unknown")
    return DeliveryDescription(**found._asdict(), said=said)
