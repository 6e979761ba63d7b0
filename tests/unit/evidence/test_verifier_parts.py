"""The shipped verifier's own parts against published vectors and hand-made values."""

from __future__ import annotations

import ast
import hashlib
import zlib
from fractions import Fraction
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.evidence import verifier
from tests import forged_packs as packs

SOURCE = Path(verifier.__file__)

# RFC 8032 section 7.1: secret key, public key, message, signature.
RFC_8032 = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]


@pytest.mark.parametrize(("seed", "public", "message", "signature"), RFC_8032)
def test_rfc_8032(seed: str, public: str, message: str, signature: str) -> None:
    raw = [bytes.fromhex(text) for text in (seed, public, message, signature)]
    assert verifier.sign(raw[0], raw[2]) == (raw[1], raw[3])
    assert verifier.verify(raw[1], raw[2], raw[3])
    assert not verifier.verify(raw[1], raw[2] + b"x", raw[3])


def test_signatures_have_one_form_only() -> None:
    _, public, message, signature = (bytes.fromhex(text) for text in RFC_8032[2])
    s = int.from_bytes(signature[32:], "little")
    assert not verifier.verify(public, message, signature[:32] + (s + verifier.L).to_bytes(32, "little"))
    assert not verifier.verify(public, message, signature[:-1])
    assert not verifier.verify(public[:-1], message, signature)
    for y in (verifier.P, verifier.P + 1, 2):  # not below p, or not on the curve
        assert not verifier.verify(y.to_bytes(32, "little"), message, signature)
    assert not verifier.verify((1 | 1 << 255).to_bytes(32, "little"), message, signature)  # x = 0 with a sign


