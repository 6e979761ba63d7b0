"""How often two observers agree, and between which bounds the true share lies: Clopper and Pearson's exact interval.

With k of n agreeing, the lower bound is the p at which k or more of n would come up with probability α/2, the upper one
that at which k or fewer would. Reckoned in whole numbers to six decimals, rounded outwards, so that every machine
prints the same and the interval never promises too much. No I/O, no clock.
"""

from __future__ import annotations

from typing import NamedTuple

MILLION = 1_000_000
CONFIDENCE = (95, 100)
MAX_N = 2_000
"""Numbers grow with n: so many comparisons take well under a second."""


class Interval(NamedTuple):
    """Bounds in millionths."""

    low: int
    high: int


def clopper_pearson(k: int, n: int, confidence: tuple[int, int] = CONFIDENCE) -> Interval | None:
    """Return the exact interval of the share behind k of n, None for n = 0. ValueError unless 0 ≤ k ≤ n ≤ MAX_N."""
    if not 0 <= k <= n <= MAX_N:
        raise ValueError(f"not a share of at most {MAX_N}: {k} of {n}")
    if n == 0:
        return None
    low = 0 if k == 0 else _largest(n - k, n, confidence)
    high = 0 if k == n else _largest(k, n, confidence)
    # k or more at p is n - k or fewer at 1 - p: one search serves both ends, counted from the other side.
    return Interval(0 if k == 0 else MILLION - low, MILLION if k == n else high)


def _largest(k: int, n: int, confidence: tuple[int, int]) -> int:
    """Return the least p, in millionths, at which k or fewer of n have a probability of at most α/2."""
    low, high = 0, MILLION
    while high - low > 1:
        middle = (low + high) // 2
        if _rare(k, n, middle, confidence):
            high = middle
        else:
            low = middle
    return high


def _rare(k: int, n: int, p: int, confidence: tuple[int, int]) -> bool:
    """Tell whether k or fewer of n have a probability of at most α/2 at a share of p millionths."""
    part, whole = confidence
    q = MILLION - p
    term = q**n
    tail = term
    for i in range(k):
        term = term * (n - i) * p // ((i + 1) * q)  # C(n, i) pⁱ qⁿ⁻ⁱ is whole for every i: the division leaves nothing
        tail += term
    rare: bool = 2 * whole * tail <= (whole - part) * MILLION**n
    return rare
