"""Who is let in, and how soon nobody else is."""

from __future__ import annotations

from autonomy.db import Database
from autonomy.identity import Identity, State
from autonomy.identity.proof import Secret
from autonomy.kernel.clock import DAY, MINUTE, SECOND
from tests.identity.world import ISSUER, KEY, MCP, World, code_of, other_process


def test_an_api_key_admits_its_agent(world: World, identity: Identity) -> None:
    caller = identity.authenticate(world.api_key("helper"))
    helper, clerk = world.agent("helper"), world.agent("clerk")
    assert (caller.agent_id, caller.name, caller.unit, caller.roles) == (helper.id, "helper", "payables", ("buyer",))
    assert caller.chain == (helper,) and caller.tools is None and caller.may_use("anything")
    assert caller.credential.startswith("cred_") and caller.revision == "digest-of-helper"
    assert caller.accountable == {"ana"} and clerk.id == helper.parent


def test_a_token_admits_its_agent_for_five_minutes_and_the_leeway(world: World, identity: Identity) -> None:
    client = world.client("clerk")
    answer = identity.token(Secret(client.id, client.secret))
    assert answer.as_dict()["token_type"] == "Bearer" and answer.expires_in == 300
    token = answer.access_token
    world.later(5 * MINUTE + 29 * SECOND)
    assert identity.authenticate(token).name == "clerk"
    world.later(SECOND)
    assert world.refusal(token) == "token.expired"


def test_a_token_is_good_where_it_is_meant_for_one_of_our_resources(world: World, identity: Identity) -> None:
    for resources in ((), (ISSUER,), (MCP,), (ISSUER, MCP)):
        assert identity.authenticate(world.token("clerk", *resources)).name == "clerk"
    elsewhere = Identity(world.database, world.queue, lambda: world.time[0], KEY, ISSUER, ["https://other.example"])
    client = world.client("clerk")
    token = elsewhere.token(Secret(client.id, client.secret), ["https://other.example"]).access_token
    assert world.refusal(token) == "token.audience", "signed by our own key, meant for another"
    assert code_of(lambda: identity.exchange(Secret(client.id, client.secret), token)) == "oauth.invalid_grant"


def test_secrets_that_nobody_was_given_are_refused(world: World, identity: Identity) -> None:
    key, other = world.api_key("clerk"), world.client("buyer")
    prefix, number, secret = key.split("_", 2)
    forged = [
        key[:-1] + ("A" if key[-1] != "A" else "B"),
        f"{prefix}_{number}_",
        f"{prefix}_{'0' * 26}_{secret}",
        f"{prefix}_{other.id.removeprefix('cred_')}_{other.secret}",
    ]
    for bearer in forged:
        assert world.refusal(bearer) in ("credential.invalid", "token.invalid")
    assert identity.authenticate(key).name == "clerk"


def test_strings_that_are_no_credentials_at_all_are_refused(world: World) -> None:
    for bearer in ["", "aos_", "aos__", "a.b.c", "é" * 40, "\x00", "x" * 100_000, "Bearer x", "\ud800"]:
        assert world.refusal(bearer) in ("token.invalid", "credential.invalid")


def test_an_expired_credential_is_refused(world: World) -> None:
    key = world.api_key("clerk")
    world.later(30 * DAY)
    assert world.refusal(key) == "credential.expired"


def test_a_revoked_key_is_refused_at_the_next_call_in_every_process(world: World, identity: Identity) -> None:
    elsewhere, key = other_process(world), world.api_key("clerk")
    credential = elsewhere.admit(key, world.epoch).credential
    identity.revoke(credential, "person:cleo", "leaked")
    assert world.refusal(key) == "credential.revoked"
    assert code_of(lambda: elsewhere.admit(key, world.epoch)) == "credential.revoked"
    assert world.last_leaf()["event"] == "credential.revoked" and world.last_leaf()["reason"] == "leaked"


def test_revoking_a_credential_ends_the_tokens_obtained_by_it_and_no_others(world: World, identity: Identity) -> None:
    first, second = world.client("clerk"), world.client("clerk")
    lost, kept = (identity.token(Secret(one.id, one.secret)).access_token for one in (first, second))
    assert identity.authenticate(lost).credential == first.id
    assert identity.revoke(first.id, "person:cleo") == 1
    assert world.refusal(lost) == "token.revoked"
    assert code_of(lambda: identity.token(Secret(first.id, first.secret))) == "oauth.invalid_client"
    assert identity.authenticate(kept).credential == second.id
    assert identity.revoke(first.id, "person:cleo") == 0


