"""Who reads the windows beside the thread that moves them finds them as after a committed minute."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from threading import Event, Thread
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from baselines.merchants.windows import Windows
from pipeline.history.standing import Standing
from pipeline.judge.hold import Past
from pipeline.minute import MINUTE, to_index
from pipeline.packs.merchants import PACK
from pipeline.packs.merchants.schema import MERCHANT_MINUTE

NOON = datetime(2026, 3, 20, 3, tzinfo=UTC)
LAST = to_index(NOON)
#: Looks at rows each second: of its windows a copy is made a minute. What it does with them is not asked.
WATCHING = dataclasses.replace(PACK, watch=object(), together=None)  # type: ignore[arg-type]


def rows(number: int, minute: datetime) -> pl.DataFrame:
    """One approval of each of some merchants, the last first."""
    frame = pl.DataFrame({"merchant_id": [f"M{n}" for n in reversed(range(number))]})
    counts = [pl.lit(1).alias(name) for name in list(MERCHANT_MINUTE)[2:]]
    return frame.select(pl.lit(minute).alias("minute"), "merchant_id", *counts).cast(MERCHANT_MINUTE)


@pytest.fixture
def windows() -> Windows:
    made = Windows(ZoneInfo("Asia/Seoul"), 7)
    made.add(NOON, rows(3, NOON))
    return made


def counted(frame: pl.DataFrame | None) -> list[tuple[str, int]]:
    assert frame is not None
    return frame.select("merchant_id", "hour_approval_count").rows()


def test_what_is_usual_is_that_of_the_committed_minute_and_moves_no_more(windows: Windows) -> None:
    standing = Standing(PACK)
    assert standing.newest() is None
    standing.keep(windows, Past())
    before = standing.newest()
    assert before is not None
    found = before.usual()
    windows.add(NOON + MINUTE, rows(5, NOON))  # judged, and not committed yet
    newest = standing.newest()
    assert newest is not None
    assert newest.last == LAST
    after = newest.usual()
    three = [("M0", 1), ("M1", 1), ("M2", 1)]
    assert counted(found) == three, "and sorted"
    assert [row for row in counted(after) if row[1]] == three
    assert after is not None
    assert after["minute"].unique().to_list() == [NOON]
    standing.keep(windows, Past())
    newest = standing.newest()
    assert newest is not None
    assert counted(newest.usual()) == [("M0", 2), ("M1", 2), ("M2", 2), ("M3", 1), ("M4", 1)]


def test_nobody_reads_while_they_move(windows: Windows) -> None:
    standing, read = Standing(PACK), Event()
    standing.keep(windows, Past())
    newest = standing.newest()
    assert newest is not None

    def look() -> None:
        newest.usual()
        read.set()

    with standing.moving:
        Thread(target=look).start()
        assert not read.wait(0.1)
    assert read.wait(10)


def test_windows_of_a_minute_long_ago_are_not_known(windows: Windows) -> None:
    standing = Standing(PACK)
    standing.keep(windows, Past())
    newest = standing.newest()
    assert newest is not None
    for n in range(1, 6):
        windows.add(NOON + n * MINUTE, rows(1, NOON))
    assert newest.usual() is None
    standing.drop()
    assert (standing.newest(), standing.windows()) == (None, None)


def test_a_pack_that_looks_each_second_has_a_copy_that_stands(windows: Windows) -> None:
    standing = Standing(WATCHING)
    windows.add(NOON + MINUTE, rows(1, NOON))
    standing.keep(windows, Past())
    kept = standing.windows()
    windows.add(NOON + 2 * MINUTE, rows(1, NOON))
    assert kept is standing.windows()
    assert kept is not None
    assert kept.last == LAST + 1
    standing.cut(LAST + 2)
    assert standing.windows() is kept, "it stands before the minutes that have become others"
    standing.cut(LAST + 1)
    back = standing.windows()
    assert back is not None
    assert back.last == LAST
    standing.cut(LAST)
    assert standing.windows() is None, "nothing was held before the first minute of all"
