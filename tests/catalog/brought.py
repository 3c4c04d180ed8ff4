"""What must hold of whatever comes with the starter company: its packs and its templates."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import jsonschema_rs

from autonomy.catalog import yaml_text
from autonomy.catalog.schemas import documents
from autonomy.kernel import canonical
from autonomy.policy import Bundle
from autonomy.policy.matrix import Case, run

from .company import OF_NOBODY


def assert_answered_and_shown(bundle: Bundle, cases: Iterable[Case]) -> None:
    """Every question is answered as its test says, and every rule that is enforced decides one of them."""
    results = list(run(bundle, cases))
    assert [(one.case.row.name, one.differences) for one in results if not one.passed] == []
    decided = {policy for one in results for policy in one.verdict.policies}
    enforced = {rule.id for rule in bundle.rules.values() if rule.mode == "enforce"}
    assert enforced - decided == OF_NOBODY


def assert_schemas_admit(files: Mapping[str, str]) -> None:
    """The schema that a file names in its first line admits it, and every manifest names one."""
    for path, text in files.items():
        named = re.match(r"# yaml-language-server: \$schema=(\S+)\n", text)
        assert (named is None) == (not path.endswith(".yaml") or path.startswith("tests/")), path
        if named is not None:
            validator = jsonschema_rs.validator_for(canonical.parse(documents()[Path(named[1]).name].encode()))
            for document in yaml_text.read(text):
                assert list(validator.iter_errors(document.value)) == [], path
