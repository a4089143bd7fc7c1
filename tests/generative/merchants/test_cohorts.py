"""Tied cancels in hour and week, however the minutes came in, against plain sums."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from baselines.merchants.cohorts import Cohorts, Tied
from pipeline.minute import HOUR_MINUTES, WEEK_MINUTES

MERCHANTS = 3
LAST = 20_000
#: Minutes before the last one at which a row changes its window, and their neighbours.
EDGES = [e + d for e in (0, HOUR_MINUTES, HOUR_MINUTES + WEEK_MINUTES) for d in (-2, -1, 0, 1, 2)]

minutes = st.one_of(st.sampled_from([LAST - e for e in EDGES if e >= 0]), st.integers(LAST - 11_000, LAST))
rows = st.dictionaries(
    st.tuples(minutes, st.integers(0, MERCHANTS - 1)),
    st.tuples(st.integers(0, 4), st.integers(0, 4)).filter(any),
    min_size=10,
    max_size=40,
)
Rows = dict[tuple[int, int], tuple[int, int]]


def tied(found: Rows, first: int, end: int) -> tuple[Tied, np.ndarray]:
    inside = sorted((key, counts) for key, counts in found.items() if first <= key[0] < end)
    columns = np.array([(m, p, *c) for (m, p), c in inside], np.int64).reshape(-1, 4)
    return Tied(*columns.T[1:]), np.searchsorted(columns[:, 0], np.arange(first, end + 1))


def plain(found: Rows, first: int, end: int) -> list[tuple[int, int]]:
    mine = [[c for (m, p), c in found.items() if p == n and first <= m < end] for n in range(MERCHANTS)]
    return [(sum(f for f, _ in one), sum(o for _, o in one)) for one in mine]


@settings(max_examples=60, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(found=rows, single=st.integers(0, 70), cut=st.integers(1, 10_000))
def test_hour_and_week_are_plain_sums_after_every_way_in(found: Rows, single: int, cut: int) -> None:
    """Two stretches without and with a copy between, then `single` minutes one by one."""
    first, filled = LAST - 11_000, LAST + 1 - single
    cohorts = Cohorts()
    cohorts.grow(MERCHANTS)
    for start, end in pairwise([first, filled - cut, filled]):
        cohorts.fill(start, *tied(found, start, end))
        cohorts.settle(end - 1)
    before, cohorts = cohorts, cohorts.copy()
    for index in range(filled, LAST + 1):
        cohorts.enter(index, tied(found, index, index + 1)[0])
    for held, last in ((before, filled - 1), (cohorts, LAST)):
        hour = last + 1 - HOUR_MINUTES
        for totals, begin, end in ((held.hour, hour, last + 1), (held.week, hour - WEEK_MINUTES, hour)):
            sums = list(zip(totals.fresh.tolist(), totals.older.tolist(), strict=True))
            assert sums[:MERCHANTS] == plain(found, begin, end)
