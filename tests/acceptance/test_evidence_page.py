"""The verifier's page in a real browser: its own digests, signatures and unpacking, and the same verdicts as verifier.py."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import shutil
import zlib
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from console.evidence_page import page
from console.packs.checking import check_file
from console.packs.trust import read_trust
from monitor.canonical import canonical
from monitor.evidence import verifier
from monitor.evidence.note import Note
from monitor.evidence.records import claim_id
from monitor.finding import InputError
from monitor.period import midnight
from monitor.store.database import open_database
from monitor.store.migrate import migrate
from settlement.contract import Terms
from settlement.document import canonical as canonical_bytes
from settlement.inputs import Inputs, settle_inputs
from settlement.lines import Adjustment, Before, Issued
from settlement.money import Amount, Columns
from tests import evidence_logs as logs
from tests.forged_packs import manifest_of, members_of, signed, unzipped
from tests.properties.quarters import Case, cases
from tests.resealed_packs import Edit, resealed, restated
from tests.sealed_packs import pack as export
from tests.sealed_packs import seal, trust_file
from tests.servers.chromium import Opened, opened
from tests.settled_packs import settled_pack
from tests.stores.conftest import Store
from tests.stores.quarters import CONTRACT
from tests.stores.test_evidence_packs import CONTRACTS, LATER, made
from tests.unit.console.test_evidence_opinions import TAMPERED

MUTATIONS = 3
"""How many of each kind of tampering are tried here; readers are compared over many more without a browser."""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    file = tmp_path_factory.mktemp("page") / "verifier.html"
    file.write_bytes(page())
    with opened(file) as seen:
        yield seen
        own = (file.as_uri(), "blob:null/")
        assert [url for url in seen.requests if not url.startswith(own)] == []
        assert seen.complaints == []


def text(data: bytes) -> str:
    return base64.b64encode(data).decode()


# -- what the page computes itself


@pytest.mark.parametrize("size", [0, 1, 55, 56, 63, 64, 65, 119, 120, 1000, 100_003])
def test_digests_are_those_of_the_library(browser: Opened, size: int) -> None:
    data = random.Random(size).randbytes(size)
    found = browser.calls(
        "text => { const c = camsla, data = c.bytesOfBase64(text);"
        " return [c.sha256Hex(data), c.hexOf(c.sha512(data)), c.hexOf(c.newSm3().update(data).digest()), c.crc32(data)] }",
        text(data),
    )
    sm3 = hashlib.new("sm3", data).hexdigest() if "sm3" in hashlib.algorithms_available else found[2]
    assert found == [hashlib.sha256(data).hexdigest(), hashlib.sha512(data).hexdigest(), sm3, zlib.crc32(data)]


def test_sm3_is_that_of_the_standard(browser: Opened) -> None:
    """GB/T 32905-2016, appendix A: `abc`, and `abcd` sixteen times."""
    found = browser.calls(
        "() => ['abc', 'abcd'.repeat(16)].map(t => camsla.hexOf(camsla.newSm3().update(camsla.utf8(t)).digest()))"
    )
    assert found == [
        "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0",
        "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732",
    ]


RFC_8032 = (
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe2465"
        "5141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb0"
        "0d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc0"
        "27beceea1ec40a",
    ),
)
ORDER = 2**252 + 27742317777372353535851937790883648493


def test_signatures_are_checked_strictly(browser: Opened) -> None:
    cases: list[tuple[bytes, bytes, bytes, bool]] = [
        (bytes.fromhex(key), bytes.fromhex(message), bytes.fromhex(signature), True)
        for key, message, signature in RFC_8032
    ]
    rng = random.Random(8032)
    for n in range(20):
        private, message = Ed25519PrivateKey.from_private_bytes(rng.randbytes(32)), rng.randbytes(n * 7)
        key, signature = private.public_key().public_bytes_raw(), private.sign(message)
        flipped = bytearray(signature)
        flipped[rng.randrange(64)] ^= 1 << rng.randrange(8)
        beyond = signature[:32] + (int.from_bytes(signature[32:], "little") + ORDER).to_bytes(32, "little")
        cases += [(key, message, signature, True), (key, message, bytes(flipped), False), (key, message, beyond, False)]
        cases += [(key, message + b"x", signature, False), (key, message, signature[:63], False)]
    neutral = (1).to_bytes(32, "little")
    cases.append((neutral, b"anything", neutral + bytes(32), False))  # a key of small order would sign everything
    for key, message, signature, right in cases:
        rows = [text(part) for part in (key, signature, message)]
        assert browser.calls("rows => camsla.signedBy(...rows.map(camsla.bytesOfBase64))", rows) is right


def test_unpacks_what_zlib_packed_whatever_the_blocks(browser: Opened) -> None:
    rng = random.Random(1951)
    for n in range(120):
        alphabet = (2, 17, 256)[n % 3]
        data = bytes(rng.randrange(alphabet) for _ in range(rng.choice([0, 1, 3, 300, 5_000, 70_000])))
        deflate = zlib.compressobj(n % 10, zlib.DEFLATED, -15, 1 + n % 9, (0, 1, 2, 3, 4)[n % 5])
        packed = deflate.compress(data) + deflate.flush()
        arguments = [text(packed), len(data)]
        again = browser.calls("([t, n]) => camsla.sha256Hex(camsla.inflate(camsla.bytesOfBase64(t), n))", arguments)
        assert again == hashlib.sha256(data).hexdigest()


def test_refuses_bombs_and_what_is_behind_the_data(browser: Opened) -> None:
    packed = zlib.compress(bytes(1_000_000), wbits=-15)
    wrong = [(packed, 999_999), (packed, 1_000_001), (packed + b"\0", 1_000_000), (packed[:-1], 1_000_000)]
    last = bytearray(zlib.compress(b"abc", wbits=-15))
    last[-1] |= 0x80
    assert zlib.decompress(bytes(last), wbits=-15) == b"abc"  # zlib does not look at the bits behind the last block
    for data, size in [*wrong, (bytes(last), 3)]:
        call = "([t, n]) => { try { camsla.inflate(camsla.bytesOfBase64(t), n); return 'accepted' } catch (e) { return e.message } }"
        assert browser.calls(call, [text(data), size]) != "accepted"


NOT_CANONICAL = (
    '{"a":1.0}', '{"a":1e3}', '{"a":01}', '{"a":-0}', '{"b":1,"a":1}', '{"a":1,"a":1}', '{"a": 1}', '{"a":9007199254740992}',
    '{"a":"\\u0041"}', '{"a":"\\/"}', '{"a":"\\u000a"}', '{"a":"\t"}', '{"a":1}x', '{"a":1,}', "[1]", '{"é":1}', '{"a":NaN}',
    '{"__proto__":{}}', '{"a":tru}', "", "{", '{"a":"', '{"a":-}', "\ufeff{}", " {}",
)  # fmt: skip


def test_reads_canonical_json_and_nothing_else(browser: Opened) -> None:
    call = "t => { try { return camsla.canonical(camsla.parseLine(t)) } catch { return null } }"
    value = {"a": [-5, 0, 2**53 - 1, None, True, {"c": '中\n\x01\\"\x7f'}], "b": "", "z": {}}
    assert browser.calls(call, canonical(value)) == canonical(value)
    assert [browser.calls(call, line) for line in NOT_CANONICAL] == [None] * len(NOT_CANONICAL)


ZONES = ("Asia/Shanghai", "Asia/Urumqi", "Europe/Berlin", "America/New_York", "Pacific/Auckland", "UTC")


def test_days_begin_where_the_zone_says(browser: Opened) -> None:
    """Shanghai in the years with summer time too, and zones whose days have 23 and 25 hours."""
    days = [
        date(1986, 5, 4),
        date(1991, 9, 15),
        date(2020, 3, 29),
        date(2020, 10, 25),
        date(2020, 11, 1),
        date(2021, 4, 4),
    ]
    days += [day + timedelta(n) for day in days for n in (-1, 1)]
    call = "([name, days]) => { const zone = new camsla.Zone(name); return days.map(d => [zone.start(d), zone.dayOf(zone.start(d))]) }"
    numbers = [(day - date(1970, 1, 1)).days for day in days]
    for name in ZONES:
        assert browser.calls(call, [name, numbers]) == [
            [midnight(day, name), n] for day, n in zip(days, numbers, strict=True)
        ]


RULES = (
    "pro-rata",
    "substituted-tiers",
    "per-percentage-point",
    "fee-brackets",
    "excess-surcharge",
    "point-elimination",
)


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(case=cases(), kept=st.sampled_from([None, "2020-01-01", "2030-01-01"]))
def test_amounts_of_made_up_quarters_are_those_of_the_settlement(browser: Opened, case: Case, kept: str | None) -> None:
    terms = case.terms.document()
    terms["rules"] = [rule for rule in terms["rules"] if rule["kind"] in RULES]
    terms["retention"] = kept and {"share": "1/20", "released_on": kept}
    try:
        inputs = Inputs(Terms.model_validate(terms), 1, case.quarter.label, {"p": case.facts}, software="test")
        _, document, _ = settle_inputs(inputs)
    except (ValidationError, InputError):
        assume(False)
    call = (
        "([inputs, document]) => { const c = camsla, its = c.parseDocument(inputs), said = c.parseDocument(document), found = [];"
        " if (c.notRecomputed(its).length) return null;"
        " c.documentDifferences(said, c.settle(its), (...row) => found.push(row)); return found }"
    )
    texts = [canonical_bytes(inputs.to_document()).decode(), canonical_bytes(document).decode()]
    assert browser.calls(call, texts) in ([], None)
    document["totals"]["net"] = "0.01" if document["totals"]["net"] != "0.01" else "0.02"
    assert browser.calls(call, [texts[0], canonical_bytes(document).decode()]) != []


# -- the same verdicts as the other reader


def by_hand(browser: Opened, pack: bytes, trust: bytes, folder: Path) -> dict[str, Any]:
    """Choose two files and press the button, as an evaluator does."""
    name = hashlib.sha256(pack).hexdigest()[:12]  # a file that is chosen again under its name is no change
    for place, data in ((folder / f"{name}.zip", pack), (folder / f"{name}.json", trust)):
        place.write_bytes(data)
        browser.page.set_input_files("#pack" if place.suffix == ".zip" else "#trust", place)
    browser.page.click("#go")
    browser.page.wait_for_selector("html[data-exit]")
    result: dict[str, Any] = browser.calls("() => camsla.result()")
    assert browser.page.get_attribute("html", "data-exit") == str(result["exit"])
    return result


def by_call(browser: Opened, pack: bytes, trust: bytes) -> dict[str, Any]:
    call = "([p, t]) => camsla.verifyHere(new File([camsla.bytesOfBase64(p)], 'p'), new File([t], 't'), () => {})"
    result: dict[str, Any] = browser.calls(call, [text(pack), trust.decode()])
    return result


def told(result: dict[str, Any]) -> tuple[int, int | None]:
    """The exit and the first failing step."""
    return result["exit"], next((step["number"] for step in result["steps"] if step["count"]), None)


def others(pack: bytes, trust: bytes) -> tuple[int, int | None]:
    report = verifier.check(pack, trust)
    return report.exit, next((n for n in range(1, 10) if report.failures[n]), None)


def library(pack: bytes, trust: bytes, folder: Path) -> int:
    """What the product's own modules say."""
    path, keys = folder / "library.zip", folder / "library.json"
    path.write_bytes(pack)
    keys.write_bytes(trust)
    return check_file(path, read_trust(keys)).exit


