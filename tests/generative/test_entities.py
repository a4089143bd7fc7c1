"""Positions of ids, against a plain dictionary."""

from __future__ import annotations

import copy
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from baselines import places
from baselines.entities import EntityIndex
from baselines.numbers import usual_numbers

if TYPE_CHECKING:
    from collections.abc import Sequence

LARGEST = 2**63 - 1
NUMBERS = st.one_of(
    st.integers(0, 30), st.integers(-LARGEST - 1, LARGEST), st.integers(-40, 40).map(lambda n: n << 57)
)
#: What reads as a number, or nearly so, beside its usual form.
ALIKE = st.builds(
    "{}{}{}".format,
    st.sampled_from(("", "+", "-", " ", "0", "00", "-0", "--")),
    NUMBERS,
    st.sampled_from(("", "", " ", "e1", ".0", "\n")),
)
IDS = st.one_of(
    NUMBERS.map(str), ALIKE, st.text(max_size=4), st.sampled_from(("M00012", "가맹점-1", "١", "1"))
)
#: Of all numbers, of anything, and of numbers before anything else.
BATCHES = st.one_of(
    st.lists(st.lists(NUMBERS.map(str), max_size=30), max_size=8),
    st.lists(st.lists(IDS, max_size=30), max_size=8),
    st.tuples(st.lists(NUMBERS.map(str), max_size=30), st.lists(IDS, max_size=9)).map(list),
)


class Plain:
    """The oracle."""

    def __init__(self) -> None:
        self.places: dict[str, int] = {}

    def positions(self, ids: Sequence[str]) -> list[int]:
        return [self.places.setdefault(one, len(self.places)) for one in ids]


def series(ids: Sequence[str]) -> pl.Series:
    return pl.Series("merchant_id", ids, dtype=pl.String)


def numbers_of(ids: Sequence[str]) -> list[int | None]:
    """Each id's number, where writing that gives the id again."""
    found: list[int | None] = []
    for one in ids:
        digits = one.removeprefix("-")
        number = int(one) if digits.isascii() and digits.isdecimal() else None
        usual = number is not None and str(number) == one and -LARGEST - 1 <= number <= LARGEST
        found.append(number if usual else None)
    return found


@given(BATCHES, st.booleans())
def test_positions_are_those_of_a_dictionary(batches: list[list[str]], as_numbers: bool) -> None:  # noqa: FBT001 - given
    index, plain = EntityIndex(), Plain()
    for batch in batches:
        unknown = [plain.places.get(one, -1) for one in batch]
        assert index.known(series(batch)).tolist() == unknown
        numbers = numbers_of(batch)
        whole = as_numbers and None not in numbers
        asked = pl.Series(numbers, dtype=pl.Int64) if whole else series(batch)
        assert index.positions(asked).tolist() == plain.positions(batch)
        assert index.ids.to_list() == list(plain.places)
    for one in [*plain.places, "nobody", "-1", "007"]:
        assert index.find(one) == plain.places.get(one)


@pytest.mark.parametrize("many", [False, True])
@given(st.lists(IDS, max_size=40))
@example(["09223372036854775807", "9223372036854775807", "-9223372036854775808", "-09223372036854775808"])
def test_a_number_is_only_what_is_written_so(many: bool, ids: list[str]) -> None:  # noqa: FBT001 - given
    asked = ids * (2_100 // max(len(ids), 1)) if many else ids
    numbers, usual = usual_numbers(series(asked))
    expected = numbers_of(asked)
    assert usual.tolist() == [number is not None for number in expected]
    assert numbers.tolist() == [number or 0 for number in expected]


@pytest.mark.parametrize("text", ["{}", "M{:05}", "가맹점-{:09}", "{:032x}"])
def test_thousands_in_every_order_while_the_table_grows(text: str) -> None:
    chance, index, plain = np.random.default_rng(3), EntityIndex(), Plain()
    for size in (1, 900, 3, 30_000, 2_500, 1, 70_000):
        batch = [text.format(n) for n in chance.integers(0, 50_000, size).tolist()]
        assert index.positions(series(batch)).tolist() == plain.positions(batch)
    assert index.ids.to_list() == list(plain.places)
    assert index.ids.n_chunks() <= 2


@pytest.mark.parametrize("bits", [0, 7 << 61, 2**64 - 2**58])
def test_ids_whose_hashes_are_equal_stay_different(monkeypatch: pytest.MonkeyPatch, bits: int) -> None:
    kept = np.uint64(bits)
    monkeypatch.setattr(places, "_hashed", lambda texts: texts.hash().to_numpy() & kept)
    monkeypatch.setattr(places, "_spread", lambda numbers: numbers.view(np.uint64) << np.uint64(58) & kept)
    for text in ("{}", "M{}"):
        index, plain = EntityIndex(), Plain()
        for first in (0, 100, 50, 0):
            batch = [text.format(n) for n in range(first, first + 150)]
            assert index.positions(series(batch)).tolist() == plain.positions(batch)
        assert index.known(series(["nobody", "M", "1000"])).tolist() == [-1, -1, -1]


def test_a_copy_by_value_learns_by_itself() -> None:
    index = EntityIndex()
    index.positions(series(["1", "2"]))
    other = copy.deepcopy(index)
    first = [str(n) for n in range(10, 900)]
    other.positions(series(first))
    index.positions(series(first[::-1]))
    assert index.find("10") == 891
    assert other.find("10") == 2
    assert other.positions(series(first)).tolist() == list(range(2, 892))


@pytest.mark.parametrize("text", ["{}", "M{}"])
def test_threads_that_learn_at_once_agree(text: str) -> None:
    index = EntityIndex()
    batches = [[text.format(n) for n in range(first, first + 3_000)] for first in range(0, 20_000, 500)]
    with ThreadPoolExecutor(6) as threads:
        found = list(threads.map(lambda batch: index.positions(series(batch)), batches))
    ids = index.ids.to_list()
    assert sorted(ids) == sorted({one for batch in batches for one in batch})
    for batch, positions in zip(batches, found, strict=True):
        assert [ids[position] for position in positions.tolist()] == batch
