"""What is shown to services: tokens fetched and renewed, each agent's own secrets, client certificates, rotation."""

from __future__ import annotations

import asyncio
import base64
import datetime
import json
import ssl
import time
import tracemalloc
from typing import Any
from urllib.parse import parse_qs

import jwt
import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID

from autonomy.catalog.services import HttpService, OAuth
from autonomy.identity import jose
from autonomy.kernel.errors import AutonomyError, NotFound, Unavailable
from autonomy.tools import Invocation, Refused, Unreachable
from autonomy.tools import oauth as oauth_client
from autonomy.tools.credential import Credential, Presented, scrubbed
from autonomy.tools.keyring import KNOWN, Keyring
from autonomy.tools.oauth import Tokens

from .organisations import Bench, connector, revision, tool
from .services import Shop, serving

SECRETS = {
    "client-secret": "client-canary&secret",
    "refresh": "refresh-canary-1",
    "idp/ada": "person-canary",
    "actor": "actor-canary",
}


class Authority:
    """An authorization server: hands out `token-1`, `token-2`, …; the shop beside it takes only the newest."""

    def __init__(self, **answer: Any) -> None:
        self.answer = answer
        self.forms: list[dict[str, str]] = []
        self.headers: list[dict[str, str]] = []
        self.revoked: set[str] = set()
        self.writes: list[str] = []
        self.refuse: tuple[int, dict[str, str]] | None = None

    async def __call__(self, request: Any) -> web.Response:
        body = (await request.read()).decode()
        if request.path == "/token":
            self.forms.append({name: values[0] for name, values in parse_qs(body).items()})
            self.headers.append(dict(request.headers))
            if self.refuse:
                return web.json_response(self.refuse[1], status=self.refuse[0])
            token = f"token-{len(self.forms)}"
            return web.json_response({"access_token": token, "token_type": "Bearer", **self.answer})
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if token in self.revoked or not token.startswith("token-"):
            return web.json_response({"error": f"expired {token}"}, status=401)
        self.writes.append(token)
        return web.json_response({"token": token})


def bench(
    port: int, oauth: dict[str, Any], effect: str = "write-neither", secrets: dict[str, str] | None = None, **how: Any
) -> Bench:
    known = SECRETS if secrets is None else secrets

    def reveal(name: str) -> Credential:
        if name not in known:
            raise NotFound(f"there is no secret `{name}`", code="secret.unknown")
        return Credential(name, hash(known[name]), known[name])

    declared = {"tokenUrl": f"http://127.0.0.1:{port}/token", "clientId": "autonomy & co", **oauth}
    use = {"type": "http", "baseUrl": f"http://127.0.0.1:{port}/api", "allow": ["127.0.0.1/32"], "oauth": declared}
    request = {"method": "GET" if effect == "read" else "POST", "path": "/things"}
    agent = {"roles": ["r"], "sponsor": "ada", "owner": "ada", "supervisor": "r"}
    return Bench(
        connector("web", **use),
        tool("t", connector="web", call={"request": request}, effect=effect),
        revision("Agent", "buyer", agent),
        **{"reveal": reveal, **how},
    )


async def call(made: Bench, agent: str = "buyer") -> Any:
    return (await made.connectors.call(made.tool("t"), {}, Invocation("act_1", agent, 5.0))).value


CLIENT = {"grant": "client_credentials", "clientSecret": "client-secret", "scopes": ["a", "b"], "audience": "shop"}


async def test_a_token_is_fetched_once_by_client_credentials_and_used_until_it_ends() -> None:
    authority = Authority(expires_in=3600)
    async with serving(authority) as port, bench(port, CLIENT) as made:
        assert await asyncio.gather(*(call(made) for _ in range(20))) == [{"token": "[credential]"}] * 20
    assert authority.forms == [{"grant_type": "client_credentials", "scope": "a b", "audience": "shop"}]
    pair = base64.b64decode(authority.headers[0]["Authorization"].removeprefix("Basic ")).decode()
    assert pair == "autonomy%20%26%20co:client-canary%26secret"  # RFC 6749, section 2.3.1


