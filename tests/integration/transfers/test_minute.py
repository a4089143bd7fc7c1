"""The minute of the pack of transfers: events from a bank's table to incidents, the lake and corrections."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stdout
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from pipeline.cli import main
from pipeline.minute import MINUTE, Span
from pipeline.prove.corrector import Corrector
from pipeline.prove.proof import find_faults
from tests.integration.transfers.bank import NOW, bank_of, event

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.catch_up import Pipeline
    from tests.integration.transfers.bank import Bank


@pytest.fixture
def bank(postgres_url: str, state_url: str, tmp_path: Path) -> Bank:
    """An account that pays each minute of the last hours."""
    made = bank_of(postgres_url, state_url, tmp_path / "home")
    quiet = Span(NOW - timedelta(hours=2), NOW)
    made.book(*(event(f"q{n}", at, "quiet") for n, at in enumerate(quiet)))
    return made


def judge(pipeline: Pipeline, *, hours: int = 1) -> list[tuple[str, str]]:
    """Judge what is due until NOW; rule and account of the signals that passed."""
    if pipeline.state.next_minute() is None:
        pipeline.start_history(NOW - timedelta(hours=hours))
    return [
        (row["rule"], row["entity_id"])
        for judged in pipeline.catch_up(NOW)
        for row in judged.signals.filter("passed").to_dicts()
    ]


def command(bank: Bank, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Any:  # noqa: ANN401 - parsed JSON
    """The last line of a command's output, which must succeed."""
    for name, value in bank.environment.items():
        monkeypatch.setenv(name, value)
    out = io.StringIO()
    with redirect_stdout(out):
        assert main([*arguments, "--json"]) == 0, out.getvalue()
    return json.loads(out.getvalue().strip().splitlines()[-1])


def test_a_denied_account_is_blocked_and_a_late_payment_corrects_its_minute(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = NOW - 10 * MINUTE + timedelta(seconds=7)
    bank.book(
        event("d1", at, "denied"), event("b1", at, "bad", amount=-5), event("s1", at, "a", payee_id="a")
    )
    with bank.at_work() as pipeline:
        bank.list_value("deny", "denied", NOW - timedelta(days=1))
        assert judge(pipeline) == [("blocked", "denied")]
        (incident,) = pipeline.state.incidents_between(NOW - timedelta(hours=1), NOW)
        assert incident["reason"]["evidence"][0]["transfer_id"] == "d1"
        (row,) = pipeline.state.minutes(Span(NOW - 10 * MINUTE, NOW - 9 * MINUTE))
        assert (row["rows"], row["quarantined"], row["sums"]["amount"]) == (2, 2, 2000)
        bank.book(event("d2", at, "denied"))
        bank.change("q115", "reversed")
        assert len(Corrector(pipeline).poll()) == 2
        span = Span(NOW - timedelta(hours=1), NOW)
        assert not find_faults(pipeline, pipeline.source, span).any
        pipeline.project_catalog()
    period = ("--from", (NOW - timedelta(hours=1)).isoformat(), "--to", NOW.isoformat())
    again = command(bank, monkeypatch, "backtest", *period, "--jobs", "1")
    assert (again["incidents_opened"], again["incident_accounts"]) == (1, 1)
    assert again["signals_by_rule"] == {"blocked": 1, "to_review": 0}
    assert command(bank, monkeypatch, "reconcile", *period)["differences"] == []
    with duckdb.connect(bank.settings().catalog, read_only=True) as catalog:
        counted = "SELECT sum(completed_count), sum(reversed_count), count(*) FROM transfers.event"
        assert catalog.execute(counted).fetchone() == (121, 1, 122)
        aside = catalog.execute("SELECT reason FROM transfers.quarantine ORDER BY reason").fetchall()
        assert aside == [("amount_negative",), ("self_transfer",)]
