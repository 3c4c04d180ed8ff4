"""A running server that takes an identity provider's word, and a browser of the simplest kind."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import urllib3

from tests.house import declare
from tests.server.desk import Answer, Desk, files

from .issuer import CLIENT, SECRET

PROVIDER = """
apiVersion: autonomy/v1
kind: IdentityProvider
metadata: {{ name: corporate }}
spec:
  issuer: {issuer}
  allow: [127.0.0.1/32]
  signIn: {{ clientId: {client}, credential: corporate-client, label: Corporate }}
  groups:
  - {{ group: auditors, access: [auditor] }}
  - {{ group: bosses, roles: [boss] }}
{more}
"""

PERSON = """
apiVersion: autonomy/v1
kind: Person
metadata: {{ name: {name} }}
spec:
  displayName: {name}
  email: {name}@acme.example
  access: []
  externalSubject: "{issuer}|{subject}"
"""


def take_word(desk: Desk, issuer: str, more: str = "", extra: dict[str, str] | None = None) -> None:
    """Declare the provider, `nora` who is known there as `nora`, and the secret of our client."""
    people = PERSON.format(name="nora", issuer=issuer, subject="nora")
    provider = PROVIDER.format(issuer=issuer, client=CLIENT, more=more)
    declare(desk.system, {**files(), "provider.yaml": provider, "nora.yaml": people, **(extra or {})})
    desk.system.secrets.set("corporate-client", SECRET, "person:ada")


@dataclass
class Browser:
    """Keeps cookies of our server by name, whatever their path, and follows nothing by itself."""

    desk: Desk
    cookies: dict[str, str] = field(default_factory=dict)
    last: Answer | None = None

    def get(self, path: str, **headers: str) -> Answer:
        kept = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = self.desk.stranger.get(path, Cookie=kept, **headers)
        for line in answer.headers.getlist("Set-Cookie"):
            name, _, value = line.partition(";")[0].partition("=")
            if value.strip('"'):
                self.cookies[name] = value
            else:
                self.cookies.pop(name, None)
        self.last = answer
        return answer

    def begin(self, path: str = "/sign-on/with/corporate") -> dict[str, str]:
        """Start at our server; returns what it asks the provider."""
        answer = self.get(path)
        assert answer.status == 303, answer.body
        query = parse_qs(urlsplit(answer.headers["Location"]).query)
        return {name: values[0] for name, values in query.items()}

    def come_back(self, **query: str) -> Answer:
        """What the provider sends the browser back with."""
        return self.get(f"/sign-on/callback?{urlencode(query)}")


def text_of(answer: Answer) -> str:
    return answer.body.decode()


def pool_to(url: str) -> urllib3.HTTPConnectionPool:
    parts = urlsplit(url)
    return urllib3.HTTPConnectionPool(str(parts.hostname), parts.port, timeout=20)


def form(pool: Any, path: str, fields: dict[str, Any], **headers: str) -> Answer:
    """A form sent to the token endpoint or the login page."""
    found = pool.request(
        "POST",
        path,
        body=urlencode(fields),
        headers={"Content-Type": "application/x-www-form-urlencoded", **headers},
        retries=False,
        redirect=False,
    )
    is_json = found.headers.get("Content-Type", "").startswith("application/json")
    return Answer(found.status, found.headers, found.data, json.loads(found.data) if is_json else None)
