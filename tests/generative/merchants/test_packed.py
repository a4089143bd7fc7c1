"""Packed columns give back every number, in no more bytes than the largest of their piece asks."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from baselines.merchants.packed import Columns, Packed, narrow, pack
from baselines.merchants.slices import Block, Slice

EDGES = [s * (2**n + d) for n in (0, 7, 8, 15, 16, 31, 32, 62) for d in (-1, 0, 1) for s in (1, -1)]
numbers = st.one_of(st.integers(0, 9), st.sampled_from([*EDGES, 2**63 - 1, -(2**63)]))
pieces = st.lists(st.lists(st.tuples(numbers, numbers), max_size=4), min_size=1, max_size=6)


def columns(found: list[list[tuple[int, int]]]) -> Columns:
    flat = np.array([row for piece in found for row in piece], np.int64).reshape(-1, 2)
    return Columns((flat[:, 0], flat[:, 1]), np.cumsum([0, *map(len, found)]))


def values(packed: Packed, first: int) -> list[tuple[int, int]]:
    one, two = packed.column(first), packed.column(first + 1)
    assert one.dtype == two.dtype == np.int64
    return list(zip(one.tolist(), two.tolist(), strict=True))


def bytes_of(column: list[int]) -> int:
    low, high = min(column, default=0), max(column, default=0)
    dtypes = ("b", "h", "i", "q") if low < 0 else ("B", "H", "I", "q")
    fits = (np.dtype(t) for t in dtypes if np.iinfo(t).min <= low and high <= np.iinfo(t).max)
    return next(fits).itemsize * len(column)


@given(pieces, st.data())
def test_every_number_comes_back(found: list[list[tuple[int, int]]], data: st.DataObject) -> None:
    few = data.draw(
        st.lists(st.lists(st.tuples(numbers, numbers), max_size=3), min_size=len(found), max_size=len(found))
    )
    packed = pack(columns(found), columns(few))
    assert [values(piece, 0) for piece in packed] == found
    assert [values(piece, 2) for piece in packed] == few
    for piece, rows, fewer in zip(packed, found, few, strict=True):
        sizes = [bytes_of([row[n] for row in some]) for some in (rows, fewer) for n in range(2)]
        assert len(piece.data) == sum(sizes)
    alone = pack(columns(found))
    assert [values(piece, 0) for piece in alone] == found


@given(st.lists(numbers, max_size=5))
def test_a_whole_column_stays_what_it_is(column: list[int]) -> None:
    found = narrow(np.array(column, np.int64))
    assert found.tolist() == column
    assert found.nbytes == bytes_of(column)


@given(pieces, st.data())
def test_a_minute_that_is_held_reads_as_it_came(
    found: list[list[tuple[int, int]]], data: st.DataObject
) -> None:
    rows = sum(map(len, found))
    sparse = st.lists(st.one_of(st.just(0), numbers), min_size=rows, max_size=rows)
    cancels, given_back = (np.array(data.draw(sparse), np.int64) for _ in range(2))
    part = columns(found)
    whole = Slice.of(np.arange(rows), part.columns[0], cancels, part.columns[1], given_back)
    block = Block(whole, 100, part.borders)
    for n, held in enumerate(block.held()):
        minute = block.minute(100 + n)
        assert minute.held() == held
        for name in ("positions", "approvals", "amounts"):
            assert getattr(held, name).tolist() == getattr(minute, name).tolist()
        for name, column in (("cancelling", minute.cancels), ("given_back", minute.cancel_amounts)):
            there = dict(zip(*(a.tolist() for a in getattr(held, name)), strict=True))
            assert there == dict(zip(*(a.tolist() for a in getattr(minute, name)), strict=True))
            every = dict(zip(minute.positions.tolist(), column.tolist(), strict=True))
            assert {**dict.fromkeys(every, 0), **there} == every
