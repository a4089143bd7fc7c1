"""Processes that read all the time while minutes publish, corrections replace and compaction deletes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import pipeline.store.compact
from pipeline.minute import MINUTE, Span
from pipeline.prove.corrector import Corrector
from pipeline.store.compact import compact, delete_expired
from scheduler import open_pipeline
from tests.simulation.world import ROOT, START

if TYPE_CHECKING:
    from pipeline.catch_up import Pipeline
    from tests.simulation.world import World

READER = Path(__file__).with_name("reader.py")
READERS = 2
ROUNDS = 10
#: The product waits 15 minutes; a reader here takes well under this for one read.
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
    monkeypatch.setattr(pipeline.store.compact, "GRACE", GRACE)
    world.insert([(n, "shop", "APPROVAL", 10, START - timedelta(minutes=n % 100 + 1)) for n in range(1, 301)])
    with open_pipeline(world.settings()) as line:
        line.backfill(Span(START - timedelta(hours=2), START - MINUTE))
        line.project_catalog()
        versions = [answer_of(line)]
        readers = [start_reader(world.home) for _ in range(READERS)]
        deleted = sum(one_round(world, line, n, versions) for n in range(ROUNDS))
        time.sleep(GRACE.total_seconds())
        deleted += delete_expired(line.lake, line.state)
        time.sleep(0.5)
        (world.home / "stop").touch()
        reports: list[dict[str, Any]] = [json.loads(reader.communicate(timeout=250)[0]) for reader in readers]
    assert deleted > 0
    for report in reports:
        assert report["error_count"] == 0, report["errors"]
        assert report["reads"] > 20
        for way, answers in report["answers"].items():
            places = [versions.index(tuple(answer)) for answer in answers]  # an unknown answer raises
            assert places == sorted(places), (way, answers)
    assert any(len(report["answers"]["manifest"]) > 3 for report in reports)


def one_round(world: World, line: Pipeline, n: int, versions: list[tuple[int, int]]) -> int:
    """A new minute, a late row, sometimes a compaction; gives how many files were deleted."""
    now = world.now()
    world.insert([(1000 + 10 * n + k, "shop", "APPROVAL", 10, now) for k in range(3)])
    world.step_clock(MINUTE)
    minutes = line.catch_up(line.due_until())
    for _ in minutes:
        versions.append(answer_of(line))
        line.project()
    world.insert([(1000 + 10 * n + 9, "shop", "CANCEL", 1, START - timedelta(minutes=5 + n))])
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
    return delete_expired(line.lake, line.state)


def answer_of(line: Pipeline) -> tuple[int, int]:
    """What a reader of the ledger's newest version must count."""
    span = Span(START - timedelta(days=1), START + timedelta(days=1))
    rows = line.lake.read(line.state.publication().files, "merchant_minute", span)
    counts = rows["approval_count"] + rows["cancel_count"]
    return int(counts.sum()), rows["minute"].n_unique()
