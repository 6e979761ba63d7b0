"""The point ledger's life on both databases: imports, dated changes, cameras, logins, scopes, and what never leaks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Connection, event

from config.secrets import PasswordCipher
from monitor.finding import InputError
from monitor.model import MICROSECONDS, Instant
from monitor.period import midnight
from monitor.points import Occupancy, Pause, Plan, RosterPoint, Target
from monitor.roster import difference, export
from monitor.roster.parse import read_points
from monitor.roster.plan import plan_import
from monitor.scope import EVERYTHING, Scope
from monitor.store import roster
from monitor.store.database import reading
from monitor.store.roster_import import apply, load

if TYPE_CHECKING:
    from tests.stores.conftest import Store

CANARY = "Canary-口令-9c1d"
JULY, AUGUST, SEPTEMBER, YEAR = date(2020, 7, 1), date(2020, 8, 1), date(2020, 9, 1), date(2021, 1, 1)


def instant(day: date) -> Instant:
    return Instant(midnight(day) * MICROSECONDS)


class Ledger:
    """A store with a writer, a key and a clock that ticks with every import."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.audits: list[dict[str, Any]] = []
        self.writer = store.writer(self._audit)
        self.cipher = PasswordCipher(store.folder / "secret.key")
        self.now = instant(YEAR)

    def _audit(self, connection: Connection, **row: Any) -> None:
        self.audits.append(row)

    def plan(self, text: str, on: date = JULY) -> Plan:
        path = self.store.folder / "points.csv"
        path.write_text(text)
        return self.plan_file(path, on)

    def plan_file(self, path: Path, on: date = JULY) -> Plan:
        with self.writer.transaction() as connection:
            return plan_import(load(connection), read_points(path), on, self.cipher)

    def carry_out(self, plan: Plan) -> Plan:
        self.now = Instant(self.now + MICROSECONDS)
        with self.writer.transaction() as connection:
            apply(connection, plan, at=self.now, actor="li", audit=self.writer.audit, cipher=self.cipher)
        return plan

    def give(self, text: str, on: date = JULY) -> Plan:
        return self.carry_out(self.plan(text, on))

    @contextmanager
    def reads(self) -> Iterator[Connection]:
        with reading(self.store.engine) as connection:
            yield connection

    def at(self, day: date, scope: Scope = EVERYTHING, known_at: Instant | None = None) -> list[RosterPoint]:
        with self.reads() as connection:
            return roster.roster_at(connection, scope, instant(day), known_at)

    def between(self, first: date, last: date, scope: Scope = EVERYTHING) -> list[RosterPoint]:
        with self.reads() as connection:
            return roster.roster(connection, scope, instant(first), instant(last))

    def targets(self, day: date, scope: Scope = EVERYTHING) -> list[Target]:
        with self.reads() as connection:
            return roster.targets(connection, scope, instant(day))

    def occupancy(self, first: date, last: date, scope: Scope = EVERYTHING) -> list[Occupancy]:
        with self.reads() as connection:
            return roster.occupancy(connection, scope, instant(first), instant(last))

    def secret(self, target: Target) -> str:
        return self.cipher.decrypt(target.nonce, target.cipher, target.context)

    def counts(self) -> dict[str, int]:
        tables = (
            "points",
            "point_facts",
            "cameras",
            "occupancies",
            "credentials",
            "billing_pauses",
            "imports",
            "outbox",
        )
        return {name: int(str(self.store.rows(f"SELECT count(*) FROM {name}")[0][0])) for name in tables}


@pytest.fixture
def ledger(store: Store) -> Ledger:
    return Ledger(store)


HEAD = (
    "点位编号,设备编码,设备名称,街道/社区,承建单位,合同编号,期次,安装地址,终验日期,计费起,序列号,RTSP地址,用户名,密码\n"
)
ONE = f"P1,36010012001320000001,路口一,甲街道,电信,X,phase-1,某路1号,2020-07-01,2020-07-01,S1,rtsp://10.0.0.1/ch1,admin,{CANARY}\n"
TWO = f"P2,36010012001320000002,路口二,乙街道,移动,Y,phase-2,某路2号,2020-07-15,2020-08-01,S2,rtsp://admin:{CANARY}2@10.0.0.2/ch1,,\n"


def kinds(plan: Plan) -> dict[str, list[str]]:
    return {entry.code: [kind.value for kind in entry.kinds] for entry in plan.entries}


