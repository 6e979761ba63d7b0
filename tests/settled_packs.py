"""Random logs with a statement in them, made by the product: what a reader must find to hold.

The quarter 2020Q2 of a log that begins in June; the statement is drafted on 2 July from what is known by that day's end.
"""

from __future__ import annotations

import hashlib
import random
from datetime import date
from pathlib import Path
from typing import Any

from console.packs.recompute import recomputed
from monitor.canonical import canonical, parse_line
from monitor.evidence.replay import State, empty
from monitor.evidence.tree import leaf_hash
from monitor.period import parse_period
from settlement.contract import Terms
from settlement.inputs import Inputs, settle_inputs
from settlement.lines import Before
from tests import evidence_logs as logs
from tests import forged_packs as packs

QUARTER = "2020Q2"
DRAFTED = "2020-07-02"


def replayed(log: logs.Log, until: str) -> State:
    """The state after a day, with all that came before."""
    state = empty(logs.ORIGIN, logs.ZONE, log.key.public(1).text())
    for day in (day for day in log.days if day <= until):
        for line in log.folder.read_day(day).lines:
            state.feed(parse_line(line), leaf_hash(line), log.folder.imported)
    return state


def terms_of(rng: random.Random, **more: Any) -> Terms:
    """A contract with a policy, a reading or a main rule, and rules that judge rates and points."""
    reading = rng.choice(["A", "B", "C", "D", "E", "G", "H", "none"])
    rules: list[dict[str, Any]] = []
    if reading == "none":
        rules.append(rng.choice(MAIN)(rng))
    rules += [make(rng) for make in RULES if rng.random() < 0.3]
    for n, rule in enumerate(rules):
        rule["id"] = f"r{n}"
        if rng.random() < 0.2:
            rule["cap_share"] = "1/2" if rule["kind"] == "fee-brackets" else rng.choice(["0.05", "1/3"])
        if rng.random() < 0.1:
            rule["cap"] = rng.choice(["100.00", "0.01"])
    phases = [
        {
            "id": name,
            "title": name,
            "unit_price": price,
            "components": parts,
            "in_service_from": since,
            "months": months,
            "prices": later,
        }
        for name, price, parts, since, months, later in (
            ("phase-1", "628.00", [["line", "122.00"], ["integration", "359.00"], ["platform", "147.00"]], *_term(rng)),
            ("phase-2", "850.00", [], *_term(rng)),
        )
    ]
    return Terms.model_validate(
        {
            "contract": "xinjian",
            "title": "示例",
            "purchaser": "甲",
            "supplier": "乙",
            "tax_rate": rng.choice(["0.06", "0.09", "0"]),
            "target": rng.choice(["0.9", "0.95", "0.5"]),
            "prepay_share": rng.choice(["0.9", "0.8", "0"]),
            "grain": rng.choice(["month", "quarter"]),
            "reading": reading,
            "excess_surcharge": rng.choice(["1", "3/2"]),
            "day_count": rng.choice(["actual", "actual/30", "half-month", "full-month", "next-month"]),
            "policy": {
                "confirm_samples": rng.choice([1, 3, 5]),
                "minimum_outage_s": rng.choice([0, 0, 300, 4000]),
                "recovery_samples": rng.choice([1, 1, 3]),
                "minimum_recovery_s": rng.choice([0, 0, 600]),
                "unknown": rng.choice(["excluded", "online", "offline"]),
                "exclusions": rng.choice(["out_of_both", "online", "counted"]),
                "vantages": rng.choice(["any_online", "any_online", "quorum"]),
                "quorum": 2,
                "auth_rejected": rng.choice(["unknown", "offline"]),
            },
            "prices_from": rng.choice(["contract", "ledger"]),
            "retention": rng.choice([None, {"share": "0.05", "released_on": "2021-01-01"}]),
            "payment": {"last_quarter": rng.choice(["cash", "no-prepayment"])},
            "rules": rules,
            "phases": phases,
            **more,
        }
    )


def _term(rng: random.Random) -> tuple[str, int, list[Any]]:
    since, months = rng.choice(
        [("2020-01-01", 48), ("2020-06-01", 12), ("2020-06-10", 1), ("2019-07-01", 12), ("2019-10-01", 12)]
    )
    return since, months, []


def _tiers(rng: random.Random) -> dict[str, Any]:
    return {
        "kind": "substituted-tiers",
        "over": rng.choice([">", "≥"]),
        "tiers": [
            {"from": "0.8", "pays": "rate"},
            {"from": "0.65", "to": "0.8", "pays": "0.65"},
            {"to": "0.65", "pays": "0"},
        ],
    }


def _pro_rata(rng: random.Random) -> dict[str, Any]:
    return {"kind": "pro-rata", "full_from": rng.choice([None, "0.9"]), "over": rng.choice([">", "≥"])}


def _elimination(rng: random.Random) -> dict[str, Any]:
    hours, over = rng.choice([1, 12, 24]), rng.choice([">", "≥"])
    return {"kind": "point-elimination", "hours": hours, "over": over, "grain": _grain(rng)}


