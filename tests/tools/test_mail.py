"""Mail against a real SMTP server on loopback: what it gets, whom it is for, and what no agent can make of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autonomy.catalog.systems import MailConnector, MailMessage
from autonomy.kernel.errors import AutonomyError, Invalid
from autonomy.tools import Refused, Unreachable, check
from autonomy.tools.conformance import CANARY
from autonomy.tools.credential import Credential
from autonomy.tools.messages import admits, compose

from .candidates.letters import Post
from .organisations import Bench, arguments, connector, organisation, tool

TEMPLATE = {
    "to": ["{to}"],
    "cc": ["archive@acme.example"],
    "replyTo": "desk@acme.example",
    "subject": "Order {order}",
    "text": "Dear colleague,\n\n{note}\n",
    "html": "<p>{note}</p>",
}
INPUT = arguments("to", to="string", order="string", note="string")


def use(post: Post, **more: Any) -> dict[str, Any]:
    return {
        "type": "mail",
        "host": "127.0.0.1",
        "port": post.port,
        "user": "autonomy",
        "credential": "password",
        "sender": "agents@acme.example",
        "recipients": ["*@acme.example", "bob@partner.example"],
        "certificates": "mail.pem",
        "allow": ["127.0.0.1/32"],
        **more,
    }


@asynccontextmanager
async def posting(
    folder: Path, over_tls: bool = False, password: str = CANARY, options: dict[str, Any] | None = None, **more: Any
) -> AsyncIterator[tuple[Post, Bench]]:
    post = Post(folder, **(options or {}))
    await post.start(over_tls)
    sending = tool("t", call={"mail": TEMPLATE}, effect="write-neither", input=INPUT)
    bench = Bench(
        connector("erp", **use(post, **more)),
        sending,
        folder=folder,
        reveal=lambda name: Credential(name, 1, password),
    )
    async with bench:
        yield post, bench
    await post.close()


async def test_a_message_is_as_declared_and_arguments_are_only_words(tmp_path: Path) -> None:
    async with posting(tmp_path) as (post, bench):
        said = await bench.call("t", to="ann@acme.example", order="7 – blau", note="<b>bold</b> & so on\n.\n.\nend")
    (message,), (envelope,) = post.messages, post.envelopes
    assert envelope.mail_from == "agents@acme.example"
    assert envelope.rcpt_tos == ["ann@acme.example", "archive@acme.example"] == said["recipients"]
    assert message["Message-ID"] == said["message"] == "<act_1@acme.example>"
    assert message["Reply-To"] == "desk@acme.example" and message["Auto-Submitted"] == "auto-generated"
    plain, html = (part.get_payload(decode=True) for part in message.get_payload())  # type: ignore[union-attr]
    assert "<b>bold</b> & so on\r\n.\r\n.\r\nend" in plain.decode()  # type: ignore[union-attr]
    assert "&lt;b&gt;bold&lt;/b&gt; &amp; so on" in html.decode()  # type: ignore[union-attr]
    assert CANARY not in str(said) and said["said"] == "taken, [credential]"


async def test_a_server_that_speaks_tls_from_the_first_byte_is_spoken_to_so(tmp_path: Path) -> None:
    options = {"tls_context": None, "auth_require_tls": False}
    async with posting(tmp_path, True, security="tls", options=options) as (post, bench):
        await bench.call("t", to="ann@acme.example")
        assert len(post.messages) == 1


async def outcome(bench: Bench, to: str = "ann@acme.example") -> AutonomyError:
    with pytest.raises(AutonomyError) as caught:
        await bench.call("t", to=to)
    assert CANARY not in str(caught.value)
    return caught.value


async def test_a_server_that_cannot_prove_who_it_is_gets_neither_password_nor_message(tmp_path: Path) -> None:
    async with posting(tmp_path, certificates=None) as (post, bench):
        error = await outcome(bench)
        assert isinstance(error, Unreachable) and error.code == "upstream.tls"
        assert not post.messages
    async with posting(tmp_path, host="localhost", allow=["127.0.0.1/32", "::1/128"]) as (post, bench):
        assert (await outcome(bench)).code == "upstream.tls"  # the certificate names the address only


async def test_a_server_without_starttls_gets_no_message(tmp_path: Path) -> None:
    async with posting(tmp_path, options={"tls_context": None, "auth_require_tls": False}) as (post, bench):
        assert isinstance(await outcome(bench), Unreachable)
        assert not post.messages


async def test_a_wrong_password_is_a_refusal_that_does_not_repeat_it(tmp_path: Path) -> None:
    async with posting(tmp_path, password="another-password") as (_, bench):
        error = await outcome(bench)
    assert isinstance(error, Refused) and error.code == "upstream.unauthorized"
    assert "another-password" not in str(error)


@pytest.mark.parametrize(
    "to",
    [
        "ann@other.example",
        "ann@sub.acme.example",
        "ann@acme.example.evil.example",
        "eve@partner.example",
        "ann@acme.example, eve@evil.example",
        "ann@acme.example\r\nBcc: eve@evil.example",
        "ann@acme.example\nRCPT TO:<eve@evil.example>",
        '"eve@evil.example"@acme.example',
        "<eve@evil.example>ann@acme.example",
        "Ann <ann@acme.example>",
        "ann@acme.example>",
        "ann",
        "",
        "ann@acme.example\0",
        "änn@acme.example",
        "ann@аcme.example",
    ],
)
async def test_nobody_is_written_to_whom_the_connector_does_not_admit(tmp_path: Path, to: str) -> None:
    async with posting(tmp_path) as (post, bench):
        error = await outcome(bench, to)
        assert isinstance(error, Refused) and error.code == "mail.recipient"
        assert post.heard == 0


SPEC = MailConnector.model_validate(
    {"type": "mail", "host": "mail.acme.example", "sender": "a@acme.example", "recipients": ["*@acme.example"]}
)


@given(order=st.text(), note=st.text())
def test_no_argument_becomes_a_header_or_a_part(order: str, note: str) -> None:
    template = MailMessage.model_validate({"to": ["b@acme.example"], "subject": "Order {order}", "text": "{note}"})
    try:
        message, to = compose(SPEC, template, {"order": order, "note": note}, "act_1", 0)
        written = message.as_bytes()
    except (Invalid, UnicodeEncodeError):
        return
    assert to == ["b@acme.example"]
    head, _, _ = written.partition(b"\r\n\r\n")
    names = [line.partition(b":")[0].lower() for line in head.split(b"\r\n") if line[:1] not in b" \t"]
    declared = {b"from", b"to", b"subject", b"date", b"message-id", b"auto-submitted"}
    assert set(names) == declared | {b"content-type", b"content-transfer-encoding", b"mime-version"}
    assert len(names) == len(set(names)) and not message.is_multipart()


def test_domains_and_addresses_are_admitted_without_regard_to_case() -> None:
    admitted = ["*@acme.example", "bob@partner.example"]
    assert admits(admitted, "Ann@ACME.example") and admits(admitted, "Bob@partner.example")
    assert not admits(admitted, "ann@partner.example") and not admits(admitted, "ann@xacme.example")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"effect": "write-keyed"}, "neither tells repeats apart"),
        ({"effect": "read"}, "tells somebody"),
        ({"call": {"mail": {**TEMPLATE, "subject": "{none}"}}}, "no argument `none`"),
        ({"call": {"mail": {**TEMPLATE, "to": ["eve@evil.example"]}}}, "may not be written to"),
        ({"call": {"mail": {**TEMPLATE, "to": ["{order}"]}}}, "may be missing"),
    ],
)
def test_what_could_not_be_sent_is_not_applied(changed: dict[str, Any], said: str) -> None:
    spec = {"call": {"mail": TEMPLATE}, "effect": "write-neither", "input": INPUT} | changed
    mail = {"type": "mail", "host": "mail.acme.example", "sender": "a@acme.example", "recipients": ["*@acme.example"]}
    problems = check(organisation(connector("erp", **mail), tool("t", **spec)))
    assert any(said in one.message for one in problems), problems


def test_a_password_is_never_declared_to_go_in_clear() -> None:
    for wrong in ({"security": "none", "user": "u", "credential": "c"}, {"user": "u"}, {"credential": "c"}):
        with pytest.raises(ValueError, match=r"in clear|belong together"):
            MailConnector.model_validate({**SPEC.model_dump(exclude_unset=True), **wrong})


async def test_a_server_that_dribbles_holds_no_thread_beyond_the_deadline(tmp_path: Path) -> None:
    ended = asyncio.Event()

    async def dribble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while not reader.at_eof():
                writer.write(b"2")
                await writer.drain()
                await asyncio.wait_for(reader.read(1), 0.05)
        except (TimeoutError, ConnectionError):
            pass
        while not reader.at_eof() and await reader.read(100):
            pass
        ended.set()

    server = await asyncio.start_server(dribble, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    mail = {"type": "mail", "host": "127.0.0.1", "port": port, "security": "none", "allow": ["127.0.0.1/32"]}
    sending = tool("t", call={"mail": TEMPLATE}, effect="write-neither", input=INPUT)
    declared = connector("erp", **mail, sender="a@acme.example", recipients=["*@acme.example"])
    async with Bench(declared, sending) as bench:
        with pytest.raises(Unreachable):
            await bench.call("t", 0.3, to="ann@acme.example")
        await asyncio.wait_for(ended.wait(), 60)
    server.close()
