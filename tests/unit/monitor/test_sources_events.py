from __future__ import annotations

from pathlib import Path

import pytest

from monitor.finding import InputError
from monitor.model import Event, Instant
from monitor.sources.events import read_events

HEADER = "event,point,at,until,source,incident,sample,defects\n"


def test_events_are_read_with_their_counts(tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    path.write_text(
        HEADER
        + "inspection,,2020-07-03T09:00:00+08:00,,第三方,,60,5\n"
        + "late-repair,P1,2020-07-03T01:00:00Z,2020-07-05T01:00:00Z,工单,P1@2020-07-01T00:00:00Z,,\n",
        encoding="utf-8",
    )
    read = read_events(path)
    at = Instant(1_593_738_000_000_000)
    assert read.events == [
        Event("inspection", "", at, None, "第三方", counts=(("sample", 60), ("defects", 5))),
        Event(
            "late-repair",
            "P1",
            at,
            Instant(at + 2 * 86_400_000_000),
            "工单",
            incident="P1@2020-07-01T00:00:00Z",
        ),
    ]
    assert list(read.origin.lines) == [2, 3]


@pytest.mark.parametrize(
    ("row", "column", "message"),
    [
        ("clock off,P1,2020-07-03T09:00:00+08:00,,x,,,", "event", "not a kind of event"),
        (",P1,2020-07-03T09:00:00+08:00,,x,,,", "event", "not a kind of event"),
        ("clock-off,P1,2020-07-03T09:00:00,,x,,,", "at", "instant without a zone"),
        ("clock-off,P1,yesterday,,x,,,", "at", "not an instant"),
        ("clock-off,P1,2020-07-03T09:00:00+08:00,2020-07-02T09:00:00+08:00,x,,,", "until", "ends before it begins"),
        ("clock-off,P1,2020-07-03T09:00:00+08:00,,,,,", "source", "no source"),
        ("inspection,,2020-07-03T09:00:00+08:00,,x,,-1,", "sample", "not a count"),
        ("inspection,,2020-07-03T09:00:00+08:00,,x,,60,5.5", "defects", "not a count"),
    ],
)
def test_a_bad_row_is_told_with_its_line_and_column(tmp_path: Path, row: str, column: str, message: str) -> None:
    path = tmp_path / "events.csv"
    path.write_text(f"{HEADER}clock-off,P0,2020-07-03T09:00:00+08:00,,x,,,\n{row}\n", encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_events(path)
    (finding,) = caught.value.findings
    assert (finding.line, finding.column) == (3, column)
    assert message in finding.message
    assert finding.remedy


def test_an_event_stands_once_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    row = "clock-off,P0,2020-07-03T09:00:00+08:00,,x,,,\n"
    path.write_text(HEADER + row + row, encoding="utf-8")
    with pytest.raises(InputError, match="the same event twice, first on line 2"):
        read_events(path)


def test_a_file_without_its_columns_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    path.write_text("event,point,at\nclock-off,P1,2020-07-03T09:00:00+08:00\n", encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_events(path)
    assert {finding.column for finding in caught.value.findings} == {"until", "source"}
