"""The rows of one sheet, read from top to bottom as figures."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from console.authority.cell import NoFigureError, bare_number, is_empty, text_of
from console.authority.figure import Made, Manner, make_figure
from console.authority.layout import Column, Layout
from console.authority.notes import Notes
from console.authority.periods import When, when_of
from console.authority.words import SIGNATURE, TOTAL, Field, Vocabulary
from monitor.roster.cells import code_of
from monitor.roster.table import Value
from settlement.authority import Figure


class Default(NamedTuple):
    """What holds where a figure says nothing itself: a period, a phase, and the year of a month without one."""

    when: When | None
    phase: str
    year: int | None


class SheetReader:
    """Reads one sheet's rows from top to bottom; what a merged cell leaves empty below holds on."""

    def __init__(
        self, sha256: str, layout: Layout, words: Vocabulary, manner: Manner, default: Default, notes: Notes
    ) -> None:
        self.undated: list[int] = []
        self._sha = sha256
        self._layout = layout
        self._words = words
        self._manner = manner
        self._default = default
        self._notes = notes
        self._keys = {name: layout.keys(name) for name in ("phase", "point", "device", "name", "period")}
        self._above: dict[str, Value] = {}
        self._sums: dict[tuple[object, ...], dict[Field, int]] = defaultdict(lambda: defaultdict(int))
        self._ended = False
        self._groups: dict[tuple[When | None, str | None], dict[Field, Column]] = defaultdict(dict)
        shared: dict[Field, Column] = {}
        for column in layout.figures:
            group = (
                shared if column.field == "points" and column.when is None else self._groups[column.when, column.phase]
            )
            group.setdefault(column.field, column)
        if not self._groups:
            self._groups[None, None] = shared
        for group in self._groups.values():
            for name, column in shared.items():
                group.setdefault(name, column)

    def figures(self) -> list[Figure]:
        """Return the sheet's figures in its order."""
        found: list[Figure] = []
        for line, cells in self._layout.rows:
            found += self._row(line, cells)
        return found

    def _cell(self, cells: Sequence[Value], name: str) -> Value:
        column = self._keys.get(name)
        return cells[column.at] if column is not None and column.at < len(cells) else None

    def _row(self, line: int, cells: Sequence[Value]) -> list[Figure]:
        if tuple(text_of(cell) for cell in cells) in self._layout.heading:
            return []  # printed again at the top of a page
        if self._is_footer(line, cells):
            return []
        code, device = self._code(line, cells, "point"), self._code(line, cells, "device")
        name = text_of(self._cell(cells, "name"))
        if self._layout.of_points and not code and not device:
            code = self._held("point", cells) if self._keys["period"] is not None else ""
            device = self._held("device", cells) if self._keys["period"] is not None else ""
            if not code and not device:
                self._notes.add(line, f"行无编码，未读 a row without a code was not read: {_shown(cells)}")
                return []
        elif self._layout.of_points:
            self._above["point"], self._above["device"] = code, device
        if not self._layout.of_points and self._keys["phase"] is None and name and not self._phased():
            code = name  # nothing but a name: it can only be shown as a stranger
        period = self._cell(cells, "period")
        if is_empty(period):
            period = self._above.get("period")
        self._above["period"] = period
        phase = self._phase(cells)
        made: list[Figure] = []
        for (when, named), columns in self._groups.items():
            label = self._label(line, when, period)
            figure = self._figure(line, cells, columns, of_point=bool(code or device))
            if figure is None:
                continue
            if label is None:
                self.undated.append(line)
            elif label:
                made.append(
                    Figure(
                        named or phase,
                        code,
                        device,
                        name if name != code else "",
                        label,
                        figure.num,
                        figure.den,
                        figure.unit,
                        figure.points,
                        figure.text,
                        line,
                        self._sha,
                    )
                )
        return made

    def _phased(self) -> bool:
        return bool(self._default.phase) or any(phase for _, phase in self._groups)

    def _held(self, name: str, cells: Sequence[Value]) -> str:
        filled = any(not is_empty(cells[c.at]) for c in self._layout.figures if c.at < len(cells))
        return text_of(self._above.get(name)) if filled else ""

    def _phase(self, cells: Sequence[Value]) -> str:
        value = self._cell(cells, "phase")
        if is_empty(value):
            value = self._above.get("phase")
        self._above["phase"] = value
        if is_empty(value):
            return self._default.phase
        return self._words.phase_of(text_of(value)) or text_of(value)

    def _code(self, line: int, cells: Sequence[Value], name: str) -> str:
        value = self._cell(cells, name)
        if is_empty(value):
            return ""
        said: list[str] = []
        text = code_of(value, lambda message, *_: said.append(message))
        for message in said:
            self._notes.add(line, f"{message}: {text_of(value)}")
        return (text if text is not None else text_of(value))[:100]

    def _label(self, line: int, when: When | None, period: Value) -> str | None:
        """Return the figure's period, None if no year or period is known, "" if the cell cannot be read."""
        if when is None and not is_empty(period):
            when = when_of(period)
            if when is None:
                self._notes.add(line, f"看不懂的期间，未读 not a month or quarter, not read: {text_of(period)[:40]}")
                return ""
        when = when or self._default.when
        return None if when is None else when.label(self._default.year)

    def _figure(
        self, line: int, cells: Sequence[Value], columns: dict[Field, Column], *, of_point: bool
    ) -> Made | None:
        values = {
            name: (column, cells[column.at] if column.at < len(cells) else None) for name, column in columns.items()
        }
        try:
            made = make_figure(values, self._manner, of_point=of_point)
        except NoFigureError as error:
            names = "、".join(column.name for column, value in values.values() if not is_empty(value))
            self._notes.add(line, f"{names}：{error}")
            return None
        if made is None:
            shown = [text_of(value) for _, value in values.values()]
            if any(shown):
                self._notes.add(line, f"无数 no figure: {'、'.join(filter(None, shown))[:60]}")
            return None
        if made.doubt:
            self._notes.add(line, made.doubt)
        self._add_up(columns, values)
        return made

    def _add_up(self, columns: dict[Field, Column], values: dict[Field, tuple[Column, Value]]) -> None:
        for name in ("due", "online", "offline"):
            if name in columns and (number := bare_number(values[name][1])) is not None:
                self._sums[columns[name].when, columns[name].phase][name] += int(number)

    def _is_footer(self, line: int, cells: Sequence[Value]) -> bool:
        """Know rows below (or between) the figures: totals and who filled the table in. They are noted, not read."""
        coded = not is_empty(self._cell(cells, "point")) or not is_empty(self._cell(cells, "device"))
        keys = [self._cell(cells, name) for name in self._keys]
        first = next((cell for cell in cells if not is_empty(cell)), None)
        texts = [text_of(cell) for cell in (keys if coded else [*keys, first]) if isinstance(cell, str)]
        if any(TOTAL.match(text.replace(" ", "")) for text in texts):
            self._notes.add(line, f"合计行，未读 a row of totals, not read: {_shown(cells)}{self._unequal(cells)}")
            return True
        plain = [text.replace(" ", "") for text in texts]
        if any(SIGNATURE.match(text) for text in plain) or (self._ended and not coded and self._no_figures(cells)):
            self._ended = True
            self._notes.add(line, f"表尾 footer: {_shown(cells)}")
            return True
        return False

    def _no_figures(self, cells: Sequence[Value]) -> bool:
        return all(is_empty(cells[c.at]) for c in self._layout.figures if c.at < len(cells))

    def _unequal(self, cells: Sequence[Value]) -> str:
        """Say where a row of totals is not the sum of the rows above it."""
        wrong = []
        for (when, phase), columns in self._groups.items():
            for name, summed in self._sums.get((when, phase), {}).items():
                column = columns.get(name)
                printed = bare_number(cells[column.at]) if column is not None and column.at < len(cells) else None
                if printed is not None and column is not None and Fraction(printed) != summed:
                    wrong.append(f"{column.name} {printed} ≠ {summed}")
        return f"；与各行之和不符 not the sum of the rows: {'，'.join(wrong)}" if wrong else ""


def _shown(cells: Sequence[Value]) -> str:
    return " | ".join(text for text in (text_of(cell) for cell in cells) if text)[:120]
