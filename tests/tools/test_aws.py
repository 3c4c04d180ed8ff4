"""Secrets of AWS Secrets Manager, asked of a server that speaks as AWS does (moto), on loopback."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from autonomy.catalog.services import HttpService
from autonomy.kernel.clock import now
from autonomy.kernel.errors import AutonomyError, Invalid, NotFound, Unavailable
from autonomy.tools import Unreachable, aws
from autonomy.tools.aws import AwsSecrets
from autonomy.tools.endpoint import Endpoint
from autonomy.tools.providers import providers
from autonomy.tools.signatures import key_of, sign
from autonomy.tools.sigv4 import signed
from demo.processes import free_port
from tests.gate.works import organisation, works
from tests.postgres import REACHED

from .organisations import Bench, connector, no_secret, sql, tool
from .services import Shop, serving

KEYS = {"AWS_ACCESS_KEY_ID": "AKIACANARYCANARY", "AWS_SECRET_ACCESS_KEY": "canary/secret+access/key"}
ALLOW = ["127.0.0.1/32"]


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    """The URL of a running moto server."""
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert server.stderr is not None
    for line in server.stderr:
        if "Running on" in line:
            break
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(10)
        server.stderr.close()


def environment(url: str, **more: str) -> dict[str, str]:
    return {"AWS_ENDPOINT_URL_SECRETS_MANAGER": url, "AWS_ENDPOINT_URL_STS": url, **more}


def provider(given: Mapping[str, str]) -> AwsSecrets:
    return AwsSecrets(Endpoint, "eu-central-1", given, now, ALLOW)


async def manage(url: str, target: str, **body: Any) -> Any:
    """Do something at AWS as its administrator."""
    made = provider(environment(url, **KEYS))
    endpoint = made._at("secretsmanager", "AWS_ENDPOINT_URL_SECRETS_MANAGER")
    text = json.dumps(body).encode()
    headers = {
        "Host": f"127.0.0.1:{endpoint.base.port}",
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": f"secretsmanager.{target}",
    }
    from autonomy.tools.attempt import Attempt

    shown = signed(headers, text, now(), "eu-central-1", "secretsmanager", "AKIA", "secret")
    answer = await endpoint.send("POST", endpoint.base, shown, text, Attempt(False, 5.0))
    await made.close()
    assert answer.status == 200, answer.text
    return json.loads(answer.text or "")


async def reveal(given: Mapping[str, str], name: str) -> Any:
    made = provider(given)
    try:
        return await made.reveal(name)
    finally:
        await made.close()


async def test_a_secret_and_a_field_of_one_are_revealed_in_their_present_version(moto: str) -> None:
    await manage(moto, "CreateSecret", Name="prod/crm", SecretString='{"user": "u", "token": "canary-1"}')
    given = environment(moto, **KEYS)
    first = await reveal(given, "prod/crm#token")
    assert first.reveal() == "canary-1" and json.loads((await reveal(given, "prod/crm")).reveal())["user"] == "u"
    await manage(moto, "PutSecretValue", SecretId="prod/crm", SecretString='{"token": "canary-2"}')
    second = await reveal(given, "prod/crm#token")
    assert second.reveal() == "canary-2" and second.version != first.version
    assert "canary" not in repr(second)


async def test_what_is_not_there_is_told_without_what_is(moto: str) -> None:
    await manage(moto, "CreateSecret", Name="text", SecretString="canary-text")
    given = environment(moto, **KEYS)
    for name, error, code in (
        ("nothing", NotFound, "secret.unknown"),
        ("text#field", Invalid, "secret.value"),
    ):
        with pytest.raises(error) as caught:
            await reveal(given, name)
        assert caught.value.code == code and "canary" not in str(caught.value.as_dict())


async def test_a_connector_shows_a_secret_of_aws_and_rotation_reaches_it_without_a_restart(moto: str) -> None:
    await manage(moto, "CreateSecret", Name="erp/buyer", SecretString="old-canary")
    seen: list[str] = []

    async def strict(request: Any) -> web.Response:
        seen.append(request.headers["Authorization"])
        return web.Response(status=200 if seen[-1] == f"Bearer {wanted[0]}" else 401)

    wanted = ["old-canary"]
    async with serving(strict) as port:
        use = {"type": "http", "baseUrl": f"http://127.0.0.1:{port}", "allow": ALLOW, "credential": "aws:erp/{agent}"}
        made = Bench(
            connector("web", **use),
            tool("t", connector="web", call={"request": {"method": "POST", "path": "/"}}, effect="write-neither"),
            providers={"aws": lambda open_: AwsSecrets(open_, "eu-central-1", environment(moto, **KEYS), now, ALLOW)},
        )
        from autonomy.tools import Invocation

        async with made:
            await made.connectors.call(made.tool("t"), {}, Invocation("a1", "buyer", 5.0))
            await manage(moto, "PutSecretValue", SecretId="erp/buyer", SecretString="new-canary")
            wanted[0] = "new-canary"
            await made.connectors.call(made.tool("t"), {}, Invocation("a2", "buyer", 5.0))
    assert seen == ["Bearer old-canary", "Bearer old-canary", "Bearer new-canary"]


async def test_without_a_provider_its_secrets_are_refused_by_name() -> None:
    use = {"type": "http", "baseUrl": "http://127.0.0.1:9", "allow": ALLOW, "credential": "vault:erp"}
    made = Bench(
        connector("web", **use),
        tool("t", connector="web", call={"request": {"method": "GET", "path": "/"}}),
        reveal=no_secret,
    )
    async with made:
        with pytest.raises(Unreachable) as caught:
            await made.call("t")
    assert caught.value.code == "secret.provider"


async def test_a_pod_is_known_by_its_web_identity(moto: str, tmp_path: Path) -> None:
    await manage(moto, "CreateSecret", Name="pod", SecretString="canary-pod")
    file = tmp_path / "token"
    file.write_text("eyJ.token.of-the-pod\n")
    given = environment(
        moto, AWS_WEB_IDENTITY_TOKEN_FILE=str(file), AWS_ROLE_ARN="arn:aws:iam::123456789012:role/autonomy"
    )
    assert (await reveal(given, "pod")).reveal() == "canary-pod"
    file.unlink()
    with pytest.raises(Unavailable) as caught:
        await reveal(given, "pod")
    assert caught.value.code == "secret.provider"


async def test_a_task_is_known_by_its_containers_credentials() -> None:
    shop = Shop((200, {"AccessKeyId": "ASIA", "SecretAccessKey": "secret-canary", "Token": "session-canary"}))

    async def both(request: Any) -> web.StreamResponse:
        if request.path == "/creds":
            return await shop(request)
        heard.append(dict(request.headers))
        return web.json_response({"SecretString": "canary-task", "VersionId": "v"})

    heard: list[dict[str, str]] = []
    async with serving(both) as port:
        given = environment(
            f"http://127.0.0.1:{port}",
            AWS_CONTAINER_CREDENTIALS_FULL_URI=f"http://127.0.0.1:{port}/creds",
            AWS_CONTAINER_AUTHORIZATION_TOKEN="pod-token",
        )
        assert (await reveal(given, "task")).reveal() == "canary-task"
    assert shop.heard[0]["headers"]["Authorization"] == "pod-token"
    assert heard[0]["X-Amz-Security-Token"] == "session-canary" and "secret-canary" not in str(heard)
    elsewhere = environment("http://127.0.0.1:9", AWS_CONTAINER_CREDENTIALS_FULL_URI="http://10.0.0.1/creds")
    with pytest.raises(Unavailable):
        await reveal(elsewhere, "task")


async def test_a_container_is_asked_again_by_the_same_connection_side() -> None:
    """Each endpoint that is opened is one that is closed; keys of a role are fetched again every half hour."""
    opened: list[str] = []
    at = [now()]

    def counted(service: HttpService) -> Endpoint:
        opened.append(service.baseUrl)
        return Endpoint(service)

    async def both(request: Any) -> web.StreamResponse:
        keys = {"AccessKeyId": "ASIA", "SecretAccessKey": "secret-canary", "Token": "session-canary"}
        return web.json_response({**keys, "SecretString": "canary-task", "VersionId": "v"})

    async with serving(both) as port:
        creds = f"http://127.0.0.1:{port}/creds"
        given = environment(f"http://127.0.0.1:{port}", AWS_CONTAINER_CREDENTIALS_FULL_URI=creds)
        made = AwsSecrets(counted, "eu-central-1", given, lambda: at[0], ALLOW)
        for _ in range(3):
            await made.reveal("task")
            at[0] += 3_600_000
        await made.close()
    assert opened == [creds, f"http://127.0.0.1:{port}"]


async def test_a_container_that_says_nothing_is_left_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aws, "SECONDS", 0.2)

    async def silent(request: Any) -> web.StreamResponse:
        await asyncio.Event().wait()
        return web.Response()

    async with serving(silent) as port:
        given = environment("http://127.0.0.1:9", AWS_CONTAINER_CREDENTIALS_FULL_URI=f"http://127.0.0.1:{port}/creds")
        async with asyncio.timeout(60):
            with pytest.raises(Unavailable) as caught:
                await reveal(given, "task")
    assert caught.value.code == "secret.provider"


async def test_keys_that_ended_are_fetched_again_once() -> None:
    answers = [
        web.json_response({"__type": "ExpiredTokenException", "message": "canary"}, status=400),
        web.json_response({"SecretString": "canary-value", "VersionId": "v"}),
    ]
    shop = Shop(*answers)  # type: ignore[arg-type]
    async with serving(shop) as port:
        found = await reveal(environment(f"http://127.0.0.1:{port}", **KEYS), "x")
    assert found.reveal() == "canary-value" and len(shop.heard) == 2


async def test_every_trouble_at_aws_is_told_without_its_words() -> None:
    for status, said in (
        (403, {"__type": "AccessDeniedException", "Message": "canary"}),
        (500, {}),
        (200, {}),
        (200, []),
    ):
        async with serving(Shop((status, said))) as port:
            with pytest.raises(AutonomyError) as caught:
                await reveal(environment(f"http://127.0.0.1:{port}", **KEYS), "x")
        assert caught.value.code in ("secret.provider", "secret.value")
        assert "canary" not in str(caught.value.as_dict())
    with pytest.raises(Unavailable):
        await reveal({}, "x")


@given(
    body=st.binary(max_size=200),
    value=st.text(st.characters(codec="ascii", categories=["L", "N", "P", "Zs"]), max_size=40).map(str.strip),
    secret=st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=40),
    at=st.integers(1_500_000_000_000, 2_500_000_000_000),
)
def test_signatures_are_those_of_the_aws_library(body: bytes, value: str, secret: str, at: int) -> None:
    headers = {"Host": "secretsmanager.eu-central-1.amazonaws.com", "X-Amz-Target": value}
    ours = signed(headers, body, at, "eu-central-1", "secretsmanager", "AKIA", secret)
    request = AWSRequest("POST", "https://secretsmanager.eu-central-1.amazonaws.com/", data=body, headers=headers)
    request.context["timestamp"] = ours["X-Amz-Date"]
    request.headers["X-Amz-Date"] = ours["X-Amz-Date"]
    theirs = SigV4Auth(Credentials("AKIA", secret), "secretsmanager", "eu-central-1")
    text = theirs.string_to_sign(request, theirs.canonical_request(request))
    assert ours["Authorization"].endswith(f"Signature={theirs.signature(text, request)}")


HOOK = """
apiVersion: autonomy/v1
kind: Hook
metadata: {{ name: far }}
spec: {{ credential: "{credential}" }}
"""


@pytest.fixture
def at_moto(moto: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A process of the control plane that is somebody at AWS."""
    for name, value in environment(moto, **KEYS).items():
        monkeypatch.setenv(name, value)
    return moto