def agreed(browser: Opened, pack: bytes, trust: bytes, folder: Path) -> tuple[int, int | None]:
    """The verdict of all three readers, which must be one."""
    found = told(by_call(browser, pack, trust))
    assert found == others(pack, trust)
    assert found[0] == library(pack, trust, folder)
    return found


def trusted(log: logs.Log, **changes: Any) -> bytes:
    return json.dumps(log.trust() | changes).encode()


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, logs.Log, dict[str, Any]]:
    return settled_pack(tmp_path_factory.mktemp("settled"), 1)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    url = f"sqlite:///{tmp_path}/store.db"
    engine = open_database(url)
    migrate(engine)
    found = Store(url, engine, tmp_path, [])
    yield found
    for writer in found.writers:
        writer.close()
    engine.dispose()


@pytest.mark.parametrize("kind", CONTRACTS)
def test_a_quarter_of_a_store_holds_to_the_fen(browser: Opened, store: Store, tmp_path: Path, kind: str) -> None:
    writer, where = made(store, tmp_path, **CONTRACTS[kind])
    seal(writer, where, LATER)
    export(where, tmp_path / "out.zip", CONTRACT, "2020Q3")
    pack, trust = (tmp_path / "out.zip").read_bytes(), trust_file(tmp_path / "t.json").read_bytes()
    result = by_hand(browser, pack, trust, tmp_path)
    assert told(result) == others(pack, trust) == (0, None)
    [(body,)] = store.rows("SELECT body FROM statements")
    assert result["identity"]["total"] == json.loads(str(body))["totals"]["total"]
    amounts = {row["kind"]: row["amount"][0] for row in result["tables"]["amounts"]}
    assert amounts["payable"] == json.loads(str(body))["totals"]["payable"]