def test_new_points_their_facts_cameras_and_logins(ledger: Ledger) -> None:
    plan = ledger.give(HEAD + ONE + TWO, on=YEAR)
    assert kinds(plan) == {"P1": ["new"], "P2": ["new"]}
    one, two = ledger.at(YEAR)
    assert (one.code, one.name, one.area, one.supplier, one.contract) == ("P1", "路口一", "甲街道", "电信", "X")
    assert (one.phase, one.accepted_on, one.billed_from, one.retired_on) == ("phase-1", JULY, JULY, None)
    # A new point's facts hold from its earliest date, though the file came later.
    assert (one.start, one.end, two.start) == (instant(JULY), None, instant(date(2020, 7, 15)))
    first, second = ledger.targets(YEAR)
    assert (first.point, first.rtsp_url, first.username) == ("P1", "rtsp://10.0.0.1/ch1", "admin")
    assert (second.point, second.rtsp_url, second.username) == ("P2", "rtsp://10.0.0.2/ch1", "admin")
    assert (ledger.secret(first), ledger.secret(second)) == (CANARY, CANARY + "2")
    assert [target.point for target in ledger.targets(JULY)] == ["P1"]
    assert [point.code for point in ledger.at(date(2020, 6, 30))] == []


def test_the_same_file_again_changes_nothing_and_leaves_an_audit_row(ledger: Ledger) -> None:
    ledger.give(HEAD + ONE + TWO)
    before = ledger.counts()
    plan = ledger.give(HEAD + ONE + TWO)
    assert plan.counts["unchanged"] == 2
    assert difference.to_rows(plan) == []
    assert ledger.counts() == before
    assert [row["action"] for row in ledger.audits] == ["points.import", "points.import"]
    assert ledger.audits[0]["after"]["counts"] == {"new": 2}
    assert ledger.audits[1]["after"]["counts"] == {"unchanged": 2}
    assert {row["actor"] for row in ledger.audits} == {"li"}


def test_a_change_is_dated_and_what_was_known_before_stays_readable(ledger: Ledger) -> None:
    ledger.give(HEAD + ONE)
    known = ledger.now
    plan = ledger.give("点位编号,期次,变更日期\nP1,phase-2,2020-08-01\n", on=YEAR)
    assert kinds(plan) == {"P1": ["changed"]}
    assert plan.entries[0].effective == AUGUST
    assert [(p.phase, p.start, p.end) for p in ledger.between(JULY, SEPTEMBER)] == [
        ("phase-1", instant(JULY), instant(AUGUST)),
        ("phase-2", instant(AUGUST), instant(SEPTEMBER)),
    ]
    assert [p.phase for p in ledger.at(AUGUST)] == ["phase-2"]
    assert [p.phase for p in ledger.at(AUGUST, known_at=known)] == ["phase-1"]
    assert ledger.at(AUGUST, known_at=Instant(known - 1)) == []
    # The columns that the second file did not have are as they were.
    assert [p.name for p in ledger.at(AUGUST)] == ["路口一"]
    assert ledger.secret(ledger.targets(AUGUST)[0]) == CANARY


def test_an_acceptance_written_down_late_counts_from_the_beginning(ledger: Ledger) -> None:
    ledger.give("点位编号,期次\nP1,phase-1\n", on=AUGUST)
    ledger.give("点位编号,终验日期,验收单号\nP1,2020-07-01,Y-7\n", on=YEAR)
    (point,) = ledger.between(JULY, SEPTEMBER)
    assert (point.accepted_on, point.acceptance_no, point.start) == (JULY, "Y-7", instant(JULY))
    assert [o.start for o in ledger.occupancy(JULY, SEPTEMBER)] == [instant(JULY)]


def test_relocation_keeps_the_code_and_the_camera(ledger: Ledger) -> None:
    ledger.give(HEAD + ONE)
    plan = ledger.give("点位编号,安装地址,经度,纬度,审批文号\nP1,某路9号,115.8,28.6,批-1\n", on=AUGUST)
    assert kinds(plan) == {"P1": ["relocated", "changed"]}
    assert [(p.address, p.lon_e7) for p in ledger.between(JULY, SEPTEMBER)] == [
        ("某路1号", None),
        ("某路9号", 1_158_000_000),
    ]
    assert len({o.camera_id for o in ledger.occupancy(JULY, SEPTEMBER)}) == 1