async def test_a_database_is_reached_by_the_url_that_lies_at_aws(at_moto: str, postgres_url: str) -> None:
    await manage(at_moto, "CreateSecret", Name="erp/db", SecretString=json.dumps({"url": postgres_url}))
    bench = Bench(
        connector("erp", type="sql", credential="aws:erp/db#url", **REACHED),
        tool("answer", call=sql("SELECT 42 AS answer")),
        reveal=no_secret,
        providers=providers("eu-central-1", ALLOW, os.environ, now),
    )
    async with bench as reading:
        assert await reading.call("answer") == {"rows": [{"answer": 42}]}


async def test_the_key_of_a_hook_may_lie_at_aws(at_moto: str, tmp_path: Path) -> None:
    key = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    await manage(at_moto, "CreateSecret", Name="hooks/engine", SecretString=key)
    hook = HOOK.format(credential="aws:hooks/engine")
    files = organisation(hooks=hook)
    async with works(tmp_path, "", files=files, aws_region="eu-central-1", aws_allow=tuple(ALLOW), living=True) as it:
        body = b'{"type": "order.done"}'
        taken = await it.system.hooks.receive("far", sign(key_of(key), "msg_1", now() // 1000, body), body)
        assert not taken.repeated
        with pytest.raises(AutonomyError) as caught:
            await it.system.hooks.receive("far", sign(b"another key of them", "msg_2", now() // 1000, body), body)
    assert caught.value.code == "hook.signature"
