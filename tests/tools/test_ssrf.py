"""Which URLs and addresses are admitted, as rules."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autonomy.kernel.errors import Invalid
from autonomy.tools.ssrf import may_reach, parse_url, ranges

from .spellings import FORBIDDEN_ADDRESSES, spellings

SPELLINGS = spellings(8099)


def test_there_are_at_least_five_hundred_spellings() -> None:
    assert len(set(SPELLINGS)) >= 500


def test_no_spelling_of_a_forbidden_address_is_admitted_as_a_literal() -> None:
    for url in SPELLINGS:
        try:
            target = parse_url(url)
        except Invalid:
            continue
        if target.host.replace(".", "").isdigit() or ":" in target.host:
            assert not may_reach(target.host), url


@pytest.mark.parametrize("address", FORBIDDEN_ADDRESSES)
def test_a_forbidden_address_is_refused(address: str) -> None:
    assert not may_reach(address)


@pytest.mark.parametrize(
    "address",
    ["1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "2a00:1450::1"],
)
def test_a_public_address_is_admitted(address: str) -> None:
    assert may_reach(address)


def test_a_declared_range_admits_what_it_covers_and_nothing_else() -> None:
    allow = ranges(["10.1.0.0/16", "127.0.0.1/32", "fd12::/32"])
    assert may_reach("10.1.2.3", allow)
    assert may_reach("::ffff:10.1.2.3", allow)
    assert may_reach("fd12::5", allow)
    assert not may_reach("10.2.0.1", allow)
    assert not may_reach("127.0.0.2", allow)


def test_a_wide_range_does_not_open_the_way_to_metadata_services() -> None:
    assert not may_reach("169.254.169.254", ranges(["0.0.0.0/0"]))
    assert not may_reach("::ffff:169.254.169.254", ranges(["169.254.0.0/16"]))
    assert not may_reach("fd00:ec2::254", ranges(["fd00::/8"]))
    assert may_reach("169.254.169.254", ranges(["169.254.169.254/32"]))


@pytest.mark.parametrize("text", ["10.0.0.1/8", "10.0.0.0/33", "localhost", "", "10.0.0.0/255.0.0.0/1"])
def test_a_range_that_is_none_is_refused_with_its_text(text: str) -> None:
    with pytest.raises(Invalid, match="is not an address range"):
        ranges([text])


@given(st.integers(0, 2**32 - 1))
def test_embedding_an_ipv4_address_never_gains_anything(number: int) -> None:
    plain = IPv4Address(number)
    for base in ("::ffff:0:0", "64:ff9b::"):
        assert may_reach(str(IPv6Address(int(IPv6Address(base)) | number))) == may_reach(str(plain))
    assert not may_reach(str(IPv6Address((0x2002 << 112) | (number << 80))))
    assert not may_reach(str(IPv6Address((0x2001 << 112) | (number ^ 0xFFFFFFFF))))
    assert not may_reach(str(IPv6Address(number)))
    assert not may_reach(str(IPv6Address(int(IPv6Address("2a00:1450::5efe:0:0")) | number)))


@given(st.text(max_size=60))
def test_reading_any_text_as_a_url_gives_a_plain_target_or_invalid(text: str) -> None:
    for url in (text, f"http://{text}", f"https://{text}/"):
        try:
            target = parse_url(url)
        except Invalid:
            continue
        assert target.host.isascii() and target.host == target.host.lower() and "@" not in target.host
        assert 1 <= target.port <= 65_535


def test_a_plain_url_is_read_into_its_parts() -> None:
    assert parse_url("https://API.Example.org/v1/x?y=1#z") == ("https", "api.example.org", 443, "/v1/x?y=1")
    assert parse_url("http://[2606:4700::1111]:8080") == ("http", "2606:4700::1111", 8080, "/")


def test_a_url_with_a_password_is_refused_without_showing_it() -> None:
    with pytest.raises(Invalid) as caught:
        parse_url("https://user:hunter2-canary@example.org/")
    assert "canary" not in str(caught.value)