def test_what_is_not_recomputed_is_named(browser: Opened, store: Store, tmp_path: Path) -> None:
    writer, where = made(store, tmp_path)
    seal(writer, where, LATER)
    trust = trust_file(tmp_path / "t.json").read_bytes()
    for name, more, period, exit_code in (("some", {"points": ("A-2",)}, "2020Q3", 3), ("month", {}, "2020-08", 0)):
        export(where, tmp_path / f"{name}.zip", CONTRACT, period, **more)
        pack = (tmp_path / f"{name}.zip").read_bytes()
        result = by_hand(browser, pack, trust, tmp_path)
        assert told(result) == others(pack, trust) == (exit_code, None)
        assert any(step["missing"] for step in result["steps"]) is (exit_code == 3)


@pytest.mark.parametrize("seed", range(4))
def test_an_invented_log_holds(browser: Opened, tmp_path: Path, seed: int) -> None:
    pack, log, _ = settled_pack(tmp_path, seed)
    assert told(by_call(browser, pack, trusted(log))) == others(pack, trusted(log)) == (0, None)
    # From the state document of June's last day on: a month that is not sealed to its end.
    members, said = members_of(log.folder, "2020-07-01")
    pack = signed(members, manifest_of(logs.ORIGIN, said), log.key)
    assert told(by_call(browser, pack, trusted(log))) == others(pack, trusted(log)) == (3, None)


