"""The pipeline on a real PostgreSQL: what is set aside, what is refused, what a failure leaves behind."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import psycopg
import pytest
from sqlalchemy import text

from pipeline.errors import (
    ConfigurationError,
    FencedOut,
    MinuteriskError,
    NotLeader,
    SourceChanged,
    UsageError,
)
from pipeline.errors.secrets import mask_url
from pipeline.minute import MINUTE, Span
from pipeline.packs.merchants.schema import AMOUNT_LIMIT
from pipeline.prove.reconcile import reconcile
from tests.integration.morning import HOUR, MORNING, NOON, ordinary
from tests.integration.trade_home import pipeline_of, state_database

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.catch_up import Pipeline
    from pipeline.store.state import State
    from tests.integration.trade_home import Trade

SEOUL = ZoneInfo("Asia/Seoul")


def surge(trade: Trade, minute: datetime, cancels: int = 30) -> None:
    """So many cancels of M0 in one minute, enough to fire under `supported`."""
    trade.insert(*((900_000 + n, "M0", "CANCEL", 5000, minute) for n in range(cancels)))


def totals(pipeline: Pipeline, span: Span) -> tuple[int, ...]:
    rows = pipeline.lake.read(pipeline.state.publication().files, "merchant_minute", span)
    return tuple(int(rows[name].sum()) for name in rows.columns[2:])


def remains(state: State) -> dict[str, int]:
    """How many rows every table of the operational database has, and its watermark."""
    tables = ("minute_ledger", "lake_file", "incident", "outbox", "watermark")
    with state.engine.connect() as connection:
        counts = {t: int(connection.execute(text(f"SELECT count(*) FROM {t}")).scalar_one()) for t in tables}
        mark = connection.execute(
            text("SELECT extract(epoch FROM next_minute), version FROM watermark")
        ).first()
    return counts | ({"next": int(mark[0]), "version": int(mark[1])} if mark else {})


# ------------------------------------------------------------------ rows that cannot be counted


def test_bad_rows_are_set_aside_with_a_reason_and_counted_and_the_rest_goes_on(
    pipeline: Pipeline, trade: Trade
) -> None:
    good = ordinary(trade, end=NOON)
    trade.execute("ALTER TABLE transactions DROP CONSTRAINT transactions_transaction_id_kind_key")
    at = NOON - 3 * HOUR + timedelta(seconds=30)
    trade.insert(
        (100_001, None, "APPROVAL", 10, at),
        (100_002, "  ", "APPROVAL", 10, at),
        (100_003, "M1", "REFUND", 10, at),
        (100_004, "M1", None, 10, at),
        (100_005, "M1", "CANCEL", -10, at),
        (100_006, "M1", "CANCEL", None, at),
        (100_007, "M1", "APPROVAL", AMOUNT_LIMIT + 1, at),
        (100_008, "M1", "APPROVAL", 2**63 - 1, at),
        (1, "M1", "APPROVAL", 10, MORNING.start),
    )
    pipeline.backfill(MORNING)
    set_aside = pipeline.lake.read(pipeline.state.publication().files, "quarantine", MORNING)
    assert dict(set_aside.group_by("reason").len().iter_rows()) == {
        "merchant_missing": 2,
        "kind_unknown": 2,
        "amount_negative": 1,
        "amount_missing": 1,
        "amount_too_large": 2,
        "transaction_id_duplicate": 1,
    }
    ledger = pipeline.state.minutes(MORNING)
    assert sum(row["quarantined"] for row in ledger) == 9
    assert sum(row["source_rows"] for row in ledger) == good + 9
    assert totals(pipeline, MORNING)[:2] == (good * 10 // 11, good // 11)
    assert reconcile(pipeline.source, pipeline.state, MORNING, pipeline.lake) == []


def test_a_row_inserted_late_is_found_by_the_reconciliation(pipeline: Pipeline, trade: Trade) -> None:
    ordinary(trade, end=NOON)
    pipeline.backfill(MORNING)
    assert reconcile(pipeline.source, pipeline.state, MORNING, pipeline.lake) == []
    minute = NOON - 2 * HOUR + MINUTE
    trade.insert((200_000, "M1", "CANCEL", 77, minute + timedelta(seconds=59)))
    found = reconcile(pipeline.source, pipeline.state, MORNING, pipeline.lake)
    assert [difference.minute for difference in found] == [minute]
    shown = found[0].as_json()
    assert shown["source"] == {"rows": 1, "cancels": 1, "amount": 77}
    assert shown["ledger"] == {"rows": 0, "cancels": 0, "amount": 0}


def test_a_deleted_and_a_changed_row_are_found_too(pipeline: Pipeline, trade: Trade) -> None:
    ordinary(trade, end=NOON)
    pipeline.backfill(MORNING)
    trade.execute("DELETE FROM transactions WHERE transaction_id = 1")
    trade.execute("UPDATE transactions SET amount = amount + 1 WHERE transaction_id = 12")
    found = reconcile(pipeline.source, pipeline.state, MORNING, pipeline.lake)
    assert [difference.minute for difference in found] == [MORNING.start, MORNING.start + 5 * MINUTE]


# ------------------------------------------------------------------ sources that are not as they must be


def refusal(trade: Trade, state: str, home: Path, **more: str) -> MinuteriskError:
    with pytest.raises(MinuteriskError) as caught, pipeline_of(trade, state, home, **more):
        pass
    assert isinstance(caught.value, (ConfigurationError, SourceChanged)), repr(caught.value)
    assert caught.value.hint, "an error without a next step"
    return caught.value


def test_a_role_without_the_right_to_select_is_told_what_to_grant(
    trade: Trade, state_url: str, tmp_path: Path
) -> None:
    trade.execute("REVOKE SELECT ON transactions FROM minuterisk_reader")
    error = refusal(trade, state_url, tmp_path)
    assert "transactions" in error.what
    assert "GRANT SELECT" in error.hint


def test_a_missing_table_is_named(trade: Trade, state_url: str, tmp_path: Path) -> None:
    trade.execute("DROP TABLE transactions")
    error = refusal(trade, state_url, tmp_path)
    assert isinstance(error, SourceChanged)
    assert '"transactions" does not exist' in error.what


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("ALTER COLUMN occurred_at TYPE timestamp", "occurred_at"),
        ("ALTER COLUMN kind TYPE integer USING 1", "kind"),
        ("ALTER COLUMN merchant_id TYPE boolean USING true", "merchant_id"),
        ("RENAME COLUMN occurred_at TO happened_at", "occurred_at"),
        ("DROP COLUMN amount", "amount"),
    ],
)
def test_a_column_of_another_type_or_name_is_named(
    trade: Trade, state_url: str, tmp_path: Path, change: str, named: str
) -> None:
    trade.execute(f"ALTER TABLE transactions {change}")
    error = refusal(trade, state_url, tmp_path)
    assert isinstance(error, SourceChanged)
    assert named in error.what


@pytest.mark.parametrize("which", ["source_url", "state_url"])
def test_a_wrong_address_or_database_is_refused_without_showing_the_password(
    trade: Trade, state_url: str, tmp_path: Path, which: str
) -> None:
    host = state_url.partition("?")[2]
    for url in (
        f"postgresql://postgres:hunter2@/no_such_database?{host}",
        f"postgresql://nobody:hunter2@/postgres?{host}",
        "postgresql://u:hunter2@no-such-host.invalid/db",
    ):
        changed = {"source_url": url} if which == "source_url" else {}
        error = refusal(trade, url if which == "state_url" else state_url, tmp_path, **changed)
        assert isinstance(error, ConfigurationError)
        assert f"MINUTERISK_{which.upper()}" in error.hint
        assert "hunter2" not in str(error)
        assert mask_url(url) in error.what


def test_a_query_with_a_mistake_is_refused_before_the_first_minute(
    trade: Trade, state_url: str, tmp_path: Path
) -> None:
    from pipeline.settings import PROJECT  # noqa: PLC0415 - only here

    folder = tmp_path / "queries"
    folder.mkdir()
    for path in (PROJECT / "queries" / "merchants" / "extract" / "postgresql").glob("*.sql"):
        (folder / path.name).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "transactions.sql").write_text("SELEC transaction_id FROM transactions WHERE $1 < $2")
    assert isinstance(refusal(trade, state_url, tmp_path, source_queries=str(folder)), SourceChanged)
    (folder / "transactions.sql").unlink()
    assert isinstance(refusal(trade, state_url, tmp_path, source_queries=str(folder)), ConfigurationError)


def test_the_pipeline_cannot_write_to_the_source(pipeline: Pipeline, trade: Trade) -> None:
    for statement in (
        "DELETE FROM transactions",
        "CREATE TABLE t (a int)",
        "CREATE TEMPORARY TABLE t (a int)",
    ):
        with psycopg.connect(trade.source_url) as reader, pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute(statement.encode())


# ------------------------------------------------------------------ one leader


def test_a_second_leader_is_refused_while_the_first_lives(
    pipeline: Pipeline, trade: Trade, state_url: str, tmp_path: Path
) -> None:
    with pytest.raises(NotLeader) as caught, pipeline_of(trade, state_url, tmp_path / "other"):
        pass
    assert "process" in caught.value.what
    assert caught.value.hint


def test_a_leader_that_was_replaced_cannot_commit_any_more(pipeline: Pipeline, trade: Trade) -> None:
    ordinary(trade, end=NOON)
    pipeline.backfill(Span(MORNING.start, MORNING.start + HOUR))
    before = remains(pipeline.state)
    with pipeline.state.engine.begin() as connection:  # a newer leader has taken over
        connection.execute(text("UPDATE leader SET epoch = epoch + 1, holder = 'another'"))
    for act in (
        lambda: pipeline.backfill(MORNING),
        lambda: list(pipeline.catch_up(NOON)),
        lambda: pipeline.judge_from(NOON),
        pipeline.state.heartbeat,
    ):
        with pytest.raises(FencedOut):
            act()
    assert remains(pipeline.state) == before


# ------------------------------------------------------------------ all or nothing


def test_a_commit_that_fails_leaves_nothing_and_the_pipeline_goes_on(
    pipeline: Pipeline, trade: Trade
) -> None:
    ordinary(trade)
    surge(trade, NOON + 2 * MINUTE)
    pipeline.backfill(MORNING)
    assert len(list(pipeline.catch_up(NOON + 2 * MINUTE))) == 2
    with pipeline.state.engine.begin() as connection:
        connection.execute(text("ALTER TABLE outbox ADD CONSTRAINT nothing_told CHECK (incident_id IS NULL)"))
    before = remains(pipeline.state)
    for _ in range(2):
        with pytest.raises(MinuteriskError) as caught:
            list(pipeline.catch_up(NOON + 5 * MINUTE))
        assert caught.value.hint
        assert remains(pipeline.state) == before
    with pipeline.state.engine.begin() as connection:
        connection.execute(text("ALTER TABLE outbox DROP CONSTRAINT nothing_told"))
    judged = list(pipeline.catch_up(NOON + 5 * MINUTE))
    assert [one.minute for one in judged] == [NOON + n * MINUTE for n in (2, 3, 4)]
    assert [i.entity_id for one in judged for i in one.changes.opened] == ["M0"]
    after = remains(pipeline.state)
    assert (after["incident"], after["outbox"]) == (1, 1)
    assert pipeline.state.published().holes == 0
    assert (
        reconcile(pipeline.source, pipeline.state, Span(MORNING.start, NOON + 5 * MINUTE), pipeline.lake)
        == []
    )


def test_the_same_minutes_judged_in_one_run_and_with_a_restart_between_give_the_same(
    trade: Trade, postgres_url: str, tmp_path: Path
) -> None:
    ordinary(trade)
    surge(trade, NOON + 2 * MINUTE)
    results = []
    for name, stops in (("one", [NOON + 20 * MINUTE]), ("two", [NOON + n * MINUTE for n in (1, 3, 12, 20)])):
        with state_database(postgres_url) as state_url:
            signals, unresolved = [], {}
            for number, stop in enumerate(stops):
                with pipeline_of(trade, state_url, tmp_path / name) as pipeline:
                    if number == 0:
                        pipeline.judge_from(NOON)
                    signals += [row for one in pipeline.catch_up(stop) for row in one.signals.to_dicts()]
                    ledger = pipeline.state.published()
                    assert (ledger.holes, ledger.next_minute) == (0, stop)
                    unresolved = {
                        key: (i.opened_minute, i.last_breach_minute, i.severity, i.reason)
                        for key, i in pipeline.state.unresolved().items()
                    }
            results.append((signals, unresolved))
    assert results[0] == results[1]
    assert results[0][1]


def test_a_minute_without_a_transaction_has_its_row_in_the_ledger(pipeline: Pipeline) -> None:
    """Also where the whole source is empty and nothing was ever written to the home."""
    pipeline.backfill(MORNING)
    judged = list(pipeline.catch_up(NOON + 3 * MINUTE))
    assert len(judged) == 3
    ledger = pipeline.state.minutes(Span(MORNING.start, NOON + 3 * MINUTE))
    assert len(ledger) == MORNING.minutes + 3
    assert {row["source_rows"] for row in ledger} == {0}
    assert pipeline.state.published().holes == 0


# ------------------------------------------------------------------ what is due


def test_minutes_that_have_not_closed_cannot_be_published(pipeline: Pipeline) -> None:
    """They would be published empty, and what comes later would never be counted."""
    soon = datetime.now(UTC).replace(second=0, microsecond=0) + 10 * MINUTE
    for act in (
        lambda: pipeline.backfill(Span(soon - HOUR, soon)),
        lambda: pipeline.judge_from(soon),
    ):
        with pytest.raises(UsageError, match="not closed"):
            act()
    assert remains(pipeline.state)["minute_ledger"] == 0


def test_judging_begins_after_the_last_judged_minute_and_never_before_the_history(
    pipeline: Pipeline, trade: Trade
) -> None:
    ordinary(trade)
    pipeline.backfill(MORNING)
    pipeline.judge_from(NOON - HOUR)
    assert len(list(pipeline.catch_up(NOON - HOUR + 3 * MINUTE))) == 3
    for start, why in ((NOON - HOUR, "judged already"), (MORNING.start - MINUTE, "judged already")):
        with pytest.raises(UsageError, match=why):
            pipeline.judge_from(start)
    pipeline.judge_from(NOON - HOUR + 3 * MINUTE)
    assert pipeline.state.next_minute() == NOON - HOUR + 3 * MINUTE
    pipeline.judge_from(NOON + 30 * MINUTE)  # a jump ahead publishes what lies between
    ledger = pipeline.state.published()
    assert (ledger.holes, ledger.last_minute, ledger.next_minute) == (
        0,
        NOON + 29 * MINUTE,
        NOON + 30 * MINUTE,
    )


def test_judging_cannot_begin_before_the_published_history(pipeline: Pipeline) -> None:
    pipeline.backfill(MORNING)
    with pytest.raises(UsageError, match="before the published history"):
        pipeline.judge_from(MORNING.start - MINUTE)


def test_judging_from_nothing_publishes_the_days_before_first(pipeline: Pipeline) -> None:
    pipeline.judge_from(NOON)
    ledger = pipeline.state.published()
    assert ledger.holes == 0
    assert ledger.first_minute is not None
    assert NOON - ledger.first_minute >= timedelta(days=8)
    assert (ledger.last_minute, ledger.last_judged) == (NOON - MINUTE, None)


def test_a_hole_in_the_history_is_filled_before_it_is_judged(pipeline: Pipeline, trade: Trade) -> None:
    ordinary(trade)
    pipeline.backfill(Span(MORNING.start, MORNING.start + HOUR))
    pipeline.backfill(Span(MORNING.start + 3 * HOUR, NOON))
    assert pipeline.state.published().holes == 120
    pipeline.judge_from(MORNING.start + HOUR)
    assert pipeline.state.published().holes == 0
    judged = list(pipeline.catch_up(MORNING.start + HOUR + 10 * MINUTE))
    assert sum(one.counted.rows["approval_count"].sum() for one in judged) == 20
    assert reconcile(pipeline.source, pipeline.state, MORNING, pipeline.lake) == []
