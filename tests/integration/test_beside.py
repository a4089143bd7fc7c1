"""Datasets that are published beside the counted rows, and the book that is kept up from them."""

from __future__ import annotations

import shutil
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import Mock

import psycopg
import pytest
from structlog.testing import capture_logs

from baselines.facts import Facts
from data.server import create_database, database_url
from pipeline import catch_up
from pipeline.alarms import open_alarms
from pipeline.alarms.book_watch import BookWatch
from pipeline.errors import Overtaken, SourceChanged
from pipeline.history import exposures_from
from pipeline.history.opening import Opening
from pipeline.minute import MINUTE, Span, floor_minute
from pipeline.packs import PACKS
from pipeline.prove.beside import BesideCheck
from pipeline.prove.corrector import Corrector
from pipeline.prove.proof import find_faults
from pipeline.prove.verify import repair_files
from pipeline.settings import load_settings
from scheduler import open_pipeline
from tests.doors.kept import DAYS, Costs, kept

if TYPE_CHECKING:
    import polars as pl

    from pipeline.catch_up import Pipeline
    from pipeline.settings import Settings

DOORS = Path(__file__).resolve().parents[1] / "doors"
NOW = floor_minute(datetime.now(UTC)) - timedelta(hours=1)
#: History ends half an hour before now; after it a few minutes are counted one by one, until here.
COUNTED = NOW - timedelta(minutes=25)
SCHEMA = """
CREATE TABLE events (
    event_id bigint GENERATED ALWAYS AS IDENTITY, door_id text, kind text, occurred_at timestamptz,
    created_at timestamptz DEFAULT now()
);
CREATE TABLE payments (door_id text, amount bigint, day date, paid_at timestamptz)
"""


@dataclass(frozen=True)
class Building:
    """The doors' database, and an installation that reads it."""

    url: str
    queries: Path
    settings: Settings

    def execute(self, statement: str, *values: object) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement.encode(), values)

    def happens(self, door: str, kind: str, at: datetime) -> None:
        self.execute("INSERT INTO events (door_id, kind, occurred_at) VALUES (%s, %s, %s)", door, kind, at)

    def pays(self, door: str | None, amount: int, at: datetime) -> None:
        self.execute("INSERT INTO payments VALUES (%s, %s, '2026-03-02', %s)", door, amount, at)