def test_replacement_brings_another_camera_from_its_day_on(ledger: Ledger) -> None:
    ledger.give(HEAD + ONE)
    plan = ledger.give("点位编号,序列号,RTSP地址\nP1,S9,rtsp://10.0.0.9/ch1\n", on=AUGUST)
    assert kinds(plan) == {"P1": ["replaced"]}
    old, new = ledger.occupancy(JULY, SEPTEMBER)
    assert (old.start, old.end, new.start, new.end) == (
        instant(JULY),
        instant(AUGUST),
        instant(AUGUST),
        instant(SEPTEMBER),
    )
    assert old.camera_id != new.camera_id
    assert ledger.targets(JULY)[0].rtsp_url == "rtsp://10.0.0.1/ch1"
    (target,) = ledger.targets(AUGUST)
    # The old password belongs to the old address and does not go to another host.
    assert (target.rtsp_url, target.username, target.cipher) == ("rtsp://10.0.0.9/ch1", "", b"")
    assert [(w.level, w.column) for w in plan.warnings] == [("warning", "RTSP地址")]
    assert [p.start for p in ledger.between(JULY, SEPTEMBER)] == [instant(JULY)]


def test_a_swap_at_the_same_address_keeps_the_login(ledger: Ledger) -> None:
    ledger.give(HEAD + ONE)
    assert kinds(ledger.give("点位编号,序列号\nP1,S9\n", on=AUGUST)) == {"P1": ["replaced"]}
    (target,) = ledger.targets(AUGUST)
    assert ledger.secret(target) == CANARY
    assert target.camera_id != ledger.targets(JULY)[0].camera_id


def test_what_becomes_known_of_a_camera_does_not_replace_it(ledger: Ledger) -> None:
    ledger.give("点位编号,期次\nP1,phase-1\n")
    assert ledger.targets(AUGUST) == []
    plan = ledger.give(f"点位编号,厂商,序列号,IPv4,用户名,密码\nP1,海康,S1,10.0.0.1,admin,{CANARY}\n", on=AUGUST)
    assert kinds(plan) == {"P1": ["changed"]}
    plan = ledger.give("点位编号,RTSP路径,RTSP端口\nP1,/ch1,8554\n", on=SEPTEMBER)
    assert kinds(plan) == {"P1": ["changed"]}
    (target,) = ledger.targets(JULY)
    assert (target.rtsp_url, ledger.secret(target)) == ("rtsp://10.0.0.1:8554/ch1", CANARY)
    assert len(ledger.occupancy(JULY, SEPTEMBER)) == 1


def test_a_new_password_replaces_the_old_one_which_is_gone(ledger: Ledger) -> None:
    ledger.give(HEAD + ONE)
    before = ledger.targets(JULY)[0]
    plan = ledger.give("点位编号,用户名,密码\nP1,admin,other\n", on=AUGUST)
    assert [tuple(change) for change in plan.entries[0].changes] == [("password", "***", "***")]
    (target,) = ledger.targets(AUGUST)
    assert (ledger.secret(target), target.camera_id) == ("other", before.camera_id)
    assert ledger.counts()["credentials"] == 1


def test_a_new_username_needs_its_password(ledger: Ledger) -> None:
    ledger.give(HEAD + ONE)
    with pytest.raises(InputError, match="a new username needs its password"):
        ledger.plan("点位编号,用户名\nP1,root\n")


def test_a_changed_device_code_keeps_the_former_one(ledger: Ledger) -> None:
    ledger.give(HEAD + ONE)
    text = "点位编号,设备编码,原设备编码\nP1,36010012001320000077,\n"
    assert kinds(ledger.give(text, on=AUGUST)) == {"P1": ["recoded"]}
    assert kinds(ledger.give(text, on=AUGUST)) == {"P1": ["unchanged"]}
    (point,) = ledger.at(AUGUST)
    assert (point.gb_code, point.former_gb_code) == ("36010012001320000077", "36010012001320000001")
    # A file of the platform that has only device codes finds the point by either.
    by_gb = "设备编码,设备名称\n36010012001320000077,新名\n"
    assert kinds(ledger.plan(by_gb, on=SEPTEMBER)) == {"P1": ["changed"]}
    by_former = "设备编码,原设备编码,设备名称\n36010012001320000099,36010012001320000077,新名\n"
    assert kinds(ledger.plan(by_former, on=SEPTEMBER)) == {"P1": ["recoded", "changed"]}


