"""The token endpoint: RFC 6749, 6750, 8693, 8707, 8414 and 9728."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import quote_plus, urlencode

import jwt
import pytest

from autonomy.identity import Identity
from autonomy.kernel.errors import Invalid, Unavailable
from autonomy.protocols import app, serves
from autonomy.protocols.site import Site

from ..identity.world import ISSUER, World, make_world
from .wires import Response, Wires

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
TOKEN_TYPE = "urn:ietf:params:oauth:token-type:access_token"
SECRET = "s3 cret:"
FORM = {"content-type": "application/x-www-form-urlencoded"}
POST = {"client_id": "cred_1", "client_secret": SECRET}
GRANT = {"grant_type": "client_credentials"}


@pytest.fixture
def world(database: Any, queue: Any) -> World:
    return make_world(database, queue)


def basic(name: str = "cred_1", secret: str = SECRET) -> dict[str, str]:
    """Client authentication as RFC 6749 section 2.3.1 writes it."""
    pair = f"{quote_plus(name)}:{quote_plus(secret)}"
    return {"authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


def ask(wires: Wires, form: Any, **headers: str) -> Response:
    body = form if isinstance(form, bytes) else urlencode(form, doseq=True).encode()
    return wires.send("POST", "/oauth/token", body, FORM | headers)


def check_refused(answer: Response, status: int, error: str) -> None:
    assert (answer.status, answer.json()["error"]) == (status, error), answer.body
    assert set(answer.json()) == {"error", "error_description"}
    assert answer.headers["cache-control"] == "no-store"
    assert ("www-authenticate" in answer.headers) is (status == 401)


@pytest.mark.parametrize("how", ["basic", "post"])
def test_a_client_gets_a_token_for_its_secret(wires: Wires, how: str) -> None:
    answer = ask(wires, GRANT, **basic()) if how == "basic" else ask(wires, GRANT | POST)
    assert answer.status == 200
    assert answer.json()["access_token"] == "signed"
    assert answer.json()["token_type"] == "Bearer"
    assert answer.json()["expires_in"] == 300
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["pragma"] == "no-cache"
    assert wires.clients.asked == [("token", None)]


@pytest.mark.parametrize("name", ["resource", "audience"])
def test_resources_are_named_by_either_word_and_more_than_once(wires: Wires, name: str) -> None:
    named = ["https://autonomy.example", "https://autonomy.example/mcp"]
    assert ask(wires, GRANT | POST | {name: named}).status == 200
    assert wires.clients.asked == [("token", *named, None)]


def test_a_client_may_act_for_who_delegated_to_it(wires: Wires) -> None:
    assert ask(wires, GRANT | POST | {"act_for": "clerk"}).status == 200
    assert wires.clients.asked == [("token", "clerk")]


def test_a_token_is_exchanged_for_one_to_act_with(wires: Wires) -> None:
    form = POST | {"grant_type": EXCHANGE, "subject_token": "subject", "subject_token_type": TOKEN_TYPE}
    answer = ask(wires, form | {"requested_token_type": TOKEN_TYPE, "audience": "https://autonomy.example/mcp"})
    assert answer.json()["access_token"] == "exchanged"
    assert answer.json()["issued_token_type"] == TOKEN_TYPE
    assert wires.clients.asked == [("exchange", "https://autonomy.example/mcp", "subject")]


@pytest.mark.parametrize(
    "change",
    [
        {"subject_token": None},
        {"subject_token_type": None},
        {"subject_token_type": "urn:ietf:params:oauth:token-type:saml2"},
        {"requested_token_type": "urn:ietf:params:oauth:token-type:refresh_token"},
        {"actor_token": "x"},
        {"actor_token_type": TOKEN_TYPE},
        {"actor_token": "x", "actor_token_type": "urn:ietf:params:oauth:token-type:id_token"},
    ],
)
def test_an_exchange_of_another_kind_is_refused(wires: Wires, change: dict[str, Any]) -> None:
    form = POST | {"grant_type": EXCHANGE, "subject_token": "subject", "subject_token_type": TOKEN_TYPE} | change
    given = {name: value for name, value in form.items() if value is not None}
    check_refused(ask(wires, given), 400, "invalid_request")
    assert wires.clients.asked == []


def test_a_bad_subject_token_is_a_bad_grant(wires: Wires) -> None:
    form = POST | {"grant_type": EXCHANGE, "subject_token": "stale", "subject_token_type": TOKEN_TYPE}
    check_refused(ask(wires, form), 400, "invalid_grant")


@pytest.mark.parametrize(
    ("form", "error"),
    [
        (b"%", "invalid_request"),
        (b"\xff\xfe", "invalid_request"),
        (b"grant_type=%ff&client_id=a&client_secret=b", "invalid_request"),
        (b"&".join(b"a%d=1" % at for at in range(31)), "invalid_request"),
        (POST, "invalid_request"),
        (POST | {"grant_type": ""}, "invalid_request"),
        (POST | {"grant_type": ["client_credentials", "client_credentials"]}, "invalid_request"),
        (GRANT | POST | {"client_id": ["cred_1", "cred_2"]}, "invalid_request"),
        (POST | {"grant_type": "password"}, "unsupported_grant_type"),
        (POST | {"grant_type": "authorization_code"}, "unsupported_grant_type"),
        (GRANT | POST | {"scope": "everything"}, "invalid_scope"),
    ],
)
def test_a_request_that_is_none_is_refused(wires: Wires, form: Any, error: str) -> None:
    check_refused(ask(wires, form), 400, error)
    assert wires.clients.asked == []


@pytest.mark.parametrize(
    ("form", "headers"),
    [
        (b"", {}),
        (GRANT, {}),
        (GRANT | {"client_id": "cred_1"}, {}),
        (GRANT | {"client_secret": SECRET}, {}),
        (GRANT | POST | {"client_secret": "wrong"}, {}),
        (GRANT | POST | {"client_id": "cred_2"}, {}),
        (GRANT, basic(secret="wrong")),
        (GRANT, {"authorization": "Basic"}),
        (GRANT, {"authorization": "Basic !!!"}),
        (GRANT, {"authorization": "Basic " + base64.b64encode(b"cred_1").decode()}),
        (GRANT, {"authorization": "Basic " + base64.b64encode(b"\xff:x").decode()}),
        (GRANT, {"authorization": "Bearer x"}),
    ],
)
def test_a_client_that_cannot_prove_itself_is_refused(wires: Wires, form: Any, headers: dict[str, str]) -> None:
    check_refused(ask(wires, form, **headers), 401, "invalid_client")


def test_a_client_authenticates_in_one_way(wires: Wires) -> None:
    check_refused(ask(wires, GRANT | POST, **basic()), 400, "invalid_request")
    check_refused(ask(wires, GRANT | {"client_id": "cred_2"}, **basic()), 400, "invalid_request")
    assert ask(wires, GRANT | {"client_id": "cred_1"}, **basic()).status == 200


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data", ""])
def test_only_forms_are_read(wires: Wires, kind: str) -> None:
    check_refused(ask(wires, GRANT | POST, **{"content-type": kind}), 400, "invalid_request")


def test_a_large_form_is_not_read(wires: Wires) -> None:
    answer = ask(wires, GRANT | POST | {"subject_token": "x" * 70_000})
    assert (answer.status, answer.json()["error"]) == (413, "invalid_request")


def test_a_store_that_does_not_answer_is_no_fault_of_the_client(wires: Wires) -> None:
    def gone(*_: Any) -> Any:
        raise Unavailable("the store does not answer")

    wires.clients.token = gone  # type: ignore[method-assign]
    answer = ask(wires, GRANT | POST)
    assert (answer.status, answer.json()["error"]) == (503, "temporarily_unavailable")


def test_secrets_are_not_echoed(wires: Wires) -> None:
    for form in (GRANT | POST | {"client_secret": "hunter2"}, POST | {"client_secret": "hunter2"}):
        assert b"hunter2" not in ask(wires, form).body


def test_nobody_signs_in_for_an_agent(wires: Wires) -> None:
    answer = wires.send("GET", "/oauth/authorize?response_type=code&client_id=x&redirect_uri=https://evil.example")
    assert (answer.status, answer.json()["error"]) == (400, "unsupported_response_type")
    assert "location" not in answer.headers


def test_the_documents_lead_from_the_resource_to_the_token(wires: Wires) -> None:
    whole = wires.send("GET", "/.well-known/oauth-protected-resource").json()
    mcp = wires.send("GET", "/.well-known/oauth-protected-resource/mcp").json()
    assert whole["resource"] == "https://autonomy.example"
    assert mcp["resource"] == "https://autonomy.example/mcp"
    assert whole["authorization_servers"] == mcp["authorization_servers"] == ["https://autonomy.example"]
    server = wires.send("GET", "/.well-known/oauth-authorization-server").json()
    assert server["issuer"] == "https://autonomy.example"
    assert server["token_endpoint"] == "https://autonomy.example/oauth/token"
    assert server["grant_types_supported"] == ["client_credentials", BEARER, EXCHANGE]
    keys = wires.send("GET", server["jwks_uri"].removeprefix("https://autonomy.example"))
    assert keys.json() == {"keys": [{"kty": "OKP"}]}
    assert keys.headers["cache-control"] == "public, max-age=60"


def test_the_documents_are_open_to_every_page(wires: Wires) -> None:
    answer = wires.send("GET", "/.well-known/oauth-authorization-server", b"", {"origin": "https://other.example"})
    assert answer.status == 200


def test_a_server_below_a_path_has_its_documents_where_clients_look() -> None:
    wires = Wires(url="https://example.com/autonomy/")
    for path in ("oauth-protected-resource/autonomy/mcp", "oauth-authorization-server/autonomy"):
        assert wires.send("GET", f"/.well-known/{path}").status == 200
    challenge = wires.send("POST", "/mcp").headers["www-authenticate"]
    assert 'resource_metadata="https://example.com/.well-known/oauth-protected-resource/autonomy/mcp"' in challenge


@pytest.mark.parametrize("url", ["", "example.com", "ftp://example.com", "https://", "https://a/?b=c", "https://a/#b"])
def test_a_server_is_known_by_a_url(url: str) -> None:
    with pytest.raises(Invalid, match="URL"):
        Site.of(url)


def test_the_server_knows_which_paths_are_the_wires() -> None:
    assert all(
        serves(path) for path in ("/mcp", "/v1/tools", "/v1/actions/x", "/oauth/token", "/.well-known/jwks.json")
    )
    assert not any(serves(path) for path in ("/", "/mcp/x", "/mcpx", "/api/agents", "/v1", "/healthz", "/oauthx"))


def real(identity: Identity) -> Wires:
    """The wires over the real identity."""
    wires = Wires()
    wires.app = app(wires.door, identity, wires.work, **wires.handed, url=ISSUER)
    return wires


@pytest.mark.parametrize(
    ("resources", "audience"),
    [
        ([], ISSUER),
        ([ISSUER], ISSUER),
        ([f"{ISSUER}/"], ISSUER),
        ([f"{ISSUER}/mcp"], f"{ISSUER}/mcp"),
        ([ISSUER, f"{ISSUER}/mcp"], ISSUER),
    ],
)
def test_a_token_carries_the_resource_it_was_asked_for_and_is_good_at_the_whole_server(
    world: World, resources: list[str], audience: str
) -> None:
    wires = real(world.identity)
    issued = world.identity.issue_credential("clerk", "client_secret", "person:cleo")
    answer = ask(wires, GRANT | {"resource": resources}, **basic(issued.id, issued.secret))
    token = answer.json()["access_token"]
    assert jwt.decode(token, options={"verify_signature": False})["aud"] == audience
    assert world.identity.authenticate(token).name == "clerk"
    assert world.identity.admit(token, world.epoch).name == "clerk", "the door admits as the wires do"


@pytest.mark.parametrize(
    "resources",
    [["https://other.example/mcp"], [f"{ISSUER}/mcp/"], ["mcp"], [ISSUER, f"{ISSUER}/mcp", "https://other.example"]],
)
def test_a_token_for_the_resource_of_another_is_refused(world: World, resources: list[str]) -> None:
    issued = world.identity.issue_credential("clerk", "client_secret", "person:cleo")
    answer = ask(real(world.identity), GRANT | {"resource": resources}, **basic(issued.id, issued.secret))
    check_refused(answer, 400, "invalid_target")


def test_the_documents_name_the_signing_keys(world: World) -> None:
    wires = real(world.identity)
    issued = world.identity.issue_credential("clerk", "client_secret", "person:cleo")
    assert ask(wires, GRANT, **basic(issued.id, issued.secret)).status == 200
    assert wires.send("GET", "/.well-known/jwks.json").json()["keys"][0]["crv"] == "Ed25519"


def test_the_real_identity_refuses_in_the_words_of_the_protocol(world: World) -> None:
    wires = real(world.identity)
    issued = world.identity.issue_credential("clerk", "client_secret", "person:cleo")
    good = basic(issued.id, issued.secret)
    check_refused(ask(wires, GRANT, **basic(issued.id, "wrong")), 401, "invalid_client")
    check_refused(ask(wires, GRANT | {"act_for": "nobody"}, **good), 400, "invalid_grant")
    exchange = {"grant_type": EXCHANGE, "subject_token": "junk", "subject_token_type": TOKEN_TYPE}
    check_refused(ask(wires, exchange, **good), 400, "invalid_grant")
    world.identity.revoke(issued.id, "person:cleo")
    check_refused(ask(wires, GRANT, **good), 401, "invalid_client")
