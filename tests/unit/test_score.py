"""A backtest against labels: what counts as found, what as false, and how a file of labels is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from pipeline.errors import UsageError
from pipeline.judge.life import Incident
from pipeline.minute import MINUTE, Span
from pipeline.money import AtRisk
from pipeline.packs.merchants import PACK
from pipeline.packs.merchants.caught import caught
from pipeline.packs.merchants.schema import MERCHANT_MINUTE
from pipeline.replay.labels import read_labels
from pipeline.replay.score import LABEL, score

if TYPE_CHECKING:
    from pathlib import Path

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
OURS = {"entity_id": "merchant_id"}  # as files of labels say it
DAY = Span(NOON - timedelta(hours=12), NOON + timedelta(hours=12))


def label(merchant: str, expected: str = "alarm", rule: str = "cancel_surge") -> dict[str, Any]:
    start = NOON + timedelta(seconds=30)
    return {
        "label": merchant,
        "rule": rule,
        "entity_id": merchant,
        "start": start,
        "end": start + timedelta(hours=1),
        "expected": expected,
    }


def incident(merchant: str, after: int, rule: str = "cancel_surge") -> Incident:
    at = NOON + after * MINUTE
    return Incident(
        incident_id=None,
        rule=rule,
        entity_id=merchant,
        tier="tail",
        severity="high",
        status="open",
        policy="budgeted",
        opened_minute=at,
        last_breach_minute=at,
        reason={},
        at_risk=AtRisk(),
    )


def scored(opened: list[Incident], *labels: dict[str, Any]) -> dict[str, Any]:
    return score(opened, pl.DataFrame(labels, LABEL), DAY, 100, PACK).as_json()


def test_an_incident_while_the_label_lasts_finds_it_and_the_delay_counts_to_the_minutes_end() -> None:
    found = scored([incident("A", 0), incident("B", 9)], label("A"), label("B"), label("C"))
    assert (found["found"], found["recall"], found["precision"]) == (2, round(2 / 3, 4), 1.0)
    assert (found["delay_minutes_median"], found["delay_minutes_p95"]) == (0, 9)


@pytest.mark.parametrize(
    ("opened", "explained"),
    [
        (incident("A", -1), False),
        (incident("A", 0), True),
        (incident("A", 120), True),
        (incident("A", 121), False),
        (incident("A", 5, "volume_drop"), False),
        (incident("Z", 5), False),
    ],
)
def test_an_incident_of_another_time_rule_or_merchant_is_false(opened: Incident, explained: bool) -> None:  # noqa: FBT001 - a parameter of the table above
    found = scored([opened], label("A"))
    assert found["found"] == int(explained)
    assert found["false_incidents"] == 1 - int(explained)


def test_an_incident_on_a_quiet_label_is_false_and_counted_apart() -> None:
    found = scored([incident("Q", 5), incident("Z", 5)], label("Q", "quiet"))
    assert (found["labels"], found["recall"], found["false_incidents"], found["quiet_labels_broken"]) == (
        0,
        None,
        2,
        1,
    )


def test_delays_are_told_by_tier() -> None:
    large = replace(incident("A", 4), tier="top")
    found = scored([large, incident("B", 9)], label("A"), label("B"), label("C"))
    assert (found["delay_minutes_top_median"], found["delay_minutes_tail_median"]) == (4, 9)
    assert scored([large], label("A"))["delay_minutes_tail_p95"] is None


def test_the_money_caught_is_what_was_cancelled_after_the_incident_opened() -> None:
    rows = [(NOON + n * MINUTE, m, 1, 1, 0, 100 + n, 0, 0) for n in (-1, 1, 2, 3, 61) for m in ("A", "B")]
    minutes = pl.DataFrame(rows, MERCHANT_MINUTE, orient="row")
    labels = pl.DataFrame([label("A"), label("B"), label("A", rule="volume_drop")], LABEL)
    compared = score([incident("A", 2), incident("Z", 2)], labels, DAY, 100, PACK)
    told = [
        {**d.label, "opened_minute": d.incident and d.incident.opened_minute} for d in compared.detections
    ]
    # Of 101 + 102 + 103 while each label lasted, only A's last minute came after its incident.
    assert caught(told, minutes) == {"krw_cancelled": 612, "krw_caught": 103}


def test_chance_alone_finds_next_to_nothing() -> None:
    found = scored([incident("Z", 5)], label("A"))
    assert found["random_recall"] == pytest.approx(120 / (2 * 100 * 1440), abs=1e-4)


def test_labels_are_read_from_parquet_and_csv(tmp_path: Path) -> None:
    frame = pl.DataFrame([label("A"), label("7", "quiet")], LABEL)
    frame.with_columns(kind=pl.lit("outage")).rename(OURS).write_parquet(tmp_path / "labels.parquet")
    frame.rename(OURS).write_csv(tmp_path / "labels.csv", datetime_format="%Y-%m-%dT%H:%M:%S+00:00")
    assert read_labels(tmp_path / "labels.parquet", PACK).equals(frame)
    assert read_labels(tmp_path / "labels.csv", PACK).equals(frame)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"rule": "cancel_surges"}, "cancel_surges"),
        ({"expected": "maybe"}, "maybe"),
        ({"start": "yesterday"}, "labels.csv"),
        ({"end": None}, "label"),
    ],
)
def test_labels_that_are_not_understood_are_refused_with_the_value(
    tmp_path: Path, change: dict[str, Any], named: str
) -> None:
    path = tmp_path / "labels.csv"
    row = {k: v.isoformat() if isinstance(v, datetime) else v for k, v in (label("A") | change).items()}
    pl.DataFrame([row]).rename(OURS).write_csv(path)
    with pytest.raises(UsageError, match=named):
        read_labels(path, PACK)


def test_a_missing_column_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "labels.parquet"
    with pytest.raises(UsageError, match="cannot read"):
        read_labels(path, PACK)
    pl.DataFrame([label("A")], LABEL).rename(OURS).drop("rule").write_parquet(path)
    with pytest.raises(UsageError, match="rule"):
        read_labels(path, PACK)
