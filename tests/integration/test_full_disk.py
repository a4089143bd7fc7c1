"""A disk without space, as the command line tells of it."""

from __future__ import annotations

import re
import subprocess
import uuid
from datetime import timedelta
from typing import TYPE_CHECKING

import psycopg
import pytest

from tests.integration.test_cli import NOON, START, Home, home, stamp, working_home

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def work(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Home:
    return working_home(postgres_url, tmp_path_factory.mktemp("disk"))


@pytest.mark.slow
def test_a_full_disk_is_told_with_1_and_nothing_half_written_counts(work: Home, tmp_path: Path) -> None:
    """On a real small disk; only root can make one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(disk)],
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        pytest.skip(f"NOT TESTED: a full disk needs the right to mount one ({made.stderr.strip()})")
    try:
        names = f"full_{uuid.uuid4().hex[:10]}"
        with psycopg.connect(work.environment["MINUTERISK_TRADE_URL"], autocommit=True) as admin:
            admin.execute(f'CREATE DATABASE "{names}"')
        state = re.sub(r"/state_\w+\?", f"/{names}?", work.environment["MINUTERISK_STATE_URL"])
        (disk / "ballast").write_bytes(b"x" * 60_000)
        span = ("--from", stamp(START), "--to", stamp(NOON), "--json")
        ran = work.run("backfill", *span, home=str(disk), state_url=state)
        assert ran.code == 1, ran
        assert re.search(r"full|[Nn]o space", ran.err), ran.err
        assert "next:" in ran.err
        (disk / "ballast").unlink()
        small = ("--from", stamp(START), "--to", stamp(START + timedelta(minutes=2)), "--json")
        again = work.run("backfill", *small, home=str(disk), state_url=state)
        assert again.code in (0, 1), again
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def test_an_embedded_server_that_finds_no_space_says_so(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "none", str(disk)],
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        pytest.skip(f"NOT TESTED: a full disk needs the right to mount one ({made.stderr.strip()})")
    try:
        disk.chmod(0o755)
        ran = home(tmp_path / "w").run("catch-up", home=str(disk / "home"))
        assert ran.code == 1, ran
        assert re.search(r"[Nn]o space|full", ran.err), ran.err
        assert "next:" in ran.err
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)
