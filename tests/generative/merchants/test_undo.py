"""Windows go back as they came: every array, and all that follows from it, whatever the minutes brought."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from baselines.merchants.windows import Windows
from baselines.tiers import border as border_of
from baselines.tiers import wanted
from pipeline.minute import DAY_MINUTES, MINUTE, MINUTES_BACK, from_index, to_index
from pipeline.packs.merchants.schema import MERCHANT_MINUTE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
#: A day border, one where the day has 23 hours, one where it has 25, and the middle of a day.
BORDERS = (
    ("Asia/Seoul", datetime(2026, 3, 20, 15, tzinfo=UTC)),
    ("Europe/Berlin", datetime(2026, 3, 29, 22, tzinfo=UTC)),
    ("Europe/Berlin", datetime(2026, 10, 25, 23, tzinfo=UTC)),
    ("Asia/Seoul", datetime(2026, 3, 20, 3, tzinfo=UTC)),
)
COUNTS = [name for name, dtype in MERCHANT_MINUTE.items() if dtype.is_integer()]


def minutes_of(chance: np.random.Generator, first: int, end: int, merchants: int, rows: int) -> pl.DataFrame:
    """Random MERCHANT_MINUTE rows, sorted by minute and merchant."""
    at = pl.Series(chance.integers(first, end, rows) * 60_000_000, dtype=pl.Int64).cast(
        pl.Datetime("us", "UTC")
    )
    ids = pl.Series([f"M{n}" for n in chance.integers(0, merchants, rows)])
    # Most are small, some do not fit a narrow integer, and an amount may be negative.
    columns = {
        name: np.where(
            chance.random(rows) < 0.7, chance.integers(0, 3, rows), chance.integers(0, 70_000, rows)
        )
        for name in COUNTS
    }
    for name in ("approval_amount", "cancel_amount"):
        wide = chance.random(rows) < 0.1
        columns[name] = np.where(wide, chance.integers(-(2**40), 2**40, rows), columns[name])
    frame = pl.DataFrame({"minute": at, "merchant_id": ids, **columns})
    frame = frame.unique(["minute", "merchant_id"], keep="first").sort("minute", "merchant_id")
    return frame.select(list(MERCHANT_MINUTE)).cast(MERCHANT_MINUTE)


def trimmed(array: NDArray[np.int64] | NDArray[np.bool_]) -> list[int]:
    """Without the zeros at the end: room for entities that nobody has counted yet."""
    places = np.flatnonzero(array)
    return array[: places[-1] + 1].tolist() if len(places) else []


def state(windows: Windows) -> dict[str, Any]:
    """Everything that is held, and everything that can be asked."""
    pacing, recent, cohorts = windows.pacing, windows.recent, windows.cohorts
    totals: dict[str, Any] = {"hour": windows.hour, "week": windows.week}
    totals |= {f"span {n}": span for n, span in recent.spans.items()}
    totals |= {f"block {n}": block for n, block in recent._blocks.items()}
    tied = {"hour": cohorts.hour, "week": cohorts.week}
    waiting = windows._ranked.waiting
    return {
        "last": windows.last,
        "totals": {n: (trimmed(t.approvals), trimmed(t.cancels)) for n, t in totals.items()},
        "same hour": [trimmed(row) for row in recent.same_hour],
        "tied": {n: (trimmed(t.fresh), trimmed(t.older)) for n, t in tied.items()},
        "tied minutes": sorted(cohorts._minutes),
        "cancelled": {day: trimmed(amounts) for day, amounts in windows.cancelled._days.items()},
        "today": trimmed(pacing.today),
        "whole": trimmed(pacing.whole),
        "paced": {day: trimmed(paced) for day, paced in pacing.paced_days.items()},
        "days": {day: trimmed(total) for day, total in pacing._day_totals.items()},
        "clock": (pacing.day, pacing.day_end, pacing.used_days, list(pacing._waiting)),
        "tiers": (trimmed(windows.is_top), windows._ranked.at, None if waiting is None else trimmed(waiting)),
        "held": set(windows._slices),
        "everybody": windows._upto.tobytes(),
    }


def history(zone: str, border: datetime, before: int, chance: np.random.Generator) -> Windows:
    """Windows of nine days that end `before` minutes before a border."""
    windows = Windows(ZoneInfo(zone), 7)
    end = border - before * MINUTE
    first = to_index(end) - 9 * DAY_MINUTES
    windows.add_many(from_index(first), end, minutes_of(chance, first, to_index(end), 12, 3_000))
    return windows


def one_minute(chance: np.random.Generator, index: int, merchants: int) -> pl.DataFrame:
    return minutes_of(chance, index, index + 1, merchants, int(chance.integers(0, 12)))


@settings(max_examples=6, phases=PHASES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    border=st.sampled_from(BORDERS),
    before=st.sampled_from([0, 1, 2, 3, 5, 361]),
    added=st.integers(1, MINUTES_BACK + 3),
    seed=st.integers(0, 2**32 - 1),
)
def test_what_was_added_is_undone(border: tuple[str, datetime], before: int, added: int, seed: int) -> None:
    chance = np.random.default_rng(seed)
    windows = history(*border, before, chance)
    states, first = [state(windows)], to_index(border[1]) - before
    plain = [windows.copy()]
    for index in range(first, first + added):
        windows.add(from_index(index), one_minute(chance, index, 12 + 3 * (index - first)))
        states.append(state(windows))
        plain.append(windows.copy())
    known = min(added, MINUTES_BACK)
    for back in range(known + 1):
        there = windows.at(first + added - 1 - back)
        assert there is not None
        assert state(there) == states[added - back]
        minutes = [one_minute(chance, first + added - back + n, 40) for n in range(3)]
        for other in (there, plain[added - back]):
            for n, rows in enumerate(minutes):
                other.add(from_index(first + added - back + n), rows)
        assert state(there) == state(plain[added - back]), "and goes on as if it had never been elsewhere"
    assert windows.at(first + added - 2 - known) is None
    assert windows.at(first + added) is None
    assert state(windows) == states[-1], "copies that go back leave it alone"
    assert [windows.undo() for _ in range(known + 1)] == [True] * known + [False]
    assert state(windows) == states[added - known]


def test_the_first_minute_of_all_is_undone() -> None:
    windows, chance = Windows(ZoneInfo("Asia/Seoul"), 7), np.random.default_rng(1)
    nothing = state(windows)
    windows.add(from_index(1_000), minutes_of(chance, 1_000, 1_001, 5, 9))
    assert windows.undo()
    assert state(windows) == nothing
    windows.add(from_index(500), minutes_of(chance, 500, 501, 5, 9))  # nothing says any more where it was


def tops(windows: Sequence[Windows]) -> set[str]:
    return {m for w in windows for m, top in zip(w.entities.ids, w.is_top, strict=True) if top}


def rank(shards: Sequence[Windows]) -> None:
    count = wanted(sum(shard.waiting or 0 for shard in shards))
    last = border_of([shard.candidates(count) for shard in shards], count)
    for shard in shards:
        shard.rank(last)


def test_shards_rank_as_one_does() -> None:
    """After a rebuild, at a day's start, and once more where they went back behind it."""
    chance, zone = np.random.default_rng(5), ZoneInfo("Asia/Seoul")
    day = to_index(datetime(2026, 3, 20, 15, tzinfo=UTC))
    rows = minutes_of(chance, day - 9 * DAY_MINUTES, day, 400, 9_000)
    newest = minutes_of(chance, day, day + 1, 400, 50)
    odd = pl.col("merchant_id").str.slice(1).cast(pl.Int64) % 2 == 1
    whole, shards = Windows(zone, 7), [Windows(zone, 7, alone=False) for _ in range(2)]
    every = list(zip([whole, *shards], [pl.lit(value=True), odd, ~odd], strict=True))
    for windows, own in every:
        windows.fill(from_index(day - 9 * DAY_MINUTES), from_index(day), rows.filter(own))
        windows.settle()
    rank(shards)
    assert tops(shards) == tops([whole])
    for windows, own in every:
        windows.add(from_index(day), newest.filter(own))
    for _ in range(2):
        assert tops(shards) != tops([whole]), "who was top the day before stays so until they are told"
        rank(shards)
        assert [shard.waiting for shard in (whole, *shards)] == [None] * 3
        assert tops(shards) == tops([whole])
        assert len(tops(shards)) == 4
        for windows, own in every[1:]:
            assert windows.undo()
            assert windows.waiting is None
            windows.add(from_index(day), newest.filter(own))
