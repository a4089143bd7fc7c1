"""A death at the n-th write, sync, rename, delete or commit leaves the old or the new, for every n."""

from __future__ import annotations

import hashlib
import os
import secrets
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING

import polars as pl
import psycopg
import pytest

from pipeline.minute import MINUTE
from pipeline.store.manifest import read_manifest
from tests.simulation.checks import differences
from tests.simulation.runner import CRASHED
from tests.simulation.world import START
from tests.simulation.zygote import Zygote

if TYPE_CHECKING:
    from tests.simulation.world import World

MEASURES = ["approval_count", "cancel_count", "approval_amount", "cancel_amount"]
SUMS = ", ".join(f"sum((sums->>'{name}')::bigint)::bigint" for name in MEASURES)
TOLD = "SELECT (SELECT count(*) FROM incident), (SELECT count(*) FROM outbox WHERE event = 'opened')"
KINDS = ["write", "fsync", "rename", "unlink", "commit", "committed"]
LONG = "MINUTERISK_TEST_LONG" in os.environ
#: Files that were deleted when it died are deleted again: with them each run has more deletes than the last.
MOST = {"unlink": 6}
#: Each file is synced, renamed, its folder synced: the short form takes some of these, the long one all.
#: Which of them is another choice each time, so that many short runs have met every one.
STEP = {} if LONG else {"write": 4, "fsync": 6, "rename": 3}
SEED = int(os.environ.get("MINUTERISK_TEST_SEED", secrets.randbelow(1_000_000)))


@pytest.mark.slow
@pytest.mark.timeout(1800 if LONG else 600)
@pytest.mark.parametrize("power", ["", ":power"], ids=["death", "power cut"])
def test_a_death_at_any_point_leaves_the_old_or_the_new(world: World, power: str) -> None:
    calm = [
        (-n, "shop", "APPROVAL", 1000, START - timedelta(hours=2, minutes=n % 600)) for n in range(1, 201)
    ]
    world.insert(calm)
    kinds = ["fsync", "rename", "committed"] if power and not LONG else KINDS
    deaths, attempts = dict.fromkeys(kinds, 0), count()
    log = world.home / "zygote.log"
    with Zygote(log) as zygote:
        assert zygote.run(world.environment()) == 1  # nothing is published yet: history comes first
        begin(world)
        for kind in kinds:
            step = STEP.get(kind, 1)
            for n in range(1 + SEED % step, MOST.get(kind, 100), step):
                one_more_minute(world, next(attempts))
                code = zygote.run(world.environment(), f"{kind}:{n}{power}")
                said = f"{kind} {n}: {log.read_text()[-3000:]}"
                assert code in (0, CRASHED), said
                assert between(world) == [], said
                if code == 0:
                    break
                deaths[kind] += 1
            else:
                assert kind in MOST, f"no run completed before its {kind} number {n}"
        one_more_minute(world, 10_000)
        assert zygote.run(world.environment()) == 0
    print("deaths", deaths, "seed", SEED)
    assert differences(world, oracle_minutes=2) == []
    assert all(deaths.values()), deaths
    assert sum(deaths.values()) > (5 if power else 10), deaths


def test_a_power_cut_on_a_disk_that_never_syncs_is_seen(world: World) -> None:
    """The harness can see what a missing sync would do."""
    world.insert([(-n, "shop", "APPROVAL", 1000, START - timedelta(minutes=n)) for n in range(1, 100)])
    with Zygote(world.home / "zygote.log") as zygote:
        begin(world)
        for n in range(1, 6):
            one_more_minute(world, n)
            assert zygote.run(world.environment(), f"committed:{n}:deaf") == CRASHED
            if between(world):
                return
    pytest.fail("five power cuts took nothing along")


def test_file_descriptors_that_run_out_are_told_and_nothing_is_half_published(world: World) -> None:
    world.insert([(-n, "shop", "APPROVAL", 1000, START - timedelta(minutes=n)) for n in range(1, 100)])
    log, codes = world.home / "zygote.log", []
    with Zygote(log) as zygote:
        begin(world)
        for files in range(1, 60):
            one_more_minute(world, files)
            codes.append(zygote.run(world.environment(), files=files))
            assert between(world) == [], f"{files} descriptors: {log.read_text()[-3000:]}"
            if codes[-1] == 0:
                break
    assert codes[-1] == 0, log.read_text()[-3000:]
    assert codes.count(1) >= 3, codes
    assert "Too many open files" in log.read_text()
    assert differences(world, oracle_minutes=0) == []


def begin(world: World) -> None:
    """Publish the past without judging it."""
    from pipeline.minute import Span  # noqa: PLC0415
    from scheduler import open_pipeline  # noqa: PLC0415

    with open_pipeline(world.settings()) as pipeline:
        pipeline.backfill(Span(START - timedelta(hours=13), START - MINUTE))


def one_more_minute(world: World, n: int) -> None:
    """A minute passes, with cancels enough for a signal, perhaps a bad row, and a late row."""
    now, first = world.now(), 10 * n + 1
    late = min(START + (n // 2) * MINUTE, now - 2 * MINUTE)
    kinds = ["CANCEL"] * 3 + ["APPROVAL"] * 3 + ["REFUND"] * (n % 5 == 0)
    rows = [(first + k, "shop", kind, 7, now + timedelta(seconds=k)) for k, kind in enumerate(kinds)]
    world.insert([*rows, (first + 8, "other", "APPROVAL", 5, late)])
    world.step_clock(MINUTE)


def between(world: World) -> list[str]:
    """What no crash may leave behind, before anybody has tidied up."""
    with psycopg.connect(world.state_url) as state:
        live = state.execute(
            "SELECT dataset, path, sha256 FROM lake_file WHERE retired_at IS NULL"
        ).fetchall()
        totals = state.execute(f"SELECT {SUMS} FROM minute_ledger".encode()).fetchone() or ()
        version = state.execute("SELECT version FROM watermark").fetchone() or (0,)
        told = state.execute(TOLD.encode()).fetchone() or (0, 0)
    found = [f"{path} is not what was committed" for _, path, sha256 in live if digest(world, path) != sha256]
    if found:
        return found
    counts = [path for dataset, path, _ in live if dataset == "merchant_minute"]
    lake = pl.concat(read(world, path) for path in counts).select(pl.col(MEASURES).sum()).row(0)
    if tuple(int(n) for n in totals) != lake:
        found.append(f"the ledger has {totals}, its files {lake}")
    if told[0] != told[1]:
        found.append(f"{told[0]} incidents, {told[1]} of them told")
    return found + manifest_faults(world, version[0])


def manifest_faults(world: World, version: int) -> list[str]:
    """The manifest is of one version up to the ledger's, and all its files are there."""
    manifest = read_manifest(world.home / "manifest.json")
    if manifest is None:
        return []
    files = manifest.datasets["merchant_minute"]
    found = [f"{f.path} has not {f.rows} rows" for f in files if read(world, f.path).height != f.rows]
    late = manifest.version > version
    return [*found, f"the manifest is version {manifest.version}, the ledger {version}"] if late else found


def digest(world: World, path: str) -> str | None:
    file = world.home / "lake" / path
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else None


def read(world: World, path: str) -> pl.DataFrame:
    return pl.read_parquet(world.home / "lake" / path)
