"""The short form of the soak; `make soak MINUTES=…` is the long one."""

from __future__ import annotations

import json
import os
import secrets
from typing import TYPE_CHECKING

import pytest

from tests.simulation.soak import soak

if TYPE_CHECKING:
    from tests.simulation.world import Server

KINDS = {
    "kill_leader", "kill_stand_by", "kill_both", "stop_leader_briefly", "stop_leader_for_long",
    "taken_over_while_stopped", "cut_lock_session", "cut_state_sessions", "cut_source_sessions",
    "cancel_queries", "crash_server", "restart_gently",
}  # fmt: skip
WRITES = {
    "plain", "savepoints", "rolled_back", "late", "prepare", "exception_block", "late_rows", "reconnections",
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_nothing_is_lost_or_double_whatever_fails(server: Server) -> None:
    """One round of every fault; the seed is printed, MINUTERISK_TEST_SEED repeats it."""
    seed = int(os.environ.get("MINUTERISK_TEST_SEED", secrets.randbelow(1_000_000)))
    report = soak(server, seed, seconds=15, every_s=1.0)
    said = json.dumps(report.as_json(), indent=1, default=str)
    assert not report.differences, said
    assert not report.reader_errors, said
    assert {name for name, count in report.faults.items() if count} >= KINDS, said
    assert {name for name, count in report.written.items() if count} >= WRITES, said
    assert report.naive_missed > 0, said  # the harness can see the bug
    assert report.revisions > 0, said
    assert report.kills >= 4, said
