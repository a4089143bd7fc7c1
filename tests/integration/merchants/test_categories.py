"""The prior by category on the whole way: read from the source, kept, judged, told, judged again."""

from __future__ import annotations

import json
import shutil
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from structlog.testing import capture_logs

from pipeline.catch_up import no_progress
from pipeline.cli import main
from pipeline.errors import StateUnavailable
from pipeline.history import rebuild_windows
from pipeline.minute import EPOCH, MINUTE, Span, business_day
from pipeline.packs.merchants import JUDGE
from pipeline.packs.merchants.explain import account_text, explain
from pipeline.prove.corrector import Corrector
from pipeline.replay.backtest import backtest
from pipeline.replay.replay import replay_all, whole_period
from pipeline.source.asked import Known
from tests.integration.trade_home import pipeline_of, state_database, trade_database

if TYPE_CHECKING:
    from collections.abc import Iterator

    from baselines.merchants.rules import Rules
    from baselines.merchants.windows import Windows
    from pipeline.catch_up import Pipeline
    from tests.integration.trade_home import Trade

SEOUL = ZoneInfo("Asia/Seoul")
DAY = business_day(date(2026, 3, 10), SEOUL).start
FIRST = DAY - timedelta(days=8)
#: The new shop opened two days ago; the hour up to here is its first with cancels.
NOW = DAY + timedelta(hours=20)
SHIPPED = Path(__file__).resolve().parents[3] / "queries" / "merchants" / "extract" / "postgresql"


def spread(merchant: str, approvals: int, cancels: int, start: datetime, end: datetime) -> pl.DataFrame:
    """So many transactions at even distances; the cancels evenly among them."""
    count = approvals + cancels
    at = [start + (end - start) * n / count for n in range(count)]
    kinds = [
        "CANCEL" if (n + 1) * cancels // count > n * cancels // count else "APPROVAL" for n in range(count)
    ]
    return pl.DataFrame({"merchant_id": [merchant] * count, "kind": kinds, "occurred_at": at})


def insert(trade: Trade, rows: pl.DataFrame, first_id: int) -> None:
    trade.insert(
        *((n, merchant, kind, 1000, at) for n, (merchant, kind, at) in enumerate(rows.iter_rows(), first_id))
    )


def cancel_over(trade: Trade, midnight: datetime) -> None:
    """The new shop cancels on, a breach in every minute from before midnight until an hour after it."""
    span = midnight - timedelta(minutes=55), midnight + timedelta(minutes=65)
    insert(trade, spread("new", 120, 120, *span), 100_000)


def trade_of(trade: Trade, cancels_hour: int) -> None:
    """Groceries cancel 3 of 100, ticket shops 20; `new` sells tickets and has 40 sales of two days ago."""
    for merchant, category in (("g1", "grocery"), ("g2", "grocery"), ("t1", "tickets"), ("new", "tickets")):
        trade.execute(f"INSERT INTO merchants VALUES ('{merchant}', 'shop', '{category}')")
    rows = pl.concat(
        [
            spread("g1", 9_700, 300, FIRST, NOW),
            spread("g2", 9_700, 300, FIRST, NOW),
            spread("t1", 1_600, 400, FIRST, NOW),
            spread("new", 40, 0, DAY - timedelta(days=2), DAY - timedelta(days=1)),
            spread("new", 300 - cancels_hour, cancels_hour, NOW - timedelta(hours=1), NOW),
        ]
    )
    insert(trade, rows, 1)


@contextmanager
def home(trade: Trade, postgres_url: str, folder: Path, queries: Path = SHIPPED) -> Iterator[Pipeline]:
    """A budgeted pipeline whose history is published up to shortly before NOW."""
    with (
        state_database(postgres_url) as state_url,
        pipeline_of(trade, state_url, folder, policy="budgeted", source_queries=str(queries)) as pipeline,
    ):
        yield pipeline


def without_categories(folder: Path) -> Path:
    shutil.copytree(SHIPPED, folder)
    (folder / "categories.sql").unlink()
    return folder


def judged(pipeline: Pipeline, span: Span) -> pl.DataFrame:
    """Signals of the new shop's cancels in a span, as they are published."""
    files = pipeline.state.publication().files
    return pipeline.lake.read(files, "signal", span, ["new"]).filter(rule="cancel_surge")


def opened(pipeline: Pipeline) -> list[str]:
    return [i["entity_id"] for i in pipeline.state.incidents_between(EPOCH, NOW + timedelta(days=2))]


def judge_last(pipeline: Pipeline, minutes: int = 3) -> Span:
    pipeline.backfill(Span(FIRST, NOW - minutes * MINUTE))
    list(pipeline.catch_up(NOW))
    return Span(NOW - minutes * MINUTE, NOW)


@pytest.fixture
def calm(postgres_url: str) -> Iterator[Trade]:
    """The new shop cancels 25 of 100 in its hour: much for a merchant, not for a ticket shop."""
    with trade_database(postgres_url) as trade:
        trade_of(trade, 75)
        yield trade


