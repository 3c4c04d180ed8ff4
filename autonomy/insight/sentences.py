"""An explanation in plain sentences, for a terminal and for people who do not read JSON. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator

from autonomy.kernel.clock import rfc3339
from autonomy.kernel.money import show

from .model import Cost, Decided, Ended, Explanation, Judged, Part, Said

_EFFECTS = {"allow": "allowed", "hold": "held for people", "deny": "denied"}
_EVENTS = {
    "approve": "approved it",
    "reject": "rejected it",
    "return": "returned it to the agent",
    "expire": "let it expire",
    "withdraw": "withdrew it",
    "escalate": "escalated it",
    "remind": "reminded people of it",
    "ask_again": "asked people again, because facts had changed",
    "void": "let an approval count no more, for who gave it may not any longer",
    "finish": "ended it",
}


def sentences(found: Explanation) -> list[str]:
    """The explanation, one sentence after another, in the order in which things happened.

    Safe to print: what agents wrote cannot move the cursor of a terminal or turn the direction of the text.
    """
    return [_printable(line) for line in _lines(found)]


def _lines(found: Explanation) -> list[str]:
    return [
        *_asked(found),
        *(line for decided in found.decisions for line in _decision(decided)),
        *(_vote(said) for said in found.approvals),
        *_costs(found),
        *(line for ended in found.endings for line in _ending(ended)),
        *(line for said in found.judged for line in _judgement(said)),
        *_proof(found),
        *(f"Not told: {line}." for line in found.unexplained),
    ]


def _asked(found: Explanation) -> Iterator[str]:
    who, what = found.who, found.what
    chain = f", acting for {', '.join(who.acts_for)}," if who.acts_for else ""
    yield f"Agent `{who.name}` of unit `{who.unit}`{chain} asked to use `{what.tool}` in case `{what.case}`."
    yield f"It answers to its sponsor `{who.sponsor}`; its declaration was revision {who.revision[:12]}."
    yield f"Arguments: {_part(what.arguments)}."
    if what.rationale.state != "none":
        yield f"The agent says why (its own word, checked by nobody): {_part(what.rationale)}."
    yield f"It is {found.state}."


def _decision(decided: Decided) -> Iterator[str]:
    yield f"At {rfc3339(decided.at)} it was {_EFFECTS.get(decided.effect, decided.effect)}{_by(decided)}."
    if decided.reason and not decided.reasons:
        yield f"Reason: {decided.reason} ({decided.code})."
    for reason in decided.reasons:
        yield f"Reason: {reason}."
    for rule in decided.rules:
        if rule.text is not None:
            yield f"Rule `{rule.id}` of policy `{rule.policy}`, unit `{rule.unit}`, said: {rule.text}"
    if decided.facts.state != "none":
        yield f"Facts looked up: {_part(decided.facts)}."
    for name, value in decided.windows.items():
        yield f"Window `{name}` stood at {value}, this action included."
    if decided.labels:
        yield f"The case had been in touch with: {', '.join(decided.labels)}."
    if decided.asks:
        yield f"Asked for approval: {', '.join(decided.asks)}."
    for trial in decided.trials:
        yield f"A rule in trial, {trial}."


def _by(decided: Decided) -> str:
    rules = ", ".join(f"`{rule.id}`" for rule in decided.rules)
    epoch = "" if decided.catalog_epoch is None else f" at epoch {decided.catalog_epoch}"
    return f" by {rules}{epoch}" if rules else f" by no rule{epoch}"


def _vote(said: Said) -> str:
    role = f" as `{said.role}`" if said.role else ""
    role += f" in place of {said.instead_of}" if said.instead_of else ""
    shown = f", having been shown {said.shown[:12]}" if said.shown else ""
    reason = f": {json.dumps(said.reason, ensure_ascii=False)}" if said.reason else ""
    why = f", for it might not be done any more ({said.code})" if said.code else ""
    return f"At {rfc3339(said.at)} {said.actor}{role} {_EVENTS.get(said.event, said.event)}{shown}{reason}{why}."


def _costs(found: Explanation) -> Iterator[str]:
    if found.worst_case is not None and (told := _cost(found.worst_case, found.currency)):
        yield f"Reserved at worst: {told}."
    if found.endings and (told := _cost(found.endings[-1].cost, found.currency)):
        yield f"Taken: {told}."


def _cost(cost: Cost, currency: str) -> str:
    money = show(cost.money, currency) if cost.money else ""
    tokens = f"{cost.tokens:,} tokens" if cost.tokens else ""
    return " and ".join(part for part in (money, tokens) if part)


def _ending(ended: Ended) -> Iterator[str]:
    why = f" ({ended.code})" if ended.code else ""
    via = f", found out by {ended.via}" if ended.via else ""
    said = f", on the word of {ended.by}" if ended.by else ""
    said += f": {ended.reason}" if ended.reason else ""
    yield f"At {rfc3339(ended.at)} it ended as {ended.status}{why}{via}{said}."
    if ended.result.state != "none":
        yield f"Result: {_part(ended.result)}."
    for overrun in ended.overruns:
        yield f"It took more than its declared worst case, budget {overrun}."


def _judgement(said: Judged) -> Iterator[str]:
    who = f"the check of tool `{said.by.partition(':')[2]}`" if said.by.startswith("check:") else said.by
    outranked = "" if said.stands else ", which does not count beside what a person had said"
    yield f"At {rfc3339(said.at)} {who} found the result {said.verdict}{outranked}."
    for words, part in (("Its reason", said.remark), ("Right would be", said.correction), ("It saw", said.found)):
        if part.state != "none":
            yield f"{words}: {_part(part)}."


def _proof(found: Explanation) -> Iterator[str]:
    leaves = ", ".join(map(str, found.position.leaves))
    held = found.position.checkpoint
    signed = "" if held is None else f", under the signed checkpoint of {held} leaves"
    yield f"In the log it is leaf {leaves}{signed}."


def _part(part: Part) -> str:
    if part.state == "shown":
        return json.dumps(part.value, ensure_ascii=False)
    told = {"hidden": "hidden from you", "erased": "erased", "changed": "not what was written", "none": "none"}
    return told[part.state]


def _printable(line: str) -> str:
    return "".join(letter if letter.isprintable() or letter == "\n" else "\N{REPLACEMENT CHARACTER}" for letter in line)
