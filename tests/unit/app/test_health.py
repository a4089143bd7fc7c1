"""The pure parts of the screen Health: its first line, its masks, its figures and its numbers."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from app.pages.health.aside import reasons
from app.pages.health.figures import COLOURS, lag_figure, steps_figure
from app.pages.health.masked import masked
from app.pages.health.reads import CURVE
from app.pages.health.rows import Cost, Step
from app.pages.health.running import source_seconds
from app.pages.health.summary import Facts, concerns
from app.pages.health.units import milliseconds, seconds, share, size
from app.pulse import TONES
from app.texts import LANGUAGES, Texts

KO, EN = Texts("ko"), Texts("en")
SEOUL = ZoneInfo("Asia/Seoul")
NOON = datetime(2026, 3, 10, 3, tzinfo=UTC)
WELL = Facts(pulse="live", source_s=0.4, differences=0, reconciled_ago=timedelta(minutes=59), proof_left=0)


def test_nothing_is_wrong_where_all_is_well_or_not_known() -> None:
    assert concerns(WELL) == []
    assert concerns(Facts(pulse="live")) == []


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        *(({"pulse": pulse}, f"pulse.{pulse}") for pulse in TONES if pulse != "live"),
        ({"alarms_wrong": 1}, "alarms_wrong"),
        ({"alarms_other": 2}, "alarms"),
        ({"dead": 1}, "dead"),
        ({"waiting": timedelta(seconds=61)}, "waiting"),
        ({"source_s": 1.01}, "source"),
        ({"differences": 1}, "differences"),
        ({"reconciled_ago": timedelta(hours=3)}, "reconciled"),
        ({"proof_left": 1}, "proof"),
        ({"proven_ago": timedelta(days=2)}, "proven"),
    ],
)
def test_each_thing_that_is_not_well_is_said_in_both_languages(changed: dict[str, object], name: str) -> None:
    facts = Facts(**{**{n: getattr(WELL, n) for n in Facts.__dataclass_fields__}, **changed})
    (found,) = concerns(facts)
    assert found.name == name
    for texts in (KO, EN):
        assert "{" not in texts(f"health.not.{name}", **found.fields)


@pytest.mark.parametrize(
    "at_limit",
    [{"waiting": timedelta(seconds=60)}, {"source_s": 1.0}, {"reconciled_ago": timedelta(hours=2)}],
)
def test_a_limit_itself_is_well(at_limit: dict[str, object]) -> None:
    assert concerns(Facts(pulse="live", **at_limit)) == []  # type: ignore[arg-type]


def test_the_worst_is_said_first() -> None:
    found = concerns(Facts(pulse="behind", dead=1, alarms_other=1))
    assert [concern.tone for concern in found] == ["bad", "warn", "warn"]


def test_a_masked_value_keeps_its_shape_and_nothing_else() -> None:
    rows = pl.DataFrame(
        {
            "minute": [NOON] * 4,
            "transaction_id": ["4111-1111 KIM", "홍길동 010-1234", None, "x" * 100],
            "amount": [-12_345, 0, None, 7],
            "occurred_at": [NOON] * 4,
            "reason": ["amount_negative", "kind_unknown", "time_future", "merchant_missing"],
        }
    )
    shown = masked(rows)
    assert shown["transaction_id"].to_list() == ["0000-0000 xxx", "xxx 000-0000", None, "x" * 40]
    assert shown["amount"].to_list() == ["-00000", "0", None, "0"]
    assert shown["reason"].to_list() == rows["reason"].to_list()
    assert shown["occurred_at"].to_list() == [NOON] * 4


def test_no_letter_and_no_digit_of_any_script_passes_the_mask() -> None:
    written = "".join(chr(c) for c in range(0x20, 0x3000) if not 0xD800 <= c < 0xE000)
    parts = [written[start : start + 30] for start in range(0, len(written), 30)]
    kept = set("".join(masked(pl.DataFrame({"kind": parts}))["kind"].to_list()))
    assert not {c for c in kept if c.isalpha()} - {"x"}
    assert not {c for c in kept if c.isdecimal()} - {"0"}


def test_reasons_come_with_a_count_for_each_day_the_most_frequent_first() -> None:
    days = [date(2026, 3, 9), date(2026, 3, 10), date(2026, 3, 10)]
    by_day = pl.DataFrame({"day": days, "reason": ["a", "a", "b"], "rows": [5, 1, 7]})
    assert reasons(by_day) == [("b", 7, ["7", "0"]), ("a", 6, ["1", "5"])]


def test_the_sources_cost_is_that_of_a_judged_minute_and_not_known_without_one() -> None:
    def cost(ms: float, minutes: int) -> Cost:
        of = {"times_hour": 60, "times_day": 60, "ms_day": ms, "minutes_day": minutes}
        return Cost(query="q", ms_hour=ms, minutes_hour=minutes, **of)  # type: ignore[arg-type]

    assert source_seconds([]) is None
    assert source_seconds([cost(100.0, 0)]) is None
    assert source_seconds([cost(30_000.0, 60), cost(6_000.0, 60)]) == pytest.approx(0.6)


@pytest.mark.parametrize("texts", [KO, EN])
def test_figures_have_the_steps_in_order_and_no_name_that_has_no_word(texts: Texts) -> None:
    steps = [
        Step(step=name, median_ms_hour=None, p95_ms_hour=None, median_ms_day=5.0, p95_ms_day=9.0)
        for name in (*COLOURS, "<b>strange</b>")
    ]
    figure = steps_figure(steps, texts)
    assert [bar.name for bar in figure.data] == [texts.word("step", name) for name in COLOURS]
    assert "strange" not in figure.to_json()
    assert len(set(COLOURS.values())) == len(COLOURS)


def test_the_curve_is_drawn_in_the_business_zone_with_gaps_where_nothing_was_judged() -> None:
    rows = {"start": [NOON, NOON + timedelta(minutes=10)], "median_s": [6.0, None], "worst_s": [-3.0, None]}
    figure = lag_figure(pl.DataFrame(rows, schema=CURVE), KO, SEOUL)
    worst, median = figure.data
    assert median.x[0].hour == 12
    assert list(median.y) == [6.0, None]
    assert worst.y[0] == 0.1  # nothing below that has a place on a scale of powers
    assert lag_figure(pl.DataFrame(schema=CURVE), KO, SEOUL).data[0].x is not None


def test_numbers_are_written_with_their_units_and_unknown_is_said() -> None:
    assert (seconds(6.24, EN), seconds(125.0, EN), seconds(None, EN)) == ("6.2 s", "2 min 5 s", "not known")
    assert (seconds(6.24, KO), seconds(7300.0, KO)) == ("6.2초", "2시간 1분")
    assert [milliseconds(ms, EN) for ms in (4.16, 320.4, 12_345.0, None)] == [
        *("4.2 ms", "320 ms", "12.3 s", "not known")
    ]
    assert [share(*of, EN) for of in ((0, 0), (0, 9), (1, 100_000), (1, 3))] == [
        *("not known", "0.00 %", "< 0.01 %", "33.33 %")
    ]
    assert [size(n) for n in (12, 1_500, 2_500_000, 3_000_000_000)] == ["12 B", "1.5 kB", "2.5 MB", "3.0 GB"]


def test_every_step_that_has_a_colour_has_a_word() -> None:
    for language in LANGUAGES:
        assert [name for name in COLOURS if f"step.{name}" not in LANGUAGES[language]] == []