def test_a_new_ticket_shop_that_cancels_as_ticket_shops_do_is_no_incident(
    calm: Trade, postgres_url: str, tmp_path: Path
) -> None:
    with home(calm, postgres_url, tmp_path) as pipeline:
        found = judged(pipeline, judge_last(pipeline))
        assert opened(pipeline) == []
    assert found["category"].to_list() == ["tickets"] * found.height
    assert found["reason"].unique().to_list() == ["held_by_budget"]


def test_with_the_rate_of_all_merchants_it_would_have_been_one(
    calm: Trade, postgres_url: str, tmp_path: Path
) -> None:
    queries = without_categories(tmp_path / "queries")
    with home(calm, postgres_url, tmp_path / "home", queries) as pipeline:
        found = judged(pipeline, judge_last(pipeline))
        assert opened(pipeline) == ["new"]
        assert pipeline.state.facts().is_empty()
    assert found["category"].null_count() == found.height
    assert all(rate < 6_000 for rate in found["prior_cancels_per_100k"])


def test_a_clear_surge_of_the_new_ticket_shop_is_an_incident(postgres_url: str, tmp_path: Path) -> None:
    with trade_database(postgres_url) as trade:
        trade_of(trade, 180)
        with home(trade, postgres_url, tmp_path) as pipeline:
            found = judged(pipeline, judge_last(pipeline))
            assert opened(pipeline) == ["new"]
    # 400 cancels to 1,600 approvals, a little nearer to everybody's.
    assert found.height
    assert all(15_000 < rate < 25_000 for rate in found["prior_cancels_per_100k"])


def test_a_restart_a_backtest_and_other_processes_judge_as_live_did(
    calm: Trade, postgres_url: str, tmp_path: Path
) -> None:
    settings = {"policy": "budgeted", "source_queries": str(SHIPPED)}
    with state_database(postgres_url) as state_url:
        with pipeline_of(calm, state_url, tmp_path, **settings) as pipeline:
            pipeline.backfill(Span(FIRST, NOW - 6 * MINUTE))
            list(pipeline.catch_up(NOW - 4 * MINUTE))
        calm.execute("UPDATE merchants SET category = 'travel' WHERE merchant_id = 'new'")
        with pipeline_of(calm, state_url, tmp_path, **settings) as pipeline:
            list(pipeline.catch_up(NOW - 2 * MINUTE))
        with pipeline_of(calm, state_url, tmp_path, **settings) as pipeline:
            list(pipeline.catch_up(NOW))
            span = Span(NOW - 6 * MINUTE, NOW)
            live = judged(pipeline, span)
            assert live["category"].to_list() == ["tickets"] * 2 + ["travel"] * 4
            (tmp_path / "signals").mkdir()
            whole = whole_period(
                pipeline.lake,
                pipeline.state,
                span,
                "budgeted",
                pipeline.versions,
                tmp_path / "signals",
                whole=True,
            )
            result = backtest(whole, no_progress)
            again = result.signals().filter(entity_id="new", rule="cancel_surge").sort("minute")
            assert again.equals(live)
            assert [i.entity_id for i in result.opened] == opened(pipeline) == ["new"]
            halves = [
                replace(whole, span=Span(*ends))
                for ends in ((span.start, NOW - 3 * MINUTE), (NOW - 3 * MINUTE, NOW))
            ]
            parts = replay_all(halves, no_progress).files  # each in a process of its own
            apart = pl.concat([JUDGE.schema.to_frame(), *(pl.read_parquet(path) for _, path in parts)])
            assert apart.filter(entity_id="new", rule="cancel_surge").sort("minute").equals(live)


