"""`start-anew`: what it says, what it deletes, what it keeps, and whom it refuses."""

from __future__ import annotations

import json
from contextlib import redirect_stderr, redirect_stdout
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import TYPE_CHECKING
from unittest.mock import Mock

from sqlalchemy import text

from pipeline.cli import main
from pipeline.minute import MINUTE, Span
from pipeline.store.database import connect_state
from tests.integration.trade_home import pipeline_of

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.integration.trade_home import Trade

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
#: Tables that outlive it: who leads, and which version the schema has.
KEPT = {"audit", "leader", "pack", "rule_version", "schema_version"}


def a_judged_hour(trade: Trade, state_url: str, home: Path) -> None:
    trade.insert(
        *((n, "M0", "APPROVAL", 1000, NOON - timedelta(minutes=n)) for n in range(1, 240)),
        *((1000 + n, "M0", "CANCEL", 1000, NOON) for n in range(60)),
    )
    with pipeline_of(trade, state_url, home) as pipeline:
        pipeline.judge_from(NOON - MINUTE)
        opened = [i for judged in pipeline.catch_up(NOON + 2 * MINUTE) for i in judged.changes.opened]
        pipeline.project_catalog()
        assert opened
    (home / "reports").mkdir()
    (home / "reports" / "statement-2026-03-10.json").write_text("{}")


def run(
    monkeypatch: pytest.MonkeyPatch, trade: Trade, state_url: str, home: Path, *arguments: str
) -> tuple[int, str, str]:
    for name, value in (("HOME", str(home)), ("SOURCE_URL", trade.source_url), ("STATE_URL", state_url)):
        monkeypatch.setenv(f"MINUTERISK_{name}", value)
    out, err = StringIO(), StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main(["start-anew", *arguments])
    return code, out.getvalue(), err.getvalue()


def counts(state_url: str) -> dict[str, int]:
    """Rows of every table."""
    engine = connect_state(state_url)
    with engine.connect() as connection:
        tables = connection.execute(
            text(
                "SELECT table_name FROM information_schema.tables"
                " WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
            )
        ).scalars()
        found = {
            t: int(connection.execute(text(f"SELECT count(*) FROM {t}")).scalar_one()) for t in list(tables)
        }
    engine.dispose()
    return found


def installation(state_url: str) -> object:
    engine = connect_state(state_url)
    with engine.connect() as connection:
        found = connection.execute(text("SELECT installation FROM leader")).scalar_one()
    engine.dispose()
    return found


def test_everything_published_goes_and_the_next_start_begins_with_fresh_history(
    trade: Trade, state_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    a_judged_hour(trade, state_url, home)
    before, old = counts(state_url), installation(state_url)
    code, out, said = run(monkeypatch, trade, state_url, home, "--yes", "--json")
    assert code == 0, said
    deleted = json.loads(out.strip().splitlines()[-1])["deleted"]
    assert deleted["minutes"] == before["minute_ledger"] > 0
    assert deleted["incidents"] == before["incident"] > 0
    assert deleted["messages"] == before["outbox"] > 0
    assert f"{before['minute_ledger']:,} published minutes" in said
    assert "reconcile --from --to" in said
    assert {table for table, rows in counts(state_url).items() if rows} == KEPT
    assert installation(state_url) != old
    assert not (home / "lake").exists()
    assert not (home / "manifest.json").exists()
    assert not (home / "analyst.duckdb").exists()
    assert (home / "reports" / "statement-2026-03-10.json").exists()
    with pipeline_of(trade, state_url, home) as pipeline:
        pipeline.judge_from(NOON - MINUTE)
        assert any(judged.changes.opened for judged in pipeline.catch_up(NOON + 2 * MINUTE))
        assert pipeline.state.published().holes == 0


def test_nothing_is_deleted_while_another_process_leads(
    trade: Trade, state_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    a_judged_hour(trade, state_url, home)
    with pipeline_of(trade, state_url, home):
        before = counts(state_url)
        code, _, said = run(monkeypatch, trade, state_url, home, "--yes")
    assert code == 1
    assert "another process leads this installation" in said
    assert counts(state_url) == before
    assert (home / "manifest.json").exists()


def test_only_an_administrator_begins_anew_and_both_tries_are_kept(
    trade: Trade, state_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = connect_state(state_url)
    assert run(monkeypatch, trade, state_url, tmp_path / "home", "--yes")[0] == 0
    with engine.begin() as connection:  # from now on whoever types this is nobody's account
        connection.execute(text("INSERT INTO account (name, role) VALUES ('boss', 'SUPER_ADMIN')"))
    code, _, said = run(monkeypatch, trade, state_url, tmp_path / "home", "--yes")
    assert (code, "may not administer" in said) == (2, True)
    with engine.connect() as connection:
        kept = connection.execute(text("SELECT act, outcome FROM audit ORDER BY number")).all()
    engine.dispose()
    assert [tuple(row) for row in kept] == [("start_anew", "done"), ("administer", "refused")]


def test_in_a_pipe_it_says_what_it_would_delete_and_asks_for_yes(
    trade: Trade, state_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    a_judged_hour(trade, state_url, home)
    before = counts(state_url)
    code, out, said = run(monkeypatch, trade, state_url, home)
    assert code == 2
    assert "published minutes" in out
    assert "--yes" in said
    assert counts(state_url) == before


def test_a_crash_after_the_database_was_emptied_leaves_nothing_that_anybody_counts(
    trade: Trade, state_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    a_judged_hour(trade, state_url, home)
    with monkeypatch.context() as broken:
        broken.setattr("pipeline.store.start_anew.shutil.rmtree", Mock(side_effect=OSError(5, "I/O error")))
        code, _, _ = run(monkeypatch, trade, state_url, home, "--yes")
    assert code == 1
    assert list((home / "lake").rglob("*.parquet"))
    with pipeline_of(trade, state_url, home) as pipeline:
        pipeline.judge_from(NOON - MINUTE)
        list(pipeline.catch_up(NOON + 2 * MINUTE))
        hour = Span(NOON - timedelta(hours=1), NOON + MINUTE)
        rows = pipeline.lake.read(pipeline.state.publication().files, "merchant_minute", hour)
        assert (rows["approval_count"].sum(), rows["cancel_count"].sum()) == (60, 60)
    assert run(monkeypatch, trade, state_url, home, "--yes")[0] == 0
    assert not (home / "lake").exists()
