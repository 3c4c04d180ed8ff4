"""A proof is of the very thing on the page: whoever holds the server cannot show one and prove another."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, expect

from autonomy.audit import export
from autonomy.audit.merkle import Frontier
from autonomy.audit.note import Signer
from autonomy.tools import Unsure
from tests.audit.logs import leaf
from tests.gate.works import fail
from tests.server.desk import Desk

from .test_rooms import changed, unchanged
from .vectors import proof
from .visitor import Visitor, visiting

HOLDS = re.compile(r"in the log of [\d,]+ leaves, as signed")
FORGED = "This page does not show what the log says"
FOREIGN = "signed by another key than the one this browser saw first"


@pytest.fixture(scope="module")
def approved(hall: Desk) -> str:
    """A payment that somebody approved, that was made, and whose result somebody called right."""
    action = hall.held("300.00")
    bea = hall.person("bea")
    shown = bea.get(f"/api/approvals/{action}").json["shown"]
    bea.post(f"/api/approvals/{action}/decision", {"verdict": "approve", "shown": shown, "reason": "as agreed"})
    assert hall.finished(action)["status"] == "done"
    for judge, remark in (("suzi", "it was twelve"), ("ada", "fine with me")):
        label = {"verdict": "right", "reason": remark}
        assert hall.person(judge).post(f"/api/actions/{action}/label", label).status == 200
    return action


def proved(visitor: Visitor, action: str) -> Locator:
    page = visitor.go(f"/actions/{action}")
    page.get_by_role("button", name="Verify in this browser").click()
    return page.get_by_role("region", name="Proof")


def test_what_the_page_shows_is_what_the_leaves_say(hall: Desk, browser: Browser, approved: str) -> None:
    refused = hall.act("pay", payee="acme", amount="5000000.00")["action"]
    hall.plant.behaves["shout"] = fail(Unsure("the line went dead"))
    resolved = hall.act("shout", n=1)["action"]
    heard = {"state": "done", "reason": "it was heard"}
    assert hall.person("suzi").post(f"/api/actions/{resolved}/resolve", heard).status == 200
    with visiting(browser, hall, "aldo") as visitor:
        for action in (approved, refused, resolved):
            proof = proved(visitor, action)
            expect(proof.get_by_text(HOLDS)).to_be_visible()
            said = proof.get_by_role("status")
            assert said.evaluate("it => it.scrollWidth <= it.clientWidth"), "the command scrolls, not what is said"


def test_what_nobody_may_see_any_more_is_said_and_what_is_left_still_proved(hall: Desk, browser: Browser) -> None:
    action = hall.act("pay", payee="ann-other", amount="20.00")["action"]
    label = {"verdict": "corrected", "reason": "it was ten", "correction": {"amount": "10.00"}}
    assert hall.person("suzi").post(f"/api/actions/{action}/label", label).status == 200
    _proved_untold(hall, browser, "vera", action, "You may not see this.")
    erased = hall.person("ada").post("/api/audit/erase", {"subject": "ann-other", "reason": "asked to"})
    assert erased.status == 200
    _proved_untold(hall, browser, "aldo", action, "This was forgotten")


def _proved_untold(hall: Desk, browser: Browser, reader: str, action: str, told: str) -> None:
    with visiting(browser, hall, reader) as visitor:
        expect(proved(visitor, action).get_by_text(HOLDS)).to_be_visible()
        for region, parts in (("What it asked for", 1), ("What came of it", 1), ("Was it right?", 2)):
            expect(visitor.page.get_by_role("region", name=region).get_by_text(told)).to_have_count(parts)


def rewritten(body: str, change: Callable[[dict[str, Any]], None]) -> str:
    found = json.loads(body)
    change(found)
    return json.dumps(found)


def _remarks_swapped(found: dict[str, Any]) -> None:
    hers, his = found["explanation"]["judged"]
    hers["remark"], his["remark"] = his["remark"], hers["remark"]


def _remark_left_out(found: dict[str, Any]) -> None:
    found["explanation"]["judged"][0]["remark"] = {"state": "none", "value": None, "commitment": None}


FORGERIES: dict[str, Callable[[str], str]] = {
    "the sponsor": lambda body: body.replace('"sponsor":"sam","acts_for"', '"sponsor":"olga","acts_for"'),
    "who approved": lambda body: body.replace('"actor":"person:bea","round"', '"actor":"person:bob","round"'),
    "the case": lambda body: body.replace('"tool":"pay","case":"', '"tool":"pay","case":"x'),
    "how it ended": lambda body: re.sub(r'"status":"done","result"', '"status":"failed","result"', body),
    "what was asked for": lambda body: body.replace('"value":{"amount":"300.00"', '"value":{"amount":"900.00"'),
    "who said what of the result": lambda body: rewritten(body, _remarks_swapped),
    "that somebody said why": lambda body: rewritten(body, _remark_left_out),
    "the commitment": lambda body: re.sub(r'("value":\{"amount".*?"commitment":")..', r"\1zz", body),
}


def test_a_page_that_says_something_else_is_called_forged(hall: Desk, browser: Browser, approved: str) -> None:
    real = hall.person("aldo").get(f"/api/actions/{approved}").body.decode()
    with visiting(browser, hall, "aldo") as visitor:
        for what, forge in FORGERIES.items():
            assert forge(real) != real, what
            changed(visitor.page, f"**/api/actions/{approved}", forge)
            expect(proved(visitor, approved).get_by_role("alert"), what).to_contain_text(FORGED)
            unchanged(visitor.page)


def test_the_proof_of_another_action_proves_nothing(hall: Desk, browser: Browser, approved: str) -> None:
    other = hall.act("press", n=8)["action"]
    proofs = hall.person("aldo").get(f"/api/actions/{other}/proofs").body.decode()
    with visiting(browser, hall, "aldo") as visitor:
        changed(visitor.page, f"**/api/actions/{approved}/proofs", lambda _: proofs)
        expect(proved(visitor, approved).get_by_role("alert")).to_contain_text("is about another action")


def _failed(found: dict[str, Any]) -> None:
    """The page, as if the payment had not been made."""
    found["state"] = found["explanation"]["state"] = "failed"
    for ending in found["explanation"]["endings"]:
        ending["status"] = "failed"


def _made_up(found: dict[str, Any], signer: Signer) -> None:
    """The proof of such an outcome, from a log that never was; every other proof is the true one."""
    for at, one in enumerate(found["proofs"]):
        if json.loads(one["body"])["kind"] == "outcome":
            assert at > 0
            body = one["body"].replace('"status":"done"', '"status":"failed"')
            found["proofs"][at] = proof([body] * (one["index"] + 1), one["index"], signer)


def test_a_proof_under_another_key_is_none_of_this_log(hall: Desk, browser: Browser, approved: str) -> None:
    signer = Signer.generate("log.example")
    with visiting(browser, hall, "aldo") as visitor:
        expect(proved(visitor, approved).get_by_text(HOLDS)).to_be_visible()
        changed(visitor.page, f"**/api/actions/{approved}", lambda body: rewritten(body, _failed))
        forged = f"**/api/actions/{approved}/proofs"
        changed(visitor.page, forged, lambda body: rewritten(body, lambda found: _made_up(found, signer)))
        region = proved(visitor, approved)
        expect(region.get_by_role("alert")).to_contain_text(FOREIGN)
        expect(region.get_by_text("by another key", exact=True)).to_have_count(1)
        expect(region.get_by_text(HOLDS)).to_have_count(0)


def test_a_log_that_was_made_up_under_another_key_is_none_of_this_log(hall: Desk, browser: Browser) -> None:
    signer = Signer.generate("log.example")
    bodies = [leaf("intent", action="act_1").decode(), leaf("outcome", action="act_1", status="done").decode()]
    signed: Any = proof(bodies, 1, signer)["checkpoint"]
    header = export.Header(signer.verifier.name, (signer.verifier,), 0, 2, exported_at=1, frontier=Frontier())
    leaves = enumerate(body.encode() for body in bodies)
    log = b"".join(export.lines(header, leaves, [signed["note"]], signer, ())).decode()
    with visiting(browser, hall, "aldo") as visitor:
        page = visitor.go("/audit")
        changed(page, "**/api/audit/export*", lambda _: log)
        page.get_by_role("button", name="Verify the whole log").click()
        expect(page.get_by_role("alert")).to_contain_text(FOREIGN)
        expect(page.get_by_text("are as they were signed")).to_have_count(0)


def _for_olga(body: str) -> str:
    return body.replace('\\"sponsor\\":\\"sam\\"', '\\"sponsor\\":\\"olga\\"')


def test_what_was_verified_once_is_verified_anew_where_it_has_changed(
    hall: Desk, browser: Browser, approved: str
) -> None:
    with visiting(browser, hall, "aldo") as visitor:
        page = visitor.page
        page.add_init_script("const now = Date.now; window.later = 0; Date.now = () => now() + window.later")
        expect(proved(visitor, approved).get_by_text(HOLDS)).to_be_visible()
        changed(page, f"**/api/actions/{approved}", FORGERIES["the sponsor"])
        changed(page, f"**/api/actions/{approved}/proofs", _for_olga)  # place, size and hash stay as they are
        page.get_by_role("link", name="Actions", exact=True).first.click()
        expect(page.get_by_role("region", name="Proof")).to_have_count(0)
        page.evaluate("window.later = 10_000")  # so that page and proofs are asked for again
        page.go_back()
        expect(page.get_by_text("olga").first).to_be_visible()
        page.get_by_role("button", name="Verify in this browser").click()
        expect(page.get_by_role("region", name="Proof").get_by_role("alert")).to_contain_text("does not hold")
