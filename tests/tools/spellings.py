"""Ways to write addresses that must not be reached: every address in every spelling that some parser understands."""

from __future__ import annotations

from ipaddress import IPv4Address

PRIVATE_4 = [
    "127.0.0.1",
    "127.1.2.3",
    "127.255.255.254",
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.100.100.200",
    "169.254.169.254",
    "169.254.170.2",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.192",
    "192.168.0.1",
    "192.168.255.255",
    "198.18.0.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "168.63.129.16",
]
PRIVATE_6 = [
    "::",
    "::1",
    "fe80::1",
    "febf::1",
    "fec0::1",
    "fc00::1",
    "fd00:ec2::254",
    "fd20:ce::254",
    "ff02::1",
    "ff0e::1",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "3fff::1",
    "64:ff9b:1::7f00:1",
    "5f00::1",
    "4000::1",
]
FORBIDDEN_ADDRESSES = [
    *PRIVATE_4,
    *PRIVATE_6,
    "fe80::1%eth0",
    "",
    "localhost",
    "127.1",
    "0x7f000001",
    "2130706433",
    "08.8.8.8",
]


def _spellings_of(address: str) -> list[str]:
    number = int(IPv4Address(address))
    a, b, c, d = address.split(".")
    rest, low = number & 0xFFFFFF, number & 0xFFFF
    hexed = f"{number >> 16:x}:{low:x}"
    hosts = [
        address,
        str(number),
        hex(number),
        f"0X{number:08X}",
        f"0{number:o}",
        f"{a}.{rest}",
        f"{a}.{b}.{low}",
        ".".join(f"0{int(part):o}" for part in (a, b, c, d)),
        ".".join(hex(int(part)) for part in (a, b, c, d)),
        ".".join(f"{int(part):03d}" for part in (a, b, c, d)),
        f"{a}.{b}.{c}.{d}.",
        address.replace(".", "。"),
        address.replace(".", "%2e"),
        "".join(chr(ord(char) + 0xFEE0) if char.isdigit() else char for char in address),
        f"[::ffff:{address}]",
        f"[::ffff:{hexed}]",
        f"[0:0:0:0:0:ffff:{hexed}]",
        f"[::{address}]",
        f"[64:ff9b::{address}]",
        f"[64:ff9b::{hexed}]",
        f"[2002:{hexed}::]",
        f"[2001:0:4136:e378:8000:63bf:{(~number & 0xFFFFFFFF) >> 16:x}:{~number & 0xFFFF:x}]",
        f"[fe80::5efe:{address}]",
        f"user@{address}",
        f"user:pass@{address}",
        f"example.org@{address}",
        f"example.org%40{address}",
        f"example.org\\@{address}",
    ]
    return [f"http://{host}{port}/" for host in hosts for port in ("", ":PORT")]


_ODD = [
    "http:///",
    "http://",
    "http://:PORT/",
    "http://127.0.0.1:/",
    "http://127.0.0.1:0/",
    "http://127.0.0.1:65536/",
    "http://127.0.0.1:00080/",
    "http://127.0.0.1 :PORT/",
    "http://127.0.0.1\t:PORT/",
    "http://127.0.0.1\r\nHost: x:PORT/",
    "http://127.0.0.1%00.example.org:PORT/",
    "http://127.0.0.1%23.example.org:PORT/",
    "http://[::1%25lo]:PORT/",
    "http://[::1]example.org:PORT/",
    "http://[127.0.0.1]:PORT/",
    "http://::1:PORT/",
    "http:/127.0.0.1:PORT/",
    "http:\\\\127.0.0.1:PORT/",
    "//127.0.0.1:PORT/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:PORT/_x",
    "unix:///var/run/docker.sock",
    "http+unix://%2Fvar%2Frun%2Fdocker.sock/",
    "ftp://127.0.0.1:PORT/",
    "dict://127.0.0.1:PORT/",
    "data:text/plain,x",
    "javascript:alert(1)",
    "HTTP://127.0.0.1:PORT/",
    "http://localhost:PORT/",
    "http://LOCALHOST:PORT/",
    "http://localhost.:PORT/",
    "http://ⓛocalhost:PORT/",
    "http://loc\u00adalhost:PORT/",
    "http://localhost\u3002:PORT/",
    "http://127.0.0.1\u200b:PORT/",
]

_TEMPLATES = [
    *(url for address in PRIVATE_4 for url in _spellings_of(address)),
    *(f"http://[{address}]{port}/" for address in PRIVATE_6 for port in ("", ":PORT")),
    *_ODD,
]


def spellings(port: int) -> list[str]:
    """Every spelling, with `port` where it names one."""
    return [url.replace(":PORT", f":{port}") for url in _TEMPLATES]
