"""How probable a count is by chance alone: tails of the beta-binomial and the gamma-Poisson, for arrays.

A tail is not summed: its first term is known in closed form, the terms after it fall at least as fast as
a geometric series, and the sum of that series bounds the tail from above. So a probability given here is
never too small, and far out, where verdicts are made, hardly too large (`tests/unit/test_chance.py` holds
both against exact fractions).

*Evidence* is what verdicts store: 1000 · -log10 of the probability, cut to a whole number. 6,300 means
one in two million. An integer, because reasons are compared byte by byte.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_SHIFT = 8  # Stirling's series is exact to double precision from here on
_STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188)
EVIDENCE_UNITS = 1000
MOST_EVIDENCE = 300_000  # one in 10^300; past it a double has no smaller number


def log_gamma(x: Floats) -> Floats:
    """The natural logarithm of Γ(x) for x > 0: Stirling's series after the recurrence Γ(x+1) = x·Γ(x)."""
    product, shifted = np.ones_like(x), x.astype(np.float64)
    for _ in range(_SHIFT):
        low = shifted < _SHIFT
        product = np.where(low, product * shifted, product)
        shifted = np.where(low, shifted + 1, shifted)
    inverse = 1 / shifted
    series = np.zeros_like(shifted)
    for coefficient in reversed(_STIRLING):
        series = series * inverse * inverse + coefficient
    stirling = (shifted - 0.5) * np.log(shifted) - shifted + 0.5 * np.log(2 * np.pi) + series * inverse
    result: Floats = stirling - np.log(product)
    return result


def log_beta(a: Floats, b: Floats) -> Floats:
    """The natural logarithm of the beta function."""
    return log_gamma(a) + log_gamma(b) - log_gamma(a + b)


def at_least(count: Floats, trials: Floats, a: Floats, b: Floats) -> Floats:
    """Bound ln P(X ≥ count), X beta-binomial of `trials` with a share drawn from Beta(a, b).

    Terms t(k) follow t(k+1)/t(k) = (n-k)(k+a) / ((k+1)(n-k-1+b)); its two factors fall with k (or stay
    below 1 where a < 1), so the ratio at `count` bounds all that follow. Where b < 1 it says nothing: 1.
    """
    first = (
        log_gamma(trials + 1)
        - log_gamma(count + 1)
        - log_gamma(trials - count + 1)
        + log_beta(count + a, trials - count + b)
        - log_beta(a, b)
    )
    left = trials - count
    ratio = left / np.maximum(left - 1 + b, 1e-300) * np.maximum((count + a) / (count + 1), 1)
    return _geometric(first, ratio)


def at_most(count: Floats, mean: Floats, shape: Floats) -> Floats:
    """Bound ln P(X ≤ count), X Poisson with a gamma rate of this mean and shape (variance mean²/shape)."""
    q = mean / (mean + shape)
    first = (
        log_gamma(count + shape)
        - log_gamma(count + 1)
        - log_gamma(shape)
        + shape * np.log1p(-q)
        + count * np.log(q)
    )
    # t(k-1)/t(k) = k / ((k-1+shape)·q) grows with k for shape ≥ 1, so going down it only falls.
    return _geometric(first, count / np.maximum((count - 1 + shape) * q, 1e-300))


def evidence(log_probability: Floats) -> NDArray[np.int64]:
    """1000 · -log10 of a probability given as its natural logarithm, cut."""
    units = np.floor(log_probability * (-EVIDENCE_UNITS / np.log(10)))
    cut: NDArray[np.int64] = np.clip(units, 0, MOST_EVIDENCE).astype(np.int64)
    return cut


def _geometric(log_first: Floats, ratio: Floats) -> Floats:
    """The logarithm of first/(1 - ratio), at most 0; a ratio of 1 or more bounds nothing."""
    falls = ratio < 1
    rest = np.log1p(-np.where(falls, ratio, 0.0))
    return np.where(falls, np.minimum(log_first - rest, 0.0), 0.0)