@pytest.mark.parametrize("kind", TAMPERED)
def test_what_was_tampered_with_is_told_alike(browser: Opened, settled: tuple[bytes, logs.Log, Any], kind: str) -> None:
    pack, log, _ = settled
    rng = random.Random(kind)
    for _ in range(MUTATIONS):
        changed = TAMPERED[kind](pack, rng, log)
        found = told(by_call(browser, changed, trusted(log)))
        assert found == others(changed, trusted(log))
        assert kind == "manifest" or found[0] == 1 or changed == pack


def one(kind: str, change: Callable[[dict[str, Any]], Any], which: int = 3) -> Edit:
    """Change the n-th record of a kind, wherever it is; what the change returns stands instead, if anything."""
    seen = 0

    def edit(_: str, records: list[Any]) -> list[Any]:
        nonlocal seen
        result = []
        for record in records:
            seen += record["k"] == kind
            if record["k"] == kind and seen == which:
                instead = change(record)
                result += [record] if instead is None else instead
            else:
                result.append(record)
        return result

    return edit


def _second_more(record: dict[str, Any]) -> None:
    record["un"] += record["on"] > 0
    record["on"] -= record["on"] > 0
    record["off"] -= 1 if not record["on"] and record["off"] else 0


def _self_approved(record: dict[str, Any]) -> None:
    record["approver"] = record["claimed_by"]
    record["id"] = claim_id(record)


