"""How an agent works: it asks for actions, waits for people, and fetches results. Tokens renew themselves."""

from __future__ import annotations

import json
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, quote_plus, urlencode

from autonomy.kernel.errors import Conflict, Corrupt, Invalid

from .errors import error_of
from .tasks import LEASE, Do, Task
from .wire import READ_SECONDS, Json, Wire, parsed

RENEW_SECONDS = 30.0  # before a token ends: longer than a request waits to be admitted
TASK_WAIT = 20  # seconds for which the server lets an agent wait for a task
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 5.0  # seconds between two looks at an action that waits

_OPEN = frozenset({"held", "running"})


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an action.

    `status` is `done`, `held` or `running` (ask again), `denied`, `rejected`, `failed`, `unknown` (a person looks), or
    `allowed` for a dry run. `needed` names the approvals that are or would be needed, `policies` the rules that spoke.
    """

    action: str
    status: str
    case: str
    result: Json = None
    code: str | None = None
    message: str | None = None
    policies: tuple[str, ...] = ()
    needed: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    detail: Mapping[str, Json] = field(default_factory=dict)

    @property
    def is_open(self) -> bool:
        """Whether it may still change: a person or the system of record has not answered yet."""
        return self.status in _OPEN

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Outcome:
        """The outcome in a reply of the server."""
        named = {name: tuple(said.get(name, ())) for name in ("policies", "needed", "notices")}
        return cls(
            said["action"],
            said["status"],
            said["case"],
            said.get("result"),
            said.get("code"),
            said.get("message"),
            detail=said.get("detail", {}),
            **named,
        )


class AgentClient:
    """One agent at the server `url`, known by an API `key` or by `client_id` and `client_secret`. Thread-safe."""

    def __init__(
        self,
        url: str,
        *,
        key: str | None = None,
        client_id: str | None = None,
        client_secret: str | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        if (key is None) == (client_id is None) or (client_id is None) != (client_secret is None):
            raise Invalid("an agent has either a key, or a client id and its secret", code="agent.credential")
        self._wire = Wire(url)
        self._key = key
        self._client = (client_id or "", client_secret or "")
        self._monotonic = monotonic
        self._pause = pause
        self._lock = threading.Lock()
        self._token = ""
        self._renew_at = float("-inf")

    def __repr__(self) -> str:
        return f"AgentClient({self._wire.url!r})"

    def act(
        self,
        tool: str,
        arguments: Mapping[str, Json],
        *,
        case: str | None = None,
        key: str | None = None,
        rationale: str | None = None,
        dry_run: bool = False,
        seconds: float = READ_SECONDS,
        **lineage: str,
    ) -> Outcome:
        """Ask for an action. A `key` makes a repeat safe: the same key never acts twice.

        `lineage` may say `parent`, `run`, `task`, `step`. A refusal is an outcome, not an error. Raises NotFound
        (`tool.unknown`), Conflict (`key.*`), Invalid, Unauthenticated, Busy, Unreachable, Overdue.
        """
        said = {"case": case, "idempotency_key": key, "rationale": rationale, "dry_run": dry_run or None, **lineage}
        body = {"tool": tool, "arguments": dict(arguments)} | {k: v for k, v in said.items() if v is not None}
        return Outcome.of(self.ask("POST", "/v1/actions", body, seconds))

    def reuse(
        self,
        space: str,
        task: str,
        inputs: Mapping[str, Json],
        work: Callable[[], str],
        *,
        case: str | None = None,
        wait: int = 20,
        lease: int = 300,
    ) -> str:
        """The text of the work's result: what somebody found before, else what `work` returns, remembered for all.

        Waits `wait` seconds (at most 20) for somebody who is at it. Raises Conflict (`memory.taken`) where they are not
        done by then, or the code of a recall that was not allowed.
        """
        named = {"space": space, "task": task, "inputs": dict(inputs)}
        answer = _done(self.act("memory.recall", named | {"wait": wait, "lease": lease}, case=case, seconds=wait + 30))
        if answer["answer"] == "found":
            return str(answer["item"]["text"])
        if answer["answer"] == "taken":
            raise Conflict(f"`{answer['by']}` is at it", code="memory.taken", hint="ask again later")
        try:
            text = work()
        except BaseException:
            self.act("memory.release", named, case=case)
            raise
        _done(self.act("memory.write", named | {"text": text}, case=case))
        return text

    def result(self, action: str) -> Outcome:
        """What became of one of this agent's actions. Raises NotFound for any other."""
        return Outcome.of(self.ask("GET", f"/v1/actions/{quote(action, safe='')}"))

    def wait(self, action: str, timeout: float = 60.0) -> Outcome:
        """The outcome as soon as it is final, or as it stands after `timeout` seconds."""
        end, pause = self._monotonic() + timeout, FIRST_PAUSE
        found = self.result(action)
        while found.is_open and (left := end - self._monotonic()) > 0:
            self._pause(min(pause, left))
            pause = min(2 * pause, LONGEST_PAUSE)
            found = self.result(action)
        return found

    def tools(self) -> Iterator[dict[str, Json]]:
        """The tools this agent may use: `name`, `description`, `input` (JSON Schema), `effect`, `egress`, `risk`."""
        cursor: str | None = None
        while True:
            found = self.ask("GET", f"/v1/tools?{urlencode({'cursor': cursor})}" if cursor else "/v1/tools")
            yield from found["tools"]
            cursor = found.get("next")
            if cursor is None:
                return

    def next_task(self, wait: int = TASK_WAIT, lease: int = LEASE) -> Task | None:
        """The next task, which is then this agent's; None where there was none within `wait` seconds (20 at most).

        Without a word for `lease` seconds it is somebody else's.
        """
        said = self.ask("POST", "/v1/tasks/next", {"wait": wait, "lease": lease}, wait + READ_SECONDS)["task"]
        return None if said is None else Task(self, said, lease)

    def tasks(self, lease: int = LEASE) -> Iterator[Task]:
        """Task after task, for ever; waits where there is none."""
        while True:
            if (found := self.next_task(lease=lease)) is not None:
                yield found

    def work(self, do: Do, lease: int = LEASE) -> None:
        """Do task after task, for ever, with signs of life meanwhile. What `do` returns is the result.

        Where `do` raises, the task is refused with the name of the error, for others to do, and the error goes on.
        """
        for task in self.tasks(lease):
            try:
                with task.kept():
                    output = do(task)
            except BaseException as error:
                task.refuse(f"its agent met {type(error).__name__}")
                raise
            task.complete(output)

    def close(self) -> None:
        """Close every connection."""
        self._wire.close()

    def ask(self, method: str, path: str, body: Json = None, seconds: float = READ_SECONDS) -> Any:
        """The answer; with a fresh token once more where the token was refused, for then nothing was done."""
        encoded = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        token = self._bearer()
        status, headers, answer = self._send(method, path, encoded, token, seconds)
        if status == 401 and self._key is None:
            self._forget(token)
            status, headers, answer = self._send(method, path, encoded, self._bearer(), seconds)
        found = parsed(answer) if status < 500 else None
        if isinstance(found, dict) and "error" not in found:
            return found
        if status < 400:
            raise Corrupt("the answer is not what an action answers", code="server.answer")
        raise error_of(status, answer, headers.get("Retry-After"))

    def _send(
        self, method: str, path: str, body: bytes | None, token: str, seconds: float
    ) -> tuple[int, Mapping[str, str], bytes]:
        headers = {"Authorization": f"Bearer {token}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        return self._wire.exchange(method, path, body, None, headers, seconds)

    def _bearer(self) -> str:
        """The key, or a token with enough life left."""
        if self._key is not None:
            return self._key
        with self._lock:
            if self._monotonic() >= self._renew_at:
                self._token, lifetime = self._granted()
                self._renew_at = self._monotonic() + max(lifetime - RENEW_SECONDS, 0)
            return self._token

    def _forget(self, token: str) -> None:
        with self._lock:
            if self._token == token:
                self._renew_at = float("-inf")

    def _granted(self) -> tuple[str, float]:
        """A new token by client credentials (RFC 6749 section 4.4) and its life in seconds."""
        pair = ":".join(quote_plus(part) for part in self._client)
        headers = {
            "Authorization": f"Basic {b64encode(pair.encode()).decode()}",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        form = b"grant_type=client_credentials"
        status, said, answer = self._wire.exchange("POST", "/oauth/token", form, None, headers)
        if status >= 400:
            raise error_of(status, answer, said.get("Retry-After"))
        found = parsed(answer)
        return found["access_token"], float(found["expires_in"])


def _done(outcome: Outcome) -> Any:
    """The result of what had to be done. Raises Conflict with the outcome's own code where it was not."""
    if outcome.status != "done":
        raise Conflict(outcome.message or f"it is {outcome.status}", code=outcome.code or f"action.{outcome.status}")
    return outcome.result
