"""The picture of an incident: small, quick, the same bytes, readable on light and dark."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from PIL import Image, ImageFont

from baselines.merchants.rules import parse_rules
from pipeline.desk.evidence import filled
from pipeline.minute import Span
from pipeline.pack import COUNT, MONEY, SHARE, Chart, Curve, Panel, Threshold
from pipeline.packs.merchants import PACK
from pipeline.schema import UTC_TIME
from pipeline.tell.picture import INCIDENT, INK, NOW, PAPER, SHADE, USUAL, draw, short
from pipeline.tell.words import TEXTS

ROOT = Path(__file__).resolve().parents[2]
SEOUL = ZoneInfo("Asia/Seoul")
END = datetime(2026, 11, 21, 9, 7, tzinfo=UTC)
STEP = timedelta(minutes=10)
SHOWN_FROM = END - timedelta(hours=24)
COUNTS = ("approval_count", "cancel_count", "approval_amount", "cancel_amount")


def rows(cancels_now: int = 90, days: int = 8) -> pl.DataFrame:
    """A merchant with 100 approvals and 5 cancels a step, and more cancels in the last hour."""
    count = days * 144
    starts = [END - STEP * back for back in range(count, 0, -1)]
    cancels = [5] * (count - 6) + [cancels_now] * 6
    amounts = {"approval_amount": [3_000_000] * count, "cancel_amount": [n * 30_000 for n in cancels]}
    return pl.DataFrame(
        {"start": starts, "approval_count": [100] * count, "cancel_count": cancels, **amounts},
        schema_overrides={"start": UTC_TIME},
    )


def chart(rule: str = "cancel_surge", language: str = "ko", **given: Any) -> Chart:  # noqa: ANN401
    assert PACK.picture is not None
    made = PACK.picture(rule, given.pop("reason", {}), rows(**given), SHOWN_FROM, language)
    assert made is not None
    return made


@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize("rule", [rule.name for rule in PACK.rules])
def test_it_is_a_small_picture_and_the_same_one_each_time(rule: str, language: str) -> None:
    made = [draw(chart(rule, language), END - STEP, language, SEOUL) for _ in range(2)]
    assert made[0] == made[1]
    assert len(made[0]) < 60_000
    image = Image.open(io.BytesIO(made[0]))
    assert (image.format, image.size) == ("PNG", (880, 424))
    assert "transparency" not in image.info, "it would be read on whatever stands behind it"


def test_every_letter_of_it_is_in_the_font() -> None:
    from pylopdf_fonts_ko import sans_path  # noqa: PLC0415 - as the drawing has it

    font = ImageFont.truetype(sans_path(), 20)
    missing = font.getmask("\uffff").getbbox(), bytes(font.getmask("\uffff"))
    said = [panel.title for panel in chart().panels] + [c.label for p in chart().panels for c in p.curves]
    said += [TEXTS["ko"]["opened_minute"], TEXTS["ko"]["picture_span"], "0123456789,.%₩원만억조KMBT–:-"]
    letters = {letter for text in said for letter in text if not letter.isspace()}
    assert [c for c in letters if (font.getmask(c).getbbox(), bytes(font.getmask(c))) == missing] == []


def contrast(one: tuple[int, int, int], other: tuple[int, int, int]) -> float:
    """As WCAG 2 has it."""

    def light(colour: tuple[int, int, int]) -> float:
        parts = [c / 255 for c in colour]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((light(one), light(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_it_is_readable_wherever_it_stands() -> None:
    """Its paper is its own, so light and dark windows show the same; text 4.5, lines 3."""
    assert contrast(INK, PAPER) >= 4.5
    assert min(contrast(INCIDENT, PAPER), contrast(INCIDENT, SHADE)) >= 4.5
    assert min(contrast(colour, under) for colour in (NOW, USUAL) for under in (PAPER, SHADE)) >= 3


def test_cancels_stand_beside_the_rate_that_was_judged_against() -> None:
    rate, cancels = chart(reason={"cancels_week": 1_008, "approvals_week": 20_160}).panels
    usual, now = rate.curves
    assert (usual.usual, set(usual.values)) == (True, {0.05})
    assert now.values[-1] == pytest.approx(0.9)
    assert now.values[0] == pytest.approx(0.05)
    usual, now = cancels.curves
    assert (set(usual.values), now.values[-1]) == ({30.0}, 540)


def test_sales_stand_beside_the_same_time_of_the_days_before() -> None:
    amount, approvals = chart("volume_drop").panels
    assert (amount.unit, approvals.unit) == (MONEY, COUNT)
    assert set(amount.curves[0].values) == {18_000_000.0}


def test_without_days_before_nothing_is_called_usual() -> None:
    amount, _ = chart("volume_drop", days=1).panels
    assert [curve.usual for curve in amount.curves] == [False]
    assert amount.curves[0].values[:5] == [None] * 5, "an hour that is not whole is not shown"


def test_where_nothing_happened_there_is_no_picture() -> None:
    assert PACK.picture is not None
    silent = rows().with_columns(pl.lit(0).alias(name) for name in COUNTS)
    assert PACK.picture("cancel_surge", {}, silent, SHOWN_FROM, "ko") is None
    assert PACK.picture("cancel_surge", {}, rows().clear(), SHOWN_FROM, "ko") is None


def test_no_rate_is_made_of_nothing() -> None:
    some = rows().with_columns(
        pl.when(pl.col("start") < END - 12 * STEP)
        .then(0)
        .otherwise(pl.col("approval_count"))
        .alias("approval_count")
    )
    assert PACK.picture is not None
    made = PACK.picture("cancel_surge", {}, some, SHOWN_FROM, "ko")
    assert made is not None
    values = made.panels[0].curves[-1].values
    assert values[0] is None
    assert all(value == value for value in values if value is not None), "a NaN"  # noqa: PLR0124
    draw(made, END, "ko", SEOUL)


def test_gaps_lonely_values_and_zeros_are_drawn() -> None:
    steps = [END - STEP * back for back in range(6, 0, -1)]
    curves = (Curve("a", [0, None, 3, None, 0, 0]), Curve("b", [0] * 6, usual=True))
    for unit in (COUNT, MONEY, SHARE):
        assert draw(Chart(steps, STEP, [Panel("t", unit, curves)]), END - STEP * 30, "en", SEOUL)
    nothing = Chart(steps, STEP, [Panel("t", COUNT, [Curve("a", [None] * 6)])])
    assert draw(nothing, END, "en", ZoneInfo("Asia/Kathmandu"))


def test_steps_without_a_row_are_zero_and_none_is_left_out() -> None:
    span = Span(END - 3 * STEP, END)
    sums = pl.DataFrame(
        {"entity_id": ["M1", "M2"], "start": [END - 2 * STEP, END - STEP], "approval_count": [7, 9]},
        schema_overrides={"start": UTC_TIME},
    )
    assert filled(sums, "M1", span)["approval_count"].to_list() == [0, 7, 0]
    assert filled(sums, "M3", span)["approval_count"].to_list() == [0, 0, 0]


@pytest.mark.parametrize(
    ("value", "unit", "korean", "english"),
    [
        (0.125, SHARE, "12.5%", "12.5%"),
        (1_200, COUNT, "1,200", "1,200"),
        (300_000_000, MONEY, "3억원", "₩300M"),
        (15_000, MONEY, "1.5만원", "₩15K"),
        (0, MONEY, "0원", "₩0"),
        (2_000_000_000_000, MONEY, "2조원", "₩2T"),
    ],
)
def test_numbers_at_a_glance(value: float, unit: str, korean: str, english: str) -> None:
    assert (short(value, unit, "ko"), short(value, unit, "en")) == (korean, english)


def test_the_threshold_of_a_surge_is_its_factor_times_the_week() -> None:
    tuned = parse_rules((ROOT / "baselines/merchants/rules.toml").read_text(encoding="utf-8"), "rules.toml")
    week = {"cancels_week": 50, "approvals_week": 1000}
    assert PACK.thresholds("cancel_surge", week, tuned, "en") == (
        Threshold(0, "threshold: 2 times the usual", 0.1),
    )
    assert PACK.thresholds("cancel_surge", {**week, "approvals_week": 0}, tuned, "ko") == ()
    assert PACK.thresholds("cancel_surge", {}, tuned, "ko") == ()
    assert PACK.thresholds("volume_drop", week, tuned, "ko") == ()