def _float(record: dict[str, Any]) -> list[bytes]:
    return [canonical(record).encode().replace(b'"k":"tr"', b'"k":"tr"').replace(b'"n":', b'"n":1.5,"x":', 1)]


def _doubled_key(record: dict[str, Any]) -> list[bytes]:
    return [canonical(record).encode().replace(b'"k":"tr",', b'"k":"tr","k":"tr",', 1)]


S = logs.S


def corrected(monkeypatch: pytest.MonkeyPatch, what: str, to: str) -> None:
    """Let invented logs have one correction of each point and no other: ten days, approved on the twelfth."""

    def one_each(rng: random.Random, world: logs.World, codes: list[str]) -> None:
        for n, code in enumerate(codes):
            at = world.start(11) + (100 + n) * S
            body = {**logs._adj(what, code, world.start(1), world.start(11), at, "补"), "to": to}
            world.rows.append((at, "adj", {**body, "id": claim_id(body)}))

    monkeypatch.setattr(logs, "_corrections", one_each)


@pytest.mark.parametrize(("what", "to"), [("exclude", ""), ("reclassify", "online"), ("reclassify", "offline")])
def test_three_readers_take_an_approved_correction_alike(
    browser: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str, to: str
) -> None:
    bare = tmp_path / "bare"
    monkeypatch.setattr(logs, "_corrections", lambda *_: None)
    _, _, without = settled_pack(bare, 4)
    corrected(monkeypatch, what, to)
    pack, log, document = settled_pack(tmp_path / "with", 4)
    seconds = [[phase["seconds"] for phase in its["phases"]] for its in (without, document)]
    assert seconds[0] != seconds[1]  # the correction bears on what is settled
    assert agreed(browser, pack, trusted(log), tmp_path) == (0, None)

    def longer(record: dict[str, Any]) -> None:
        record["end"] += 3_600 * S
        record["id"] = claim_id(record)

    changed = resealed(pack, log, one("adj", longer, 1))
    assert agreed(browser, changed, trusted(log), tmp_path)[0] == 1


LEFT = Amount(Columns(10_600, 10_000, 600))
LINE = {"kind": "next_prepayment", "gross": "106.00", "net": "100.00", "tax": "6.00", "components": {}}
FROZEN: dict[str, tuple[int, dict[str, Any]]] = {
    "a prepayment whose statement is not there": (3, {"before": Before({"phase-1": Issued(LEFT, "2020Q1/0")})}),
    "a prepayment of an issued statement": (
        0,
        {
            "before": Before({"phase-1": Issued(LEFT, "2020Q1/0")}),
            "earlier": {"phases": [{"phase": "phase-1", "lines": [LINE]}]},
        },
    ),
    "a prepayment that is not the issued one": (
        1,
        {
            "before": Before({"phase-1": Issued(LEFT, "2020Q1/0")}),
            "earlier": {"phases": [{"phase": "phase-1", "lines": [LINE | {"gross": "106.01"}]}]},
        },
    ),
    "kept back": (3, {"before": Before(retained={"phase-1": Issued(LEFT, "2020Q1/0")})}),
    "adjusted": (
        3,
        {"before": Before(adjustments=(Adjustment("phase-1", "adjustment", LEFT, "why", "2020Q1/0/1"),))},
    ),
    "the authority's figure pays": (3, {"authority": {"pays": "authority", "if_missing": "provisional-own"}}),
}


@pytest.mark.parametrize("what", FROZEN)
def test_three_readers_say_alike_what_amounts_rest_on(browser: Opened, tmp_path: Path, what: str) -> None:
    exit_code, more = FROZEN[what]
    pack, log, _ = settled_pack(tmp_path / "log", 5, points=3, begun="2020-06-29", days=5, **more)
    assert agreed(browser, pack, trusted(log), tmp_path)[0] == exit_code


