"""Errors of the whole house; the branch tells what the caller can do about it.

AutonomyError
├── Invalid          400  mend the input and send it again
├── Unauthenticated  401  sign in, or get a new token
├── Forbidden        403  ask for the permission
├── NotFound         404  name something that exists (or that you may see)
├── Conflict         409  look at the present state, then decide again
├── TooLarge         413  send less
├── Busy             429  wait `retry_after` seconds and send it again
├── Unavailable      503  nothing was done; try again later
├── Overdue          504  no answer in time; look before trying again
└── Corrupt          500  stop: what is stored is not what was written

Messages are lower case, without a full stop, the user's input in backticks. A `code` never changes its meaning
once published; `docs/reference/errors.md` lists them and a test holds the list to the code.
"""

from __future__ import annotations

from typing import Any, ClassVar


class AutonomyError(Exception):
    """something went wrong"""

    status: ClassVar[int] = 500
    default_code: ClassVar[str] = "error"

    def __init__(self, message: str = "", *, code: str = "", hint: str = "", **detail: Any) -> None:
        self.message = message or (type(self).__doc__ or "").strip()
        self.code = code or self.default_code
        self.hint = hint
        self.detail = detail
        super().__init__(self.message)

    def as_dict(self) -> dict[str, Any]:
        """The error as every face shows it: `code`, `message`, and where they help `hint` and `detail`."""
        shown: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.hint:
            shown["hint"] = self.hint
        if self.detail:
            shown["detail"] = self.detail
        return shown

    def __str__(self) -> str:
        return f"{self.message}; {self.hint}" if self.hint else self.message


class Invalid(AutonomyError):
    """the input is not valid"""

    status = 400
    default_code = "invalid"


class Unauthenticated(AutonomyError):
    """no valid credential was presented"""

    status = 401
    default_code = "unauthenticated"


class Forbidden(AutonomyError):
    """this is not permitted"""

    status = 403
    default_code = "forbidden"


class NotFound(AutonomyError):
    """there is no such thing"""

    status = 404
    default_code = "not_found"


class Conflict(AutonomyError):
    """the present state does not allow this"""

    status = 409
    default_code = "conflict"


class TooLarge(AutonomyError):
    """the input is too large"""

    status = 413
    default_code = "too_large"


class Busy(AutonomyError):
    """too much is waiting"""

    status = 429
    default_code = "busy"

    def __init__(self, message: str = "", *, retry_after: float = 1.0, code: str = "", hint: str = "", **detail: Any):
        super().__init__(message, code=code, hint=hint, **detail)
        self.retry_after = retry_after


class Unavailable(AutonomyError):
    """a part this needs is not available"""

    status = 503
    default_code = "unavailable"


class Overdue(AutonomyError):
    """no answer came in time"""

    status = 504
    default_code = "overdue"


class Corrupt(AutonomyError):
    """what is stored is not what was written"""

    status = 500
    default_code = "corrupt"