def test_revoking_an_agent_ends_tokens_keys_and_children_at_once_but_not_new_ones(world: World, identity: Identity):
    bearers = [world.token("clerk"), world.api_key("clerk"), world.token("helper"), world.api_key("helper")]
    for bearer in bearers:
        identity.authenticate(bearer)
    assert identity.revoke("clerk", "person:cleo", "lost laptop") == 4
    refused = [world.refusal(bearer) for bearer in bearers]
    assert refused == ["token.revoked", "credential.revoked"] * 2
    assert identity.authenticate(world.token("clerk")).name == "clerk"


def test_a_token_is_revoked_by_order_of_epochs_whatever_the_clocks_say(world: World, identity: Identity) -> None:
    client = world.client("clerk")
    ahead = Identity(world.database, world.queue, lambda: world.now + 20 * SECOND, bytes(range(32)), ISSUER)
    token = ahead.token(Secret(client.id, client.secret)).access_token
    assert identity.authenticate(token).name == "clerk"
    identity.revoke("clerk", "person:cleo")
    assert world.refusal(token) == "token.revoked"


def test_nothing_is_read_from_the_store_while_the_epoch_stands_still(world: World, identity: Identity) -> None:
    key, token, epoch = world.api_key("clerk"), world.token("clerk"), world.epoch
    database: Database = world.database
    read, database.reading = database.reading, None  # type: ignore[method-assign, assignment]
    assert [identity.admit(one, epoch).name for one in (key, token, key, token)] == ["clerk"] * 4
    assert identity.state_of("clerk", epoch) is State.ACTIVE
    database.reading = read  # type: ignore[method-assign]


def test_the_state_of_an_agent_is_read_again_when_the_epoch_moves(world: World) -> None:
    elsewhere, epoch = other_process(world), world.epoch
    assert elsewhere.state_of("clerk", epoch) is State.ACTIVE
    world.identity.suspend("clerk", "person:ben", "odd behaviour")
    assert elsewhere.state_of("clerk", epoch) is State.ACTIVE
    assert elsewhere.state_of("clerk", world.epoch) is State.SUSPENDED


def test_nobody_is_admitted_when_the_store_cannot_be_read(world: World) -> None:
    key = world.api_key("clerk")
    elsewhere, epoch = other_process(world), world.epoch
    elsewhere.admit(key, epoch)
    world.queue.close()
    with world.database.writer_engine().connect() as connection:
        connection.exec_driver_sql("ALTER TABLE agent RENAME TO agent_gone")
        connection.exec_driver_sql(f"UPDATE log_head SET identity = {epoch + 1}")
    assert code_of(lambda: elsewhere.admit(key, epoch + 1)) == "store.unavailable"
    assert code_of(lambda: elsewhere.admit(key, epoch + 1)) == "store.unavailable"


def test_no_secret_is_stored_or_shown(world: World, identity: Identity) -> None:
    issued = identity.issue_credential("clerk", "api_key", "person:cleo")
    secret = issued.secret.split("_", 2)[2]
    assert secret not in repr(issued) and secret not in repr(identity.credentials("clerk"))
    answer = identity.token((lambda one: Secret(one.id, one.secret))(world.client("clerk")))
    assert answer.access_token not in repr(answer)
    assert secret not in str(world.leaves())
    with world.database.reading() as connection:
        stored = str(connection.exec_driver_sql("SELECT * FROM credential").all())
    assert secret not in stored


def test_an_agent_has_at_most_ten_live_credentials(world: World, identity: Identity) -> None:
    issued = [world.client("clerk") for _ in range(10)]
    assert code_of(lambda: world.client("clerk")) == "credential.too_many"
    identity.revoke(issued[0].id, "person:cleo")
    assert world.client("clerk").agent == world.agent("clerk").id
    assert len(identity.credentials("clerk")) == 11


def test_an_action_that_waited_is_judged_by_what_its_agent_is_now(world: World, identity: Identity) -> None:
    caller = identity.authenticate(world.token("clerk"))
    world.later(DAY)

    def again():
        ids = [one.id for one in caller.chain]
        return identity.readmit(ids, caller.delegations, caller.credential, world.epoch)

    assert again() == caller
    identity.suspend("clerk", "person:ben", "odd")
    assert code_of(again) == "agent.suspended"
    identity.reinstate("clerk", "person:ben", "explained")
    assert again().name == "clerk"
    identity.revoke(caller.credential, "person:cleo", "leaked")
    assert code_of(again) == "credential.revoked"
