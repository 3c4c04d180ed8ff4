"""Between an action and its row in the table. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import msgspec

from autonomy.budget import Charge
from autonomy.db.ports import Row

from .model import Action
from .results import repeat_key
from .windows import WindowUse


def action_row(action: Action, state: str, owner: str | None) -> Row:
    """Values for PUT_ACTION, in the order of the table's columns."""
    attempt, caller = action.attempt, action.attempt.caller
    return (
        action.id,
        state,
        owner,
        caller.agent_id,
        caller.name,
        caller.unit,
        attempt.case,
        action.tool.name,
        action.tool.revision,
        action.tool.effect,
        repeat_key(caller, attempt.request.key) if attempt.request.key else None,
        action.bind,
        action.record.key if action.record else None,
        write_charges(action.charges),
        write_windows(action.windows),
        action.about,
        action.money,
        write_context(action),
        attempt.at,
        *(None, None, None, None),
        attempt.request.task,
    )


def _text(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def write_charges(charges: Iterable[Charge]) -> str:
    return _text([(c.account, c.budget, c.measure, c.limit, c.amount) for c in charges])


def read_charges(text: str) -> tuple[Charge, ...]:
    return tuple(Charge(*values) for values in json.loads(text))


def write_windows(windows: Iterable[WindowUse]) -> str:
    return _text([(w.name, w.key, w.bucket, w.since, w.amount, w.sums, w.expires_at) for w in windows])


def read_windows(text: str) -> tuple[WindowUse, ...]:
    return tuple(WindowUse(*values) for values in json.loads(text))


def write_context(action: Action) -> str:
    """What a later process needs to take the action up again, besides its sealed arguments."""
    caller, origin = action.attempt.caller, action.attempt.request.origin
    came = {"origin": list(origin)} if origin else {}
    return _text(
        {
            **came,
            "chain": [view.id for view in caller.chain],
            "delegations": list(caller.delegations),
            "credential": caller.credential,
            "lineage": action.attempt.request.lineage(),
            "tokens": action.tokens,
            "behind": [view.name for view in caller.chain[1:]],
        }
    )
