"""What the book says of payouts that do not fit, and what it learns from incidents that people labelled."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock

import polars as pl
import pytest

from baselines.facts import Facts
from pipeline.alarms import Alarm
from pipeline.alarms.book_watch import BookWatch
from pipeline.history.labelled import HORIZON, Labelled
from pipeline.minute import MINUTE, Span
from pipeline.money import Case
from pipeline.packs.merchants import PACK
from pipeline.packs.merchants.money.book import MerchantBook
from pipeline.packs.merchants.money.measured import shares_of
from pipeline.packs.merchants.money.schema import EXPOSURE_ROW
from pipeline.store.lake import Lake
from tests.unit.merchants.test_exposure import PAID, RETAIL, RULES, ZONE, entered

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.store.manifest import LakeFile

NOW = datetime(2026, 9, 28, 3, tzinfo=UTC)


def settlements(*rows: tuple[datetime, str | None, int, str | None]) -> dict[str, pl.DataFrame]:
    """Payouts of one business day: when, to whom, how much, and what is wrong."""
    day = NOW.date() - timedelta(days=3)
    frame = [(at.replace(second=0), who, day, amount, at, wrong) for at, who, amount, wrong in rows]
    return {"settlement": pl.DataFrame(frame, PACK.datasets["settlement"], orient="row")}


NOTHING = PACK.counted.to_frame()
ONCE = settlements((NOW, "A", 100, None))
AGAIN = settlements((NOW + timedelta(hours=5, seconds=7), "A", 101, None))
WRONG = settlements(
    (NOW, "B", 5, "date_after_payout 2026-09-30"), (NOW + MINUTE, None, 7, "merchant_missing"),
    (NOW + MINUTE, None, 8, "merchant_missing"),
)  # fmt: skip


def test_a_day_that_is_paid_out_twice_is_an_alarm_until_it_is_not() -> None:
    book, alarms = MerchantBook(ZONE, RULES, Facts()), Mock()
    alarms.subjects.return_value = []
    book.add(NOTHING, ONCE)
    BookWatch(alarms).see(book)
    alarms.raise_alarm.assert_not_called()
    book.add(NOTHING, AGAIN)
    BookWatch(alarms).see(book)
    (alarm,) = alarms.raise_alarm.call_args.args
    assert alarm == Alarm(
        "book.doubtful",
        "1 business day was paid out twice; first merchant A, business date 2026-09-25: 100 at"
        " 2026-09-28T03:00:00Z and 101 at 2026-09-28T08:00:07Z",
        alarm.hint,
        "twice",
    )
    assert "delete the other one" in alarm.hint
    book.add(NOTHING, AGAIN, times=-1)
    alarms.subjects.return_value = ["twice"]
    BookWatch(alarms).see(book)
    alarms.end.assert_called_once_with("book.doubtful", "twice")
    BookWatch(alarms).see(None)  # between two lines nobody knows
    alarms.end.assert_called_once()


def test_rows_that_enter_no_book_are_counted_with_the_first_and_the_next_step() -> None:
    book = MerchantBook(ZONE, RULES, Facts())
    book.add(NOTHING, WRONG, times=-1)  # out before in
    assert not book.doubts()
    book.add(NOTHING, WRONG)
    assert not book.doubts()
    book.add(NOTHING, WRONG)
    (doubt,) = book.doubts()
    assert doubt.kind == "wrong"
    assert doubt.what == (
        "3 rows of the query settlements enter no book: merchant_missing 2, date_after_payout 1; first"
        " merchant B, business date 2026-09-25, amount 5, settled at 2026-09-28T03:00:00Z:"
        " date_after_payout 2026-09-30"
    )
    assert "settlements.sql" in doubt.hint
    book.forget(NOW.date() + timedelta(days=1))
    assert not book.doubts()


def case(number: int, *, true: bool, after: tuple[int, int] | None = None, **other: Any) -> Case:  # noqa: ANN401
    """A surge of a merchant of its own; `after`: unrecovered and to be paid out when the horizon is over."""
    row = None if after is None else dict(zip(("unrecovered", "pending_payout"), after, strict=True))
    given: dict[str, Any] = {"rule": "cancel_surge", "entity_id": f"M{number}", "opened_minute": NOW}
    given |= {"last_breach_minute": NOW + 30 * MINUTE, **other}
    return Case(incident_id=number, is_true=true, after=row, **given)


@pytest.mark.parametrize(
    ("cases", "expected"),
    [
        ([case(1, true=True, after=(500, 0)), case(2, true=False)], {"surge": (1, 2)}),
        ([case(1, true=True, after=(500, 1)), case(2, true=True, after=(0, 0))], {"surge": (0, 2)}),
        ([case(1, true=True)], {}),  # nobody knows what became of it
        (
            [
                case(1, true=True, after=(5, 0)),
                case(2, true=True, after=(5, 0), entity_id="M1", rule="volume_drop"),
                case(3, true=False, entity_id="M1", opened_minute=NOW + 90 * MINUTE, rule="volume_drop",
                     last_breach_minute=NOW + 91 * MINUTE),
            ],
            {"both": (1, 1), "silent": (0, 1)},
        ),
        ([case(1, true=False, rule="platform_outage")], {}),
    ],
)  # fmt: skip
def test_who_could_not_pay_is_counted_by_state(cases: list[Case], expected: object) -> None:
    assert shares_of(cases) == expected


class LabelledState:
    """Twenty surges that people called true, each a day after the other; a quarter could not pay."""

    def __init__(self, files: list[LakeFile], opened: datetime) -> None:
        self.files, self.opened, self.reported = files, opened, list[Any]()

    def publication(self) -> Any:  # noqa: ANN401
        return Mock(files=self.files)

    def record_report(self, *given: object) -> None:
        self.reported.append(given)

    def rows(self, query: str, *, start: datetime, end: datetime) -> list[dict[str, Any]]:
        assert query == "labelled_incidents"
        found = [vars_of(case(n, true=True), self.opened) for n in range(20)]
        return [row for row in found if start <= row["opened_minute"] < end]


def vars_of(one: Case, opened: datetime) -> dict[str, Any]:
    """As the operational database gives it."""
    at = {"opened_minute": opened, "last_breach_minute": opened}
    return {
        "incident_id": one.incident_id,
        "rule": one.rule,
        "entity_id": one.entity_id,
        "label": "true_alarm",
    } | at


def test_enough_labels_stand_instead_of_the_tuned_number_from_the_end_of_the_horizon_on(
    tmp_path: Path,
) -> None:
    lake = Lake(PACK, tmp_path, tmp_path / "manifest.json", tmp_path / "analyst.duckdb", ZONE)
    opened = datetime(2011, 2, 2, 3, tzinfo=UTC)
    minute = opened + HORIZON
    nulls = dict.fromkeys(EXPOSURE_ROW)
    rows = [
        nulls | {"minute": minute, "merchant_id": f"M{n}", "state": "surge", "unrecovered": 7}
        | {"pending_payout": 0 if n < 5 else 9}
        for n in range(20)
    ]  # fmt: skip
    frame = pl.DataFrame(rows, EXPOSURE_ROW).sort("merchant_id")
    file = lake.write("exposure", frame, Span(minute, minute + MINUTE))
    assert file is not None
    state = LabelledState([file], opened)
    rules = replace(RULES, exposure=replace(RULES.exposure, curve_weight=1))
    book = entered(RETAIL, PAID, rules)
    breached, now = {"79160": ["cancel_surge"]}, minute + timedelta(days=1)
    before = book.snapshot(now, breached)["expected_loss"][0]
    learner = Labelled(lake, state)  # type: ignore[arg-type]
    learner.tell(book, minute)
    assert book.measured == {}  # its last day is not over
    learner.tell(book, now)
    assert book.measured == {"surge": (5, 20)}
    after = book.snapshot(now, breached)["expected_loss"][0]
    assert before is not None
    assert after == pytest.approx(before * 0.25 / 0.05, abs=6)
    job, _, said = state.reported[-1]
    assert job == "labelled"
    assert said["surge"] == {"per_10000": 2500, "could_not_pay": 5, "known": 20, "measured": True}
    assert said["silent"] == {"per_10000": 3000, "could_not_pay": 0, "known": 0, "measured": False}
