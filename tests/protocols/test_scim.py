"""SCIM over HTTP on each database: people come, are changed, leave; groups admit; and bad input is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from autonomy.catalog import read
from autonomy.identity import State
from autonomy.kernel.errors import Conflict, Unauthenticated
from tests.gate.works import agent as manifest
from tests.house import declare
from tests.protocols.directory import ENTERPRISE, GROUP, PATCH, PROVIDER, USER, Directory, directory
from tests.server.desk import Answer, Client, Desk, desk, files


@pytest.fixture
def office(tmp_path: Path, database_url: str) -> Iterator[Desk]:
    with desk(tmp_path, database_url) as found:
        yield found


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Directory]:
    with desk(tmp_path_factory.mktemp("shared")) as found:
        yield directory(found)


def signed_in(one: Directory, external: str, provider: str = "corporate") -> Client:
    """Somebody whom the provider vouches for by its own id."""
    session = one.desk.system.identity.sign_in_external(f"https://{provider}.example|{external}", [], provider)
    return Client(one.desk.pool, session)


def check_refused(answer: Answer, status: int, kind: str | None = None) -> None:
    assert answer.status == status, answer.body
    assert answer.json["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
    assert answer.json["status"] == str(status)
    assert answer.json.get("scimType") == kind
    assert answer.headers["Content-Type"] == "application/scim+json"


def test_a_person_comes_is_read_and_changed(office: Desk) -> None:
    one = directory(office)
    made = one.user(
        "Mia.Lind@acme.example",
        externalId="oid-1",
        name={"givenName": "Mia", "familyName": "Lind"},
        emails=[{"value": "mia@acme.example", "type": "work", "primary": True}],
        **{ENTERPRISE: {"department": "Buying"}},
    )
    assert made["id"] == "mia.lind" and made["active"] is True and made["meta"]["version"] == 'W/"1"'
    assert made["schemas"] == [USER, ENTERPRISE]
    found = one.get("/Users/mia.lind")
    assert found.json == made and found.headers["ETag"] == 'W/"1"'
    assert one.get("/Users/mia.lind", If_None_Match='W/"1"').status == 304
    person = next(each for each in office.person("ada").get("/api/people").json["items"] if each["name"] == "mia.lind")
    assert (person["display_name"], person["email"], person["state"]) == ("Mia Lind", "mia@acme.example", "active")
    changed = one.patch("/Users/mia.lind", {"op": "replace", "path": "name.familyName", "value": "Berg"})
    assert changed.json["name"] == {"givenName": "Mia", "familyName": "Berg"}
    assert changed.json["meta"]["version"] == 'W/"2"'
    assert signed_in(one, "oid-1").get("/api/me").json["display_name"] == "Mia Berg"


def test_leaving_ends_access_at_the_next_call_of_every_process(office: Desk) -> None:
    one = directory(office)
    one.user("mia@acme.example", externalId="oid-1")
    mia = signed_in(one, "oid-1")
    assert mia.get("/api/me").status == 200
    assert one.patch("/Users/mia", {"op": "replace", "path": "active", "value": False}).status == 200
    assert mia.get("/api/me").code == "session.invalid"
    with pytest.raises(Exception, match="nobody here"):
        signed_in(one, "oid-1")
    assert one.patch("/Users/mia", {"op": "Replace", "value": {"active": "True"}}).json["active"] is True
    assert mia.get("/api/me").code == "session.invalid"  # a session that ended does not begin again
    again = signed_in(one, "oid-1")
    assert again.get("/api/me").status == 200
    assert one.send("DELETE", "/Users/mia").status == 204
    assert again.get("/api/me").code == "session.invalid"
    check_refused(one.get("/Users/mia"), 404)


def sponsored(one: Directory, **more: str) -> None:
    """`mia` is declared by her account and sponsors the agent `robot`."""
    person = """