@pytest.fixture
def building(postgres_url: str, state_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Building:
    monkeypatch.setitem(PACKS, "doors", "tests.doors.kept")
    name = f"doors_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        create_database(admin, name)
    url, queries = database_url(postgres_url, name), tmp_path / "queries"
    shutil.copytree(DOORS / "queries", queries)
    shutil.copy(DOORS / "payments.sql", queries / "payments.sql")
    names = {
        "packs": "doors",
        "home": str(tmp_path / "home"),
        "state_url": state_url,
        "doors_source_url": url,
        "doors_source_queries": str(queries),
        "doors_rules": str(DOORS / "rules.toml"),
        "language": "en",
    }
    settings = load_settings({f"MINUTERISK_{n.upper()}": value for n, value in names.items()})
    made = Building(url, queries, settings)
    made.execute(SCHEMA)
    for door in ("front", "lift"):
        made.happens(door, "opened", NOW - timedelta(hours=2))
        made.happens(door, "forced", NOW - timedelta(hours=2) + MINUTE)
    made.pays("front", 30, NOW - timedelta(hours=2))
    return made


def published(pipeline: Pipeline, dataset: str, span: Span | None = None) -> pl.DataFrame:
    span = span or Span(NOW - timedelta(days=20), NOW + timedelta(hours=1))
    return pipeline.lake.read(pipeline.state.publication().files, dataset, span)


def book_of_lake(pipeline: Pipeline) -> Costs:
    """The book as it follows from what is published, at the next minute to judge."""
    until = pipeline.state.next_minute()
    assert until is not None
    tuned = pipeline.tuned_at(until)
    exposed = exposures_from(pipeline.lake, pipeline.state, until, tuned, Facts())
    assert exposed is not None
    assert isinstance(exposed.book, Costs)
    return exposed.book


def begin(pipeline: Pipeline) -> None:
    """A first start with a short history."""
    pipeline.backfill(Span(NOW - timedelta(hours=3), NOW - timedelta(minutes=30)), first_start=True)


def the_book(pipeline: Pipeline) -> Costs:
    pipeline.prepare()
    assert isinstance(pipeline.money, Costs)
    return pipeline.money


def test_what_is_read_beside_is_published_and_kept_in_the_book(building: Building) -> None:
    with open_pipeline(building.settings) as pipeline:
        begin(pipeline)
        assert published(pipeline, "payment")["amount"].to_list() == [30]
        assert published(pipeline, "forced")["door_id"].to_list() == ["front", "lift"]
        building.pays("lift", 45, COUNTED - timedelta(minutes=2, seconds=30))
        building.pays(None, 7, COUNTED - timedelta(minutes=2, seconds=40))  # wrong: in no book
        building.happens("front", "forced", COUNTED - 2 * MINUTE)
        list(pipeline.catch_up(COUNTED))
        assert published(pipeline, "payment")["amount"].to_list() == [30, 7, 45]
        book = the_book(pipeline)
        assert book.paid == {"front": 30, "lift": 45}
        assert book.cost == {"front": 200, "lift": 100}
        assert kept(book) == kept(book_of_lake(pipeline))


def test_of_the_snapshots_the_newest_counts_and_the_last_of_each_business_day(building: Building) -> None:
    with open_pipeline(building.settings) as pipeline:
        begin(pipeline)
        for ago in (29, 28):
            list(pipeline.catch_up(NOW - timedelta(minutes=ago)))
        list(pipeline.catch_up(COUNTED))
        shown = published(pipeline, "exposure")
        assert shown.filter(minute=COUNTED - MINUTE).select("door_id", "cost", "paid").rows() == [
            ("front", 100, 30),
            ("lift", 100, 0),
        ]
        days = shown["minute"].dt.convert_time_zone("Asia/Seoul").dt.date().unique()
        assert shown["minute"].n_unique() == len(days)


def test_a_late_row_corrects_what_is_beside_it_and_the_book(building: Building) -> None:
    with open_pipeline(building.settings) as pipeline:
        begin(pipeline)
        list(pipeline.catch_up(COUNTED))
        minute = COUNTED - 2 * MINUTE
        building.happens("lift", "forced", minute)
        building.pays("lift", 11, minute)
        assert Corrector(pipeline).correct([minute], "late_commit") == [minute]
        book = the_book(pipeline)
        assert (book.cost["lift"], book.paid["lift"], book.firsts["lift"]) == (200, 11, 2)
        assert kept(book) == kept(book_of_lake(pipeline))
        assert published(pipeline, "forced").filter(minute=minute)["door_id"].to_list() == ["lift"]


def test_a_payment_that_changed_corrects_its_minute_without_judging_anew(building: Building) -> None:
    minute = COUNTED - 2 * MINUTE
    building.pays("lift", 11, minute)
    building.pays("front", 5, minute)
    with open_pipeline(building.settings) as pipeline:
        begin(pipeline)
        list(pipeline.catch_up(COUNTED))
        book = the_book(pipeline)
        signals = [f for f in pipeline.state.publication().files if f.dataset == "signal"]
        building.execute("UPDATE payments SET amount = 12 WHERE amount = 11")
        building.execute("DELETE FROM payments WHERE amount = 5")
        assert Corrector(pipeline).correct([minute], "reconciliation") == [minute]
        assert the_book(pipeline) is book  # it goes on, by the difference
        assert book.paid == {"front": 30, "lift": 12}
        assert kept(book) == kept(book_of_lake(pipeline))
        assert [f for f in pipeline.state.publication().files if f.dataset == "signal"] == signals
        assert Corrector(pipeline).correct([minute], "reconciliation") == []


def test_a_correction_that_is_not_committed_leaves_no_book_behind(
    building: Building, monkeypatch: pytest.MonkeyPatch
) -> None:
    minute = COUNTED - 2 * MINUTE
    with open_pipeline(building.settings) as pipeline:
        begin(pipeline)
        list(pipeline.catch_up(COUNTED))
        building.pays("lift", 11, minute)
        with monkeypatch.context() as patch:
            patch.setattr(pipeline.state, "correct", Mock(side_effect=Overtaken("it was first")))
            with pytest.raises(Overtaken):
                Corrector(pipeline).correct([minute], "reconciliation")
        assert kept(the_book(pipeline)) == kept(book_of_lake(pipeline))
        assert the_book(pipeline).paid["lift"] == 0


def test_the_nightly_comparison_sees_what_is_beside_the_rows(building: Building) -> None:
    minute, span = COUNTED - 2 * MINUTE, Span(NOW - timedelta(minutes=30), COUNTED)
    with open_pipeline(building.settings) as pipeline:
        begin(pipeline)
        list(pipeline.catch_up(COUNTED))
        assert not find_faults(pipeline, pipeline.source, span).any
        building.pays("lift", 11, minute)
        assert find_faults(pipeline, pipeline.source, span).minutes == [minute]


def pipeline_alarms(pipeline: Pipeline) -> list[tuple[str, str]]:
    state = pipeline.state
    return [(alarm.name, alarm.subject) for alarm in open_alarms(state.engine, state.url, state.pack)]


def test_at_the_first_start_what_is_older_than_history_is_read_once(building: Building) -> None:
    building.pays("lift", 60, NOW - timedelta(days=2))
    building.pays("lift", 8, NOW - timedelta(days=20))  # older than anything counts
    with open_pipeline(building.settings) as pipeline:
        begin(pipeline)
        assert the_book(pipeline).paid == {"front": 30, "lift": 60}
        assert pipeline.state.published().first_minute == NOW - timedelta(hours=3)
        shown = pipeline.lake.shown()
        assert shown is not None
        assert shown.first_minute is not None
        assert shown.first_minute >= NOW - timedelta(hours=3)  # the opening has no minutes
        list(pipeline.catch_up(NOW - timedelta(minutes=25)))
        version = pipeline.state.published().version
    with open_pipeline(building.settings) as pipeline:
        assert the_book(pipeline).paid == {"front": 30, "lift": 60}
        assert pipeline.state.published().version == version


def test_older_history_that_is_published_later_holds_nothing_of_the_opening_twice(building: Building) -> None:
    building.pays("lift", 60, NOW - timedelta(hours=4))
    with open_pipeline(building.settings) as pipeline:
        begin(pipeline)
        assert the_book(pipeline).paid["lift"] == 60
        pipeline.backfill(Span(NOW - timedelta(hours=5), NOW - timedelta(hours=3)))
        assert the_book(pipeline).paid["lift"] == 60
        assert published(pipeline, "payment").height == 2


def test_an_installation_of_an_earlier_version_is_opened_whole(building: Building) -> None:
    building.pays("lift", 60, NOW - timedelta(days=2))
    with open_pipeline(building.settings) as pipeline:
        begin(pipeline)
        list(pipeline.catch_up(COUNTED))
        wanted = kept(the_book(pipeline))
        for name in ("payment", "forced"):
            paths = [file.path for file in pipeline.state.publication().files if file.dataset == name]
            pipeline.state.open_dataset(name, NOW, paths, [])  # its minutes were published without
            pipeline.state.forget_dataset(name)
    with open_pipeline(building.settings) as pipeline:
        assert kept(the_book(pipeline)) == wanted
        list(pipeline.catch_up(COUNTED + MINUTE))
        assert kept(the_book(pipeline)) == kept(book_of_lake(pipeline))
        assert published(pipeline, "payment")["amount"].to_list() == [60, 30]
        assert published(pipeline, "forced")["door_id"].to_list() == ["front", "lift"]


def test_a_query_that_comes_is_opened_and_one_that_goes_leaves_nothing_known(
    building: Building, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catch_up, "OPENED_EVERY_S", -1)
    query = building.queries / "payments.sql"
    good = query.read_text()
    query.unlink()
    building.pays("lift", 60, NOW - timedelta(days=2))
    with open_pipeline(building.settings) as pipeline:
        begin(pipeline)
        list(pipeline.catch_up(NOW - timedelta(minutes=25)))
        assert +the_book(pipeline).paid == {}
        query.write_text(good.replace("amount", "nothing"))
        list(pipeline.catch_up(NOW - timedelta(minutes=24)))
        assert ("ornament.failing", "payments") in pipeline_alarms(pipeline)
        query.write_text(good)
        list(pipeline.catch_up(NOW - timedelta(minutes=23)))
        assert the_book(pipeline).paid == {"front": 30, "lift": 60}
        query.unlink()
        list(pipeline.catch_up(NOW - timedelta(minutes=22)))
        assert +the_book(pipeline).paid == {}


def test_of_a_query_that_comes_nothing_is_in_the_book_before_it_is_opened(
    building: Building, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the payments of some minutes alone all earlier ones would count as not made."""
    monkeypatch.setattr(catch_up, "OPENED_EVERY_S", -1)
    query, minute = building.queries / "payments.sql", COUNTED - 2 * MINUTE
    good = query.read_text()
    query.unlink()
    with open_pipeline(building.settings) as pipeline:
        begin(pipeline)
        list(pipeline.catch_up(minute))
        query.write_text(good)
        building.pays("lift", 5, minute)
        with monkeypatch.context() as patch:
            patch.setattr(Opening, "_of_query", Mock(side_effect=SourceChanged("no", "mend it")))
            list(pipeline.catch_up(COUNTED))
            assert published(pipeline, "payment")["amount"].to_list() == [5]
            assert +the_book(pipeline).paid == {}
            building.pays("lift", 7, minute)
            check = BesideCheck(pipeline)
            due = pipeline.state.next_minute()
            assert due is not None
            list(pipeline.catch_up(due + MINUTE))
            assert minute in check.look()
            assert +the_book(pipeline).paid == {}
            assert kept(the_book(pipeline)) == kept(book_of_lake(pipeline))
        list(pipeline.catch_up(COUNTED + 2 * MINUTE))
        assert the_book(pipeline).paid == {"front": 30, "lift": 12}
        assert kept(the_book(pipeline)) == kept(book_of_lake(pipeline))


@pytest.mark.parametrize("compacted", [False, True])
def test_an_opening_keeps_what_lies_before_it(
    building: Building, monkeypatch: pytest.MonkeyPatch, *, compacted: bool
) -> None:
    """A query that was away for minutes is read again as far as the book goes, which is not all there is."""
    monkeypatch.setattr(catch_up, "OPENED_EVERY_S", -1)
    monkeypatch.setitem(DAYS, "reach", 10)
    query = building.queries / "payments.sql"
    good = query.read_text()
    building.pays("lift", 8, NOW - timedelta(days=8))
    building.pays("lift", 60, NOW - timedelta(days=2))
    with open_pipeline(building.settings) as pipeline:
        begin(pipeline)
        list(pipeline.catch_up(NOW - timedelta(minutes=29)))
        wanted = published(pipeline, "payment")
        assert wanted["amount"].to_list() == [8, 60, 30]
        if compacted:
            files = [f for f in pipeline.state.publication().files if f.dataset == "payment"]
            whole = Span(min(f.span.start for f in files), max(f.span.end for f in files))
            output = pipeline.lake.write("payment", wanted, whole)
            assert output is not None
            pipeline.state.swap_files(files, output)
        monkeypatch.setitem(DAYS, "reach", 4)
        query.unlink()
        list(pipeline.catch_up(NOW - timedelta(minutes=28)))
        assert "payment" not in pipeline.state.datasets_known()
        query.write_text(good)
        list(pipeline.catch_up(NOW - timedelta(minutes=27)))
        assert "payment" in pipeline.state.datasets_known()
        assert published(pipeline, "payment").equals(wanted)
        assert the_book(pipeline).paid == {"front": 30, "lift": 60}


def test_rules_that_let_the_book_go_further_back_have_the_days_before_read(
    building: Building, monkeypatch: pytest.MonkeyPatch
) -> None:
    building.pays("lift", 60, NOW - timedelta(days=8))
    with open_pipeline(building.settings) as pipeline:
        begin(pipeline)
        list(pipeline.catch_up(NOW - timedelta(minutes=29)))
        assert the_book(pipeline).paid == {"front": 30}
        monkeypatch.setitem(DAYS, "reach", 10)
        list(pipeline.catch_up(NOW - timedelta(minutes=28)))
        assert the_book(pipeline).paid == {"front": 30, "lift": 60}
        version = pipeline.state.datasets_known()
        assert not pipeline.opening.open(NOW - timedelta(minutes=28), timedelta(days=10))  # read once
        assert pipeline.state.datasets_known() == version


def test_what_does_not_fit_and_what_was_changed_afterwards_is_an_alarm(building: Building) -> None:
    minute = NOW - timedelta(minutes=12)
    building.pays("gate", 11, minute)  # never forced

    def told(name: str) -> list[str]:
        found = open_alarms(pipeline.state.engine, pipeline.state.url, "doors")
        return [alarm.what for alarm in found if alarm.name == name]

    with open_pipeline(building.settings) as pipeline:
        begin(pipeline)
        list(pipeline.catch_up(NOW))
        watch = BookWatch(pipeline.alarms)
        watch.see(pipeline.money)
        assert told("book.doubtful") == ["gate was paid for"]
        building.execute("UPDATE payments SET door_id = 'lift' WHERE amount = 11")
        assert Corrector(pipeline).correct([minute], "reconciliation") == [minute]
        watch.see(pipeline.money)
        assert told("book.doubtful") == []
        (said,) = told("rows.rewritten")
        assert said.startswith("1 row of payment changed or deleted")
        assert "door_id gate, amount 11, day 2026-03-02" in said


def test_a_damaged_file_whose_query_is_gone_is_given_up_and_said(building: Building) -> None:
    building.pays("lift", 60, NOW - timedelta(days=2))
    query = building.queries / "payments.sql"
    good = query.read_text()
    with open_pipeline(building.settings) as pipeline:
        begin(pipeline)
        list(pipeline.catch_up(COUNTED))
        before = published(pipeline, "payment")
        damaged = [f for f in pipeline.state.publication().files if f.dataset == "payment"]
        for file in damaged:
            (pipeline.lake.folder / file.path).write_bytes(b"")
        query.unlink()
        with capture_logs() as logs:
            repair_files(pipeline, damaged)
        told = [
            line["event"] for line in logs if line["event"] in ("lake.file_given_up", "lake.file_rebuilt")
        ]
        assert told == ["lake.file_given_up"] * len(damaged)
        assert published(pipeline, "payment").is_empty()
        assert pipeline_alarms(pipeline) == [("ornament.failing", "payments")]
        list(pipeline.catch_up(COUNTED + MINUTE))
        assert +the_book(pipeline).paid == {}  # and not known to be none
        assert "payment" not in pipeline.state.datasets_known()
        query.write_text(good)
        pipeline.opening.open(COUNTED + MINUTE, timedelta(days=4))
        pipeline.drop_line()
        list(pipeline.catch_up(COUNTED + 2 * MINUTE))
        assert published(pipeline, "payment").equals(before)
        assert pipeline_alarms(pipeline) == []


def test_a_damaged_file_is_built_again_and_a_snapshot_is_given_up(building: Building) -> None:
    building.pays("lift", 60, NOW - timedelta(days=2))  # read by the opening
    with open_pipeline(building.settings) as pipeline:
        begin(pipeline)
        list(pipeline.catch_up(COUNTED))
        before = {name: published(pipeline, name) for name in ("payment", "forced")}
        files = pipeline.state.publication().files
        damaged = [file for file in files if file.dataset in ("payment", "forced", "exposure")]
        for file in damaged:
            (pipeline.lake.folder / file.path).write_bytes(b"")
        assert pipeline.lake.damaged(files) == damaged
        repair_files(pipeline, damaged)
        assert pipeline.lake.damaged(pipeline.state.publication().files) == []
        assert all(published(pipeline, name).equals(rows) for name, rows in before.items())
        assert published(pipeline, "exposure").is_empty()
        list(pipeline.catch_up(COUNTED + MINUTE))
        assert published(pipeline, "exposure").height == 2