def _march(inputs: dict[str, Any]) -> None:
    for facts in inputs["facts"].values():
        facts["earlier"] = [{**month, "month": "2020-03", "points": None} for month in facts["months"][-1:]]


def test_three_readers_say_that_months_before_the_period_are_taken_as_frozen(browser: Opened, tmp_path: Path) -> None:
    clause = {"consecutive": 2, "below": "0.0001", "text": "约谈"}
    more = {"reading": "A", "rules": [], "grain": "month", "breaches": [clause]}
    pack, log, _ = settled_pack(tmp_path, 5, points=3, begun="2020-06-29", days=5, **more)
    assert agreed(browser, pack, trusted(log), tmp_path)[0] == 0
    assert agreed(browser, restated(pack, log, "inputs", _march), trusted(log), tmp_path)[0] == 3


def _no_points(facts: dict[str, Any]) -> None:
    for month in facts["months"]:
        month["points"] = None


def _ghost(inputs: dict[str, Any]) -> None:
    """A phase that no record shows: a hundred points that nobody names, for the whole quarter, at another phase's rate."""
    facts = next(iter(inputs["facts"].values()))
    unnamed = {"roster": [], "lots": [], "groups": [[[[737_500, 738_000]], 100]], "months": [], "earlier": []}
    inputs["facts"]["phase-3"] = {**facts, **unnamed}


def test_a_phase_that_no_record_shows_has_no_points(browser: Opened, tmp_path: Path) -> None:
    names = ("phase-1", "phase-2", "phase-3")
    phase = {"unit_price": "628.00", "in_service_from": "2020-01-01", "months": 48}
    phases = [{"id": name, "title": name, **phase} for name in names]
    pack, log, _ = settled_pack(tmp_path, 2, reading="A", rules=[], phases=phases)
    assert agreed(browser, pack, trusted(log), tmp_path) == (0, None)
    changed = restated(pack, log, "inputs", _ghost)
    assert agreed(browser, changed, trusted(log), tmp_path) == (1, 8)


def test_points_that_a_rule_judges_cannot_be_left_out(browser: Opened, tmp_path: Path) -> None:
    rule = {"kind": "point-elimination", "id": "long", "hours": 1, "over": ">", "grain": "quarter"}
    pack, log, _ = settled_pack(tmp_path, 5, points=3, begun="2020-06-29", days=5, reading="A", rules=[rule])
    changed = restated(
        pack, log, "inputs", lambda inputs: [_no_points(its) for its in inputs["facts"].values()] and None
    )
    found = told(by_call(browser, changed, trusted(log)))
    assert found == others(changed, trusted(log)) == (1, 8)
    assert library(changed, trusted(log), tmp_path) == 1


REWRITTEN: dict[str, tuple[int, Edit, bool]] = {
    "a transition left out, the chain as it was": (5, one("tr", lambda record: []), False),
    "a transition left out, the chain made anew": (6, one("tr", lambda record: [], 40), True),
    "a second moved from online to unknown": (6, one("sum", _second_more, 20), True),
    "a sum left out": (5, one("sum", lambda record: [], 12), True),
    "a sum twice": (5, one("sum", lambda record: [record, dict(record)], 12), True),
    "a field too many": (4, one("tr", lambda record: record.update(extra=1)), True),
    "an unknown kind": (4, one("tr", lambda record: record.update(k="xx")), True),
    "a float": (4, one("tr", _float), True),
    "a key twice": (4, one("tr", _doubled_key), True),
    "a line of no JSON": (4, one("tr", lambda record: [b"{"]), True),
    "a line of no UTF-8": (4, one("tr", lambda record: [b'{"at":"\xff"}']), True),
    "a clock far off": (4, one("tr", lambda record: record.update(t=record["t"] + 3 * 86_400_000_000)), True),
    "a record of the day after": (4, one("tr", lambda record: record.update(at=record["at"] + 86_400_000_000)), True),
    "a correction approved by who claimed it": (5, one("adj", _self_approved, 1), True),
    "a correction with another id": (5, one("adj", lambda record: record.update(cause="x"), 1), True),
    "a gap that ends before it starts": (5, one("gap", lambda record: record.update(end=record["start"] - 1), 1), True),
    "a ledger's revision left out": (5, one("ros", lambda record: record.update(rev=record["rev"] + 1), 2), True),
    "another state document": (7, one("man", lambda record: record.update(state="0" * 64), 1), True),
    "man before the sums": (4, lambda _, records: [*records[:-2], records[-1], records[-2]], True),
}


