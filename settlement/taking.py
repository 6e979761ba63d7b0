"""How deductions come off a fee: by point and by component, never more than is there, in exact fractions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from fractions import Fraction

from settlement.charges import ZERO
from settlement.grounds import Grounds, Left, Months

WHOLE = ("",)
"""The one component of a price that the contract does not break down."""
Parts = dict[str, Fraction]


def spread(amount: Fraction, weights: Mapping[str, Fraction], room: Mapping[str, Fraction]) -> Parts:
    """Spread an amount by weight, no part beyond its room; what one part cannot take goes to the others.

    The parts add up to the amount, or to all the room there is.
    """
    if len(weights) == 1:
        ((name, there),) = room.items()
        return {name: min(amount, there)}
    open_parts = {name for name, weight in weights.items() if weight and room[name] > 0}
    done: Parts = {}
    left = amount
    while open_parts and left > 0:
        whole = sum((weights[name] for name in open_parts), ZERO)
        full = {name for name in open_parts if left * weights[name] >= room[name] * whole}
        if not full:
            done.update((name, left * weights[name] / whole) for name in open_parts)
            break
        for name in full:
            done[name] = room[name]
        left -= sum((room[name] for name in full), ZERO)
        open_parts -= full
    return done


class Account:
    """A window's fee, by component, and what has been taken off it so far; for single points only where a rule took."""

    def __init__(self, grounds: Grounds, months: Months, left: Left, *, scoped: bool) -> None:
        """`scoped` tells whether a per-point rule is limited to components: points are then kept component by component."""
        self._grounds, self.months = grounds, months
        self._scoped = scoped
        self.fees: Parts = grounds.basis.component_fees(months) or {"": grounds.basis.fee(months)}
        self.taken: Parts = dict.fromkeys(self.fees, ZERO)
        self.left = frozenset((code, n) for code, n in left if n in months)
        self.pool: Parts = {name: grounds.pool_fee(months, self.left, _scope(name)) for name in self.fees}
        self.pool_fee = sum(self.pool.values(), ZERO)
        self.pool_taken: Parts = dict.fromkeys(self.fees, ZERO)
        self.by_point: dict[str, Fraction] = defaultdict(Fraction)
        self.fines: dict[str, Fraction] = defaultdict(Fraction)
        self._rooms: dict[tuple[str, int], Parts] = {}
        self._unsplit: dict[tuple[int, int], Fraction] = defaultdict(Fraction)

    def _names(self, components: Sequence[str]) -> list[str]:
        return [name for name in self.fees if not components or name in components or name == ""]

    def _cell(self, code: str, month: int) -> tuple[Parts, Parts]:
        """One point's month: its fee by component, or whole where no rule needs more, and what is still there."""
        names = self.fees if self._scoped else WHOLE
        fees = {name: self._grounds.point_fee(code, (month,), _scope(name)) for name in names}
        return fees, self._rooms.setdefault((code, month), dict(fees))

    def take_from_point(self, code: str, months: Months, amount: Fraction, components: Sequence[str]) -> Fraction:
        """Take from one point's own fee in some months; returns what there was to take.

        All of this comes before anything else is taken, so that a point's own fee is the only limit.
        """
        weights, room = {}, {}
        for n in months:
            if n in self.months:
                fees, rooms = self._cell(code, n)
                for name in self._names(components) if self._scoped else WHOLE:
                    weights[f"{n}{name}"], room[f"{n}{name}"] = fees[name], rooms[name]
        total = ZERO
        for key, part in spread(amount, weights, room).items():
            n, name = int(key[0]), key[1:]
            self._rooms[code, n][name] -= part
            total += part
            if self._scoped:
                self.taken[name] += part
            else:
                self._unsplit[self._grounds.place(code), n] += part
        self.by_point[code] += total
        return total

    def _split(self) -> None:
        """Give what was taken from whole points to their components, by each lot's own price."""
        for (place, month), amount in self._unsplit.items():
            lot = self._grounds.basis.lots[place]
            whole = lot.fee(month)
            for name in self.fees:
                self.taken[name] += amount * lot.fee(month, _scope(name)) / whole
        self._unsplit.clear()

    def take_from_pool(self, amount: Fraction, components: Sequence[str]) -> Fraction:
        """Take from the pool as a whole; returns what there was to take."""
        self._split()
        names = self._names(components)
        room = {n: min(self.pool[n] - self.pool_taken[n], self.fees[n] - self.taken[n]) for n in names}
        parts = spread(amount, {name: self.pool[name] for name in names}, room)
        for name, part in parts.items():
            self.pool_taken[name] += part
            self.taken[name] += part
        return sum(parts.values(), ZERO)

    def take(self, amount: Fraction, components: Sequence[str], code: str = "") -> Fraction:
        """Take from the phase as a whole; `code` names the point that it is for. Returns what there was to take."""
        self._split()
        names = self._names(components)
        room = {name: self.fees[name] - self.taken[name] for name in names}
        parts = spread(amount, {name: self.fees[name] for name in names}, room)
        for name, part in parts.items():
            self.taken[name] += part
        total = sum(parts.values(), ZERO)
        if code:
            self.fines[code] += total
        return total

    @property
    def fee(self) -> Fraction:
        """The window's full fee."""
        return sum(self.fees.values(), ZERO)

    @property
    def payable(self) -> Fraction:
        """What is left of it."""
        self._split()
        return self.fee - sum(self.taken.values(), ZERO)

    @property
    def by_component(self) -> tuple[tuple[str, Fraction], ...]:
        """What is left of each component; empty where the contract prints none."""
        self._split()
        return tuple((name, self.fees[name] - self.taken[name]) for name in self.fees if name)

    def point_payables(self) -> tuple[dict[str, Fraction], list[Fraction]]:
        """Spread what is payable over the points: exact fen of each touched point, and of one other point of each lot.

        A point bears its own deductions, then the pool's by its fee in the pool, then its fines as far as its fee reaches;
        everything else is borne by all in proportion to what they still have.
        """
        share = sum(self.pool_taken.values(), ZERO) / self.pool_fee if self.pool_fee else ZERO
        grounds, months = self._grounds, self.months
        touched = {code for code, _ in self.left} | set(self.by_point) | set(self.fines)
        own: dict[str, Fraction] = {}
        for code in touched:
            if code in grounds.lots:
                inside = grounds.point_fee(code, tuple(n for n in months if (code, n) not in self.left))
                left = grounds.point_fee(code, months) - self.by_point.get(code, ZERO) - inside * share
                own[code] = max(ZERO, left - self.fines.get(code, ZERO))
        others = [sum((lot.fee(n) for n in months), ZERO) * (1 - share) for lot in grounds.basis.lots]
        counts = [lot.points - sum(code in own for code in lot.codes) for lot in grounds.basis.lots]
        have = sum(own.values(), ZERO) + sum((n * fee for n, fee in zip(counts, others, strict=True)), ZERO)
        factor = self.payable / have if have else ZERO
        if factor == 1:
            return own, others
        return {code: fee * factor for code, fee in own.items()}, [fee * factor for fee in others]


def _scope(name: str) -> tuple[str, ...]:
    return (name,) if name else ()
