"""Signatures of webhooks: the published examples, and everything that must not pass."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autonomy.kernel.errors import Invalid, Unauthenticated
from autonomy.tools.signatures import key_of, prove, sign

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
KEY = key_of(SECRET)
ID, AT, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, b'{"test": 2432232314}'
PUBLISHED = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_published_example_of_standard_webhooks_is_signed_alike() -> None:
    assert sign(KEY, ID, AT, BODY) == {
        "webhook-id": ID,
        "webhook-timestamp": str(AT),
        "webhook-signature": PUBLISHED,
    }


def test_the_published_example_of_github_is_proven() -> None:
    mac = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    key = key_of("It's a Secret to Everybody")
    headers = {"x-hub-signature-256": f"sha256={mac}"}
    assert prove("github", key, headers, b"Hello, World!", 0, 0).id == f"sha256:{mac}"
    with pytest.raises(Unauthenticated):
        prove("github", key, headers, b"Hello, World?", 0, 0)
    with pytest.raises(Unauthenticated):
        prove("github", key, {}, b"Hello, World!", 0, 0)


@given(id=st.from_regex(r"[A-Za-z0-9_.:-]{1,128}", fullmatch=True), at=st.integers(0, 10**11), body=st.binary())
def test_what_is_signed_is_proven(id: str, at: int, body: bytes) -> None:
    assert prove("standard", KEY, sign(KEY, id, at, body), body, at, 0).id == id


@pytest.mark.parametrize(
    "changed",
    [
        {"webhook-id": "msg_other"},
        {"webhook-id": ""},
        {"webhook-id": "x" * 129},
        {"webhook-timestamp": str(AT + 1)},
        {"webhook-timestamp": "-1"},
        {"webhook-timestamp": " 1614265330"},
        {"webhook-timestamp": "1614265330.0"},
        {"webhook-signature": ""},
        {"webhook-signature": PUBLISHED.replace("v1", "v1a")},
        {"webhook-signature": PUBLISHED.removeprefix("v1,")},
        {"webhook-signature": PUBLISHED[:-2]},
        {"webhook-signature": "v1,é"},
        {"webhook-signature": " ".join(["v1,AAAA"] * 10 + [PUBLISHED])},
    ],
)
def test_a_changed_header_proves_nothing(changed: dict[str, str]) -> None:
    with pytest.raises(Unauthenticated) as caught:
        prove("standard", KEY, sign(KEY, ID, AT, BODY) | changed, BODY, AT, 300)
    assert caught.value.code == "hook.signature"


def test_one_good_signature_of_several_is_enough_so_that_keys_can_be_rotated() -> None:
    headers = sign(KEY, ID, AT, BODY)
    headers["webhook-signature"] = f"v1,AAAA v2,BBBB {PUBLISHED}"
    assert prove("standard", KEY, headers, BODY, AT, 300).id == ID


@pytest.mark.parametrize(("now", "passes"), [(AT + 300, True), (AT - 300, True), (AT + 301, False), (AT - 301, False)])
def test_a_signature_is_good_for_a_while(now: int, passes: bool) -> None:
    if passes:
        assert prove("standard", KEY, sign(KEY, ID, AT, BODY), BODY, now, 300).id == ID
        return
    with pytest.raises(Unauthenticated) as caught:
        prove("standard", KEY, sign(KEY, ID, AT, BODY), BODY, now, 300)
    assert caught.value.code == "hook.time"


def test_a_key_that_can_be_guessed_is_refused() -> None:
    assert key_of("whsec_" + base64.b64encode(bytes(16)).decode()) == bytes(16)
    for secret in ("short", "whsec_c2hvcnQ=", "whsec_not base64 at all!!", ""):
        with pytest.raises(Invalid):
            key_of(secret)