def _percentage(rng: random.Random) -> dict[str, Any]:
    return {
        "kind": "per-percentage-point",
        "below": "0.95",
        "counted_from": rng.choice([None, "0.98"]),
        "over": rng.choice([">", "≥"]),
        "share_per_point": rng.choice(["1/450", "0.001"]),
        "of": rng.choice(["year", "window"]),
        "rounding": rng.choice(["ceil", "floor", "exact"]),
        "steps": rng.choice([[], [{"beyond": 3, "share": "0.01"}, {"beyond": 9, "share": "0.02"}]]),
        "mode": rng.choice(["bracket", "marginal"]),
        "grain": _grain(rng),
    }


def _brackets(rng: random.Random) -> dict[str, Any]:
    rows = [
        {"from": "0.99", "to": "0.999", "deducts": "0.2"},
        {"from": "0.95", "to": "0.99", "deducts": "0.3"},
        {"to": "0.95", "deducts": "0.5"},
    ]
    return {"kind": "fee-brackets", "brackets": rows, "mode": rng.choice(["bracket", "marginal"]), "grain": _grain(rng)}


def _surcharge(rng: random.Random) -> dict[str, Any]:
    return {
        "kind": "excess-surcharge",
        "allowed": "0.1",
        "factor": rng.choice(["1", "1/2"]),
        "mode": rng.choice(["bracket", "marginal"]),
        "rounding": rng.choice(["ceil", "floor", "exact"]),
        "grain": _grain(rng),
    }


def _grain(rng: random.Random) -> str:
    return rng.choice(["month", "quarter"])


MAIN = (_tiers, _pro_rata)
RULES = (_elimination, _percentage, _brackets, _surcharge)


def enrich(rng: random.Random, world: logs.World) -> None:
    """Give the ledger billed days, prices, categories, pauses and points that change their phase."""
    told: dict[str, dict[str, Any]] = {}
    for ledger in world.ledger.values():
        for code, fields in ledger.items():
            if code not in told:
                start, until, facts = fields["facts"][0]
                more = dict(facts)
                more["accepted_on"] = rng.choice([facts["accepted_on"], "2020-06-24", None])
                more["billed_from"] = rng.choice([None, "2020-06-21", "2020-07-03"])
                more["billed_until"] = rng.choice([None, None, "2020-06-29"])
                more["price"] = rng.choice(["", "600.00", "1,000.5"])
                more["category"] = rng.choice(["", "一类"])
                rows = [[start, until, more]]
                if rng.random() < 0.3:
                    edge = world.start(rng.randrange(2, 6))
                    rows = [[start, edge, more], [edge, until, {**more, "phase": "phase-1", "price": "700.00"}]]
                pauses = [["2020-06-23", rng.choice([None, "2020-06-26"])]] if rng.random() < 0.2 else []
                told[code] = {"facts": [row for row in rows if row[1] is None or row[0] < row[1]], "pauses": pauses}
            fields.update(told[code])


def att(what: str, name: str, version: int, body: bytes, at: int) -> tuple[int, str, dict[str, Any]]:
    """A row that records a document."""
    fields = {"what": what, "id": name, "version": version, "sha256": hashlib.sha256(body).hexdigest()}
    return at, "att", {**fields, "media": "application/json", "actor": "李四", "of": {}}


def settled_pack(
    root: Path,
    seed: int,
    *,
    points: int = 5,
    begun: str = "2020-06-19",
    days: int = 16,
    first: str | None = None,
    before: Before | None = None,
    earlier: dict[str, Any] | None = None,
    **more: Any,
) -> tuple[bytes, logs.Log, dict[str, Any]]:
    """A pack of a log with a statement, the log, and the statement's document. The log must reach beyond `DRAFTED`.

    `earlier` is the document of 2020Q1, which is recorded as issued.
    """
    rng = random.Random(seed)
    world = logs.invent(rng, points, days, date.fromisoformat(begun), 2)
    enrich(rng, world)
    terms = terms_of(rng, **more)
    log = logs.write_world(root / "bare", world, random.Random(seed))
    state = replayed(log, DRAFTED)
    looks = terms.grain == "month" or bool(terms.rules or terms.escalations or terms.breaches)
    found = recomputed(state, terms, parse_period(QUARTER), months=looks)
    inputs = Inputs(terms, 1, QUARTER, found.facts, before=before or Before(), software="test")
    _, document, _ = settle_inputs(inputs)
    contract = canonical(terms.document()).encode()
    frozen, issued = canonical(inputs.to_document()).encode(), canonical(document).encode()
    world.blobs += [contract, frozen, issued]
    name, at = f"xinjian/{QUARTER}", world.start((date.fromisoformat(DRAFTED) - world.first).days + 1) - 10
    world.rows += [
        att("contract", "xinjian", 1, contract, world.start(0) + 1),
        att("inputs", name, 0, frozen, at),
        att("statement", name, 0, issued, at + 1),
        att("issued", name, 0, issued, world.start(days - 1)),
    ]
    if earlier is not None:
        world.blobs.append(canonical(earlier).encode())
        world.rows.append(att("issued", "xinjian/2020Q1", 0, world.blobs[-1], world.start(0) + 2))
    world.rows.sort(key=lambda row: row[0])
    log = logs.write_world(root / "log", world, random.Random(seed))
    members, said = packs.members_of(log.folder, first)
    statement = {
        "id": name,
        "version": 0,
        "sha256": hashlib.sha256(issued).hexdigest(),
        "inputs_sha256": hashlib.sha256(frozen).hexdigest(),
    }
    manifest = packs.manifest_of(logs.ORIGIN, said, period=QUARTER, statement=statement)
    return packs.signed(members, manifest, log.key), log, document
