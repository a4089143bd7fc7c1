"""A seed of the kills at every step of shards; many of them: python -m tests.simulation.shards."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.simulation.zygote import ROOT

SEED = int(os.environ.get("MINUTERISK_TEST_SEED", "1"))
SEEDS = 1  # a seed takes a minute; Ray is in none of them, see test_cluster.py


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_whoever_is_killed_what_comes_of_it_is_what_one_process_makes_of_it() -> None:
    """In a process of its own: it forks, which this one, with its threads, must not."""
    command = [sys.executable, "-m", "tests.simulation.shards", "--first", str(SEED), "--seeds", str(SEEDS)]
    ended = subprocess.run(
        [*command, "--ray-every", "0"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    said = f"seed {SEED}: {ended.stdout[-4000:]}{ended.stderr[-2000:]}"
    assert ended.returncode == 0, said
    report = json.loads(ended.stdout.splitlines()[-1])
    assert (report["seeds"], report["differences"]) == (SEEDS, []), said
    assert sum(report["kills"].values()) >= SEEDS, said
