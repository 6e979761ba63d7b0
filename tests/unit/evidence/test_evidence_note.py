"""Notes and checkpoints: read back as written, signatures that hold and that do not."""

from __future__ import annotations

import pytest

from monitor.evidence.keys import COLLECTOR, WITNESS, PrivateKey, PublicKey
from monitor.evidence.note import Checkpoint, Note, Signature, cosign, sign, signed_by
from monitor.evidence.tree import EMPTY

COLLECTOR_KEY = PrivateKey("camsla.local/east", bytes(32))
SUPPLIER = PrivateKey("supplier.example", bytes([1]) * 32)
TREE = EMPTY.appended([b"one", b"two"])
TEXT = Checkpoint.of("camsla.local/east", TREE, "day 2020-07-01").text()


def test_a_note_that_others_published():
    # From the documentation of Go's sumdb/note, whose format this is.
    data = (
        "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n"
        "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
    ).encode()
    key = PublicKey.parse("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
    note = Note.parse(data)
    assert signed_by(note, key) == 0
    assert note.encode() == data
    assert signed_by(Note(note.text.replace("then", "than"), note.signatures), key) is None


def test_a_checkpoint_is_read_back():
    checkpoint = Checkpoint.parse(TEXT)
    assert checkpoint.text() == TEXT
    assert (checkpoint.origin, checkpoint.size, checkpoint.root) == ("camsla.local/east", 2, TREE.root())
    assert checkpoint.day == "2020-07-01"
    assert checkpoint.said("hour") == ""
    assert (checkpoint.said("sm3") != "") is (TREE.sm3 is not None)


def test_collector_and_witness_sign_the_same_text():
    note = Note(TEXT).with_signature(sign(TEXT, COLLECTOR_KEY)).with_signature(cosign(TEXT, SUPPLIER, 1_600_000_000))
    again = Note.parse(note.encode())
    assert again == note
    assert signed_by(again, COLLECTOR_KEY.public(COLLECTOR)) == 0
    assert signed_by(again, SUPPLIER.public(WITNESS)) == 1_600_000_000
    # One kind of signature never passes for the other.
    assert signed_by(again, SUPPLIER.public(COLLECTOR)) is None
    assert signed_by(again, COLLECTOR_KEY.public(WITNESS)) is None
    assert again.with_signature(sign(TEXT, COLLECTOR_KEY)) == again


def test_what_was_not_signed_is_not():
    signature = cosign(TEXT, SUPPLIER, 1_600_000_000)
    key = SUPPLIER.public(WITNESS)
    assert signed_by(Note(TEXT), key) is None
    assert signed_by(Note(TEXT.replace("\n2\n", "\n3\n"), (signature,)), key) is None
    later = (int.from_bytes(signature.blob[4:12], "big") + 1).to_bytes(8, "big")
    assert signed_by(Note(TEXT, (Signature(key.name, key.hash + later + signature.blob[12:]),)), key) is None
    assert signed_by(Note(TEXT, (Signature("other.example", signature.blob),)), key) is None
    assert signed_by(Note(TEXT, (Signature(key.name, key.hash + b"x"),)), key) is None


def test_a_false_signature_beside_a_true_one_spoils_it():
    true, false = cosign(TEXT, SUPPLIER, 5), cosign("other\n", SUPPLIER, 5)
    assert signed_by(Note(TEXT, (true, false)), SUPPLIER.public(WITNESS)) is None
    assert signed_by(Note(TEXT, (true, cosign(TEXT, SUPPLIER, 9))), SUPPLIER.public(WITNESS)) == 5


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"text\n",
        b"text\n\n",
        b"text\n\nsignature\n",
        "text\n\n— name QUJDREVG".encode(),
        "text\n\n— name QUJDREVG\n\n".encode(),
        "text\n\n— name QUJDREVH=\n".encode(),
        "text\n\n— name QUI=\n".encode(),
        "text\n\n— na me QUJDREVG\n".encode(),
        "te\rxt\n\n— name QUJDREVG\n".encode(),
        b"\xff\n\n- name QUJDREVG\n",
        ("text\n\n" + "— name QUJDREVG\n" * 65).encode(),
        b"x" * 70_000,
    ],
)
def test_what_is_no_note(data: bytes):
    with pytest.raises(ValueError, match=r"note|signature|base64|utf-8|control"):
        Note.parse(data)


@pytest.mark.parametrize(
    "text",
    ["", "a\n1\n", "a\n1\nAAAA\n", "a\n01\n" + "A" * 43 + "=\n", "a\n-1\n" + "A" * 43 + "=\n", TEXT[:-1], TEXT + "\n"],
)
def test_what_is_no_checkpoint(text: str):
    with pytest.raises(ValueError, match=r"checkpoint|size|root"):
        Checkpoint.parse(text)


def test_times_that_no_witness_has():
    with pytest.raises(ValueError, match="time"):
        cosign(TEXT, SUPPLIER, -1)
