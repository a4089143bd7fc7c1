"""What is published beside the counted rows is compared with the source, and corrected."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from unittest.mock import Mock

from pipeline.errors import SourceTooSlow
from pipeline.minute import MINUTE, one_minute
from pipeline.prove.beside import BesideCheck
from scheduler import open_pipeline
from tests.doors.kept import kept
from tests.integration.test_beside import (
    COUNTED,
    NOW,
    Building,
    begin,
    book_of_lake,
    building,
    pipeline_alarms,
    published,
    the_book,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pytest

    from pipeline.catch_up import Pipeline
    from pipeline.store.manifest import LakeFile

__all__ = ["building"]  # the fixture


def looked(pipeline: Pipeline, check: BesideCheck) -> list[datetime]:
    """What the look after the next minute corrects."""
    due = pipeline.state.next_minute()
    assert due is not None
    list(pipeline.catch_up(due + MINUTE))
    return check.look()


def test_rows_that_come_late_change_or_go_are_found_within_a_minute(building: Building) -> None:
    minute, other = COUNTED - 4 * MINUTE, COUNTED - 2 * MINUTE
    with open_pipeline(building.settings) as pipeline:
        begin(pipeline)
        list(pipeline.catch_up(COUNTED))
        check = BesideCheck(pipeline)
        assert looked(pipeline, check) == []
        building.pays("lift", 11, minute)
        building.pays("front", 20, minute)
        building.pays("front", 30, other)
        assert looked(pipeline, check) == [minute, other]
        building.execute("UPDATE payments SET door_id = 'front' WHERE amount = 11")  # the sums stay
        building.execute("UPDATE payments SET door_id = 'lift' WHERE amount = 20")
        building.execute("DELETE FROM payments WHERE paid_at = %s", other)
        assert looked(pipeline, check) == [minute, other]
        assert looked(pipeline, check) == []
        book = the_book(pipeline)
        assert kept(book) == kept(book_of_lake(pipeline))
        assert +book.paid == {"front": 41, "lift": 20}
        revisions = pipeline.state.rows("published_minutes", start=minute, end=minute + MINUTE)
        assert [row["revision"] for row in revisions] == [2]


def test_older_ones_are_found_hourly_and_at_night_and_the_tick_corrects_them(building: Building) -> None:
    old = NOW - timedelta(hours=2, minutes=20)
    with open_pipeline(building.settings) as pipeline:
        begin(pipeline)
        list(pipeline.catch_up(COUNTED))
        check = BesideCheck(pipeline)
        building.pays("lift", 11, old)
        with pipeline.source.again() as source:
            assert check.compare_recent(source) == [old]
            assert check.compare_all(source) == [old]
        assert published(pipeline, "payment").height == 1  # the tick alone changes what is published
        assert check.take() == [old]
        assert check.take() == []
        assert the_book(pipeline).paid["lift"] == 11
        assert kept(the_book(pipeline)) == kept(book_of_lake(pipeline))


def test_a_query_that_fails_holds_up_no_minute_and_what_was_missed_is_found(building: Building) -> None:
    minute = COUNTED - 2 * MINUTE
    building.pays("lift", 11, minute)
    good = (building.queries / "payments.sql").read_text()
    with open_pipeline(building.settings) as pipeline:
        begin(pipeline)
        check = BesideCheck(pipeline)
        (building.queries / "payments.sql").write_text(good.replace("amount", "'nothing'::bigint AS amount"))
        list(pipeline.catch_up(COUNTED))
        assert published(pipeline, "door_minute").height  # counted all the same
        assert ("ornament.failing", "payments") in pipeline_alarms(pipeline)
        assert check.look() == []
        (building.queries / "payments.sql").write_text(good)
        assert looked(pipeline, check) == [minute]
        assert looked(pipeline, check) == []
        assert ("ornament.failing", "payments") not in pipeline_alarms(pipeline)
        assert the_book(pipeline).paid["lift"] == 11


def test_a_query_whose_rows_are_wrong_is_one_alarm_and_its_minutes_are_looked_at_again(
    building: Building,
) -> None:
    """Checksums need the column of time alone: they are given while every reading of the rows fails."""
    minute, query = COUNTED - 2 * MINUTE, building.queries / "payments.sql"
    building.pays("front", 5, minute)
    good = query.read_text()
    with open_pipeline(building.settings) as pipeline:
        begin(pipeline)
        list(pipeline.catch_up(COUNTED))
        check = BesideCheck(pipeline)
        assert looked(pipeline, check) == []
        query.write_text(good.replace("amount", "amount AS sum"))
        building.pays("lift", 11, minute)
        for _ in range(3):
            assert looked(pipeline, check) == []
        with pipeline.source.again() as source:
            assert check.compare_recent(source) == []
        assert pipeline_alarms(pipeline) == [("ornament.failing", "payments")]
        query.write_text(good)
        assert looked(pipeline, check) == [minute]
        assert looked(pipeline, check) == []
        assert pipeline_alarms(pipeline) == []
        assert the_book(pipeline).paid["lift"] == 11


def test_checksums_that_take_too_long_are_said_and_not_asked_for_each_minute(
    building: Building, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_pipeline(building.settings) as pipeline:
        begin(pipeline)
        list(pipeline.catch_up(COUNTED))
        check, now = BesideCheck(pipeline), 1000.0

        def too_slow(*_: object) -> dict[datetime, tuple[int, str]]:
            nonlocal now
            now += 2.0
            msg = "payments.sql took too long"
            raise SourceTooSlow(msg, "give it an index")

        asked = Mock(side_effect=too_slow)
        monkeypatch.setattr(pipeline, "monotonic", lambda: now)
        with monkeypatch.context() as patch:
            patch.setattr(pipeline.source, "beside_prints", asked)
            assert looked(pipeline, check) == []
            assert pipeline_alarms(pipeline) == [("ornament.failing", "payments")]
            now += 39.0  # of twenty times as long
            assert looked(pipeline, check) == []
            assert asked.call_count == 1
        now += 2.0
        building.pays("lift", 11, COUNTED - 2 * MINUTE)
        assert looked(pipeline, check) == [COUNTED - 2 * MINUTE]


def test_what_other_threads_found_is_corrected_until_the_deadline_and_the_rest_waits(
    building: Building, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [NOW - timedelta(hours=2, minutes=ago) for ago in (40, 30, 20)]
    with open_pipeline(building.settings) as pipeline:
        begin(pipeline)
        list(pipeline.catch_up(COUNTED))
        check, query = BesideCheck(pipeline), building.queries / "payments.sql"
        for minute in found:
            building.pays("lift", 11, minute)
        with pipeline.source.again() as source:
            assert check.compare_recent(source) == found
        assert check.take(0.0) == []
        clock = iter((1.0, 2.0, *[3.0] * 100))
        with monkeypatch.context() as patch:
            patch.setattr(pipeline, "monotonic", lambda: next(clock))
            assert check.take(1.5) == found[:1]
        good = query.read_text()
        query.write_text(good.replace("amount", "amount AS sum"))
        assert check.take() == []  # they are not forgotten
        query.write_text(good)
        monkeypatch.setattr(pipeline, "monotonic", lambda: 1e12)
        assert check.take() == found[1:]
        assert check.take() == []


def test_one_late_row_has_no_other_file_looked_at(
    building: Building, monkeypatch: pytest.MonkeyPatch
) -> None:
    minute = COUNTED - 2 * MINUTE
    with open_pipeline(building.settings) as pipeline:
        begin(pipeline)
        for other in (minute, COUNTED - 4 * MINUTE):
            building.pays("front", 5, other)
        list(pipeline.catch_up(COUNTED))
        check = BesideCheck(pipeline)
        assert looked(pipeline, check) == []
        building.pays("lift", 11, minute)
        whole = pipeline.lake.require_whole
        seen: list[LakeFile] = []

        def require_whole(files: Iterable[LakeFile]) -> None:
            seen.extend(files)
            whole(seen)

        monkeypatch.setattr(pipeline.lake, "require_whole", require_whole)
        assert looked(pipeline, check) == [minute]
        assert [(file.dataset, file.span) for file in seen] == [("payment", one_minute(minute))]


def test_a_value_that_cannot_be_read_leaves_out_its_minute_alone(building: Building) -> None:
    good = (building.queries / "payments.sql").read_text()
    building.execute("ALTER TABLE payments ALTER amount TYPE text")
    (building.queries / "payments.sql").write_text(good.replace("amount", "amount::bigint AS amount"))
    with open_pipeline(building.settings) as pipeline:
        begin(pipeline)
        check = BesideCheck(pipeline)
        building.execute(
            "INSERT INTO payments VALUES ('lift', '1', '2026-03-02', %s), ('lift', 'some', '2026-03-02', %s)",
            NOW - timedelta(minutes=40),
            NOW - timedelta(minutes=41),
        )
        with pipeline.source.again() as source:
            assert check.compare_recent(source) == [NOW - timedelta(minutes=40)]
        assert [name for name, _ in pipeline_alarms(pipeline)] == ["rows.unreadable"]