apiVersion: autonomy/v1
kind: Person
metadata: { name: mia }
spec: { userName: mia@acme.example, roles: [boss], access: [approver] }
"""
    declared = {"corporate.yaml": PROVIDER.format(name="corporate"), "mia.yaml": person} | more
    declare(one.desk.system, {**files(), **declared, "robot.yaml": manifest("robot", sponsor="mia")})


def test_agents_of_who_leaves_rest_and_go_on_when_they_are_back(office: Desk) -> None:
    one = directory(office)
    sponsored(one)
    identity = office.system.identity
    assert identity.agent("robot").state is State.SUSPENDED  # its sponsor is not here yet
    one.user("MIA@acme.example", externalId="oid-1")
    assert identity.agent("robot").state is State.ACTIVE
    me = signed_in(one, "oid-1").get("/api/me").json
    assert (me["name"], me["roles"], me["access"]) == ("mia", ["boss"], ["approver"])
    robot = office.agent("robot")
    assert robot.post("/v1/actions", {"tool": "look", "arguments": {"n": 1}}).json["status"] == "done"
    one.patch("/Users/mia", {"op": "replace", "path": "active", "value": False})
    assert robot.post("/v1/actions", {"tool": "look", "arguments": {"n": 1}}).code == "agent.suspended"
    assert "mia" not in identity.holders("boss")
    one.patch("/Users/mia", {"op": "replace", "path": "active", "value": True})
    assert identity.agent("robot").state is State.ACTIVE
    assert robot.post("/v1/actions", {"tool": "look", "arguments": {"n": 1}}).code == "credential.revoked"


def test_a_provider_says_nothing_of_people_who_are_declared_as_anothers(office: Desk) -> None:
    partner = PROVIDER.format(name="partner")
    mia = "apiVersion: autonomy/v1\nkind: Person\nmetadata: { name: mia }\nspec: { userName: mia@acme.example%s }\n"
    with pytest.raises(Exception) as undecided:
        directory(office, **{"partner.yaml": partner, "mia.yaml": mia % ""})
    assert "provider" in str(undecided.value)
    both = {"partner.yaml": partner, "mia.yaml": mia % ", provider: corporate, access: [admin]"}
    one = directory(office, **both)
    other = office.system.identity.issue_service_key("partner-directory", "scim", "person:ada", "partner")
    stranger = Directory(office, Client(office.pool, other.secret))
    posted = {"schemas": [USER], "userName": "MIA@acme.example", "externalId": "evil"}
    check_refused(stranger.send("POST", "/Users", posted), 409, "uniqueness")
    for said in (one.user("eve@acme.example"), stranger.user("mallory@partner.example")):
        source = one if said["userName"].startswith("eve") else stranger
        renamed = source.patch(
            f"/Users/{said['id']}", {"op": "replace", "path": "userName", "value": "mia@acme.example"}
        )
        check_refused(renamed, 409, "uniqueness")
    with pytest.raises(Unauthenticated):
        signed_in(stranger, "evil", "partner")
    assert one.user("mia@acme.example", externalId="oid-1")["id"] == "mia"
    assert signed_in(one, "oid-1").get("/api/me").json["access"] == ["admin"]


@pytest.mark.parametrize(
    ("squatted", "declared", "hint"),
    [
        ("mia@acme.example", "mia@acme.example", "partner"),
        ("mia@partner.example", "mia@acme.example", "mia@partner.example"),
    ],
)
def test_who_had_an_account_before_is_not_taken_for_somebody_declared_as_anothers(
    office: Desk, squatted: str, declared: str, hint: str
) -> None:
    partner, ours = PROVIDER.format(name="partner"), PROVIDER.format(name="corporate")
    directory(office, **{"partner.yaml": partner})
    key = office.system.identity.issue_service_key("partner-directory", "scim", "person:ada", "partner")
    stranger = Directory(office, Client(office.pool, key.secret))
    assert stranger.user(squatted, externalId="evil")["id"] == "mia"
    mia = "apiVersion: autonomy/v1\nkind: Person\nmetadata: { name: mia }\n"
    mia += f"spec: {{ userName: {declared}, provider: corporate, access: [admin] }}\n"
    with pytest.raises(Conflict) as refused:
        declare(office.system, {**files(), "partner.yaml": partner, "corporate.yaml": ours, "mia.yaml": mia})
    assert refused.value.code == "person.user_name" and hint in refused.value.message
    assert signed_in(stranger, "evil", "partner").get("/api/me").json["access"] == []


def test_a_user_name_that_was_given_up_is_not_somebody_elses_account(office: Desk) -> None:
    mia = "apiVersion: autonomy/v1\nkind: Person\nmetadata: { name: mia }\nspec: { userName: mia@acme.example }\n"
    one = directory(office, **{"mia.yaml": mia})
    one.user("mia@acme.example", externalId="oid-1")
    one.patch("/Users/mia", {"op": "replace", "path": "userName", "value": "mia.lind@acme.example"})
    check_refused(one.send("POST", "/Users", {"schemas": [USER], "userName": "mia@acme.example"}), 409, "uniqueness")
    provider = PROVIDER.format(name="corporate")
    declare(office.system, {**files(), "corporate.yaml": provider, "mia.yaml": mia + "# the same again\n"})
    assert signed_in(one, "oid-1").get("/api/me").json["name"] == "mia"


def test_who_is_no_provider_any_more_speaks_for_nobody(office: Desk) -> None:
    one = directory(office)
    one.user("mia@acme.example", externalId="oid-1")
    mia = signed_in(one, "oid-1")
    assert mia.get("/api/me").status == 200
    office.system.catalog.apply(read(files()), by="person:ada", retire=True)
    assert mia.get("/api/me").status == 401
    check_refused(one.send("POST", "/Users", {"schemas": [USER], "userName": "new@acme.example"}), 401)
    check_refused(one.patch("/Users/mia", {"op": "replace", "path": "active", "value": False}), 401)
    ended = [each for each in office.system.identity.service_keys() if each.revoked_at is not None]
    assert [each.provider for each in ended] == ["corporate"]


def test_a_manifest_and_an_account_never_both_say_who_somebody_is(office: Desk) -> None:
    one = directory(office)
    one.user("mia@acme.example")
    own = """