@pytest.mark.parametrize("what", REWRITTEN)
def test_a_log_rewritten_with_all_keys_is_caught_by_what_it_says(
    browser: Opened, settled: tuple[bytes, logs.Log, Any], what: str
) -> None:
    pack, log, _ = settled
    step, edit, chained = REWRITTEN[what]
    changed = resealed(pack, log, edit, chained=chained)
    assert told(by_call(browser, changed, trusted(log))) == others(changed, trusted(log)) == (1, step)


def _one_fen_more(document: dict[str, Any]) -> None:
    document["totals"]["total"] = f"{float(document['totals']['total']) + 0.01:.2f}"


def _second_of_a_phase(document: dict[str, Any]) -> None:
    facts = next(its for its in document["facts"].values() if its["seconds"])
    facts["seconds"][0] += 1


@pytest.mark.parametrize(
    ("what", "change", "step"),
    [("statement", _one_fen_more, 9), ("inputs", _second_of_a_phase, 8)],
    ids=["fen", "second"],
)
def test_a_statement_or_inputs_rewritten_with_all_keys_are_caught(
    browser: Opened,
    settled: tuple[bytes, logs.Log, Any],
    what: str,
    change: Callable[[dict[str, Any]], None],
    step: int,
) -> None:
    pack, log, _ = settled
    changed = restated(pack, log, what, change)
    assert told(by_call(browser, changed, trusted(log))) == others(changed, trusted(log)) == (1, step)


def _unwitnessed(pack: bytes, log: logs.Log) -> bytes:
    members = unzipped(pack)
    name = max(name for name in members if name.endswith("checkpoint.note"))
    note = Note.parse(members[name])
    members[name] = Note(note.text, note.signatures[:2]).encode()
    return signed(members, json.loads(members["manifest.json"]), log.key)


def test_keys_and_witnesses(browser: Opened, settled: tuple[bytes, logs.Log, Any]) -> None:
    pack, log, _ = settled
    foreign, right = logs.PrivateKey(logs.ORIGIN, bytes(32)), trusted(log)
    twice = [{"role": role, "key": log.supplier.public(4).text()} for role in ("supplier", "evaluator")]
    cases = [
        (_unwitnessed(pack, log), right),
        (pack, trusted(log, collector=foreign.public(1).text())),
        (pack, trusted(log, origin="camsla.local/other")),
        (pack, trusted(log, require=[])),
        (pack, trusted(log, witnesses=twice)),
        (pack, b"{"),
        (pack, right[:-1] + b',"format":"camsla-trust/1"}'),
        (pack, right.replace(b'{"role":', b'{"role": "x", "\\u0072ole":', 1)),
        (signed(unzipped(pack), json.loads(unzipped(pack)["manifest.json"]), foreign), right),
    ]
    for changed, trust in cases:
        assert told(by_call(browser, changed, trust)) == others(changed, trust) == (1, 2)


def test_what_is_no_pack_is_told_and_nothing_is_left_running(browser: Opened, tmp_path: Path) -> None:
    shutil.copy(__file__, tmp_path / "no.zip")
    result = by_hand(browser, (tmp_path / "no.zip").read_bytes(), b"{}", tmp_path)
    assert told(result) == (1, 1)
    assert browser.page.inner_text("#banner").startswith("✗")
    assert "未查到此步 not reached" in browser.page.inner_text("#steps")
    assert not browser.page.is_disabled("#go")
