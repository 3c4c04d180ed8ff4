"""Passwords of people: Argon2id (RFC 9106, second recommended option), checked in equal time for unknown names."""

from __future__ import annotations

import threading

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from autonomy.kernel.errors import Invalid

SHORTEST = 12
LONGEST = 1_024
AT_ONCE = 4  # each check fills 64 MiB

_HASHER = PasswordHasher()
_CHECKING = threading.BoundedSemaphore(AT_ONCE)

# The hash of 32 random bytes that nobody kept, at the cost of a real one: what names without a password are
# checked against, so that the time of the answer does not tell whether a name exists.
NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$64IikfqXrrfyF8FKHiqrzg$preyyZndTeWK7CRxOGdrNzLbBJHRyIL9/PDURQsLoU4"


def hash_password(password: str) -> str:
    """The hash to store. Raises Invalid (`password.length`)."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise Invalid(f"a password has {SHORTEST} to {LONGEST} characters", code="password.length")
    with _CHECKING:
        return _HASHER.hash(_bytes(password))


def check_password(stored: str | None, password: str) -> bool:
    """Whether `password` belongs to the stored hash; False, after as long a time, where there is none."""
    with _CHECKING:
        try:
            matches = _HASHER.verify(stored or NOBODY, _bytes(password[:LONGEST]))
        except VerifyMismatchError:
            return False
    return matches and stored is not None and len(password) <= LONGEST


def is_outdated(stored: str) -> bool:
    """Whether the hash was made at another cost than today's."""
    return _HASHER.check_needs_rehash(stored)


def _bytes(password: str) -> bytes:
    # JSON can carry half a character; it is then a wrong password, not an error of ours.
    return password.encode("utf-8", "surrogatepass")
