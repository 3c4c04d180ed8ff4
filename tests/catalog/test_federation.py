"""Whose word from outside counts is said once, by the root, and where it can be trusted."""

from __future__ import annotations

import pytest

from autonomy.catalog import Organisation, read
from autonomy.catalog.federation import accounts, is_trustworthy, providers
from autonomy.catalog.revision import digest, revision, written

ROOT = (
    "apiVersion: autonomy/v1\nkind: Unit\nmetadata: { name: acme }\nspec: { trustDomain: a.example, currency: EUR }\n"
)


def provider(name: str, issuer: str, unit: str = "acme") -> str:
    head = f"apiVersion: autonomy/v1\nkind: IdentityProvider\nmetadata: {{ name: {name}, unit: {unit} }}\n"
    return f'{head}spec: {{ issuer: "{issuer}" }}\n'


def person(name: str, user_name: str) -> str:
    return f"apiVersion: autonomy/v1\nkind: Person\nmetadata: {{ name: {name} }}\nspec: {{ userName: {user_name} }}\n"


def organisation(*texts: str) -> Organisation:
    found = read({f"{number}.yaml": text for number, text in enumerate((ROOT, *texts))})
    return Organisation(
        1,
        [
            revision(one.manifest, digest(written(one.manifest)), one.manifest.metadata.unit or "acme")
            for one in found.declared
        ],
    )


def test_each_issuer_is_declared_once_by_the_root() -> None:
    good = organisation(provider("one", "https://one.example"), provider("two", "https://two.example"))
    assert list(providers(good)) == []
    twice = organisation(provider("one", "https://one.example"), provider("two", "https://one.example"))
    assert [problem.field for problem in providers(twice)] == ["spec.issuer"]
    below = organisation(provider("one", "https://one.example", "finance"))
    assert [problem.field for problem in providers(below)] == ["metadata.unit"]


@pytest.mark.parametrize(
    ("url", "trusted"),
    [
        ("https://login.example", True),
        ("https://login.example/tenant", True),
        ("http://127.0.0.1:8080", True),
        ("http://[::1]:8080", True),
        ("http://localhost:8080", True),
        ("http://login.example", False),
        ("http://127.0.0.1.example", False),
        ("https://login.example?tenant=1", False),
        ("https://login.example#x", False),
        ("https://user@login.example", False),
        ("https://", False),
        ("http://[::1", False),
        ("ftp://login.example", False),
    ],
)
def test_who_answers_has_to_prove_who_it_is(url: str, trusted: bool) -> None:
    assert is_trustworthy(url) is trusted


def test_one_account_is_one_person_whatever_its_case() -> None:
    found = organisation(person("ada", "Ada@a.example"), person("bo", "ada@A.example"))
    assert [(problem.name, problem.field) for problem in accounts(found)] == [("bo", "spec.userName")]
