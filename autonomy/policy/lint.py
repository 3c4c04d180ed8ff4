"""Rules that are valid and still cannot do what they seem to: they never match, or grant what nobody may use."""

from __future__ import annotations

from collections.abc import Iterator

from autonomy.catalog.scope import is_covered, is_granted

from .approvers import Holders, holders_of, left_without
from .bundle import Bundle
from .model import Rule
from .problems import Problem
from .scope import named_actions, tools_of


def lint(bundle: Bundle) -> list[Problem]:
    """What deserves a second look in the rules of a bundle, in order of file and line. Nothing here stops an apply."""
    held = holders_of(bundle.organisation)
    rules = bundle.rules.values()
    return sorted(problem for rule in rules for problem in (*_rule(bundle, rule), *_unapproved(bundle, rule, held)))


def _unapproved(bundle: Bundle, rule: Rule, held: Holders) -> Iterator[Problem]:
    """An approval that nobody may give to some agents, because those who could answer for them."""
    agents = left_without(bundle, rule, held) if rule.asks else []
    if agents:
        others = f" and {len(agents) - 1} more" if len(agents) > 1 else ""
        what = f"nobody may give the approval to `{agents[0]}`{others}: who sponsors or owns an agent never decides"
        yield _finding(rule, "policy.lint_no_approver", what, "give the role to another person")


def _rule(bundle: Bundle, rule: Rule) -> Iterator[Problem]:
    tools = tools_of(rule.form, bundle.reach, bundle.tools)
    if not tools:
        fix = "name tools that exist and, in a unit's `permit`, that the unit was granted"
        yield _finding(rule, "policy.lint_no_tool", "the rule speaks of no tool at all", fix)
        return
    if rule.unit != bundle.organisation.root.name and not any(
        is_granted(bundle.organisation, rule.unit, name, bundle.tools[name].spec.tags) for name in tools
    ):
        what = f"the rule can never match: unit `{rule.unit}` is granted none of its tools"
        yield _finding(rule, "policy.lint_not_granted", what, "grant the tool to the unit, or leave the rule out")
    if rule.effect == "permit" and named_actions(rule.form) is not None:
        yield from _unscoped(bundle, rule, tools)
    yield from _other_unit(bundle, rule)


def _unscoped(bundle: Bundle, rule: Rule, tools: frozenset[str]) -> Iterator[Problem]:
    """A permit reaches no agent whose roles leave the tool out."""
    roles = bundle.organisation.all("Role")
    for name in sorted(tools):
        if not is_covered(bundle.organisation, roles, name, bundle.tools[name].spec.tags):
            what = f"the rule permits `{name}`, which the scope of no role admits"
            yield _finding(rule, "policy.lint_no_role", what, "add the tool and its data to the `scope` of a role")


def _other_unit(bundle: Bundle, rule: Rule) -> Iterator[Problem]:
    """A unit's rule about agents of a unit that lies elsewhere in the tree never matches."""
    entity = rule.form["principal"].get("entity") or rule.form["principal"].get("in", {}).get("entity")
    if entity is None or entity["type"] != "Unit":
        return
    named, organisation = entity["id"], bundle.organisation
    if rule.unit not in organisation.lineage(named) and named not in organisation.lineage(rule.unit):
        what = f"the rule can never match: unit `{named}` lies outside `{rule.unit}`, which declares it"
        yield _finding(rule, "policy.lint_other_unit", what, "declare it in that unit, or in one above both")


def _finding(rule: Rule, code: str, what: str, fix: str) -> Problem:
    return Problem(rule.file, rule.line, code, what, fix)
