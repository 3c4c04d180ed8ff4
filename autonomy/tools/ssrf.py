"""Which addresses an outbound request may reach. Pure rules: URLs and addresses in, verdicts out.

Public unicast only (IANA special-purpose address registries), unless a range the connector declares covers it.
URLs are read strictly: what two parsers could read differently is refused, not repaired (WHATWG URL spellings of
IPv4 such as `0x7f.1` are refused for the same reason).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import NamedTuple

from autonomy.kernel.errors import Invalid

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

DEFAULT_PORTS = {"http": 80, "https": 443}
MAX_URL = 8_192  # longer request lines are refused by common servers; nothing legitimate needs them

_URL = re.compile(r"(https?)://([A-Za-z0-9._:\[\]-]+)((?:/[!-~]*)?)")
_AUTHORITY = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^:\[\]]+))(?::([1-9]\d{0,4}))?")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"\d+|0x[0-9a-f]*")

_NOT_PUBLIC_4 = [
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "168.63.129.16/32",  # Azure's host agent lives on a public address
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
]
_PUBLIC_6 = IPv6Network("2000::/3")
_NOT_PUBLIC_6 = [
    IPv6Network(text)
    for text in (
        "2001::/23",  # Teredo, benchmarking, ORCHID
        "2001:db8::/32",
        "2002::/16",  # 6to4: a way to spell any IPv4 address
        "2620:4f:8000::/48",
        "3fff::/20",
    )
]
_TRANSLATED = (IPv6Network("::ffff:0:0/96"), IPv6Network("64:ff9b::/96"))  # v4-mapped, NAT64: the last 32 bits decide
_ISATAP = (0x00005EFE, 0x02005EFE)

_METADATA: list[Network] = [
    IPv4Network("169.254.0.0/16"),
    IPv4Network("100.100.100.200/32"),
    IPv4Network("168.63.129.16/32"),
    IPv4Network("192.0.0.192/32"),
    IPv6Network("fe80::/10"),
    IPv6Network("fd00:ec2::254/128"),
    IPv6Network("fd20:ce::254/128"),
]
"""Where clouds hand out credentials: reached only when the connector names the very address, not by a wide range."""


class Target(NamedTuple):
    """A URL taken apart. `host` is a lower-case DNS name or a canonical address without brackets."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def origin(self) -> tuple[str, str, int]:
        return self.scheme, self.host, self.port


def parse_url(text: str) -> Target:
    """Read an absolute http(s) URL; raises Invalid (`url.invalid`) for anything two readers could disagree on."""
    match = _URL.fullmatch(text.partition("#")[0]) if len(text) <= MAX_URL else None
    authority = _AUTHORITY.fullmatch(match[2]) if match else None
    if match is None or authority is None or "\\" in match[3]:
        raise _bad_url(text)
    scheme = match[1]
    port = int(authority[3] or DEFAULT_PORTS[scheme])
    if port > 65_535:
        raise _bad_url(text)
    return Target(scheme, _host(text, authority[1], authority[2]), port, match[3] or "/")


def ranges(texts: Iterable[str]) -> tuple[Network, ...]:
    """The address ranges a connector declares; raises Invalid (`cidr.invalid`) naming the first that is none."""
    return tuple(_range(text) for text in texts)


def may_reach(address: str, allow: Iterable[Network] = ()) -> bool:
    """Whether a connection to `address` (as the socket will use it) is admitted. What cannot be read is not."""
    try:
        found = _meant(ip_address(address))
    except ValueError:
        return False
    return is_public(found) or any(_covers(network, found) for network in allow)


def is_named(address: str, allow: Iterable[Network]) -> bool:
    """Whether `allow` names `address`, be it public or not. What cannot be read is not named."""
    try:
        found = _meant(ip_address(address))
    except ValueError:
        return False
    return any(_covers(network, found) for network in allow)


def is_public(address: Address) -> bool:
    """Whether `address` is a public unicast address that embeds no other."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC_4)
    if address not in _PUBLIC_6 or any(address in network for network in _NOT_PUBLIC_6):
        return False
    return (int(address) >> 32) & 0xFFFFFFFF not in _ISATAP


def _meant(address: Address) -> Address:
    """The address that packets reach: for v4-mapped and NAT64 forms the embedded IPv4 address."""
    if isinstance(address, IPv6Address) and any(address in network for network in _TRANSLATED):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _covers(network: Network, address: Address) -> bool:
    if address not in network:
        return False
    return network.num_addresses == 1 or not any(address in guarded for guarded in _METADATA)


def _range(text: str) -> Network:
    try:
        return ip_network(text, strict=True)
    except ValueError:
        raise Invalid(
            f"`{text[:80]}` is not an address range",
            code="cidr.invalid",
            hint="write for example `10.1.0.0/16` or `127.0.0.1/32`",
        ) from None


def _host(url: str, bracketed: str | None, name: str | None) -> str:
    if bracketed is not None:
        return _literal(url, bracketed, IPv6Address)
    lowered = (name or "").lower()
    labels = lowered.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        return _literal(url, lowered, IPv4Address)
    if len(lowered) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise _bad_url(url)
    return lowered


def _literal(url: str, text: str, kind: type[IPv4Address] | type[IPv6Address]) -> str:
    try:
        return str(kind(text))
    except ValueError:
        raise _bad_url(url) from None


def _bad_url(text: str) -> Invalid:
    shown = "".join(char for char in text[:80] if char.isprintable())
    # A URL may carry a password before the `@`; none of it is shown then.
    shown = "…" if "@" in shown else shown
    return Invalid(
        f"`{shown}` is not a plain http or https URL",
        code="url.invalid",
        hint="write scheme, host and path in ASCII, addresses in their usual form, no user name",
    )
