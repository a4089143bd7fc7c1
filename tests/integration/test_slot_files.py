"""Minutes that are published in files of some slots each, as shards do, are kept equal to the source, too."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from baselines.slots import Slots, among, shares
from pipeline.history import history_of, windows_from
from pipeline.judge.life import Changes
from pipeline.minute import MINUTE, Span, floor_minute
from pipeline.money import EXPOSURE
from pipeline.prove.corrector import Corrector
from pipeline.prove.proof import find_faults
from pipeline.prove.verify import repair_files
from pipeline.store.compact import compact
from pipeline.store.state import Correction
from tests.integration.trade_home import pipeline_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.catch_up import Pipeline
    from tests.integration.trade_home import Trade

NOW = floor_minute(datetime.now(UTC)) - timedelta(minutes=10)
START = NOW - timedelta(minutes=12)
WHOLE = Span(START - timedelta(hours=4), NOW)
SHOPS = [*map(str, range(100, 110)), "shop", "가게", "042"]


@pytest.fixture
def pipeline(trade: Trade, state_url: str, tmp_path: Path) -> Iterator[Pipeline]:
    """Twelve judged minutes of some merchants, two of which surge; a row is set aside in each."""
    with pipeline_of(trade, state_url, tmp_path / "home") as pipeline:
        early = START - timedelta(hours=3)
        for k, shop in enumerate(SHOPS):
            trade.insert(*((1000 * k + n, shop, "APPROVAL", 9, early + n * MINUTE) for n in range(150)))
            trade.insert(*((1000 * k + 200 + n, shop, "APPROVAL", 9, START + n * MINUTE) for n in range(12)))
        for n in range(12):
            trade.insert((50_000 + n, SHOPS[n], "REFUND", 1, START + n * MINUTE))
            trade.insert((51_000 + n, None, "CANCEL", 1, START + n * MINUTE))
            surging = [(52_000 + 100 * n + k, "shop", "CANCEL", 1, START + n * MINUTE) for k in range(5)]
            trade.insert(*surging, *((i + 5_000, "가게", kind, 1, at) for i, _, kind, _, at in surging))
        pipeline.backfill(Span(WHOLE.start, START))
        list(pipeline.catch_up(NOW))
        Corrector(pipeline).poll()
        yield pipeline


def share_out(pipeline: Pipeline, number: int) -> None:
    """Publish what is published in files of so many shards."""
    lake, retired, new = pipeline.lake, [], []
    for file in pipeline.state.publication().files:
        if file.dataset == EXPOSURE:  # one process keeps the book
            continue
        rows = lake.read([file], file.dataset, file.span)
        entity = rows["entity_id" if file.dataset == "signal" else lake.pack.entity].fill_null("")
        for slots in shares(number):
            part = lake.write(file.dataset, rows.filter(among(entity, slots)), file.span, slots)
            new += [part] if part else []
        retired.append(file.path)
    assert len(new) > len(retired)
    pipeline.state.correct(Correction("late_commit", [], retired, new, Changes(), (), NOW))
    pipeline.project()


def published(pipeline: Pipeline) -> dict[str, pl.DataFrame]:
    files = pipeline.state.publication().files
    return {name: pipeline.lake.read(files, name, WHOLE) for name in pipeline.pack.datasets}


def assert_as_before(pipeline: Pipeline, before: dict[str, pl.DataFrame]) -> None:
    for name, rows in published(pipeline).items():
        assert rows.equals(before[name]), name
    assert not find_faults(pipeline, pipeline.source, WHOLE).any


def test_shared_out_compacted_and_read_by_shards_everything_is_as_before(pipeline: Pipeline) -> None:
    before = published(pipeline)
    assert before["signal"].height
    assert before["quarantine"].height == 24
    share_out(pipeline, 4)
    assert_as_before(pipeline, before)
    compact(pipeline.lake, pipeline.state, NOW + timedelta(days=2))
    share_out(pipeline, 3)  # as after the number of shards has changed
    assert_as_before(pipeline, before)


def test_windows_of_shards_hold_the_numbers_of_everybodys_windows(pipeline: Pipeline) -> None:
    tuned = pipeline.tuned_at(NOW)
    share_out(pipeline, 3)
    history = history_of(pipeline.state, NOW, 8 * 1440, {})
    whole: Any = windows_from(pipeline.lake, history, NOW, tuned)[0]
    seen: list[str] = []
    for slots in shares(2):
        windows: Any = windows_from(pipeline.lake, history, NOW, tuned, slots=slots)[0]
        ids = [shop for shop in SHOPS if among(pl.Series([shop]), slots)[0]]
        assert sorted(windows.entities.ids) == sorted(ids)
        assert windows.last == whole.last
        for shop in ids:
            a, b = windows.entities.find(shop), whole.entities.find(shop)
            for mine, all_of_it in ((windows.hour, whole.hour), (windows.week, whole.week)):
                assert mine.approvals[a] == all_of_it.approvals[b]
                assert mine.cancels[a] == all_of_it.cancels[b]
        seen += ids
    assert sorted(seen) == sorted(SHOPS)


def test_a_late_commit_in_shared_minutes_is_corrected_like_in_others(
    pipeline: Pipeline, trade: Trade
) -> None:
    share_out(pipeline, 4)
    trade.insert(
        (90_000, "new", "APPROVAL", 5, START + 2 * MINUTE),
        (90_001, "shop", "CANCEL", 5, START + 2 * MINUTE),
        (90_002, None, "CANCEL", 5, START + 2 * MINUTE),
        (90_003, "105", "APPROVAL", 5, START - timedelta(minutes=50)),
    )
    trade.execute("DELETE FROM transactions WHERE transaction_id BETWEEN 57000 AND 57099")  # of the surge
    changed = [START - timedelta(minutes=50), START, START + 2 * MINUTE]
    assert Corrector(pipeline).correct(changed, "reconciliation") == changed
    assert not find_faults(pipeline, pipeline.source, WHOLE).any
    found = published(pipeline)
    assert found["signal"].equals(again_of(pipeline))
    compact(pipeline.lake, pipeline.state, NOW + timedelta(days=2))
    assert_as_before(pipeline, found)


def again_of(pipeline: Pipeline) -> pl.DataFrame:
    """The signals, judged once more from the published counts."""
    signals = [file for file in pipeline.state.publication().files if file.dataset == "signal"]
    repair_files(pipeline, signals)
    return published(pipeline)["signal"]


@pytest.mark.parametrize("dataset", ["merchant_minute", "signal", "quarantine"])
@pytest.mark.parametrize("how_many", [1, 2])
def test_a_damaged_file_is_built_again_with_those_of_its_minutes(
    pipeline: Pipeline, dataset: str, how_many: int
) -> None:
    before = published(pipeline)
    share_out(pipeline, 3)
    files = [file for file in pipeline.state.publication().files if file.dataset == dataset]
    newest = [file for file in files if file.span == files[-1].span]
    damaged = newest[-how_many:]
    for file in damaged:
        (pipeline.lake.folder / file.path).write_bytes(b"")
    assert pipeline.lake.damaged(pipeline.state.publication().files) == damaged
    repair_files(pipeline, damaged)
    assert pipeline.lake.damaged(pipeline.state.publication().files) == []
    assert_as_before(pipeline, before)
    left = {file.path for file in pipeline.state.publication().files}
    assert not left & {file.path for file in newest}


def test_another_process_is_told_of_slots(pipeline: Pipeline) -> None:
    share_out(pipeline, 2)
    pipeline.project_catalog()
    manifest = pipeline.lake.shown()
    assert manifest is not None
    stated = {file.path: file.slots for file in pipeline.state.publication().files}
    assert {file.path: file.slots for file in manifest.files} == stated
    assert set(stated.values()) >= set(shares(2))
    assert asdict(manifest.files[0])["slots"] == asdict(Slots(0, 512))
