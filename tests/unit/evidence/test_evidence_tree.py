"""The tree against published roots, and the frontier's own form."""

from __future__ import annotations

import hashlib

import pytest

from monitor.evidence import tree
from monitor.evidence.tree import EMPTY, Frontier, inclusion, leaf_hash, read_frontier, root_of

# The leaves and roots with which Certificate Transparency implementations are tested.
LEAVES = [
    bytes.fromhex(one)
    for one in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def test_published_roots():
    assert EMPTY.root() == hashlib.sha256(b"").digest()
    for size, root in enumerate(ROOTS, 1):
        assert EMPTY.appended(LEAVES[:size]).root().hex() == root


def test_sm3_is_kept_beside_where_it_is_known():
    if not tree.has_sm3():
        pytest.skip("this OpenSSL does not know SM3")
    one = EMPTY.appended([b"abc"])
    assert one.sm3_root() == hashlib.new("sm3", b"\0abc").digest()
    two = one.appended([b"abc"])
    leaf = hashlib.new("sm3", b"\0abc").digest()
    assert two.sm3_root() == hashlib.new("sm3", b"\1" + leaf + leaf).digest()
    # The published digest of "abc" (GB/T 32905), so that we know whose SM3 this is.
    assert hashlib.new("sm3", b"abc").hexdigest() == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"


def test_a_log_continues_without_sm3_where_it_is_not_known(monkeypatch: pytest.MonkeyPatch):
    known = EMPTY.appended([b"a"])
    monkeypatch.setattr(tree, "has_sm3", lambda: False)
    after = known.appended([b"b"])
    assert after.sm3 is None
    assert after.sm3_root() is None
    assert after.root() == EMPTY.appended([b"a", b"b"]).root()
    assert read_frontier(after.line()) == after


def test_a_frontier_is_one_canonical_line():
    five = EMPTY.appended(LEAVES[:5])
    assert read_frontier(five.line()) == five
    assert [len(five.sha256), five.size] == [2, 5]


@pytest.mark.parametrize(
    ("line", "what"),
    [
        (b'{"sha256":[],"size":0}', "keys"),
        (b'{"sha256":[],"size":1,"sm3":null}', "perfect subtrees"),
        (b'{"sha256":[],"size":-1,"sm3":null}', "not a size"),
        (b'{"sha256":[],"size":true,"sm3":null}', "not a size"),
        (b'{"sha256":["' + b"A" * 64 + b'"],"size":1,"sm3":null}', "not a hash"),
        (b'{"sha256":[1],"size":1,"sm3":null}', "not a hash"),
        (b'{"sha256":["' + b"a" * 64 + b'"],"size":1,"sm3":[]}', "perfect subtrees"),
    ],
)
def test_what_is_no_frontier_is_refused(line: bytes, what: str):
    with pytest.raises(ValueError, match=what):
        read_frontier(line)


def test_a_path_by_hand():
    leaves = [leaf_hash(one) for one in LEAVES[:3]]
    # Root = H(H(a, b), c): leaf 2 needs H(a, b) alone, leaf 0 needs b and c.
    whole = EMPTY.appended(LEAVES[:3])
    assert inclusion(EMPTY, leaves, 2) == [hashlib.sha256(b"\1" + leaves[0] + leaves[1]).digest()]
    assert inclusion(EMPTY, leaves, 0) == [leaves[1], leaves[2]]
    assert root_of(leaves[0], 0, 3, [leaves[1], leaves[2]]) == whole.root()


def test_a_path_that_does_not_fit_is_refused():
    leaves = [leaf_hash(one) for one in LEAVES[:3]]
    with pytest.raises(ValueError, match="too short"):
        root_of(leaves[0], 0, 3, leaves[1:2])
    with pytest.raises(ValueError, match="too long"):
        root_of(leaves[2], 2, 3, [*leaves[:2], leaves[0]])
    with pytest.raises(ValueError, match="outside"):
        root_of(leaves[0], 3, 3, [])
    with pytest.raises(ValueError, match="not among"):
        inclusion(Frontier(1, (leaves[0],), None), leaves[1:], 0)
