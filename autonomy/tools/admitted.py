"""Which programs may be started is said by whoever runs the process, never by a manifest. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Sequence

from autonomy.kernel.errors import Invalid

from .errors import Unreachable

_ANY = ["*"]


class Admitted:
    """How command lines may begin: each as a shell would read it, a program and perhaps its first arguments; `*` admits
    any. Raises Invalid (`settings.programs`) for one that cannot be read."""

    def __init__(self, beginnings: Collection[str] = ()) -> None:
        self._beginnings = [words for each in beginnings if (words := _words(each))]

    def require(self, command: Sequence[str]) -> None:
        """Raise Unreachable (`program.not_admitted`) unless the command line begins as one that is admitted."""
        if not any(words == _ANY or list(command[: len(words)]) == words for words in self._beginnings):
            raise Unreachable(
                f"the program `{command[0][:80]}` may not be started by this process",
                code="program.not_admitted",
                hint="whoever runs the process admits it: `--programs` or `AUTONOMY_PROGRAMS`",
            )


def _words(beginning: str) -> list[str]:
    try:
        return shlex.split(beginning)
    except ValueError:
        raise Invalid(
            f"`{beginning[:80]}` is not the beginning of a command line",
            code="settings.programs",
            hint="close what is quoted",
        ) from None
