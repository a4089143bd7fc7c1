"""rules.toml is read strictly: what is not understood is refused with its place and the next step."""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path

import pytest

from baselines.merchants.rules import SECTIONS, load_rules, parse_rules
from pipeline.errors import SettingsError

SHIPPED = Path(__file__).resolve().parents[3] / "baselines" / "merchants" / "rules.toml"
TEXT = SHIPPED.read_text(encoding="utf-8")


def refused(text: str) -> SettingsError:
    with pytest.raises(SettingsError) as caught:
        parse_rules(text, "mine.toml")
    assert caught.value.hint
    assert "mine.toml" in caught.value.what
    return caught.value


def with_value(key: str, value: str) -> str:
    changed, found = re.subn(rf"(?m)^{key} = .*$", f"{key} = {value}", TEXT)
    assert found == 1
    return changed


def test_the_shipped_rules_hold_the_numbers_of_the_brief() -> None:
    rules = load_rules(SHIPPED)
    assert rules.cancel_surge.factor == 2
    assert (rules.volume_drop.minimum_daily_amount, rules.volume_drop.divisor) == (1_000_000_000, 2)
    assert (rules.volume_drop.baseline_days, rules.volume_drop.mode) == (7, "paced")


def test_every_number_in_the_shipped_rules_has_a_reason_above_it() -> None:
    lines = TEXT.splitlines()
    for i, line in enumerate(lines):
        if re.match(r"\w+ = ", line):
            assert lines[i - 1].startswith("#") or re.match(r"\w+ = ", lines[i - 1]), line


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("factor", "0"),
        ("factor", "-2"),
        ("factor", "2.0"),
        ("factor", "true"),
        ("factor", '"2"'),
        ("factor", "1000000000000000"),
        ("divisor", "101"),
        ("baseline_days", "0"),
        ("baseline_days", "1000000"),
        ("mode", '"daily"'),
        ("mode", "1"),
        ("resolve_after_minutes", "1000000000000000"),
        ("drop_high_percent", "101"),
        ("cancelable_days", "99999999999"),
        ("volume_drop_silence", "61"),
        ("volume_drop_silence", "-1"),
        ("repeat_after_minutes", "0"),
        ("outage_percent", "100"),
        ("minimum_daily_amount", "1000000000000001"),
        ("minimum_daily_amount", "[1]"),
    ],
)
def test_a_value_that_cannot_be_meant_is_refused_with_its_key(key: str, value: str) -> None:
    error = refused(with_value(key, value))
    assert key in error.what


@pytest.mark.parametrize(
    ("key", "value", "other"),
    [
        ("surge_high", "6", "surge_critical"),
        ("surge_critical", "2", "surge_high"),
        ("drop_high_percent", "81", "drop_critical_percent"),
    ],
)
def test_borders_of_severity_that_contradict_each_other_are_refused(key: str, value: str, other: str) -> None:
    error = refused(with_value(key, value))
    assert key in error.what
    assert other in error.what
    assert "high as well" in error.hint


def test_equal_borders_and_zero_where_it_means_something_are_fine() -> None:
    assert parse_rules(with_value("surge_high", "5"), "mine.toml").severity.surge_high == 5
    assert parse_rules(with_value("volume_drop_fast", "0"), "mine.toml").pending.volume_drop_fast == 0
    assert parse_rules(with_value("reopen_within_minutes", "0"), "m").incident.reopen_within_minutes == 0


def test_a_misspelt_key_is_refused_with_the_nearest_known_one() -> None:
    assert "minimum_cancels_hour" in refused(TEXT.replace("minimum_cancels_hour", "min_cancels_hour")).hint


def test_a_misspelt_section_is_refused_with_the_nearest_known_one() -> None:
    assert "volume_drop" in refused(TEXT.replace("[volume_drop]", "[volume_drops]")).hint


@pytest.mark.parametrize("section", list(SECTIONS))
def test_a_missing_section_is_refused(section: str) -> None:
    without = re.sub(rf"(?ms)^\[{section}\].*?(?=^\[|\Z)", "", TEXT)
    assert section in refused(without).what


@pytest.mark.parametrize("key", [key for name in SECTIONS for key in asdict(load_rules(SHIPPED))[name]])
def test_a_missing_key_is_refused_by_name(key: str) -> None:
    assert key in refused(re.sub(rf"(?m)^{key} = .*\n", "", TEXT)).what


@pytest.mark.parametrize(
    "text", ["factor = ", "cancel_surge = 3", "[cancel_surge]\nfactor = 2\nfactor = 3", "\x00"]
)
def test_what_is_no_toml_or_no_section_is_refused(text: str) -> None:
    refused(text)


def test_a_file_that_cannot_be_read_is_a_settings_error(tmp_path: Path) -> None:
    for path in (tmp_path / "none.toml", tmp_path):
        with pytest.raises(SettingsError, match=r"cannot read the rules"):
            load_rules(path)


def test_a_file_that_is_not_text_is_a_settings_error(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_bytes(b"\xff\xfe[cancel_surge]")
    with pytest.raises(SettingsError):
        load_rules(path)
