"""A full or read-only disk, a database that is away: nothing half published, said so, caught up later."""

from __future__ import annotations

import errno
import os
import subprocess
import time
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from pipeline.errors import SourceUnavailable, StateUnavailable, StorageUnavailable
from pipeline.minute import MINUTE, Span
from pipeline.prove.corrector import Corrector
from pipeline.store.manifest import read_manifest
from scheduler import open_pipeline
from tests.simulation.checks import differences
from tests.simulation.world import START
from tests.simulation.world import server as own_server
from tests.simulation.world import world as own_world

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.catch_up import Pipeline
    from tests.simulation.world import World

HOUR = timedelta(hours=1)
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")


def begin(world: World, line: Pipeline) -> None:
    world.insert([(n, "shop", "APPROVAL", 10, START - n * MINUTE) for n in range(1, 100)])
    line.backfill(Span(START - 2 * HOUR, START - 5 * MINUTE))
    list(line.catch_up(line.due_until()))


def version(world: World) -> int:
    manifest = read_manifest(world.home / "manifest.json")
    return manifest.version if manifest else 0


@contextmanager
def mounted(folder: Path) -> Iterator[bool]:
    """A disk of one megabyte; False where even root may not mount one (in a container)."""
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], check=False)
    try:
        yield done.returncode == 0
    finally:
        if done.returncode == 0:
            subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(filler: Path) -> None:
    """Until not one block is left."""
    with suppress(OSError), filler.open("wb", buffering=0) as disk:
        while disk.write(bytes(4096)):
            pass


@needs_root
@pytest.mark.parametrize("fault", ["full", "read only"])
def test_a_disk_that_takes_nothing_stops_the_publication_and_nothing_else(world: World, fault: str) -> None:
    with mounted(world.home) as done:
        if not done:
            pytest.skip("this machine does not let us mount a disk")
        with open_pipeline(world.settings()) as line:
            begin(world, line)
            before = version(world)
            world.insert([(1000 + n, f"m{n}", "APPROVAL", n, START + MINUTE) for n in range(500)])
            world.step_clock(5 * MINUTE)
            filler = world.home / "filler"
            if fault == "full":
                fill(filler)
            else:
                subprocess.run(["mount", "-o", "remount,ro", str(world.home)], check=True)
            with pytest.raises(StorageUnavailable, match=r"full|read-only"):
                list(line.catch_up(line.due_until()))
            assert version(world) == before
            assert not [d for d in differences(world, oracle_minutes=0) if "manifest" not in d]
            if fault == "full":
                filler.unlink()
            else:
                subprocess.run(["mount", "-o", "remount,rw", str(world.home)], check=True)
            list(line.catch_up(line.due_until()))
            Corrector(line).poll()
            assert differences(world, oracle_minutes=0) == []


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC, errno.EDQUOT])
def test_an_error_of_fsync_commits_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Disks tell at the sync what they could not write before."""
    with open_pipeline(world.settings()) as line:
        begin(world, line)
        world.insert([(1000, "shop", "CANCEL", 5, START + MINUTE)])
        world.step_clock(5 * MINUTE)

        def failing(_: int) -> None:
            raise OSError(number, os.strerror(number))

        with monkeypatch.context() as patched:
            patched.setattr(os, "fsync", failing)
            with pytest.raises(StorageUnavailable):
                list(line.catch_up(line.due_until()))
        assert differences(world, oracle_minutes=0) == []
        list(line.catch_up(line.due_until()))
        assert differences(world, oracle_minutes=0) == []


@pytest.mark.timeout(600)
def test_a_database_that_is_away_for_a_while_stops_everything_and_loses_nothing() -> None:
    with own_server() as server, own_world(server.url) as world, open_pipeline(world.settings()) as line:
        begin(world, line)
        world.insert([(1000 + n, "shop", "CANCEL", 5, START + n * MINUTE) for n in range(5)])
        world.step_clock(6 * MINUTE)
        before, minutes = version(world), line.due_until()
        server.stop("immediate")
        for _ in range(3):
            with pytest.raises((SourceUnavailable, StateUnavailable), match="does not answer"):
                list(line.catch_up(minutes))
            assert version(world) == before
        time.sleep(0.5)
        server.start()
        with suppress(SourceUnavailable):  # the first tick finds the old connection broken, the next one not
            line.due_until()
        world.insert([(2000, "shop", "APPROVAL", 5, START - 20 * MINUTE)])
        assert [judged.minute for judged in line.catch_up(line.due_until())] == list(
            Span(START - MINUTE, START + 5 * MINUTE)
        )
        with suppress(SourceUnavailable):  # the search has a connection of its own
            Corrector(line).poll()
        Corrector(line).poll()
        assert differences(world, oracle_minutes=1) == []