def test_retirement_ends_the_watch_and_the_code_is_not_used_again(ledger: Ledger) -> None:
    ledger.give(HEAD + ONE)
    text = "点位编号,设备状态\nP1,拆除\n"
    assert kinds(ledger.give(text, on=AUGUST)) == {"P1": ["retired"]}
    (point,) = ledger.at(SEPTEMBER)
    assert point.retired_on == AUGUST
    assert ledger.targets(AUGUST) == []
    assert [o.end for o in ledger.occupancy(JULY, SEPTEMBER)] == [instant(AUGUST)]
    assert kinds(ledger.give(text, on=SEPTEMBER)) == {"P1": ["unchanged"]}
    for again in ("点位编号,设备状态\nP1,正常\n", "点位编号,停用日期\nP1,\n"):
        with pytest.raises(InputError, match="its code is not used again"):
            ledger.plan(again, on=SEPTEMBER)
    # Its address is free for another point from that day on, not before.
    other = "点位编号,RTSP地址\nP3,rtsp://10.0.0.1/ch1\n"
    with pytest.raises(InputError, match="地址与点位 'P1' 重复"):
        ledger.plan(other, on=date(2020, 7, 20))
    assert kinds(ledger.plan(other, on=AUGUST)) == {"P3": ["new"]}


def test_a_retirement_by_mistake_is_corrected_from_its_own_day(ledger: Ledger) -> None:
    ledger.give(HEAD + ONE)
    camera = ledger.targets(JULY)[0].camera_id
    ledger.give("点位编号,停用日期\nP1,2020-08-01\n", on=JULY)
    assert ledger.targets(SEPTEMBER) == []
    assert kinds(ledger.give("点位编号,停用日期,变更日期\nP1,,2020-08-01\n")) == {"P1": ["restored"]}
    assert [(t.camera_id, ledger.secret(t)) for t in ledger.targets(SEPTEMBER)] == [(camera, CANARY)]
    assert [p.retired_on for p in ledger.between(JULY, SEPTEMBER)] == [None]


def test_an_address_in_use_is_refused_unless_its_device_moved(ledger: Ledger) -> None:
    ledger.give(HEAD + ONE)
    with pytest.raises(InputError, match="地址与点位 'P1' 重复"):
        ledger.plan("点位编号,RTSP地址\nP3,rtsp://10.0.0.1/ch1\n")
    plan = ledger.give("点位编号,序列号,RTSP地址\nP3,S1,rtsp://10.0.0.1:554/ch1\n", on=AUGUST)
    assert kinds(plan) == {"P3": ["new"], "P1": ["vacated"]}
    (before,), (after,) = ledger.targets(JULY), ledger.targets(AUGUST)
    assert (before.point, after.point, before.camera_id) == ("P1", "P3", after.camera_id)
    assert ledger.secret(after) == CANARY
    assert [(o.point, o.end) for o in ledger.occupancy(JULY, SEPTEMBER)] == [
        ("P1", instant(AUGUST)),
        ("P3", instant(SEPTEMBER)),
    ]


def test_two_points_may_exchange_their_addresses(ledger: Ledger) -> None:
    ledger.give("点位编号,IPv4\nP1,10.0.0.1\nP2,10.0.0.2\n")
    plan = ledger.give("点位编号,IPv4\nP1,10.0.0.2\nP2,10.0.0.1\n", on=AUGUST)
    assert kinds(plan) == {"P1": ["replaced"], "P2": ["replaced"]}
    assert [(t.point, t.rtsp_url) for t in ledger.targets(AUGUST)] == [
        ("P1", "rtsp://10.0.0.2"),
        ("P2", "rtsp://10.0.0.1"),
    ]


def test_billing_pauses_are_dated_facts_too(ledger: Ledger) -> None:
    ledger.give("点位编号,暂停计费\nP1,2020-07-05..2020-07-09;2020-09-01..\n")
    known = ledger.now
    ledger.give("点位编号,暂停计费\nP1,2020-07-05..2020-07-09;2020-08-01\n")
    stays, gone, added = (
        Pause(date(2020, 7, 5), date(2020, 7, 10)),
        Pause(SEPTEMBER, None),
        Pause(AUGUST, date(2020, 8, 2)),
    )
    assert [p.pauses for p in ledger.at(JULY)] == [(stays, added)]
    assert [p.pauses for p in ledger.at(JULY, known_at=known)] == [(stays, gone)]
    assert kinds(ledger.give("点位编号,设备名称\nP1,\n")) == {"P1": ["unchanged"]}
    ledger.give("点位编号,暂停计费\nP1,\n")
    assert [p.pauses for p in ledger.at(JULY)] == [()]


