"""An identity provider that provisions a running server by SCIM."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from tests.house import declare
from tests.server.desk import Answer, Client, Desk, files

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"

PROVIDER = """
apiVersion: autonomy/v1
kind: IdentityProvider
metadata: {{ name: {name} }}
spec:
  issuer: https://{name}.example
  groups:
  - {{ group: Administrators, access: [admin] }}
  - {{ group: Bosses, roles: [boss], access: [approver] }}
"""


@dataclass
class Directory:
    """Calls as the provider makes them."""

    desk: Desk
    client: Client

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        sent = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        more = {"Content-Type": "application/scim+json"} if sent is not None else {}
        found = self.client.send(method, f"/scim/v2{path}", sent, **(more | headers))
        return Answer(found.status, found.headers, found.body, json.loads(found.body) if found.body else None)

    def get(self, path: str, **headers: str) -> Answer:
        return self.send("GET", path, None, **headers)

    def user(self, user_name: str, **more: Any) -> dict[str, Any]:
        """A new person; fails the test where that is refused."""
        answer = self.send("POST", "/Users", {"schemas": [USER], "userName": user_name, **more})
        assert answer.status == 201, answer.body
        found: dict[str, Any] = answer.json
        return found

    def group(self, name: str, *members: str) -> dict[str, Any]:
        listed = [{"value": member} for member in members]
        answer = self.send("POST", "/Groups", {"schemas": [GROUP], "displayName": name, "members": listed})
        assert answer.status == 201, answer.body
        found: dict[str, Any] = answer.json
        return found

    def patch(self, path: str, *operations: dict[str, Any], **headers: str) -> Answer:
        return self.send("PATCH", path, {"schemas": [PATCH], "Operations": list(operations)}, **headers)


def directory(desk: Desk, name: str = "corporate", **more: str) -> Directory:
    """A declared provider with a key; `more` are further files of the organisation."""
    declare(desk.system, {**files(), f"{name}.yaml": PROVIDER.format(name=name), **more})
    key = desk.system.identity.issue_service_key(f"{name}-directory", "scim", "person:ada", name)
    return Directory(desk, Client(desk.pool, key.secret))
