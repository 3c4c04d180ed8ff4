"""Signed notes, byte for byte as other implementations write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autonomy.audit import note
from autonomy.kernel.errors import Invalid

# The example of golang.org/x/mod/sumdb/note, whose private key is published with it.
NEUMANN_SEED = bytes.fromhex("810a1402d5146c8d84f2443330f54080ebf98ee17d9c74f6252fc5d5c7283173")
NEUMANN = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
SIGNATURE = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
# The example of C2SP tlog-cosignature; its keys are not published.
BEHIND_THE_SOFA = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE"
    "+xeMcTOAYQ8=\n"
    "— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZ"
    "qhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"
)

KEY = note.Signer.from_seed("example.org/audit", bytes(32))
CHECKPOINT = note.Checkpoint("example.org/audit", 12, bytes(range(32)))


def test_a_note_of_the_go_checksum_database_verifies() -> None:
    verifier = note.Verifier.parse(NEUMANN)
    assert str(verifier) == NEUMANN
    assert note.read(f"{TEXT}\n{SIGNATURE}").verified([verifier]) == [verifier]


def test_a_note_is_signed_byte_for_byte_as_go_signs_it() -> None:
    signer = note.Signer.from_seed("PeterNeumann", NEUMANN_SEED)
    assert str(signer.verifier) == NEUMANN
    assert note.sign_text(TEXT, signer) == f"{TEXT}\n{SIGNATURE}"


def test_the_key_of_the_go_checksum_database_reads() -> None:
    text = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
    assert str(note.Verifier.parse(text)) == text


@pytest.mark.parametrize(
    ("seed", "public", "message", "signature"),
    [  # RFC 8032, section 7.1, tests 2 and 1: the two whose messages are text
        (
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "r",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
            "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        ),
        (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555"
            "fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        ),
    ],
)
def test_the_vectors_of_rfc_8032_hold(seed: str, public: str, message: str, signature: str) -> None:
    signer = note.Signer.from_seed("rfc8032", bytes.fromhex(seed))
    assert signer.verifier.public.hex() == public
    assert signer.verifier.verifies(message, bytes.fromhex(signature))
    assert not signer.verifier.verifies(message + "x", bytes.fromhex(signature))


def test_a_checkpoint_comes_back_as_it_was_signed() -> None:
    text = note.sign(CHECKPOINT, KEY)
    assert text.startswith(
        "example.org/audit\n12\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n\n— example.org/audit "
    )
    assert note.parse(text, [KEY.verifier]) == CHECKPOINT


def test_the_published_checkpoint_reads_with_both_its_signatures() -> None:
    opened = note.read(BEHIND_THE_SOFA)
    assert opened.checkpoint().size == 20852163
    assert [signature.name for signature in opened.signatures] == [
        "example.com/behind-the-sofa",
        "witness.example.com/w1",
    ]
    assert [len(signature.signature) for signature in opened.signatures] == [64, 72]


def test_extension_lines_are_signed_and_kept() -> None:
    extended = note.Checkpoint("example.org/audit", 12, bytes(32), ("shard 4",))
    text = note.sign(extended, KEY)
    assert note.parse(text, [KEY.verifier]) == extended
    with pytest.raises(Invalid, match="is false"):
        note.parse(text.replace("shard 4", "shard 5"), [KEY.verifier])


def test_a_cosignature_joins_the_log_s_signature_and_both_verify() -> None:
    witness = note.Signer.from_seed("witness.example.org", b"w" * 32)
    seen = note.Verifier("witness.example.org", witness.verifier.public, note.COSIGNATURE)
    text = note.cosign(note.sign(CHECKPOINT, KEY), witness, 1_700_000_000)
    assert note.read(text).verified([KEY.verifier, seen]) == [KEY.verifier, seen]
    assert note.parse(text, [note.Verifier.parse(str(seen))]) == CHECKPOINT
    with pytest.raises(Invalid, match="is false"):
        note.parse(text.replace("\n12\n", "\n13\n"), [seen])


def test_signatures_of_unknown_keys_are_passed_over() -> None:
    unknown = note.Signer.from_seed("unknown", b"u" * 32)
    text = note.sign(CHECKPOINT, KEY) + unknown.line(CHECKPOINT.text())
    assert note.parse(text, [KEY.verifier]) == CHECKPOINT


def test_a_key_that_signed_twice_counts_once() -> None:
    text = note.sign(CHECKPOINT, KEY) + KEY.line(CHECKPOINT.text())
    assert note.read(text).verified([KEY.verifier]) == [KEY.verifier]


def test_a_note_no_known_key_signed_is_refused() -> None:
    with pytest.raises(Invalid) as refused:
        note.parse(note.sign(CHECKPOINT, KEY), [note.Verifier.parse(NEUMANN)])
    assert refused.value.code == "note.unknown_key"


def test_a_false_signature_of_a_known_key_spoils_the_note_whatever_else_signed() -> None:
    other = note.Signer.from_seed("other", b"u" * 32)
    text = note.sign(CHECKPOINT, KEY) + other.line("something else\n")
    with pytest.raises(Invalid) as refused:
        note.parse(text, [KEY.verifier, other.verifier])
    assert refused.value.code == "note.false_signature"


GOOD = note.sign(CHECKPOINT, KEY)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n",
        TEXT,
        f"{TEXT}\n",
        f"{TEXT}{SIGNATURE}",
        f"{TEXT}\n{SIGNATURE}"[:-1],
        f"{TEXT}\n{SIGNATURE}\n",
        f"{TEXT}\n{SIGNATURE.replace('—', '-')}",
        f"{TEXT}\n{SIGNATURE.replace('—', '— ')}",
        f"{TEXT}\n{SIGNATURE.replace('AM=', 'AN=')}",  # stray bits behind the last byte
        f"{TEXT}\n— PeterNeumann x08goA\n",
        f"{TEXT}\n— Peter+Neumann x08go/ZJkg==\n",
        f"{TEXT}\r\n{SIGNATURE}",
        f"\x00{TEXT}\n{SIGNATURE}",
        f"{TEXT}\n{SIGNATURE * 101}",
        f"{'a' * 70_000}\n\n{SIGNATURE}",
    ],
)
def test_a_malformed_note_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        note.read(text)
    assert refused.value.code == "note.malformed"


@pytest.mark.parametrize(
    "lines",
    [
        ["example.org/audit"],
        ["example.org/audit", "12"],
        ["", "12", "A" * 43 + "="],
        ["example.org/audit", "012", "A" * 43 + "="],
        ["example.org/audit", "-1", "A" * 43 + "="],
        ["example.org/audit", "１２", "A" * 43 + "="],
        ["example.org/audit", "12", "A" * 44],
        ["example.org/audit", "12", "A" * 43],
        ["example.org/audit", "12", "A" * 43 + "=", ""],
    ],
)
def test_a_signed_text_that_is_no_checkpoint_is_refused(lines: list[str]) -> None:
    text = note.sign_text("".join(f"{line}\n" for line in lines), KEY)
    with pytest.raises(Invalid) as refused:
        note.parse(text, [KEY.verifier])
    assert refused.value.code == "note.checkpoint"


@pytest.mark.parametrize(
    "checkpoint",
    [
        note.Checkpoint("two\nlines", 1, bytes(32)),
        note.Checkpoint("", 1, bytes(32)),
        note.Checkpoint("example.org/audit", -1, bytes(32)),
        note.Checkpoint("example.org/audit", 1, bytes(31)),
        note.Checkpoint("example.org/audit", 1, bytes(32), ("",)),
    ],
)
def test_a_checkpoint_that_would_read_otherwise_is_not_signed(checkpoint: note.Checkpoint) -> None:
    with pytest.raises(Invalid):
        note.sign(checkpoint, KEY)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "PeterNeumann",
        NEUMANN[:-1],
        NEUMANN.replace("c74f", "C74F"),
        NEUMANN.replace("c74f", "c74e"),
        "a b" + NEUMANN,
        NEUMANN.replace("+ARpc", "+ARpd"),
        NEUMANN.replace("+A", "+B"),
        "x+00000000+",
    ],
)
def test_a_malformed_verifier_key_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        note.Verifier.parse(text)
    assert refused.value.code == "note.key"


@given(st.text())
def test_no_text_makes_the_reader_fail_otherwise_than_by_refusing(text: str) -> None:
    for read in (note.read, note.Verifier.parse, lambda text: note.parse(text + GOOD, [KEY.verifier])):
        try:
            read(text)
        except Invalid:
            continue


def test_a_signer_never_shows_its_key() -> None:
    assert repr(KEY) == "Signer('example.org/audit')"
