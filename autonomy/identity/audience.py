"""For whom a token is meant: this server, by the URL it is known by or by that of one of its endpoints. Pure.

All names are of one protected resource (RFC 9728): whatever a token reaches by one of them it reaches by the others,
for the same gate stands behind all. So a token carries the name it was asked for by (RFC 8707 section 2), and is good
here where it carries any of ours (RFC 9068 section 4), at every endpoint.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from autonomy.kernel.errors import Invalid, Unauthenticated


@dataclass(frozen=True)
class Audience:
    """`issuer` is the server's own URL, `endpoints` are the further resources it answers for."""

    issuer: str
    endpoints: frozenset[str]

    @classmethod
    def of(cls, issuer: str, endpoints: Collection[str]) -> Audience:
        return cls(issuer, frozenset(endpoints))

    def of_token(self, resources: Sequence[str]) -> str:
        """The audience of a token asked for `resources`: the one that is named, the whole server where none or several
        are. Raises Invalid (`oauth.invalid_target`) for anything that is not ours."""
        for resource in resources:
            if resource != f"{self.issuer}/" and not self._is_ours(resource):
                raise Invalid(f"`{resource[:200]}` is no resource of this server", code="oauth.invalid_target")
        named = {resource for resource in resources if resource in self.endpoints}
        return named.pop() if len(named) == len(resources) == 1 else self.issuer

    def check(self, audience: str) -> None:
        """Raise Unauthenticated (`token.audience`) where a token that carries `audience` is meant for another."""
        if not self._is_ours(audience):
            raise Unauthenticated("the token is meant for another audience", code="token.audience")

    def _is_ours(self, name: str) -> bool:
        return name == self.issuer or name in self.endpoints
