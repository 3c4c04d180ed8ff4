"""Deliveries over HTTP: taken at a hook, listed, shown to who may read what actions carried."""

from __future__ import annotations

import json

from autonomy.kernel.clock import now
from autonomy.tools.signatures import key_of, sign
from tests.house import declare
from tests.server.desk import Desk, files

HOOK = """
apiVersion: autonomy/v1
kind: Hook
metadata: { name: shop }
spec: { credential: shop-key }
"""
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def hooked(office: Desk) -> None:
    """Declare the hook `shop` and give it its key."""
    declare(office.system, files(hooks=HOOK))
    assert office.person("ada").send("PUT", "/api/secrets/shop-key", {"value": SECRET}).status == 200


def tell(office: Desk, id: str, body: dict[str, object], at: int | None = None) -> tuple[int, dict[str, object]]:
    """Post to the hook `shop` under the sender's `id`, signed at `at` (seconds); returns the status and the answer."""
    text = json.dumps(body, ensure_ascii=False).encode()
    headers = sign(key_of(SECRET), id, now() // 1000 if at is None else at, text)
    answer = office.pool.request("POST", "/hooks/shop", body=text, headers=headers)
    return answer.status, json.loads(answer.data)


def test_what_comes_in_is_taken_once_listed_and_shown_to_who_may_read_it(office: Desk) -> None:
    hooked(office)
    body: dict[str, object] = {"type": "order.placed", "data": {"n": 7}}
    first = tell(office, "msg_1", body)
    assert first[0] == 202
    assert tell(office, "msg_1", body) == (200, {"delivery": first[1]["delivery"], "repeated": True})
    assert tell(office, "msg_2", body)[0] == 202
    status, refused = tell(office, "msg_3", body, at=1)
    assert status == 401 and refused["error"]["code"] == "hook.time"  # type: ignore[index]
    assert office.stranger.post("/hooks/shop", body).code == "hook.signature"
    assert office.stranger.post("/hooks/none", body).code == "hook.unknown"
    assert office.pool.request("GET", "/hooks/shop").status == 405

    suzi = office.person("suzi")
    page = suzi.get("/api/deliveries?limit=1").json
    rest = suzi.get(f"/api/deliveries?limit=1&after={page['next']}").json
    assert [one["sender_id"] for one in (*page["items"], *rest["items"])] == ["msg_2", "msg_1"]
    assert suzi.get("/api/deliveries?hook=other").json["items"] == []
    assert suzi.get(f"/api/deliveries/{first[1]['delivery']}").code == "permission.missing"
    shown = office.person("aldo").get(f"/api/deliveries/{first[1]['delivery']}").json
    assert shown["said"] == body and shown["type"] == "order.placed"
    assert office.person("aldo").get("/api/deliveries/dlv_none").code == "delivery.unknown"
