"""How probable a count is by chance alone: tails of the beta-binomial and the gamma-Poisson, for arrays.

A tail is not summed: its first term is known in closed form, the terms after it fall at least as fast as
a geometric series, and the sum of that series bounds the tail from above. So a probability given here is
never too small, and far out, where verdicts are made, hardly too large (`tests/unit/test_chance.py` holds
both against exact fractions).

*Evidence* is what verdicts store: 1000 · -log10 of the probability, cut to a whole number. 6,300 means
one in two million. An integer, because reasons are compared byte by byte.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_SHIFT = 8  # Stirling's series is exact to double precision from here on
_STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188)
_Z95 = 1.959963984540054  # of a normal deviate, 95 % lie within so many standard deviations
Z_90 = 1.6449  # and 90 %; four places, as what is published was found by it
EVIDENCE_UNITS = 1000
MOST_EVIDENCE = 300_000  # one in 10^300; past it a double has no smaller number


def log_gamma(x: Floats) -> Floats:
    """The natural logarithm of Γ(x) for x > 0: Stirling's series after the recurrence Γ(x+1) = x·Γ(x)."""
    product = x.astype(np.float64)
    for step in range(1, _SHIFT):
        product = product * (x + step)
    shifted = x + _SHIFT
    inverse = 1 / shifted
    series = np.zeros_like(shifted)
    for coefficient in reversed(_STIRLING):
        series = series * inverse * inverse + coefficient
    stirling = (shifted - 0.5) * np.log(shifted) - shifted + 0.5 * np.log(2 * np.pi) + series * inverse
    result: Floats = stirling - np.log(product)
    return result


def at_least(count: Floats, trials: Floats, a: Floats, b: Floats) -> Floats:
    """Bound ln P(X ≥ count), X beta-binomial of `trials` with a share drawn from Beta(a, b).

    Terms t(k) follow t(k+1)/t(k) = (n-k)(k+a) / ((k+1)(n-k-1+b)); its two factors fall with k (or stay
    below 1 where a < 1), so the ratio at `count` bounds all that follow. Where b < 1 it says nothing: 1.
    """
    left = trials - count
    over = trials + 1, count + a, left + b, a + b
    gammas = log_gamma(np.stack([*over, count + 1, left + 1, trials + a + b, a, b]))
    first = gammas[: len(over)].sum(axis=0) - gammas[len(over) :].sum(axis=0)
    ratio = left / np.maximum(left - 1 + b, 1e-300) * np.maximum((count + a) / (count + 1), 1)
    return _geometric(first, ratio)


def at_most(count: Floats, mean: Floats, shape: Floats) -> Floats:
    """Bound ln P(X ≤ count), X Poisson with a gamma rate of this mean and shape (variance mean²/shape)."""
    q = mean / (mean + shape)
    over, *under = log_gamma(np.stack([count + shape, count + 1, shape]))
    first = over - sum(under) + shape * np.log1p(-q) + count * np.log(q)
    # t(k-1)/t(k) = k / ((k-1+shape)·q) grows with k for shape ≥ 1, so going down it only falls.
    return _geometric(first, count / np.maximum((count - 1 + shape) * q, 1e-300))


def evidence(log_probability: Floats) -> NDArray[np.int64]:
    """1000 · -log10 of a probability given as its natural logarithm, cut."""
    units = np.floor(log_probability * (-EVIDENCE_UNITS / np.log(10)))
    cut: NDArray[np.int64] = np.clip(units, 0, MOST_EVIDENCE).astype(np.int64)
    return cut


def poisson_interval(count: int) -> tuple[float, float]:
    """The exact 95 % interval of a Poisson mean after `count` events (Garwood 1936)."""
    low = _mean_where(count - 1, 0.975) if count else 0.0
    return low, _mean_where(count, 0.025)


def wilson_interval(part: int, whole: int, z: float = _Z95) -> tuple[float, float]:
    """The interval of a share that was `part` of `whole` > 0 (Wilson 1927): 95 %, or that of another `z`."""
    z2, share = z * z, part / whole
    middle = share + z2 / (2 * whole)
    reach = z * math.sqrt(share * (1 - share) / whole + z2 / (4 * whole * whole))
    low, high = ((middle + sign * reach) / (1 + z2 / whole) for sign in (-1, 1))
    return (0.0 if part == 0 else max(low, 0.0)), (1.0 if part == whole else min(high, 1.0))


def wilson_intervals(share: Floats, whole: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """The same for many, by the share itself; nothing (NaN) where `share` is, or where `whole` is 0.

    Where the share is what is usual, it is how far that of `whole` may lie from it by chance.
    """
    trials = np.where(whole > 0, whole, np.nan)
    held = np.minimum(share, 1.0)
    z2 = _Z95 * _Z95
    middle = held + z2 / (2 * trials)
    reach = _Z95 * np.sqrt(held * (1 - held) / trials + z2 / (4 * trials * trials))
    low, high = ((middle + sign * reach) / (1 + z2 / trials) for sign in (-1, 1))
    return np.where(held == 0, 0 * low, np.maximum(low, 0)), np.where(
        held == 1, high * 0 + 1, np.minimum(high, 1)
    )


def _mean_where(count: int, probability: float) -> float:
    """The mean at which a Poisson number is at most `count` with this probability."""
    low, high = 0.0, 10.0 + 2 * count + 10 * math.sqrt(count)
    for _ in range(80):
        middle = (low + high) / 2
        logs = [k * math.log(middle) - middle - math.lgamma(k + 1) for k in range(count + 1)]
        low, high = (middle, high) if math.fsum(map(math.exp, logs)) > probability else (low, middle)
    return high


def _geometric(log_first: Floats, ratio: Floats) -> Floats:
    """The logarithm of first/(1 - ratio), at most 0; a ratio of 1 or more bounds nothing."""
    falls = ratio < 1
    rest = np.log1p(-np.where(falls, ratio, 0.0))
    return np.where(falls, np.minimum(log_first - rest, 0.0), 0.0)
