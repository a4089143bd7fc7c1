"""Files that rot, vanish or cannot be deleted: found by whoever meets them, built again, then told."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from typing import TYPE_CHECKING

import psycopg
import pytest

import pipeline.service
import pipeline.store.compact
from pipeline.errors import SourceUnavailable
from pipeline.metrics import Metrics
from pipeline.minute import MINUTE, Span
from pipeline.store.compact import compact, delete_expired
from scheduler import open_pipeline, open_service
from tests.simulation.checks import differences
from tests.simulation.world import START

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from pipeline.catch_up import Pipeline
    from pipeline.service import Service
    from tests.simulation.world import World

HOUR = timedelta(hours=1)
SOME = START - 13 * MINUTE


@pytest.fixture
def service(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """Twenty judged minutes, most of them with a row, every tenth with a bad one."""
    monkeypatch.setattr(pipeline.service, "SEARCH_S", 0)
    world.step_clock(timedelta(seconds=30))  # no minute is about to be due: there is time for other work
    kinds = {n: "REFUND" if n % 10 == 0 else "APPROVAL" for n in range(5, 55)}
    world.insert([(n, "shop", kind, 10, START - HOUR + n * MINUTE) for n, kind in kinds.items()])
    with open_pipeline(world.settings()) as line:
        line.backfill(Span(START - 2 * HOUR, START - 20 * MINUTE))
        service = open_service(line, Metrics("merchants"))
        service.tick()
        yield service


def one_file(service: Service, minute: datetime) -> Path:
    """The published counts of a minute."""
    files = service.pipeline.state.publication().files
    return service.pipeline.lake.folder / next(
        f.path for f in files if f.dataset == "merchant_minute" and f.span.start <= minute < f.span.end
    )


def flip(path: Path) -> None:
    """One bit in the middle."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x10
    path.write_bytes(content)


def ticks(service: Service, count: int = 3) -> None:
    for _ in range(count):
        service.guarded("search", service.search)()
        service.guarded("tick", service.tick)()
    assert service.failure is None


def test_a_request_to_rebuild_outlives_a_passing_failure(
    world: World, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    one_file(service, SOME).unlink()
    service._to_rebuild = service.pipeline.lake.damaged(service.pipeline.state.publication().files)

    def away(*_: object) -> None:
        msg = "the source database does not answer"
        raise SourceUnavailable(msg)

    with monkeypatch.context() as patched:
        patched.setattr(service.pipeline.source, "extract", away)
        ticks(service)
        assert service._to_rebuild
    ticks(service)
    assert not service._to_rebuild
    assert differences(world, oracle_minutes=0) == []


def test_a_file_that_was_replaced_meanwhile_is_not_rebuilt(world: World, service: Service) -> None:
    files = service.pipeline.state.publication().files
    compact(service.pipeline.lake, service.pipeline.state, START)
    service.pipeline.project()
    service._to_rebuild = files
    ticks(service)
    assert not service._to_rebuild
    assert differences(world, oracle_minutes=0) == []


def test_damage_that_a_correction_meets_is_mended_before_the_row_is_counted(
    world: World, service: Service
) -> None:
    flip(one_file(service, SOME))
    world.insert([(1000, "shop", "CANCEL", 5, SOME)])
    ticks(service)
    assert differences(world, oracle_minutes=0) == []


def test_compaction_copies_nothing_out_of_a_damaged_file(world: World, service: Service) -> None:
    world.step_clock(3 * MINUTE)
    service.tick()
    flip(one_file(service, SOME))
    service.guarded("housekeeping", service.housekeeping)()
    assert service.failure is None
    ticks(service)
    service.housekeeping()
    assert one_file(service, SOME) == one_file(service, SOME + 2 * MINUTE)
    assert differences(world, oracle_minutes=0) == []


def test_a_flipped_bit_is_found_by_the_nightly_proof_rebuilt_and_stated(
    world: World, service: Service
) -> None:
    flip(one_file(service, SOME))
    proof = threading.Thread(target=service.prove)
    proof.start()
    while proof.is_alive():
        ticks(service, 1)
        proof.join(0.2)
    (path,) = (world.home / "reports").glob("statement-*.json")
    stated = json.loads(path.read_text(encoding="utf-8"))
    assert (stated["files_damaged"], stated["files_damaged_left"], stated["differences_left"]) == (1, 0, 0)
    assert stated["files_equal_ledger"]
    assert differences(world, oracle_minutes=0) == []


@pytest.mark.parametrize("damage", ["deleted", "cut in half", "of another version"])
def test_a_damaged_manifest_is_there_again_within_the_next_look_of_the_catalog_job(
    world: World, service: Service, damage: str
) -> None:
    service.catalog()
    path = world.home / "manifest.json"
    content = path.read_text(encoding="utf-8")
    if damage == "deleted":
        path.unlink()
    elif damage == "cut in half":
        path.write_text(content[: len(content) // 2], encoding="utf-8")
    else:
        path.write_text(content.replace('"version":', '"version":9', 1), encoding="utf-8")
    service.catalog()
    assert path.read_text(encoding="utf-8")[:20] == content[:20]
    assert differences(world, oracle_minutes=0) == []


def test_a_deleted_catalog_is_there_again(world: World, service: Service) -> None:
    service.catalog()
    (world.home / "analyst.duckdb").unlink()
    service.catalog()
    assert (world.home / "analyst.duckdb").is_file()


def test_one_file_that_cannot_be_deleted_does_not_keep_the_others(
    world: World, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline.store.compact, "GRACE", timedelta(0))
    line: Pipeline = service.pipeline
    compact(line.lake, line.state, START)
    expired = line.state.expired_files(timedelta(0))
    stuck = line.lake.folder / sorted(expired)[len(expired) // 2]
    stuck.unlink()
    stuck.mkdir()  # no file can be deleted under this name
    assert delete_expired(line.lake, line.state) == len(expired) - 1
    with psycopg.connect(world.state_url) as state:
        left = state.execute("SELECT path FROM lake_file WHERE retired_at IS NOT NULL").fetchall()
    assert [path for (path,) in left] == [stuck.relative_to(line.lake.folder).as_posix()]
    stuck.rmdir()
    assert delete_expired(line.lake, line.state) == 1
