"""The quick part of the recorded proofs: `python -m tests.proofs` makes all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.proofs import record
from tests.proofs.home import Proof

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.slow
def test_signals_incidents_messages_and_views_are_to_the_byte_what_was_recorded(
    postgres_url: str, tmp_path: Path
) -> None:
    found = {proof.name: proof.as_json() for proof in record.quick(postgres_url, tmp_path)}
    assert record.differences(record.expected(only_quick=True), found) == []


def test_one_other_byte_and_a_proof_too_many_or_too_few_are_told() -> None:
    same, other = Proof("same", ["a"]).as_json(), Proof("other", ["a", "b"], shown=True).as_json()
    changed = Proof("other", ["a", "c"], shown=True).as_json()
    expected = {"same": same, "other": other, "gone": same}
    assert record.differences(expected, expected) == []
    told = record.differences(expected, {"same": same, "other": changed, "new": same})
    assert [line.partition(":")[0] for line in told] == ["other", "  was b", "  now c", "gone", "new"]


def test_the_record_holds_quick_and_slow_proofs() -> None:
    quick, whole = record.expected(only_quick=True), record.expected(only_quick=False)
    assert 0 < len(quick) < len(whole)
    assert {"flights/backtest/literal", "goldens"} <= set(quick)
