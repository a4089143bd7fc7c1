"""Property: the border between shards ranks as one sort of all entities does."""

from __future__ import annotations

import pickle

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from baselines.tiers import border, by_border, candidates, taking_part, wanted

#: Few different numbers of rows and many equal beginnings, so that ids decide.
IDS = st.lists(st.text("01aé한😀", min_size=1, max_size=4), unique=True, max_size=400)


def ranked_by_hand(rows: dict[str, int]) -> set[str]:
    active = [entity for entity, count in rows.items() if count]
    first = sorted(active, key=lambda entity: (-rows[entity], entity.encode()))
    return set(first[: -(-len(active) // 100)])


@given(ids=IDS, seed=st.integers(0, 2**32 - 1), most=st.integers(0, 5), shards=st.integers(1, 5))
def test_shards_find_the_same_top_as_one_sort_of_all(
    ids: list[str], seed: int, most: int, shards: int
) -> None:
    random = np.random.default_rng(seed)
    rows = random.integers(0, most + 1, len(ids))
    every = pl.Series("entity_id", ids, pl.String)
    expected = ranked_by_hand(dict(zip(ids, rows.tolist(), strict=True)))

    count = wanted(taking_part(rows))
    whole = by_border(rows, every, border([candidates(rows, every, count)], count))
    assert set(every.filter(pl.Series(whole, dtype=pl.Boolean))) == expected

    owner = random.integers(0, shards, len(ids))
    places = [np.flatnonzero(owner == shard) for shard in range(shards)]
    assert wanted(sum(taking_part(rows[at]) for at in places)) == count
    named = [candidates(rows[at], every.gather(at), count) for at in places]
    assert all(len(frame) <= count for frame in named)
    last = pickle.loads(pickle.dumps(border(named[::-1], count)))  # noqa: S301 - made here
    for at in places:
        assert np.array_equal(by_border(rows[at], every.gather(at), last), whole[at])