apiVersion: autonomy/v1
kind: Person
metadata: {{ name: {name} }}
spec: {said}
"""
    for name, said, code in (
        ("mia", "{ displayName: Mia, email: mia@acme.example }", "person.provisioned"),
        ("mia-lind", "{ userName: mia@acme.example }", "person.user_name"),
    ):
        with pytest.raises(Exception) as caught:
            declare(office.system, {**files(), "mia.yaml": own.format(name=name, said=said)})
        assert caught.value.code == code  # type: ignore[attr-defined]
    sponsored(one)
    declare(office.system, files())
    person = next(each for each in office.system.identity.people() if each.name == "mia")
    assert person.state == "active"


def test_taking_a_declaration_back_leaves_the_account(office: Desk) -> None:
    one = directory(office)
    sponsored(one)
    one.user("mia@acme.example", externalId="oid-1")
    everything = {**files(), "corporate.yaml": PROVIDER.format(name="corporate")}
    office.system.catalog.apply(read(everything), by="person:admin", retire=True)
    me = signed_in(one, "oid-1").get("/api/me").json
    assert (me["roles"], me["access"]) == ([], [])


def test_groups_admit_to_what_is_declared_for_them(office: Desk) -> None:
    one = directory(office)
    one.user("mia@acme.example", externalId="oid-1")
    mia = signed_in(one, "oid-1")
    assert mia.get("/api/agents").code == "permission.missing"
    group = one.group("Administrators", "mia")
    assert mia.get("/api/me").json["access"] == ["admin"]
    assert one.get("/Users/mia").json["groups"][0]["display"] == "Administrators"
    bosses = one.group("Bosses")
    added = one.patch(f"/Groups/{bosses['id']}", {"op": "Add", "path": "members", "value": [{"value": "mia"}]})
    assert [each["value"] for each in added.json["members"]] == ["mia"]
    assert "mia" in office.system.identity.holders("boss")
    gone = one.patch(f"/Groups/{bosses['id']}", {"op": "remove", "path": 'members[value eq "mia"]'})
    assert "members" not in gone.json and "mia" not in office.system.identity.holders("boss")
    assert one.send("DELETE", f"/Groups/{group['id']}").status == 204
    assert mia.get("/api/me").json["access"] == []


def test_the_last_who_administers_is_not_taken_away(office: Desk) -> None:
    one = directory(office)
    one.user("mia@acme.example", externalId="oid-1")
    group = one.group("Administrators", "mia")
    office.system.identity.offboard("ada", "person:ada", "left")
    for refused in (
        one.send("DELETE", "/Users/mia"),
        one.patch("/Users/mia", {"op": "replace", "path": "active", "value": False}),
        one.send("DELETE", f"/Groups/{group['id']}"),
        one.patch(f"/Groups/{group['id']}", {"op": "remove", "path": "members"}),
        one.patch(f"/Groups/{group['id']}", {"op": "replace", "path": "displayName", "value": "Others"}),
    ):
        check_refused(refused, 409)
        assert "person.last_admin" in refused.json["detail"]
    mia = signed_in(one, "oid-1")
    assert mia.post("/api/people/mia/offboard", {"reason": "x"}).code == "person.last_admin"
    assert mia.get("/api/me").json["access"] == ["admin"]
    one.user("noa@acme.example")
    one.patch(f"/Groups/{group['id']}", {"op": "add", "path": "members", "value": [{"value": "noa"}]})
    assert one.send("DELETE", "/Users/mia").status == 204


def test_a_provider_sees_and_changes_its_own_only(office: Desk) -> None:
    one = directory(office)
    one.user("mia@acme.example", externalId="oid-1")
    group = one.group("Administrators")
    other = directory(office, "partner", **{"corporate.yaml": PROVIDER.format(name="corporate")})
    assert other.get("/Users").json["totalResults"] == other.get("/Groups").json["totalResults"] == 0
    for path in ("/Users/mia", f"/Groups/{group['id']}", "/Users/ada"):
        check_refused(other.get(path), 404)
        check_refused(other.send("DELETE", path), 404)
    check_refused(other.send("POST", "/Users", {"schemas": [USER], "userName": "MIA@acme.example"}), 409, "uniqueness")
    other.user("mia@partner.example", externalId="oid-1")
    assert signed_in(other, "oid-1", "partner").get("/api/me").json["name"] == "mia-2"
    group = other.group("Administrators")
    wrong = other.patch(f"/Groups/{group['id']}", {"op": "add", "path": "members", "value": [{"value": "mia"}]})
    check_refused(wrong, 400, "invalidValue")


def test_what_somebody_else_changed_meanwhile_is_not_overwritten(office: Desk) -> None:
    one = directory(office)
    one.user("mia@acme.example")
    change = {"op": "replace", "path": "title", "value": "Buyer"}
    assert one.patch("/Users/mia", change, If_Match='W/"1"').status == 200
    check_refused(one.patch("/Users/mia", change | {"value": "Seller"}, If_Match='W/"1"'), 412)
    check_refused(one.send("DELETE", "/Users/mia", None, If_Match='W/"1"'), 412)
    check_refused(one.send("DELETE", "/Users/mia", None, If_Match="nonsense"), 400, "invalidSyntax")
    assert one.get("/Users/mia").json["title"] == "Buyer"


def test_who_left_is_erased_but_their_name_stays_theirs(office: Desk) -> None:
    one = directory(office)
    one.user("mia@acme.example", displayName="Mia Lind", emails=[{"value": "mia@acme.example"}])
    one.send("DELETE", "/Users/mia")
    person = next(each for each in office.system.identity.people() if each.name == "mia")
    assert (person.display_name, person.email, person.state) == ("mia", "", "offboarded")
    assert one.user("mia@acme.example")["id"] == "mia-2"


# What is asked


@pytest.fixture(scope="module")
def people(shared: Directory) -> Directory:
    for number in range(12):
        shared.user(
            f"p{number:02}@acme.example",
            displayName=f"Person {number}",
            externalId=f"ext-{number}",
            active=number % 3 != 0,
            emails=[{"value": f"p{number}@{place}.example", "type": place} for place in ("home", "work")],
            **{ENTERPRISE: {"department": "Buying" if number < 6 else "Selling"}},
        )  # fmt: skip
    return shared


FILTERS = [
    ('userName eq "P03@ACME.example"', ["p03"]),
    ('username sw "p0" and not (active eq true)', ["p00", "p03", "p06", "p09"]),
    ('active eq false and displayName co "9"', ["p09"]),
    ('externalId eq "ext-7"', ["p07"]),
    ('externalId eq "EXT-7"', []),
    ('emails[type eq "work" and value ew "3@work.example"]', ["p03"]),
    ('emails.value eq "p4@home.example"', ["p04"]),
    ('emails eq "p4@home.example"', ["p04"]),
    (f'{ENTERPRISE}:department eq "selling" and userName lt "p08"', ["p06", "p07"]),
    (f'{USER}:userName eq "p01@acme.example"', ["p01"]),
    ('title pr or id eq "p11"', ["p11"]),
    ('meta.lastModified gt "2000-01-01T00:00:00Z" and id ge "p10"', ["p10", "p11"]),
    ('userName eq "a" or userName eq "p02@acme.example" and displayName ne "x"', ["p02"]),
    ('(userName eq "p01@acme.example")', ["p01"]),
    ('displayName eq "\\u0050erson 5"', ["p05"]),
    ('title eq "x"', []),
]


@pytest.mark.parametrize(("text", "wanted"), FILTERS)
def test_a_filter_finds(people: Directory, text: str, wanted: list[str]) -> None:
    found = people.get(f"/Users?filter={quote(text)}")
    assert found.status == 200, found.body
    assert [each["id"] for each in found.json["Resources"]] == wanted
    assert found.json["totalResults"] == len(wanted)


BAD_FILTERS = [
    "",
    "userName",
    "userName eq",
    "userName is 1",
    'userName eq "a',
    "userName eq a",
    '(userName eq "a"',
    'userName eq "a" and',
    'emails[type eq "a"',
    "eq eq eq",
    "userName eq {}",
    "'; DROP TABLE person; --",
    "(" * 50 + 'a eq "b"' + ")" * 50,
    " or ".join(['a eq "b"'] * 100),
    'userName eq "' + "x" * 3_000 + '"',
    "not userName pr",
]


@pytest.mark.parametrize("text", BAD_FILTERS)
def test_a_filter_that_is_none_is_refused(people: Directory, text: str) -> None:
    check_refused(people.get(f"/Users?filter={quote(text)}"), 400, "invalidFilter")


def test_lists_are_paged(people: Directory) -> None:
    seen: list[str] = []
    for start in range(1, 13, 5):
        page = people.get(f"/Users?startIndex={start}&count=5").json
        assert (page["totalResults"], page["startIndex"], page["itemsPerPage"]) == (12, start, len(page["Resources"]))
        seen += [each["id"] for each in page["Resources"]]
    assert seen == sorted(set(seen)) and len(seen) == 12
    assert people.get("/Users?count=0").json["Resources"] == []
    assert people.get("/Users?count=-3").json["itemsPerPage"] == 0
    assert people.get("/Users?startIndex=0&count=1").json["startIndex"] == 1
    assert people.get("/Users?startIndex=99").json["Resources"] == []
    check_refused(people.get("/Users?count=many"), 400, "invalidValue")


def test_only_what_is_wanted_is_shown(people: Directory) -> None:
    assert set(people.get("/Users/p01?attributes=userName,emails.value").json) == {
        "schemas",
        "id",
        "meta",
        "userName",
        "emails",
    }
    assert people.get("/Users/p01?attributes=emails.value").json["emails"] == [
        {"value": "p1@home.example"},
        {"value": "p1@work.example"},
    ]
    assert "emails" not in people.get("/Users/p01?excludedAttributes=emails,id").json
    assert people.get("/Users/p01?excludedAttributes=id").json["id"] == "p01"


# What is sent


IT = {"department": "IT"}
PATCHES: list[tuple[list[dict[str, Any]], dict[str, Any]]] = [
    ([{"op": "add", "path": "nickName", "value": "Z"}], {"nickName": "Z"}),
    ([{"op": "ADD", "value": {"nickName": "Y", "name.givenName": "Zoe"}}], {"nickName": "Y"}),
    ([{"op": "replace", "path": 'emails[type eq "work"].value', "value": "new@work.example"}], {}),
    ([{"op": "add", "path": 'phoneNumbers[type eq "mobile"].value', "value": "+49 1"}], {}),
    ([{"op": "add", "path": f"{ENTERPRISE}:department", "value": "IT"}], {ENTERPRISE: IT}),
    ([{"op": "replace", "value": {ENTERPRISE: {"division": "D"}}}], {ENTERPRISE: IT | {"division": "D"}}),
    ([{"op": "remove", "path": ENTERPRISE}], {ENTERPRISE: None}),
    ([{"op": "remove", "path": "nickName"}], {"nickName": None}),
    ([{"op": "remove", "path": 'emails[type eq "home"]'}], {}),
    ([{"op": "replace", "path": "emails", "value": [{"value": "one@x.example", "primary": True}]}], {}),
    ([{"op": "add", "path": "emails", "value": [{"value": "two@x.example", "primary": True}]}], {}),
]  # fmt: skip


def test_patches_change_what_they_name(shared: Directory) -> None:
    made = shared.user("zoe@acme.example", emails=[{"value": "z@home.example", "type": "home"}])
    path = f"/Users/{made['id']}"
    for operations, wanted in PATCHES:
        found = shared.patch(path, *operations)
        assert found.status == 200, (operations, found.body)
        for name, value in wanted.items():
            assert found.json.get(name) == value, operations
    found = shared.get(path).json
    assert found["emails"] == [
        {"value": "one@x.example", "primary": False},
        {"value": "two@x.example", "primary": True},
    ]
    assert found["phoneNumbers"] == [{"type": "mobile", "value": "+49 1"}]
    assert found["name"] == {"givenName": "Zoe"}


BAD_PATCHES: list[tuple[Any, str]] = [
    ({"op": "copy", "path": "title", "value": "x"}, "invalidSyntax"),
    ({"op": "remove"}, "noTarget"),
    ({"op": "remove", "path": 'emails[type eq "none"]'}, "noTarget"),
    ({"op": "replace", "path": "id", "value": "x"}, "invalidPath"),
    ({"op": "replace", "path": "groups", "value": []}, "mutability"),
    ({"op": "remove", "path": "userName"}, "mutability"),
    ({"op": "replace", "path": "userName", "value": ""}, "invalidValue"),
    ({"op": "replace", "path": "userName", "value": 7}, "invalidValue"),
    ({"op": "replace", "path": "active", "value": "perhaps"}, "invalidValue"),
    ({"op": "replace", "path": "nothing.there", "value": "x"}, "invalidPath"),
    ({"op": "replace", "path": "urn:none:User:title", "value": "x"}, "invalidPath"),
    ({"op": "replace", "path": "emails[", "value": "x"}, "invalidPath"),
    ({"op": "replace", "path": 7, "value": "x"}, "invalidPath"),
    ({"op": "replace", "value": "x"}, "invalidValue"),
    ({"op": "replace", "path": "title", "value": "x" * 2_000}, "invalidValue"),
    ({"op": "replace", "path": "title", "value": {"a": 1}}, "invalidValue"),
    ({"op": "replace", "path": "name", "value": "x"}, "invalidValue"),
    ("x", "invalidSyntax"),
]


@pytest.mark.parametrize(("operation", "kind"), BAD_PATCHES)
def test_a_patch_that_is_none_changes_nothing(people: Directory, operation: Any, kind: str) -> None:
    before = people.get("/Users/p02").json
    body = {"schemas": [PATCH], "Operations": [{"op": "replace", "path": "title", "value": "Half"}, operation]}
    answer = people.send("PATCH", "/Users/p02", body)
    check_refused(answer, 400, kind)
    assert people.get("/Users/p02").json == before


BAD_BODIES: list[tuple[Any, str | None]] = [
    (b"{", "invalidSyntax"),
    (b"[]", "invalidSyntax"),
    (b"null", "invalidSyntax"),
    (b'{"schemas":["x"],"schemas":["y"]}', "invalidSyntax"),
    (b"\xff", "invalidSyntax"),
    (b'{"a":' * 100 + b"1" + b"}" * 100, "invalidSyntax"),
    ({"userName": "x"}, "invalidSyntax"),
    ({"schemas": [GROUP], "userName": "x"}, "invalidSyntax"),
    ({"schemas": [USER]}, "invalidValue"),
    ({"schemas": [USER], "userName": ["x"]}, "invalidValue"),
    ({"schemas": [USER], "userName": "x", "USERNAME": "y"}, "invalidSyntax"),
    ({"schemas": [USER], "userName": "x\u0000y"}, "invalidValue"),
    ({"schemas": [USER], "userName": "x\ny"}, "invalidValue"),
    ({"schemas": [USER], "userName": "x" * 400}, "invalidValue"),
    ({"schemas": [USER], "userName": "x", "emails": "y"}, "invalidValue"),
    ({"schemas": [USER], "userName": "x", "emails": [{"value": one, "primary": True} for one in "ab"]}, "invalidValue"),
    ({"schemas": [USER], "userName": "p01@acme.example"}, None),
]  # fmt: skip


@pytest.mark.parametrize(("body", "kind"), BAD_BODIES)
def test_a_person_that_is_none_is_refused(people: Directory, body: Any, kind: str | None) -> None:
    answer = people.send("POST", "/Users", body)
    check_refused(answer, 409 if kind is None else 400, kind or "uniqueness")


def test_what_is_not_served_says_so(shared: Directory) -> None:
    check_refused(shared.send("POST", "/Bulk", {"schemas": [], "Operations": []}), 501)
    check_refused(shared.get("/Me"), 501)
    check_refused(shared.send("POST", "/Users/.search", {}), 501)
    check_refused(shared.get("/Nothing"), 404)
    check_refused(shared.get("/Users/a/b"), 404)
    check_refused(shared.send("PUT", "/Users", {}), 405)
    check_refused(shared.get("/Schemas?filter=a"), 403, "invalidFilter")
    check_refused(shared.send("POST", "/Users", b"a=b", Content_Type="application/x-www-form-urlencoded"), 400)
    config = shared.get("/ServiceProviderConfig").json
    assert config["bulk"]["supported"] is False and config["etag"]["supported"] is True


def test_a_body_that_is_too_large_is_not_read(shared: Directory) -> None:
    check_refused(shared.send("POST", "/Users", b"x" * 1_100_000), 413)


def test_only_a_live_key_for_scim_opens_anything(shared: Directory) -> None:
    desk_ = shared.desk
    identity = desk_.system.identity
    authzen = identity.issue_service_key("gateway", "authzen", "person:ada")
    own = identity.issue_service_key("old", "scim", "person:ada", "corporate")
    assert Directory(desk_, Client(desk_.pool, own.secret)).get("/Users?count=0").status == 200
    identity.revoke_service_key(own.id, "person:ada")
    tokens = ["", "x", authzen.secret, own.secret, own.secret[:-1], desk_.agent().token, desk_.person("ada").token]
    for token in tokens:
        answer = Directory(desk_, Client(desk_.pool, token)).get("/Users")
        check_refused(answer, 401)
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        assert own.secret not in str(answer.body)


def test_keys_are_issued_by_who_may_and_for_declared_providers(shared: Directory) -> None:
    ada = shared.desk.person("ada")
    made = ada.post("/api/service-keys", {"name": "dir", "purpose": "scim", "provider": "corporate"})
    assert made.status == 201 and made.json["secret"].startswith("aosk_")
    listed = ada.get("/api/service-keys").json["items"]
    assert made.json["id"] in {each["id"] for each in listed} and "secret" not in listed[0]
    assert ada.post("/api/service-keys", {"name": "d", "purpose": "scim", "provider": "none"}).code == "sign_on.unknown"
    assert ada.post("/api/service-keys", {"name": "d", "purpose": "scim"}).code == "service_key.kind"
    assert ada.post(f"/api/service-keys/{made.json['id']}/revoke", {}).json == {"revoked": True}
    assert ada.post(f"/api/service-keys/{made.json['id']}/revoke", {}).json == {"revoked": False}
    assert ada.post("/api/service-keys/skey_none/revoke", {}).code == "service_key.unknown"


def test_nothing_personal_stands_in_the_log(office: Desk) -> None:
    one = directory(office)
    one.user("canary.mia@acme.example", displayName="Canary Mia", externalId="canary-oid")
    one.group("Canary Group", "canary.mia")
    said = b"".join(office.person("ada").get(f"/api/audit/leaves?after={after}&limit=500").body for after in (-1,))
    assert b"account.created" in said and b"group.created" in said
    for word in (b"Canary Mia", b"canary-oid", b"Canary Group", b"acme.example|", one.client.token.encode()):
        assert word not in said
