"""Probabilities of chance against exact fractions: never too small, and close where verdicts are made."""

from __future__ import annotations

import math
from fractions import Fraction
from math import comb, factorial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from baselines.chance import (
    MOST_EVIDENCE,
    Z_90,
    at_least,
    at_most,
    evidence,
    log_gamma,
    wilson_interval,
    wilson_intervals,
)


def one(value: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return np.array([float(value)])


def beta(a: int, b: int) -> Fraction:
    return Fraction(factorial(a - 1) * factorial(b - 1), factorial(a + b - 1))


def exact_at_least(count: int, trials: int, a: int, b: int) -> Fraction:
    terms = (comb(trials, k) * beta(k + a, trials - k + b) for k in range(count, trials + 1))
    return sum(terms, Fraction(0)) / beta(a, b)


def exact_at_most(count: int, mean: Fraction, shape: int) -> Fraction:
    q = mean / (mean + shape)
    return sum(
        (comb(k + shape - 1, k) * (1 - q) ** shape * q**k for k in range(count + 1)), start=Fraction(0)
    )


@pytest.mark.parametrize("x", [1e-6, 0.1, 0.5, 1.0, 1.5, 2.0, 7.999, 8.0, 100.25, 1e6, 1e12])
def test_log_gamma_agrees_with_the_standard_library(x: float) -> None:
    assert log_gamma(one(x))[0] == pytest.approx(math.lgamma(x), rel=1e-12, abs=1e-12)


@given(trials=st.integers(1, 80), count=st.integers(0, 80), a=st.integers(1, 12), b=st.integers(1, 200))
def test_a_tail_of_the_beta_binomial_is_bounded_from_above(trials: int, count: int, a: int, b: int) -> None:
    count = min(count, trials)
    exact = float(exact_at_least(count, trials, a, b))
    bound = math.exp(at_least(one(count), one(trials), one(a), one(b))[0])
    assert exact <= bound * (1 + 1e-9)
    assert bound <= 1
    if exact < 1e-3:
        assert bound <= 1.6 * exact


@given(count=st.integers(0, 60), mean=st.integers(1, 300), shape=st.integers(1, 60))
def test_a_lower_tail_of_the_gamma_poisson_is_bounded_from_above(count: int, mean: int, shape: int) -> None:
    exact = float(exact_at_most(count, Fraction(mean), shape))
    bound = math.exp(at_most(one(count), one(mean), one(shape))[0])
    assert exact <= bound * (1 + 1e-9)
    assert bound <= 1
    if exact < 1e-3:
        assert bound <= 1.6 * exact


def test_evidence_is_a_thousandth_of_a_power_of_ten_cut_to_a_whole_number() -> None:
    logs = np.log(np.array([1.0, 0.0999, 0.0100001, 0.99e-6]))
    assert evidence(logs).tolist() == [0, 1000, 1999, 6004]
    assert evidence(np.array([-np.inf, 0.5])).tolist() == [MOST_EVIDENCE, 0]


def test_a_share_that_is_almost_all_cancels_gives_no_evidence_instead_of_nonsense() -> None:
    assert at_least(one(3), one(5), one(5), one(0.2))[0] == 0
    assert np.isfinite(at_least(one(5), one(5), one(5), one(1.0))[0])


@pytest.mark.parametrize(("part", "whole"), [(0, 20), (5, 20), (19, 20), (20, 20)])
def test_wilsons_interval_ends_where_the_share_lies_z_deviations_off(part: int, whole: int) -> None:
    for z in (Z_90, 1.959963984540054):
        for end in wilson_interval(part, whole, z):
            off = abs(part / whole - end)
            at_end = end in (0.0, 1.0) and off == 0
            assert at_end or off == pytest.approx(z * math.sqrt(end * (1 - end) / whole))
    assert wilson_interval(part, whole) == wilson_interval(part, whole, 1.959963984540054)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 50)), min_size=1, max_size=20))
def test_many_wilson_intervals_are_each_the_one_of_its_share(counts: list[tuple[int, int]]) -> None:
    parts, wholes = [min(part, whole) for part, whole in counts], [whole for _, whole in counts]
    shares = np.array(parts) / np.array(wholes)
    low, high = wilson_intervals(shares, np.array(wholes, np.int64))
    expected = [wilson_interval(part, whole) for part, whole in zip(parts, wholes, strict=True)]
    assert np.allclose(np.stack([low, high], axis=1), expected, atol=1e-12)


def test_no_trial_and_no_share_have_no_interval() -> None:
    low, high = wilson_intervals(np.array([0.0, np.nan, 1.0]), np.array([0, 5, 0], np.int64))
    assert np.isnan(low).all()
    assert np.isnan(high).all()
