"""Steps 8 and 9: the period's rates from the replayed record beside the frozen inputs, and the amounts from the inputs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from console.packs.compare import differing, excused
from console.packs.content import MAX_DOCUMENT_BYTES, Content
from console.packs.notebook import Notebook
from console.packs.recompute import Recomputed, recomputed
from console.packs.report import PhaseFigures
from console.packs.resting import outside, prepaid
from monitor.evidence.pack import PackError
from monitor.evidence.replay import State
from monitor.evidence.trace import LASTING_SAMPLES, LASTING_US
from monitor.finding import InputError
from monitor.model import MICROSECONDS
from monitor.period import Period, parse_period
from monitor.rates import Rate
from settlement.canonical import canonical, differences, digest
from settlement.contract import Terms
from settlement.daycount import parse_quarter
from settlement.document import canonical as document_bytes
from settlement.inputs import Inputs, from_document, settle_inputs
from settlement.money import fen


class Settled:
    """The statement of a pack, read once: its inputs before the log is replayed, its amounts after."""

    def __init__(
        self, content: Content, manifest: Mapping[str, Any], book: Notebook, terms: Terms | None = None
    ) -> None:
        """`terms` measure a period that has no statement."""
        self.content, self.manifest, self.book, self._terms = content, manifest, book, terms
        self.told: Mapping[str, Any] | None = manifest["statement"]
        self.inputs: Inputs | None = None
        self.document: dict[str, Any] | None = None
        self.found: Recomputed | None = None

    def read(self) -> None:
        """Read inputs and statement; what they are not fails step 9."""
        if self.told is None:
            return
        try:
            frozen = self._json(self.told["inputs_sha256"])
            self.document = self._json(self.told["sha256"])
            self.inputs = from_document(frozen)
            if self.inputs.digest() != self.told["inputs_sha256"]:
                raise ValueError("读出再写不是同一内容 read and written again they are others")
            quarter = self.inputs.quarter
            if (
                f"{self.inputs.terms.contract}/{quarter}" != self.told["id"]
                or self.inputs.revision != self.told["version"]
            ):
                raise ValueError("不是清单所说的结算单 not those of the manifest's statement")
        except PackError:
            raise
        except InputError as error:
            self.book.fail(9, "inputs", "; ".join(finding.message for finding in error.findings))
        except (ValueError, KeyError, TypeError, IndexError, AttributeError, ArithmeticError, RecursionError) as error:
            self.book.fail(9, "inputs", f"冻结的输入读不懂 cannot be read: {error!s:.200}")

    def _json(self, sha256: str) -> dict[str, Any]:
        """Return a document by its digest. ValueError unless it is canonical."""
        body = self.content.read(f"blobs/{sha256}", MAX_DOCUMENT_BYTES)
        if hashlib.sha256(body).hexdigest() != sha256:
            raise PackError(f"blobs/{sha256}", "内容与指纹不符 its content is not that of its name")
        value = json.loads(body)
        if not isinstance(value, dict) or canonical(value).encode() != body:
            raise ValueError("不是规范写法 not canonical")
        return value

    @property
    def terms(self) -> Terms | None:
        """The terms that the statement was made under, or else those given."""
        return self._terms if self.inputs is None else self.inputs.terms

    def measure(self, state: State) -> None:
        """Recompute the period's rates from what was known when the statement was made, and compare."""
        terms = self.terms or self._attested_terms(state)
        book = self.book
        if terms is None:
            book.leave(8, "日志中没有这份合同 the log has no record of the contract")
            return
        period = parse_period(self.manifest["period"])
        if terms.zone != self.manifest["zone"]:
            book.leave(8, "合同与日志的时区不同 the contract's time zone is not the log's")
            return
        if not _sure(state, terms):
            book.leave(
                8,
                "合同要求的恢复确认长于状态文件所存 the policy asks for longer recoveries than a state document keeps",
            )
            return
        if str(period.last) > self.manifest["days"][-1]:
            book.leave(8, "期间未封存完 the period is not sealed to its end")
        only = None if self.manifest["points"] is None else frozenset(self.manifest["points"])
        looks = terms.grain != "quarter" or bool(terms.rules or terms.escalations or terms.breaches)
        try:
            self.found = recomputed(state, terms, period, only, months=looks)
        except InputError as error:
            book.fail(8, "log", "; ".join(finding.message for finding in error.findings))
            return
        if only is not None:
            book.leave(
                8, f"本包只含 {len(only):,} 个点位，整期在线率未比对 some points only: rates of phases are not compared"
            )
        elif self.inputs is not None and self._same_quarter(period):
            self._compare(self.inputs, self.found)
        self._figures(self.found, terms)

    def _compare(self, inputs: Inputs, found: Recomputed) -> None:
        for line in differing(inputs, found.facts):
            self.book.fail(8, "inputs", f"冻结的 → 重算的 frozen → recomputed {line}")
        unproven, denied = excused(inputs, found.facts)
        if unproven:
            names = "，".join(unproven[:3])
            self.book.leave(9, f"{len(unproven):,} 起中断的免责日志不含 excuses that the log does not hold: {names}")
        for name in denied:
            self.book.fail(8, "inputs", f"{name}: 已全部剔除却未免责 wholly excluded, yet not excused")

    def _same_quarter(self, period: Period) -> bool:
        inputs = self.inputs
        if inputs is None:
            return False
        quarter = parse_quarter(inputs.quarter)
        same = (period.first, period.last) == (quarter.start, quarter.end - timedelta(days=1))
        if same and inputs.terms.contract == self.manifest["contract"]:
            return True
        told = f"{inputs.terms.contract} {inputs.quarter}"
        self.book.fail(8, "inputs", f"不是本期的输入 the inputs are of another contract or period: {told}")
        return False

    def _attested_terms(self, state: State) -> Terms | None:
        """The newest version of the contract that the log attests, for a period without a statement."""
        head = f"contract {self.manifest['contract']} "
        versions = {int(name.removeprefix(head)): sha for name, sha in state.att.items() if name.startswith(head)}
        if not versions:
            return None
        try:
            return Terms.model_validate(self._json(versions[max(versions)]))
        except ValueError as error:
            self.book.fail(8, "contract", f"合同条款读不懂 the terms cannot be read: {error!s:.200}")
            return None

    def _figures(self, found: Recomputed, terms: Terms) -> None:
        for phase, seconds in found.seconds.items():
            rate: Rate = found.rates[phase]
            known = terms.phase(phase)
            points = len({account.point for account in found.accounts if account.phase == phase})
            self.book.phases.append(
                PhaseFigures(
                    phase,
                    phase if known is None else known.title,
                    points,
                    seconds,
                    rate.good,
                    rate.counted,
                    rate.best,
                    rate.worst,
                    self._payable(phase),
                )
            )
        self.book.details.setdefault(
            8, f"{len(found.seconds)} 个期次 phases，{len(found.accounts):,} 个点位账 accounts"
        )

    def _payable(self, phase: str) -> int | None:
        for row in self.document["phases"] if self.document is not None else ():
            if row["phase"] == phase:
                lines = [fen(line["gross"]) for line in row["lines"] if line["kind"] == "payable"]
                return sum(lines) if lines else None
        return None

    def settle(self, att: Mapping[str, str], found_inputs: bool) -> None:
        """Check that the log attests statement and terms, and settle anew from the inputs."""
        if self.told is None:
            self.book.say(9, "本期没有结算单 the period has no statement")
            return
        if self.inputs is None or self.document is None:
            return
        self._attested(self.inputs, att)
        if not found_inputs:
            self.book.fail(
                8, "log", "这些天里没有该结算单的 inputs 记录 no inputs record of the statement in these days"
            )
        if self.manifest["points"] is not None:
            self.book.leave(9, "只含部分点位，金额未重算 some points only: amounts are not recomputed")
            return
        for phase, name, amount in prepaid(self.inputs):
            self._prepaid(phase, name, amount, att)
        for text in outside(self.inputs):
            self.book.leave(9, text)
        self._amounts(self.inputs, self.document)

    def _attested(self, inputs: Inputs, att: Mapping[str, str]) -> None:
        told, book = self.told or {}, self.book
        name = f"{told['id']} {told['version']}"
        wanted = {
            f"inputs {name}": told["inputs_sha256"],
            f"statement {name}": told["sha256"],
            f"contract {inputs.terms.contract} {inputs.contract_version}": digest(inputs.terms.document()),
        }
        for what, sha256 in wanted.items():
            if att.get(what) != sha256:
                book.fail(9, f"att {what}", "日志没有登记这份内容 the log does not attest it")
        issued = {what: sha for what, sha in att.items() if what.startswith(f"issued {told['id']} ")}
        if issued and issued != {f"issued {name}": told["sha256"]}:
            book.fail(9, f"att issued {told['id']}", "出具的是另一份 another one was issued")
        if inputs.reading not in (None, inputs.terms.reading):
            book.fail(9, "inputs", f"口径不是合同的 the reading is not the contract's: {inputs.reading}")
        for file in (inputs.evidence.get("authority") or {}).get("files") or ():
            if file["sha256"] not in att.values():
                book.fail(
                    9, "inputs", f"公安文件未入日志 the authority's file is not in the log: {file['sha256'][:12]}"
                )

    def _prepaid(self, phase: str, name: str, amount: Mapping[str, Any], att: Mapping[str, str]) -> None:
        """Hold a prepayment against the statement that issued it; where that is not here, it is taken as frozen."""
        sha256 = att.get(f"issued {name}", "")
        if not sha256 and not any(amount["line"]):
            return
        if f"blobs/{sha256}" not in self.content.names:
            self.book.leave(
                9, f"{phase}: 已预付取自冻结的输入 what was prepaid is taken as frozen ({amount['source'] or '—'})"
            )
            return
        rows = [row for row in self._json(sha256)["phases"] if row["phase"] == phase]
        issued = [line for row in rows for line in row["lines"] if line["kind"] == "next_prepayment"]
        stated = _columns(issued[0]) if issued else [0, 0, 0]
        parts = {key: _columns(part) for key, part in issued[0]["components"].items()} if issued else {}
        frozen = {key: list(part) for key, *part in amount["components"]}
        if list(amount["line"]) != stated or (issued and frozen != parts):
            self.book.fail(9, f"before.prepaid.{phase}", f"{amount['line']} ≠ {stated}（{name}）")

    def _amounts(self, inputs: Inputs, document: dict[str, Any]) -> None:
        book, totals = self.book, document["totals"]
        try:
            _, again, _ = settle_inputs(inputs)
        except InputError as error:
            book.fail(9, "statement", "; ".join(finding.message for finding in error.findings))
            return
        if document_bytes(again) != document_bytes(document):
            for line in differences(document, again):
                book.fail(9, "statement", f"结算单 → 重算 stated → recomputed {line}")
            return
        book.total_fen = fen(totals["total"])
        book.say(
            9, f"应付 payable {totals['payable']}，本次应付净额 net due {totals['total']}，逐行一致 every line equal"
        )


def _columns(amount: Mapping[str, str]) -> list[int]:
    return [fen(amount[column]) for column in ("gross", "net", "tax")]


def _sure(state: State, terms: Terms) -> bool:
    """Tell whether the state reaches back far enough for the policy's recoveries."""
    policy = terms.policy
    return not state.since or (
        policy.recovery_samples <= LASTING_SAMPLES and policy.minimum_recovery_s * MICROSECONDS <= LASTING_US
    )
