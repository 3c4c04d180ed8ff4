"""What is declared comes back as a folder, whatever kind it is of."""

from __future__ import annotations

import pytest

from autonomy.catalog.export import FOLDERS, files_of
from autonomy.catalog.manifest import read_file
from autonomy.catalog.model import API_VERSION, SPECS
from autonomy.catalog.revision import body, written

SPECS_OF = {
    "Hook": "{ credential: shop-key, action: data.order }",
    "IdentityProvider": "{ issuer: https://login.acme.example, signIn: { clientId: autonomy } }",
}


def test_every_kind_has_a_folder_of_its_own() -> None:
    assert set(FOLDERS) == set(SPECS)
    assert len(set(FOLDERS.values())) == len(FOLDERS)


@pytest.mark.parametrize(("kind", "folder"), [("Hook", "hooks"), ("IdentityProvider", "identity-providers")])
def test_what_was_declared_is_pulled_as_it_was_written(kind: str, folder: str) -> None:
    text = f"apiVersion: {API_VERSION}\nkind: {kind}\nmetadata: {{ name: acme }}\nspec: {SPECS_OF[kind]}\n"
    (declared,), problems = read_file("acme.yaml", text)
    assert not problems
    (again,), _ = read_file("acme.yaml", files_of(body(written(declared.manifest)))[f"{folder}/acme.yaml"])
    assert written(again.manifest) == written(declared.manifest)
