"""What is wrong with the policies of an organisation, all of it at once, each with the place and the remedy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from autonomy.kernel.errors import Invalid


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One fault: the policy (`file`) and line it stands at, what is wrong, and what would be right."""

    file: str
    line: int
    code: str
    what: str
    fix: str

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}: {self.what}" if self.line else f"{self.file}: {self.what}"


def refuse(problems: Sequence[Problem], subject: str = "the policies") -> None:
    """Raise Invalid with every problem in `detail["problems"]`; do nothing where there is none.

    The error's code is the problems' own where they agree, else `policy.invalid`.
    """
    if not problems:
        return
    ordered = sorted(set(problems))
    codes = {problem.code for problem in ordered}
    first = ordered[0]
    message = str(first) if len(ordered) == 1 else f"{len(ordered)} problems in {subject}; the first is in {first}"
    code = codes.pop() if len(codes) == 1 else "policy.invalid"
    raise Invalid(message, code=code, hint=first.fix, problems=[asdict(problem) for problem in ordered])