@settings(deadline=None)  # arithmetic without a library, on a machine that may be busy
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=100), st.integers(0, 511))
def test_signatures_are_those_of_the_library(seed: bytes, message: bytes, bit: int) -> None:
    key = Ed25519PrivateKey.from_private_bytes(seed)
    public, signature = verifier.sign(seed, message)
    assert (public, signature) == (key.public_key().public_bytes_raw(), key.sign(message))
    assert verifier.verify(public, message, signature)
    broken = bytearray(signature)
    broken[bit // 8] ^= 1 << bit % 8
    assert not verifier.verify(public, message, bytes(broken))


# The certificate-transparency test leaves (RFC 6962's reference implementation) and their roots by size.
LEAVES = [
    bytes.fromhex(text)
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


@pytest.mark.parametrize("cut", range(9))
def test_rfc_6962_roots_however_the_leaves_come(cut: int) -> None:
    for size in range(cut, 9):
        tree = verifier.Tree(0, [], hashlib.sha256())
        hashes = [tree.leaf(line) for line in LEAVES[:size]]
        tree.extend(hashes[:cut])
        tree.extend(hashes[cut:])
        assert (tree.size, tree.root().hex()) == (size, ROOTS[size])
        assert len(tree.stack) == bin(size).count("1")


def test_an_inclusion_path_by_hand() -> None:
    a, b, c = (hashlib.sha256(b"\0" + line).digest() for line in LEAVES[:3])
    ab = hashlib.sha256(b"\1" + a + b).digest()
    assert [step[2].hex() for step in verifier.follow(c, 2, 3, [ab])] == [ROOTS[3]]
    assert [step[2].hex() for step in verifier.follow(b, 1, 3, [a, c])] == [ab.hex(), ROOTS[3]]
    for index, size, path in ((0, 3, [b]), (0, 3, [b, c, c]), (3, 3, [ab]), (0, 1, [b]), (2, 3, [])):
        with pytest.raises(ValueError, match="path"):
            list(verifier.follow(a, index, size, path))


@pytest.mark.parametrize(
    "line",
    [
        b'{"a":1.0}',
        b'{"a":1e3}',
        b'{"a":-0}',
        b'{"a":1,"a":1}',
        b'{"b":1,"a":1}',
        b'{"a": 1}',
        b'{"a":9007199254740992}',
        b'{"a":' + b"9" * 5000 + b"}",
        b'{"a":NaN}',
        b'{"a":"\\u4e2d"}',
        b'{"a":"\\/"}',
        b'{"a":"\xff"}',
        b'{"a":"\\ud800"}',
        b'{"a":01}',
        b"\xef\xbb\xbf{}",
        b"{} ",
        b"",
    ],
)
def test_only_canonical_json_is_read(line: bytes) -> None:
    with pytest.raises(ValueError):
        verifier.parse(line)


def test_canonical_json_is_read() -> None:
    assert verifier.parse('{"a":[1,null,"中\\n\\u001f"],"b":9007199254740991}'.encode())["b"] == 2**53 - 1


@given(st.text(min_size=1), st.text(), st.integers(-(2**53) + 1, 2**53 - 1), st.integers(0, 2**53 - 1))
def test_plainly_written_records_are_what_parse_reads(point: str, camera: str, at: int, n: int) -> None:
    record = {
        "k": "tr", "at": at, "t": at, "point": point, "vantage": "v", "from": "unknown", "to": "online", "reason": "ok", "rung": "tcp",
        "valid": n, "camera": camera, "last": None, "n": n, "seq": n, "prev": "", "boot": None, "mono": at,
    }  # fmt: skip
    try:
        line = verifier.encode(record).encode()
    except UnicodeEncodeError:
        return
    assert verifier.read_record(line) == verifier.parse(line) == record
    for bad in (
        line.replace(b'"n":', b'"n": '),
        line.replace(b'"valid":', b'"valid":0'),
        line + b" ",
        line.replace(b"null", b"nul"),
        line.replace(b'"k":"tr"', b'"k":"tr","k":"tr"'),
        line.replace(b'"seq":', b'"seq":-'),
        line.replace(b'"from":"unknown"', b'"from":"gone"'),
    ):
        with pytest.raises((ValueError, verifier.Bad)):
            verifier.read_record(bad)


def test_readings_and_money_by_hand() -> None:
    terms = {"target": "9/10", "prepay_share": "9/10", "excess_surcharge": "1"}
    fee, o, reading = Fraction(188_400_000), Fraction(8362, 10_000), {"kind": "reading"}
    paid = {
        name: verifier.rounded(fee - verifier.by_rule(reading, fee, fee, o, {**terms, "reading": name}))
        for name in "ABCDEGH"
    }
    assert paid == {
        "A": 157_540_080,
        "B": 157_540_080,
        "C": 176_380_080,
        "D": 175_044_533,
        "E": 157_540_080,
        "G": 141_786_072,
        "H": 145_520_160,
    }
    assert [verifier.rounded(Fraction(n, 2)) for n in (1, -1, 3, -3)] == [1, -1, 2, -2]
    assert verifier.split(100, {"b": 1, "a": 1, "c": 1}) == {"b": 33, "a": 34, "c": 33}
    assert verifier.split(-100, {"b": 1, "a": 1, "c": 1}) == {"b": -33, "a": -34, "c": -33}
    assert verifier.split(7, {"a": 0}) == {"a": 0}
    assert verifier.taxed(Fraction(211, 2), Fraction(6, 100), {"": Fraction(1)}) == {"": (106, 100, 6)}
    parts = {"": (106, 100, 6), "a": (71, 67, 4), "b": (35, 33, 2)}
    assert verifier.taxed(106, Fraction(6, 100), {"a": 2, "b": 1}) == parts


def _unpacked(data: bytes) -> dict[str, bytes]:
    pack = verifier.Pack(data)
    return {name: pack.read(name) for name in pack.members}


MEMBERS = {"a": b"", "b/c": b"x" * 5000, "d.txt": bytes(range(256))}


def test_the_canonical_container_is_read() -> None:
    assert _unpacked(packs.zipped(MEMBERS)) == MEMBERS


@pytest.mark.parametrize("name", ["../x", "/x", "a/../b", "a//b", "a\\b", "C:x", "é", "", "a/./b", "x" * 201, "a\nb"])
def test_names_that_leave_the_folder_are_refused(name: str) -> None:
    with pytest.raises(verifier.Bad):
        verifier.Pack(packs.zipped({name: b"x"}))


def test_every_flipped_bit_of_headers_and_directory_is_refused() -> None:
    honest = packs.zipped(MEMBERS, stored=frozenset(MEMBERS))
    for bit in range(len(honest) * 8):
        data = bytearray(honest)
        data[bit // 8] ^= 1 << bit % 8
        with pytest.raises(verifier.Bad):
            _unpacked(bytes(data))


@pytest.mark.parametrize("size", [10, 1 << 20])
def test_a_bomb_is_stopped_at_its_stated_size(size: int) -> None:
    bomb = packs.zipped({"a": b"\0" * (64 << 20)})
    crc, packed = zlib.crc32(b"\0" * (64 << 20)), len(bomb)
    assert packed < 100_000
    stated = (64 << 20).to_bytes(4, "little")
    lying = bomb.replace(stated, size.to_bytes(4, "little"))
    pack = verifier.Pack(lying)
    got = 0
    with pytest.raises(verifier.Bad, match="unpacks to more"):
        for chunk in pack.chunks("a"):
            got += len(chunk)
    assert got <= size + (1 << 21), crc


def test_it_imports_nothing_but_the_standard_library_and_reads_as_python_3_8() -> None:
    tree = ast.parse(SOURCE.read_text(encoding="utf-8"), feature_version=(3, 8))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert names <= {
        "__future__", "argparse", "base64", "bisect", "collections", "datetime", "fractions", "hashlib", "json", "math", "mmap", "os", "re",
        "struct", "sys", "time", "typing", "zlib", "zoneinfo",
    }  # fmt: skip
    calls = {
        node.func.attr for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }
    assert not calls & {"removeprefix", "removesuffix", "bit_count", "lcm", "pairwise"}  # newer than 3.8