def test_every_question_keeps_to_its_scope(ledger: Ledger) -> None:
    ledger.give(HEAD + ONE + TWO)
    ledger.give("点位编号,承建单位\nP1,移动\n", on=SEPTEMBER)
    scopes = {
        Scope(contracts=frozenset({"X"})): ["P1"],
        Scope(contracts=frozenset()): [],
        Scope(areas=frozenset({"乙街道"})): ["P2"],
        Scope(areas=frozenset({"甲街道", "乙街道"}), supplier="电信"): ["P1"],
        Scope(supplier="联通"): [],
    }
    for scope, codes in scopes.items():
        assert [p.code for p in ledger.at(AUGUST, scope)] == codes
        assert [p.code for p in ledger.between(AUGUST, SEPTEMBER, scope)] == codes
        assert [t.point for t in ledger.targets(AUGUST, scope)] == codes
        assert [o.point for o in ledger.occupancy(AUGUST, SEPTEMBER, scope)] == codes
        with ledger.reads() as connection:
            assert list(roster.cameras_at(connection, scope, instant(AUGUST))) == codes
    # A supplier sees a point for as long as it was theirs.
    telecom = Scope(supplier="电信")
    assert [p.end for p in ledger.between(JULY, YEAR, telecom)] == [instant(SEPTEMBER)]
    assert [o.end for o in ledger.occupancy(JULY, YEAR, telecom)] == [instant(SEPTEMBER)]
    assert ledger.targets(YEAR, telecom) == []


def test_nothing_is_half_imported(ledger: Ledger) -> None:
    ledger.give(HEAD + ONE)
    before = ledger.counts()
    plan = ledger.plan(HEAD + ONE.replace("路口一", "新名") + TWO)

    def broken(connection: Connection, **row: Any) -> None:
        raise RuntimeError("the audit log failed")

    with pytest.raises(RuntimeError), ledger.writer.transaction() as connection:
        apply(connection, plan, at=ledger.now, actor="li", audit=broken, cipher=ledger.cipher)
    assert ledger.counts() == before
    assert [p.name for p in ledger.at(AUGUST)] == ["路口一"]
    with pytest.raises(InputError):
        ledger.give(HEAD + TWO + ONE.replace("2020-07-01", "2020-07-32"))
    assert ledger.counts() == before


@pytest.mark.parametrize("late", [HEAD + TWO, "点位编号,设备名称\nP1,新名\n"])
def test_a_plan_made_before_another_change_is_refused(late: str, ledger: Ledger) -> None:
    ledger.give(HEAD + ONE)
    plan = ledger.plan(late)
    ledger.give(late)
    before = ledger.counts()
    with pytest.raises(InputError, match="the ledger changed after the comparison"):
        ledger.carry_out(plan)
    assert ledger.counts() == before


@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
def test_an_export_imported_again_changes_nothing(suffix: str, ledger: Ledger) -> None:
    odd = "点位编号,设备名称,安装地址,备注,单价,经度,纬度,计费止,暂停计费,ONVIF地址,停用日期\n"
    odd += (
        "P3,=1+1,@cmd,+86,'-5,-115.8000001,28.6,2020-12-31,2020-08-01;2020-09-01..,http://10.0.0.3/onvif,2020-12-31\n"
    )
    ledger.give(HEAD + ONE + TWO)
    ledger.give(odd)
    with ledger.reads() as connection:
        points = roster.roster_at(connection, EVERYTHING, instant(AUGUST))
        cameras = roster.cameras_at(connection, EVERYTHING, instant(AUGUST))
    make = {"csv": export.to_csv, "xlsx": export.to_xlsx}[suffix]
    body = make(points, cameras)
    assert body == make(points, cameras)
    path = ledger.store.folder / f"export.{suffix}"
    path.write_bytes(body)
    plan = ledger.plan_file(path, on=AUGUST)
    assert difference.to_rows(plan) == []
    assert kinds(plan) == {code: ["unchanged"] for code in ("P1", "P2", "P3")}
    for row in read_points(path).rows:
        assert row.password is None
    with_cells = [cell for row in export._rows(points, cameras) for cell in row]
    assert not [cell for cell in with_cells if cell.startswith(tuple("=+-@\t\0"))]
    assert "'=1+1" in with_cells


