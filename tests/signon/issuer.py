"""An identity provider that says what the test wrote down: discovery, keys, tokens; on loopback, over real HTTP."""

from __future__ import annotations

import json
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

CLIENT = "autonomy"
SECRET = "canary-s3cret/of=the client"


def b64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


@dataclass
class Key:
    """A key pair under a name."""

    kid: str
    private: Any
    algorithm: str

    @classmethod
    def make(cls, kid: str, algorithm: str = "ES256") -> Key:
        makers: dict[str, Callable[[], Any]] = {
            "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
            "ES384": lambda: ec.generate_private_key(ec.SECP384R1()),
            "EdDSA": Ed25519PrivateKey.generate,
            "RS256": lambda: rsa.generate_private_key(65537, 2048),
            "RS256/1024": lambda: rsa.generate_private_key(65537, 1024),
        }
        return cls(kid, makers[algorithm](), algorithm.partition("/")[0])

    @property
    def jwk(self) -> dict[str, Any]:
        shown = jwt.get_algorithm_by_name(self.algorithm).to_jwk(self.private.public_key(), as_dict=True)
        return {**shown, "kid": self.kid, "use": "sig"}

    def sign(self, claims: Any, **header: Any) -> str:
        """A token; `claims` is an object, or bytes that stand for one."""
        said = {"alg": self.algorithm, "kid": self.kid, "typ": "JWT", **header}
        head = {name: value for name, value in said.items() if value is not None}
        body = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
        text = f"{b64(json.dumps(head).encode())}.{b64(body)}"
        signature = jwt.get_algorithm_by_name(self.algorithm).sign(text.encode(), self.private)
        return f"{text}.{b64(signature)}"


@dataclass
class Issuer:
    """What it says. `down` closes every connection without a word."""

    url: str = ""
    keys: list[Key] = field(default_factory=lambda: [Key.make("first")])
    discovery: dict[str, Any] = field(default_factory=dict)
    token_answer: Callable[[dict[str, str]], tuple[int, Any]] = field(default=lambda form: (400, {"error": "none"}))
    userinfo: dict[str, Any] = field(default_factory=dict)
    down: bool = False
    asked: list[str] = field(default_factory=list)
    authorizations: list[str] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        found = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "userinfo_endpoint": f"{self.url}/userinfo",
            "jwks_uri": f"{self.url}/keys",
            "authorization_response_iss_parameter_supported": True,
        } | self.discovery
        return {name: value for name, value in found.items() if value is not None}

    def claims(self, **changed: Any) -> dict[str, Any]:
        """Claims of an ID token or an assertion, good now; a change to `...` leaves one out."""
        now = int(time.time())
        found = {"iss": self.url, "sub": "ada", "aud": CLIENT, "iat": now, "exp": now + 300} | changed
        return {name: value for name, value in found.items() if value is not ...}

    def answer(self, path: str, form: dict[str, str]) -> tuple[int, Any]:
        self.asked.append(path)
        if path == "/.well-known/openid-configuration":
            return 200, self.document()
        if path == "/keys":
            return 200, {"keys": [key.jwk for key in self.keys]}
        if path == "/userinfo":
            return 200, self.userinfo
        if path == "/token":
            return self.token_answer(form)
        return 404, {}


@contextmanager
def issuing() -> Iterator[Issuer]:
    """The issuer on a free port."""
    issuer = Issuer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._reply({})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self._reply({name: values[0] for name, values in parse_qs(body).items()})

        def _reply(self, form: dict[str, str]) -> None:
            if issuer.down:
                self.close_connection = True
                return
            issuer.authorizations.append(self.headers.get("Authorization", ""))
            status, found = issuer.answer(self.path, form)
            data = found if isinstance(found, bytes) else json.dumps(found).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        issuer.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield issuer
        finally:
            server.shutdown()
            thread.join()