async def test_a_client_may_show_its_secret_in_the_form() -> None:
    authority = Authority()
    async with serving(authority) as port, bench(port, {**CLIENT, "authenticate": "post"}) as made:
        await call(made)
    assert authority.forms[0]["client_secret"] == SECRETS["client-secret"]
    assert "Authorization" not in authority.headers[0]


async def test_a_token_is_renewed_before_it_ends() -> None:
    authority = Authority(expires_in=0)  # a second is the least that is believed; a fifth of it is too early to trust
    async with serving(authority) as port, bench(port, CLIENT) as made:
        await call(made)
        async with asyncio.timeout(60):
            while len(authority.forms) < 2:
                await call(made)
    assert len(authority.writes) > 1 and not authority.revoked


async def test_a_token_that_ended_mid_call_is_renewed_once_and_the_write_is_done_once() -> None:
    authority = Authority(expires_in=3600)
    async with serving(authority) as port, bench(port, CLIENT) as made:
        await call(made)
        made.connectors._outbound._tokens._held[next(iter(made.connectors._outbound._tokens._held))].fetched_at -= 60
        authority.revoked.add("token-1")
        await call(made)
    assert authority.writes == ["token-1", "token-2"] and len(authority.forms) == 2


async def test_a_service_that_refuses_every_token_is_not_asked_for_ever() -> None:
    authority = Authority(expires_in=3600)
    authority.revoked = {f"token-{n}" for n in range(100)}
    async with serving(authority) as port, bench(port, CLIENT) as made:
        for _ in range(4):
            with pytest.raises(Refused) as caught:
                await call(made)
            assert "token-1" not in str(caught.value)
    assert len(authority.forms) == 1 and authority.writes == []


async def test_a_refresh_token_that_is_replaced_is_stored_again() -> None:
    secrets = dict(SECRETS)
    kept: list[tuple[str, str]] = []

    def keep(name: str, value: str) -> None:
        kept.append((name, value))
        secrets[name] = value

    authority = Authority(expires_in=0, refresh_token="refresh-canary-2")
    oauth = {"grant": "refresh_token", "refreshToken": "refresh", "clientSecret": "client-secret"}
    async with serving(authority) as port, bench(port, oauth, secrets=secrets, keep=keep) as made:
        await call(made)
        assert kept == [("refresh", "refresh-canary-2")]
        async with asyncio.timeout(60):
            while len(authority.forms) < 2:
                await call(made)
    assert [form["refresh_token"] for form in authority.forms[:1]] == ["refresh-canary-1"]


async def test_a_refresh_token_that_another_process_replaced_is_read_again() -> None:
    secrets = dict(SECRETS)
    authority = Authority(expires_in=3600)

    async def once_used(request: Any) -> web.Response:
        answer = await authority(request)
        if request.path == "/token" and authority.forms[-1]["refresh_token"] == "refresh-canary-1":
            secrets["refresh"] = "refresh-canary-2"  # what the other process stored
            return web.json_response({"error": "invalid_grant"}, status=400)
        return answer

    oauth = {"grant": "refresh_token", "refreshToken": "refresh"}
    async with serving(once_used) as port, bench(port, oauth, secrets=secrets) as made:
        await call(made)
    assert [form["refresh_token"] for form in authority.forms] == ["refresh-canary-1", "refresh-canary-2"]
    assert authority.forms[0]["client_id"] == "autonomy & co"