def test_categories_change_with_the_business_day_and_a_correction_keeps_those_of_each_minute(
    calm: Trade, postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    midnight = business_day(date(2026, 3, 11), SEOUL).start
    span = Span(midnight - 3 * MINUTE, midnight + 2 * MINUTE)
    cancel_over(calm, midnight)
    with home(calm, postgres_url, tmp_path) as pipeline:
        read, reads = pipeline.source.known, list[Known | None]()

        def counted() -> Known | None:
            reads.append(read())
            return reads[-1]

        monkeypatch.setattr(pipeline.source, "known", counted)
        pipeline.backfill(Span(FIRST, span.start))
        line = pipeline.catch_up(span.end)
        next(line)
        calm.execute("UPDATE merchants SET category = 'travel' WHERE merchant_id = 'new'")
        list(line)
        assert len(reads) == 2  # when the line started, and for the new day
        expected = ["tickets"] * 3 + ["travel"] * 2
        assert judged(pipeline, span)["category"].to_list() == expected
        assert pipeline.state.facts().height == 5
        # From a snapshot of the windows, taken before midnight, and once more from the lake.
        for n in (1, 2):
            calm.insert((200_000 + n, "g1", "APPROVAL", 1000, midnight - n * MINUTE))
            assert Corrector(pipeline).correct([midnight - n * MINUTE], "late_commit")
            assert judged(pipeline, span)["category"].to_list() == expected
            if n == 1:
                list(pipeline.catch_up(span.end + MINUTE))
                after = judged(pipeline, Span(span.end, span.end + MINUTE))
                assert after["category"].unique().to_list() == ["travel"]
                windows: Any = pipeline._line and pipeline._line.windows
                windows._steps.clear()


@pytest.mark.parametrize(("step", "call"), [("record_facts", 1), ("facts", 2)])
def test_where_nobody_knows_if_categories_were_stored_the_store_decides(
    step: str, call: int, calm: Trade, postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    midnight = business_day(date(2026, 3, 11), SEOUL).start
    span = Span(midnight - 2 * MINUTE, midnight + 2 * MINUTE)
    cancel_over(calm, midnight)
    with home(calm, postgres_url, tmp_path) as pipeline:
        pipeline.backfill(Span(FIRST, span.start))
        list(pipeline.catch_up(midnight - MINUTE))
        calm.execute("UPDATE merchants SET category = 'travel' WHERE merchant_id = 'new'")
        done, state, calls = getattr(pipeline.state, step), pipeline.state, list[object]()

        def done_but_not_told(*given: object) -> object:
            calls.append(done(*given))
            if len(calls) < call:
                return calls[-1]
            msg = "the connection is lost"
            raise StateUnavailable(msg)

        with monkeypatch.context() as lost:
            lost.setattr(state, step, done_but_not_told)
            with pytest.raises(StateUnavailable):
                list(pipeline.catch_up(span.end))
        list(pipeline.catch_up(span.end))
        assert judged(pipeline, span)["category"].to_list() == ["tickets"] * 2 + ["travel"] * 2


def test_a_query_that_fails_does_not_stop_the_line_and_the_last_known_go_on(
    calm: Trade, postgres_url: str, tmp_path: Path
) -> None:
    queries = tmp_path / "queries"
    shutil.copytree(SHIPPED, queries)
    midnight = business_day(date(2026, 3, 11), SEOUL).start
    cancel_over(calm, midnight)
    with home(calm, postgres_url, tmp_path / "home", queries) as pipeline:
        pipeline.backfill(Span(FIRST, midnight - 2 * MINUTE))
        line = pipeline.catch_up(midnight + 62 * MINUTE)
        next(line)
        (queries / "categories.sql").write_text("SELECT merchant_id, kind_of_shop FROM merchants")
        with capture_logs() as logs:
            for _ in range(4):
                next(line)
        failed = [entry for entry in logs if entry["event"] == "facts.not_read"]
        assert len(failed) == 1
        assert "does not fit the table" in failed[0]["error"]
        assert judged(pipeline, Span(midnight, midnight + MINUTE))["category"].to_list() == ["tickets"]
        # It is asked for again an hour later.
        (queries / "categories.sql").write_text("SELECT merchant_id, 'travel' AS category FROM merchants")
        list(line)
        after = judged(pipeline, Span(midnight, midnight + 62 * MINUTE))
        assert after.filter(category="travel")["minute"].min() == midnight + 60 * MINUTE
        # Without the query there are none any more, from the next day on.
        (queries / "categories.sql").unlink()
        pipeline.judge_from(midnight + timedelta(days=1))
        list(pipeline.catch_up(midnight + timedelta(days=1) + MINUTE))
        assert (
            pipeline.state.facts().filter(pl.col("from_minute") > after["minute"].max())["value"].to_list()
            == [None] * 4
        )


def test_people_are_told_what_the_verdict_rests_on(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with trade_database(postgres_url) as trade:
        trade_of(trade, 285)
        # Its sales of two days ago are gone, so that it has no week at all.
        trade.execute(f"DELETE FROM transactions WHERE merchant_id = 'new' AND occurred_at < '{DAY}'")
        with state_database(postgres_url) as state_url:
            settings = {"policy": "budgeted", "source_queries": str(SHIPPED)}
            with pipeline_of(trade, state_url, tmp_path, **settings) as pipeline:
                judge_last(pipeline)
                assert opened(pipeline) == ["new"]
                with pipeline.state.engine.connect() as connection:
                    content = connection.exec_driver_sql("SELECT message FROM outbox").scalars().first()
                windows, facts = rebuild_windows(pipeline.lake, pipeline.state, NOW, pipeline.tuned_at(NOW))
                accounts = explain(
                    JUDGE, cast("Windows", windows), "new", cast("Rules", pipeline.tuned_at(NOW)), facts
                )
            assert content is not None
            reason = content["reason"]
            assert (reason["prior"], reason["category"]) == ("category", "tickets")
            assert "rests on the rate of its category 'tickets', " in account_text(
                "new", NOW - MINUTE, accounts, SEOUL
            )
            names = {
                "home": str(tmp_path),
                "source_url": trade.source_url,
                "state_url": state_url,
                **settings,
            }
            for name, value in names.items():
                monkeypatch.setenv(f"MINUTERISK_{name.upper()}", value)
            assert main(["explain", "new", f"{NOW - MINUTE:%Y-%m-%dT%H:%MZ}", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert shown["stored_signals"][0]["prior"] == "category"
    assert shown["accounts"][0]["budgeted"]["category"] == "tickets"
