"""Processes that read all the time while minutes publish, corrections replace and compaction deletes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import pipeline.store.compact
import pipeline.store.views.snapshots
from pipeline.minute import MINUTE, Span
from pipeline.prove.corrector import Corrector
from pipeline.store.compact import compact, delete_expired
from pipeline.store.views.tables import TABLES
from scheduler import open_pipeline
from tests.simulation.world import ROOT, START

if TYPE_CHECKING:
    from pipeline.catch_up import Pipeline
    from tests.simulation.world import World

READER = Path(__file__).with_name("reader.py")
READERS = 2
ROUNDS = 10
#: The product waits 15 minutes, which no read takes; here it is this, or as long as the running reads need.
GRACE = timedelta(seconds=5)


def start_reader(home: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", str(READER), str(home)],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_answer_is_one_published_version_and_none_goes_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The source's clock is months behind: by the database's own clock all of its minutes are old.
    tables = tuple(replace(table, horizon=timedelta(days=3_650)) for table in TABLES)
    monkeypatch.setattr(pipeline.store.views.snapshots, "TABLES", tables)
    world.insert([(n, "shop", "APPROVAL", 10, START - timedelta(minutes=n % 100 + 1)) for n in range(1, 301)])
    with world.trade() as trade:  # without one nothing is known of the shop's money
        paid = [START.date() - timedelta(days=1), START - timedelta(minutes=30)]
        trade.execute("INSERT INTO settlements VALUES ('shop', %s, 2000, %s)", paid)
    with open_pipeline(world.settings()) as line:
        line.backfill(Span(START - timedelta(hours=2), START - MINUTE))
        house = Sweeping(line, monkeypatch)
        line.project_catalog()
        versions = [answer_of(line)]
        readers = [start_reader(world.home) for _ in range(READERS)]
        deleted = sum((one_round(world, line, n, versions, house) for n in range(ROUNDS)), Counter[str]())
        time.sleep(GRACE.total_seconds())
        deleted += house.swept()
        time.sleep(0.5)
        (world.home / "stop").touch()
        reports: list[dict[str, Any]] = [json.loads(reader.communicate(timeout=250)[0]) for reader in readers]
    assert deleted["exposure"] > 0
    assert deleted["merchant_minute"] > 0
    assert deleted["tables"] > 0
    for report in reports:
        assert report["error_count"] == 0, report["errors"]
        assert report["half_count"] == 0, report["halves"]
        assert report["reads"] > 20
        assert report["books"] > 2
        for way, answers in report["answers"].items():
            places = [versions.index(tuple(answer)) for answer in answers]  # an unknown answer raises
            assert places == sorted(places), (way, answers)
    assert any(len(report["answers"]["manifest"]) > 3 for report in reports)


def one_round(
    world: World, line: Pipeline, n: int, versions: list[tuple[int, int]], house: Sweeping
) -> Counter[str]:
    """A new minute whose cancels cost money, a late row, sometimes a compaction; gives the deleted files."""
    now = world.now()
    rows = [(1000 + 100 * n + k, "shop", "APPROVAL" if k < 3 else "CANCEL", 10, now) for k in range(23)]
    world.insert(rows)
    world.step_clock(MINUTE)
    minutes = line.catch_up(line.due_until())
    for _ in minutes:
        versions.append(answer_of(line))
        line.project()
    line.project_catalog()
    world.insert([(1000 + 100 * n + 99, "shop", "CANCEL", 1, START - timedelta(minutes=5 + n))])
    corrector = Corrector(line)
    line_project = line.project

    def project() -> None:
        versions.append(answer_of(line))
        line_project()

    line.project = project  # type: ignore[method-assign]
    try:
        corrector.poll()
    finally:
        line.project = line_project  # type: ignore[method-assign]
    line.project_catalog()
    if n % 3 == 0 and compact(line.lake, line.state, line.due_until() + timedelta(hours=1)):
        line.project()
        line.project_catalog()
    return house.swept()


class Sweeping:
    """Deletes what no reader can hold, however slow the machine makes them."""

    def __init__(self, line: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
        self._line, self._monkeypatch = line, monkeypatch
        self._catalogs: list[tuple[float, float]] = []  # begun and done
        project_catalog = line.project_catalog

        def timed() -> bool:
            begun = time.time()
            found = project_catalog()
            self._catalogs.append((begun, time.time()))
            return found

        monkeypatch.setattr(line, "project_catalog", timed)

    def swept(self) -> Counter[str]:
        """How many files of each dataset, and of the tables, are deleted."""
        line, now = self._line, time.time()
        since = min([now, *filter(None, map(began, line.settings.home.glob("reading-*")))])
        named = max(begun for begun, done in self._catalogs if done <= since)
        grace = max(GRACE, timedelta(seconds=now - named + 1))
        for place in (pipeline.store.compact, pipeline.store.views.snapshots):
            self._monkeypatch.setattr(place, "GRACE", grace)
        before = set(line.lake.own.rglob("*.parquet"))
        delete_expired(line.lake, line.state)
        line.snapshots.sweep(datetime.now(UTC))
        gone = before - set(line.lake.own.rglob("*.parquet"))
        return Counter(path.relative_to(line.lake.own).parts[0] for path in gone)


def began(mark: Path) -> float | None:
    """Since when a reader reads; None where it has ended meanwhile."""
    try:
        return mark.stat().st_mtime
    except FileNotFoundError:
        return None


def answer_of(line: Pipeline) -> tuple[int, int]:
    """What a reader of the ledger's newest version must count."""
    span = Span(START - timedelta(days=1), START + timedelta(days=1))
    rows = line.lake.read(line.state.publication().files, "merchant_minute", span)
    counts = rows["approval_count"] + rows["cancel_count"]
    return int(counts.sum()), rows["minute"].n_unique()