async def test_a_spent_refresh_token_whose_successor_is_not_stored_is_neither_forgotten_nor_left_unstored(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(oauth_client, "HELD", 1)
    secrets, is_down, tried = dict(SECRETS), True, []

    def keep(name: str, value: str) -> None:
        tried.append(value)
        if is_down:
            raise Unavailable("the store is away", code="db.unavailable")
        secrets[name] = value

    def reveal(name: str) -> Credential:
        return Credential(name, hash(secrets[name]), secrets[name], given=1)

    authority = Authority(expires_in=86_400, refresh_token="refresh-canary-2")
    oauth = {"grant": "refresh_token", "refreshToken": "{agent}"}
    secrets["buyer"] = secrets["other"] = secrets["third"] = "refresh-canary-1"
    places = {name: {"agent": name} for name in ("buyer", "other", "third")}
    async with serving(authority) as port, bench(port, oauth, reveal=reveal, keep=keep, places=places.get) as made:
        tokens = made.connectors._outbound._tokens
        for agent in places:
            await call(made, agent)  # each new one wants the place of one before
        assert len(authority.forms) == 3 and len(tokens._held) == 3
        await call(made)
        assert len(tried) == 3  # not at each call
        is_down = False
        for held in tokens._held.values():
            held.store_at = 0.0  # as when its time has come
        for agent in places:
            await call(made, agent)
        assert [secrets[agent] for agent in places] == ["refresh-canary-2"] * 3 and len(authority.forms) == 3
        await call(made, "third")
        assert len(tried) == 6  # what is stored is not stored again


async def test_what_a_person_stores_is_not_replaced_by_a_token_that_could_not_be_stored_before() -> None:
    stored = Credential("refresh", 1, "refresh-canary-1", given=1)
    tried: list[str] = []

    def keep(name: str, value: str) -> None:
        tried.append(value)
        raise Unavailable("the store is away", code="db.unavailable")

    authority = Authority(expires_in=86_400, refresh_token="refresh-canary-2")
    oauth = {"grant": "refresh_token", "refreshToken": "refresh"}
    async with serving(authority) as port, bench(port, oauth, reveal=lambda name: stored, keep=keep) as made:
        await call(made)
        stored = Credential("refresh", 2, "of-a-person-canary", given=2)
        for held in made.connectors._outbound._tokens._held.values():
            held.store_at = 0.0  # as when its time has come
        await call(made)
    assert [form["refresh_token"] for form in authority.forms] == ["refresh-canary-1", "of-a-person-canary"]
    assert tried == ["refresh-canary-2"] * 2  # once for each answer


EXCHANGE = {"grant": "token_exchange", "clientSecret": "client-secret", "subjectToken": "idp/{sponsor}"}


def two_seconds_later(made: Bench) -> None:
    """Nothing revealed so far is used again, as after the keyring's two seconds."""
    made.connectors._outbound._keyring._known.clear()


@pytest.mark.parametrize("name", ["client-secret", "idp/ada"])
async def test_a_fresh_token_is_not_used_once_a_secret_it_was_made_from_is_gone(name: str) -> None:
    authority, secrets = Authority(expires_in=86_400), dict(SECRETS)
    async with serving(authority) as port, bench(port, EXCHANGE, secrets=secrets) as made:
        await call(made)
        del secrets[name]
        two_seconds_later(made)
        with pytest.raises((Refused, Unreachable)) as caught:
            await call(made)
    assert caught.value.code == "secret.unknown" and authority.writes == ["token-1"]


@pytest.mark.parametrize(("name", "field"), [("client-secret", "client_secret"), ("idp/ada", "subject_token")])
async def test_a_fresh_token_is_fetched_anew_once_a_secret_it_was_made_from_is_another(name: str, field: str) -> None:
    authority, secrets = Authority(expires_in=86_400), dict(SECRETS)
    oauth = {**EXCHANGE, "authenticate": "post"}
    async with serving(authority) as port, bench(port, oauth, secrets=secrets) as made:
        for _ in range(3):  # what is revealed anew and is the same costs no token
            await call(made)
            two_seconds_later(made)
        secrets[name] = "rotated-canary"
        await call(made)
    assert authority.writes == ["token-1", "token-1", "token-1", "token-2"]
    assert authority.forms[1][field] == "rotated-canary"


async def test_after_a_rotation_the_old_token_is_not_used_either_where_no_new_one_is_given() -> None:
    authority, secrets = Authority(expires_in=86_400), dict(SECRETS)
    async with serving(authority) as port, bench(port, CLIENT, secrets=secrets) as made:
        await call(made)
        secrets["client-secret"], authority.refuse = "wrong-canary", (401, {"error": "invalid_client"})
        two_seconds_later(made)
        for _ in range(2):
            with pytest.raises(Refused):
                await call(made)
    assert authority.writes == ["token-1"]


async def test_a_refresh_token_that_the_system_renewed_is_the_same_grant_and_one_a_person_stored_is_not() -> None:
    """Else processes that share a refresh token would renew it by turns for ever."""
    stored = Credential("refresh", 1, "refresh-canary-1", given=1)
    authority = Authority(expires_in=86_400)
    oauth = {"grant": "refresh_token", "refreshToken": "refresh"}
    async with serving(authority) as port:
        made = bench(port, oauth, reveal=lambda name: stored)
        async with made:
            for version, given in ((1, 1), (2, 1), (3, 3), (4, 3)):
                stored = Credential("refresh", version, f"refresh-canary-{version}", given)
                await call(made)
                two_seconds_later(made)
    assert [form["refresh_token"] for form in authority.forms] == ["refresh-canary-1", "refresh-canary-3"]


async def test_a_token_is_exchanged_on_behalf_of_the_person_who_answers_for_the_agent() -> None:
    authority = Authority(issued_token_type="urn:ietf:params:oauth:token-type:access_token")
    oauth = {
        "grant": "token_exchange",
        "subjectToken": "idp/{sponsor}",
        "actorToken": "actor",
        "resource": "https://shop.example/",
    }
    async with serving(authority) as port, bench(port, oauth) as made:
        await call(made)
        with pytest.raises(Refused) as caught:
            await call(made, "stranger")
        assert caught.value.code == "credential.whose"
    assert authority.forms == [
        {
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
            "subject_token": "person-canary",
            "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
            "actor_token": "actor-canary",
            "actor_token_type": "urn:ietf:params:oauth:token-type:access_token",
            "resource": "https://shop.example/",
            "client_id": "autonomy & co",
        }
    ]


@pytest.mark.parametrize(
    ("status", "said", "error", "code"),
    [
        (
            400,
            {"error": "invalid_client", "error_description": "client-canary&secret is wrong"},
            Refused,
            "credential.refused",
        ),
        (401, {"error": "client-canary&secret"}, Refused, "credential.refused"),
        (500, {}, Unreachable, "credential.answer"),
        (200, {"token_type": "mac", "access_token": "x"}, Unreachable, "credential.answer"),
        (200, {"token_type": "bearer"}, Unreachable, "credential.answer"),
        (302, {}, Unreachable, "credential.answer"),
    ],
)
async def test_an_authorization_server_that_says_no_has_sent_nothing_to_the_service_and_repeats_no_secret(
    status: int, said: dict[str, str], error: type[AutonomyError], code: str
) -> None:
    authority = Authority()
    authority.refuse = status, said
    async with serving(authority) as port, bench(port, CLIENT) as made:
        with pytest.raises(error) as caught:
            await call(made)
    assert caught.value.code == code and "canary" not in str(caught.value.as_dict())
    assert authority.writes == []


async def test_a_silent_authorization_server_is_left_at_the_deadline_and_nothing_was_sent() -> None:
    async def silent(request: Any) -> web.Response:
        await asyncio.Event().wait()
        return web.Response()

    async with serving(silent) as port, bench(port, CLIENT) as made:
        with pytest.raises(Unreachable):
            await made.connectors.call(made.tool("t"), {}, Invocation("act_1", "buyer", 0.3))


async def test_an_authorization_server_at_a_forbidden_address_is_not_asked() -> None:
    async with bench(9, {**CLIENT, "tokenUrl": "http://169.254.169.254/token"}) as made:
        with pytest.raises(Unreachable) as caught:
            await call(made)
    assert caught.value.code == "egress.forbidden"


async def test_a_rotated_credential_is_shown_at_once_after_the_old_one_was_refused() -> None:
    """A 401 means that nothing was done: the write is sent once more, and done once."""
    versions = [Credential("k", 1, "old-canary"), Credential("k", 2, "new-canary")]
    seen: list[str] = []

    async def strict(request: Any) -> web.Response:
        seen.append(request.headers["Authorization"])
        return web.Response(status=200 if "new" in seen[-1] else 401)

    async with serving(strict) as port:
        use = {"type": "http", "baseUrl": f"http://127.0.0.1:{port}", "allow": ["127.0.0.1/32"], "credential": "k"}
        request = {"request": {"method": "POST", "path": "/x"}}
        made = Bench(
            connector("web", **use),
            tool("t", connector="web", call=request, effect="write-neither"),
            reveal=lambda name: versions.pop(0) if len(versions) > 1 else versions[0],
        )
        async with made:
            await made.call("t")
    assert seen == ["Bearer old-canary", "Bearer new-canary"]


async def test_a_credential_that_is_not_newer_is_not_shown_twice() -> None:
    shop = Shop((401, {}))
    async with serving(shop) as port:
        use = {"type": "http", "baseUrl": f"http://127.0.0.1:{port}", "allow": ["127.0.0.1/32"], "credential": "k"}
        request = {"request": {"method": "POST", "path": "/x"}}
        made = Bench(
            connector("web", **use),
            tool("t", connector="web", call=request, effect="write-neither"),
            reveal=lambda name: Credential(name, 1, "same-canary"),
        )
        async with made:
            with pytest.raises(Refused):
                await made.call("t")
    assert len(shop.heard) == 1


async def test_what_stands_in_braces_is_of_the_agent_that_acts() -> None:
    places = {"agent": "w1", "unit": "works", "sponsor": "ada", "owner": "bea"}
    keyring = Keyring(lambda name: Credential(name, 1, f"value of {name}"), lambda agent: places)
    found = await keyring.credential("erp.{unit}/{agent}-{sponsor}.{owner}", "w1")
    assert found.reveal() == "value of erp.works/w1-ada.bea"


async def test_five_thousand_agents_with_their_own_identity_take_less_than_a_hundred_megabytes() -> None:
    keyring = Keyring(lambda name: Credential(name, 1, "k" * 40 + name))

    class Quick:
        """An authorization server without a network."""

        base = None

        async def send(self, *_: Any) -> Any:
            from autonomy.tools.endpoint import Answer

            return Answer(
                200, "application/json", None, '{"access_token": "%s", "token_type": "bearer"}' % ("t" * 1_500)
            )

    tracemalloc.start()
    tokens = Tokens(keyring, lambda service: Quick(), _no_tls, None)  # type: ignore[arg-type, return-value]
    oauth = OAuth(grant="client_credentials", tokenUrl="https://idp.example/", clientId="c", clientSecret="erp/{agent}")
    service = HttpService(baseUrl="https://erp.example/", oauth=oauth)
    for number in range(5_000):
        await tokens.token(service, oauth, f"agent-{number}", 5.0)
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert used < 50_000_000, used
    for number in range(KNOWN + 50):
        await keyring.credential("crm/{agent}", f"agent-{number}")
    assert len(keyring._known) == KNOWN


async def _no_tls(service: HttpService, agent: str) -> None:
    return None


def issue(name: str, issuer: tuple[Any, Any] | None = None, server: bool = False) -> tuple[Any, Any]:
    """A certificate and its key; by itself where no issuer is given."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer[0].subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
    )
    if server:
        built = built.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    return built.sign(issuer[1] if issuer else key, hashes.SHA256()), key


def pem(certificate: Any, key: Any = None) -> str:
    text = certificate.public_bytes(serialization.Encoding.PEM).decode()
    if key is not None:
        form = serialization.PrivateFormat.PKCS8
        text += key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()
    return text


async def tls_call(secrets: dict[str, str], served: ssl.SSLContext, agent: str, **use: Any) -> Any:
    """One read of a TLS server that says whose certificate it saw."""

    async def who(request: Any) -> web.Response:
        found = request.transport.get_extra_info("peercert")
        return web.json_response({"name": found["subject"][0][0][1] if found else None})

    runner = web.ServerRunner(web.Server(who), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=served)
    await site.start()
    assert site._server is not None
    port = site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
    settings = {"type": "http", "baseUrl": f"https://localhost:{port}", "allow": ["127.0.0.1/32", "::1/128"], **use}
    made = Bench(
        connector("web", **settings),
        tool("t", connector="web", call={"request": {"method": "GET", "path": "/"}}),
        reveal=lambda name: Credential(name, 1, secrets[name]),
    )
    try:
        async with made:
            return (await made.connectors.call(made.tool("t"), {}, Invocation("act_1", agent, 5.0))).value
    finally:
        await runner.cleanup()


@pytest.fixture(scope="module")
def authority_() -> tuple[Any, Any]:
    return issue("test authority")


@pytest.fixture(scope="module")
def served(authority_: tuple[Any, Any], tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    """A server that wants client certificates of the authority."""
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    path.write_text(pem(*issue("localhost", authority_, server=True)))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    context.load_verify_locations(cadata=pem(authority_[0]))
    context.verify_mode = ssl.CERT_REQUIRED
    return context


async def test_each_agent_shows_its_own_client_certificate(authority_: tuple[Any, Any], served: ssl.SSLContext) -> None:
    secrets = {"ca": pem(authority_[0]), **{f"tls/{name}": pem(*issue(name, authority_)) for name in ("w1", "w2")}}
    for agent in ("w1", "w2"):
        found = await tls_call(secrets, served, agent, certificate="tls/{agent}", authorities="ca")
        assert found == {"name": agent}


async def test_without_its_certificate_or_the_right_authority_nothing_is_done(
    authority_: tuple[Any, Any], served: ssl.SSLContext
) -> None:
    stranger = issue("another authority")
    secrets = {
        "ca": pem(authority_[0]),
        "other": pem(stranger[0]),
        "mine": pem(*issue("w1", authority_)),
        "junk": "no certificate",
    }
    secrets["forged"] = pem(*issue("w1", stranger))
    for use in (
        {"authorities": "ca"},
        {"certificate": "mine"},
        {"certificate": "mine", "authorities": "other"},
        {"certificate": "forged", "authorities": "ca"},
        {"certificate": "junk", "authorities": "ca"},
        {"certificate": "mine", "authorities": "junk"},
    ):
        with pytest.raises(Unreachable) as caught:
            await tls_call(secrets, served, "w1", **use)
        assert "PRIVATE KEY" not in str(caught.value.as_dict())


async def test_a_key_with_a_password_is_refused_without_asking_a_terminal(
    authority_: tuple[Any, Any], served: ssl.SSLContext
) -> None:
    certificate, key = issue("w1", authority_)
    locked = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"pass")
    ).decode()
    with pytest.raises(Unreachable) as caught:
        await tls_call(
            {"locked": pem(certificate) + locked, "ca": pem(authority_[0])},
            served,
            "w1",
            certificate="locked",
            authorities="ca",
        )
    assert caught.value.code == "credential.certificate"


def private_key(kind: str) -> tuple[str, Any]:
    """A private key as PEM, and its public half as a JSON Web Key."""
    made: Any
    match kind:
        case "EdDSA":
            made, jwk = ed25519.Ed25519PrivateKey.generate(), jwt.algorithms.OKPAlgorithm.to_jwk
        case "RS256":
            made, jwk = rsa.generate_private_key(65_537, 2_048), jwt.algorithms.RSAAlgorithm.to_jwk
        case _:
            made, jwk = ec.generate_private_key(ec.SECP256R1()), jwt.algorithms.ECAlgorithm.to_jwk
    form = serialization.PrivateFormat.PKCS8
    text = made.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()
    return text, json.loads(jwk(made.public_key()))


@pytest.mark.parametrize("kind", ["EdDSA", "ES256", "RS256"])
async def test_a_client_signs_instead_of_showing_a_secret(kind: str) -> None:
    authority, (pem_text, public) = Authority(expires_in=3600), private_key(kind)
    oauth = {**CLIENT, "authenticate": "private_key_jwt", "keyId": "k-1"}
    async with serving(authority) as port, bench(port, oauth, secrets={"client-secret": pem_text}) as made:
        assert await call(made) == {"token": "[credential]"}
    (form,) = authority.forms
    assert form["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    assert "client_secret" not in form and "Authorization" not in authority.headers[0]
    said = jose.read(form["client_assertion"])
    claims = jose.verified(said, public, [kind])
    assert (said.kid, claims["iss"], claims["sub"]) == ("k-1", "autonomy & co", "autonomy & co")
    assert claims["aud"] == f"http://127.0.0.1:{port}/token" and claims["exp"] - claims["iat"] == 60  # type: ignore[operator]
    assert abs(int(str(claims["iat"])) - time.time()) < 30 and str(claims["jti"]).startswith("jti_")


@pytest.mark.parametrize("secret", ["client-canary", "", "locked", "small"])
async def test_a_client_without_a_key_to_sign_with_asks_nothing(secret: str) -> None:
    authority, encoding = Authority(), serialization.Encoding.PEM
    if secret == "locked":
        locked = serialization.BestAvailableEncryption(b"pass")
        key: Any = ec.generate_private_key(ec.SECP256R1())
        secret = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, locked).decode()
    elif secret == "small":
        key = rsa.generate_private_key(65_537, 1_024)
        plain = serialization.NoEncryption()
        secret = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, plain).decode()
    oauth = {**CLIENT, "authenticate": "private_key_jwt"}
    async with serving(authority) as port, bench(port, oauth, secrets={"client-secret": secret}) as made:
        with pytest.raises(Unreachable) as caught:
            await call(made)
    assert caught.value.code == "credential.signing_key" and "canary" not in str(caught.value.as_dict())
    assert authority.forms == []


@pytest.mark.parametrize(
    "said",
    [
        {"grant": "refresh_token", "refreshToken": "refresh", "authenticate": "private_key_jwt"},
        {"grant": "client_credentials", "clientSecret": "s", "keyId": "k"},
    ],
)
def test_signing_needs_a_key_and_a_key_is_for_signing(said: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="private"):
        OAuth(tokenUrl="https://idp.example/", clientId="c", **said)


@pytest.mark.parametrize("said", ["{}", "{slashed}", "{numbered}", "{NUMBERED}"])
def test_a_credential_that_comes_back_escaped_is_taken_out_as_well(said: str) -> None:
    value = "ab/cd+ef/gh=ij"
    numbered = "".join(char if char.isalnum() else f"\\u{ord(char):04x}" for char in value)
    shown = said.replace("{}", value).replace("{slashed}", value.replace("/", "\\/")).replace("{numbered}", numbered)
    shown = shown.replace("{NUMBERED}", numbered.replace("2b", "2B").replace("2f", "2F").replace("3d", "3D"))
    body = f'{{"echo": "Bearer {shown}"}}'.encode()
    text = scrubbed(body, [Presented(Credential("key", 1, value))])
    assert text is not None and "ij" not in text
    assert value not in json.loads(text)["echo"]
