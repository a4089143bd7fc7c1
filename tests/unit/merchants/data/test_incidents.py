"""The incidents file is read strictly."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from data.merchants.disputes import disputes_for
from data.merchants.incidents import FINISHED_FILE, LABELS, place, read_incidents
from data.merchants.traffic import Traffic, TrafficConfig
from pipeline.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

START = datetime(2026, 11, 1, 15, tzinfo=UTC)
GOOD = {
    "label": '"a"',
    "kind": '"outage"',
    "rank": "1",
    "start": '"-25m"',
    "duration": '"6h"',
    "strength": "0.1",
    "expected": '"alarm"',
    "rule": '"volume_drop"',
}


def write(path: Path, **changes: str | None) -> Path:
    lines = [f"{key} = {value}" for key, value in {**GOOD, **changes}.items() if value is not None]
    file = path / "incidents.toml"
    file.write_text("[[incident]]\n" + "\n".join(lines), encoding="utf-8")
    return file


def test_an_incident_is_placed_around_the_reference(tmp_path: Path) -> None:
    [placed] = place(read_incidents(write(tmp_path)), START + timedelta(microseconds=7))
    assert placed.start == START - timedelta(minutes=25)
    assert placed.end == placed.start + timedelta(hours=6)


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("kind", '"flood"', "kind = 'flood'"),
        ("rank", "0", "rank = 0"),
        ("rank", "true", "rank = True"),
        ("rank", None, "neither"),
        ("merchant", '"M1"', "both"),
        ("start", '"25m"', "start = '25m'"),
        ("start", '"-25 minutes"', "start = '-25 minutes'"),
        ("start", '"-99999999999h"', "start ="),
        ("duration", '"0m"', "duration = '0m'"),
        ("duration", '"-1h"', "duration = '-1h'"),
        ("strength", "1.5", "strength = 1.5"),
        ("strength", "nan", "strength = nan"),
        ("strength", "true", "strength = True"),
        ("strength", '"0.1"', "strength = '0.1'"),
        ("expected", '"maybe"', "expected = 'maybe'"),
        ("rule", '"none"', "rule = 'none'"),
        ("label", '" "', "label = ' '"),
        ("label", None, "label is missing"),
        ("effect", '"volume"', "effect = 'volume'"),
        ("colour", '"red"', "colour = 'red'"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(
    tmp_path: Path, key: str, value: str | None, says: str
) -> None:
    file = write(tmp_path, **{key: value})
    with pytest.raises(ConfigurationError) as refused:
        read_incidents(file)
    assert says in str(refused.value)
    assert str(file) in str(refused.value)
    assert refused.value.hint


@pytest.mark.parametrize(
    "text", ["[[incident]\n", "incident = 3\n", "incident = [3]\n", "[incidents]\n", "\xff"]
)
def test_a_file_that_is_something_else_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "x.toml"
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(ConfigurationError, match=r"x\.toml"):
        read_incidents(file)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"nothing\.toml"):
        read_incidents(tmp_path / "nothing.toml")


def test_two_incidents_cannot_share_a_label(tmp_path: Path) -> None:
    file = write(tmp_path)
    file.write_text(file.read_text() + "\n" + file.read_text())
    with pytest.raises(ConfigurationError, match="label = 'a'"):
        read_incidents(file)


def test_a_near_miss_cannot_expect_an_alarm(tmp_path: Path) -> None:
    file = write(tmp_path, kind='"near_miss"', effect='"volume"', strength="2")
    with pytest.raises(ConfigurationError, match="expected = 'alarm'"):
        read_incidents(file)


def test_a_rank_beyond_the_merchants_is_named(tmp_path: Path) -> None:
    placed = place(read_incidents(write(tmp_path, rank="51")), START)
    with pytest.raises(ConfigurationError, match="rank = 51"):
        Traffic(TrafficConfig(START, merchants=50, incidents=placed))


def test_a_merchant_can_be_named_by_its_id(tmp_path: Path) -> None:
    wanted = Traffic(TrafficConfig(START, merchants=50)).merchants()["merchant_id"][3]
    placed = place(read_incidents(write(tmp_path, rank=None, merchant=str(wanted))), START)
    labels = Traffic(TrafficConfig(START, merchants=50, incidents=placed)).labels()
    assert labels["merchant_id"].to_list() == [str(wanted)]


def test_the_default_file_has_what_a_demo_needs() -> None:
    incidents = read_incidents()
    placed = place(incidents, START)
    traffic = Traffic(TrafficConfig(START - timedelta(days=8), incidents=placed))
    labels = traffic.labels()
    assert labels.schema == LABELS
    assert labels.height == len(incidents)
    assert {i.kind for i in incidents} == {"bankruptcy", "non_delivery", "outage", "near_miss"}
    assert all(i.expected == "quiet" for i in incidents if i.kind == "near_miss")
    running = [p for p in placed if p.incident.kind == "bankruptcy" and p.start < START < p.end]
    assert len(running) >= 2
    assert any(START < p.start < START + timedelta(minutes=1) for p in placed)


@pytest.mark.parametrize("seed", range(8))
def test_the_merchant_of_the_outage_takes_over_a_billion_a_day(seed: int) -> None:
    [outage] = [i for i in read_incidents() if i.kind == "outage"]
    profile = Traffic(TrafficConfig(START, seed=seed)).profile()
    assert profile["amount_per_day"][int(outage.merchant) - 1] > 1_100_000_000


@pytest.mark.parametrize(
    ("now", "begins"),
    [
        ("2026-11-30T05:30Z", "2026-11-25T00:30Z"),  # a Monday: Friday, Thursday, Wednesday
        ("2026-11-29T16:00Z", "2026-11-25T00:30Z"),  # in Korea it is Monday already
        ("2026-10-12T05:30Z", "2026-10-06T00:30Z"),  # 9 October is Hangul Day
    ],
)
def test_a_start_may_be_a_business_day_before_at_a_time_in_korea(
    tmp_path: Path, now: str, begins: str
) -> None:
    incidents = read_incidents(write(tmp_path, start='"-3b 09:30"', duration='"4d"'))
    [placed] = place(incidents, datetime.fromisoformat(now))
    assert placed.start == datetime.fromisoformat(begins)
    assert placed.end == placed.start + timedelta(days=4)


@pytest.mark.parametrize("start", ["-0b 09:30", "+3b 09:30", "-3b 24:00", "-3b"])
def test_a_business_time_that_is_none_is_refused(tmp_path: Path, start: str) -> None:
    with pytest.raises(ConfigurationError, match="-3b 09:30"):
        read_incidents(write(tmp_path, start=f'"{start}"'))


def test_the_finished_bankruptcy_is_over_and_its_merchant_has_no_other_incident() -> None:
    [finished] = place(read_incidents(FINISHED_FILE), START)
    assert finished.end < START
    assert finished.incident.merchant not in {one.merchant for one in read_incidents()}


def test_disputes_are_of_this_month_and_the_one_before_up_to_yesterday() -> None:
    profile = Traffic(TrafficConfig(START - timedelta(days=8))).profile()
    today = date(2026, 11, 21)
    rows = disputes_for(profile, today, seed=1)
    assert rows.equals(disputes_for(profile, today, seed=1))
    assert rows.select("merchant_id", "day", "kind").is_unique().all()
    assert (rows["day"].min(), rows["day"].max()) == (date(2026, 10, 1), date(2026, 11, 20))
    assert (rows["count"] > 0).all()
    third = rows.filter(merchant_id=profile["merchant_id"][2], kind="dispute")["count"].sum()
    share = third / (51 * profile["approvals_per_day"][2])
    assert 0.009 < share < 0.013  # of 1.55 %, seven in ten are disputes