def test_a_password_appears_nowhere(ledger: Ledger) -> None:
    plans = [ledger.give(HEAD + ONE + TWO), ledger.give(HEAD + ONE.replace(CANARY, CANARY + "3") + TWO)]
    with pytest.raises(InputError) as caught:
        ledger.plan(HEAD + ONE.replace("10.0.0.1", "10.0.0.2").replace("2020-07-01", CANARY, 1))
    with ledger.reads() as connection:
        points = roster.roster_at(connection, EVERYTHING, instant(AUGUST))
        cameras = roster.cameras_at(connection, EVERYTHING, instant(AUGUST))
        targets = roster.targets(connection, EVERYTHING, instant(AUGUST))
    said = [repr(ledger.audits), repr(points), repr(cameras), repr(targets), export.to_csv(points, cameras).decode()]
    for plan in plans:
        said += [repr(plan), difference.to_text(plan), difference.to_json(plan), difference.summary(plan)]
    said.append("\n".join(finding.message for finding in caught.value.findings if finding.column != "终验日期"))
    assert "Canary" not in "\n".join(said)
    ledger.writer.close()
    if ledger.store.is_sqlite:
        files = [path for path in ledger.store.folder.iterdir() if path.name.startswith("store.db")]
        stored = b"".join(path.read_bytes() for path in files)
    else:
        tables = [
            str(row[0]) for row in ledger.store.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        ]
        assert "credentials" in tables
        stored = repr([ledger.store.rows(f"SELECT t::text FROM {name} t") for name in tables]).encode()
        stored += b"".join(bytes(row[0]) for row in ledger.store.rows("SELECT cipher FROM credentials"))  # type: ignore[call-overload]
    assert b"rtsp://10.0.0.1/ch1" in stored
    assert b"Canary" not in stored
    assert b"9c1d" not in stored


def test_another_key_cannot_compare_and_says_so(ledger: Ledger) -> None:
    ledger.give(HEAD + ONE)
    other = PasswordCipher(ledger.store.folder / "other.key")
    other.encrypt("x", "c")
    ledger.cipher = other
    with pytest.raises(InputError, match="a password does not open") as caught:
        ledger.plan(HEAD + ONE)
    assert CANARY not in str(caught.value)


def test_statements_do_not_grow_with_rows(ledger: Ledger) -> None:
    def statements(count: int, prefix: str) -> int:
        lines = "".join(
            f"{prefix}{i},phase-1,rtsp://10.{len(prefix)}.{i // 250}.{i % 250 + 1}/a,admin,p\n" for i in range(count)
        )
        plan = ledger.plan("点位编号,期次,RTSP地址,用户名,密码\n" + lines)
        seen: list[str] = []
        with ledger.writer.transaction() as connection:
            event.listen(connection, "before_cursor_execute", lambda *args: seen.append(args[2]))
            apply(connection, plan, at=ledger.now, actor="li", audit=ledger.writer.audit, cipher=ledger.cipher)
        return len(seen)

    few = statements(5, "A")
    assert statements(900, "BB") <= few + 3


def test_points_put_in_without_cameras_get_one_when_the_ledger_names_it(ledger: Ledger) -> None:
    ledger.store.add_points("P1", phase="phase-1")
    assert kinds(ledger.plan("点位编号,期次\nP1,phase-1\n")) == {"P1": ["unchanged"]}
    ledger.give("点位编号,IPv4\nP1,10.0.0.1\n", on=AUGUST)
    assert [(t.point, t.rtsp_url) for t in ledger.targets(AUGUST)] == [("P1", "rtsp://10.0.0.1")]
    assert ledger.targets(JULY) == []


def test_upstream_devices_are_those_of_the_day(ledger: Ledger) -> None:
    head = "点位编号,设备名称,upstream\n"
    ledger.give(head + "P1,a,switch-1\nP2,b,\nP3,c,switch-1\n", on=JULY)
    ledger.give(head + "P1,a,switch-2\nP2,b,switch-2\nP3,c,\n", on=AUGUST)
    with ledger.reads() as connection:
        answers = [roster.upstreams(connection, EVERYTHING, instant(day)) for day in (JULY, AUGUST)]
        for day, answer in zip((JULY, AUGUST), answers, strict=True):
            points = roster.roster_at(connection, EVERYTHING, instant(day))
            assert answer == {point.code: point.upstream for point in points if point.upstream}
    assert answers == [{"P1": "switch-1", "P3": "switch-1"}, {"P1": "switch-2", "P2": "switch-2"}]
