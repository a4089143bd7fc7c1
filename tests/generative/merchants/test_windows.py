"""The sliding windows and both rules against the plain oracle: equal integers, equal reasons, equal order."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from baselines.facts import Facts
from baselines.merchants.rules import CancelSurge, Rules, load_rules
from baselines.merchants.windows import Windows
from pipeline.minute import MINUTE, Span, business_date, from_index, split_by_day
from pipeline.packs.merchants import JUDGE
from pipeline.packs.merchants.count import aggregate
from pipeline.packs.merchants.rules.rule import Situation
from pipeline.packs.merchants.schema import MERCHANT_MINUTE, TRANSACTION
from tests.oracle import Drop, Numbers, Oracle, Surge, Transaction, floor

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

SEOUL = ZoneInfo("Asia/Seoul")
SHIPPED = load_rules(Path(__file__).resolve().parents[3] / "baselines" / "merchants" / "rules.toml")
#: Merchants are independent of each other, so each of them is an example of its own at little cost.
MERCHANTS = ("M1", "M2", "M3", "M4", "M5", "M6", "M7", "M8")
#: An example costs about a second, so a failure is shown as it was found instead of shrunk for minutes.
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
DAY = timedelta(days=1)
NUMBERS = Numbers(
    minimum_cancels_hour=2, minimum_approvals_week=3, minimum_daily_amount=4, minimum_expected_amount=3
)

#: Minutes before the judged one at which a border of a window lies, and the places beside it.
BORDERS = sorted(
    {
        border + shift
        for border in (0, 59, 60, 61, 1440, 2 * 1440, 7 * 1440, 7 * 1440 + 59, 7 * 1440 + 60, 8 * 1440)
        for shift in (-1, 0, 1)
        if border + shift >= 0
    }
)


@dataclass(frozen=True)
class Story:
    """A history and the minutes to judge at its end."""

    first: datetime
    judged: Sequence[datetime]
    transactions: Sequence[Transaction]
    missing: Sequence[datetime]


#: What the oracle says of a signal; the rest belongs to the policy `budgeted`.
ORACLE_COLUMNS = [*JUDGE.schema.names()[: JUDGE.schema.names().index("kind")]]
ADDED_COLUMNS = [*JUDGE.schema.names()[JUDGE.schema.names().index("kind") + 1 :]]


def rules_of(numbers: Numbers) -> Rules:
    surge = CancelSurge(
        factor=numbers.factor,
        minimum_cancels_hour=numbers.minimum_cancels_hour,
        minimum_approvals_week=numbers.minimum_approvals_week,
    )
    drop = replace(
        SHIPPED.volume_drop,
        minimum_daily_amount=numbers.minimum_daily_amount,
        divisor=numbers.divisor,
        baseline_days=numbers.baseline_days,
        mode=numbers.mode,
        minimum_expected_amount=numbers.minimum_expected_amount,
    )
    return replace(SHIPPED, cancel_surge=surge, volume_drop=drop)


def event(merchant: str, kind: str, amount: int, at: datetime, age: timedelta | None) -> Transaction:
    """With the time of the approval that a cancel cancels, where it names one; an approval may name any."""
    return Transaction(merchant, kind, amount, at, None if age is None else at - age)


@st.composite
def stories(draw: st.DrawFn, zone: ZoneInfo = SEOUL, end: datetime | None = None) -> Story:
    """Sparse events beside the borders of the last judged minute's windows and of days."""
    midnight = end or datetime(2026, 3, 20, 15, tzinfo=UTC)  # 00:00 in Seoul
    after = draw(st.one_of(st.integers(-2, 2), st.sampled_from([58, 59, 60, 61]), st.integers(0, 1440)))
    target = midnight + after * MINUTE
    first = (
        target - draw(st.sampled_from([9 * DAY, 9 * DAY, 8 * DAY + 60 * MINUTE, 7 * DAY, 2 * DAY])) + MINUTE
    )
    edges = [midnight - n * DAY + shift * MINUTE for n in range(9) for shift in (-1, 0, 1)]
    beside = [target - border * MINUTE for border in BORDERS] + edges
    places = st.one_of(
        st.sampled_from([m for m in beside if first <= m <= target]),
        st.integers(0, (target - first) // MINUTE).map(lambda n: first + n * MINUTE),
    )
    ages = [timedelta(seconds=5), DAY, DAY + timedelta(microseconds=1), 3 * DAY, -MINUTE]
    events = st.builds(
        event,
        age=st.one_of(st.none(), st.sampled_from(ages)),
        merchant=st.sampled_from(MERCHANTS),
        kind=st.sampled_from(["APPROVAL", "APPROVAL", "CANCEL"]),
        amount=st.integers(0, 12),
        at=st.tuples(places, st.sampled_from([0, 1, 59_999_999])).map(
            lambda p: p[0] + timedelta(microseconds=p[1])
        ),
    )
    transactions = draw(st.lists(events, min_size=20, max_size=80))
    judged = [target - n * MINUTE for n in (3, 2, 1, 0)]
    missing = draw(st.lists(st.sampled_from(edges), max_size=1)) if draw(st.booleans()) else []
    return Story(first, judged, transactions, [m for m in missing if first <= m < judged[0]])


def counts(transactions: Sequence[Transaction], start: datetime, end: datetime) -> pl.DataFrame:
    inside = [t for t in transactions if start <= t.at < end]
    if not inside:
        return MERCHANT_MINUTE.to_frame()
    rows = [(i, t.merchant, t.kind, t.amount, t.at, t.approved) for i, t in enumerate(inside)]
    return aggregate(pl.DataFrame(rows, TRANSACTION, orient="row"), Span(start, end))


def counted(story: Story) -> list[Transaction]:
    return [t for t in story.transactions if floor(t.at) not in story.missing]


def slide(windows: Windows, story: Story, until: datetime, single: Collection[datetime] = ()) -> None:
    """Move `windows` to `until` (excluded): in long stretches, and by single minutes where asked for."""
    events, start = counted(story), story.first
    for minute in [*sorted(m for m in set(single) if story.first <= m < until), until]:
        if start < minute:
            missing = [m for m in story.missing if start <= m < minute]
            windows.add_many(start, minute, counts(events, start, minute), missing)
        if minute < until:
            windows.add(minute, counts(events, minute, minute + MINUTE))
        start = minute + MINUTE


def surge_of(windows: Windows, merchant: str) -> Surge:
    place = windows.entities.find(merchant)
    if place is None:
        return Surge(0, 0, 0, 0)
    arrays = (windows.hour.approvals, windows.hour.cancels, windows.week.approvals, windows.week.cancels)
    return Surge(*(int(array[place]) for array in arrays))


def tied_of(windows: Windows, merchant: str) -> tuple[int, ...]:
    place, cohorts = windows.entities.find(merchant), windows.cohorts
    if place is None:
        return (0, 0, 0, 0)
    arrays = (cohorts.hour.fresh, cohorts.hour.older, cohorts.week.fresh, cohorts.week.older)
    return tuple(int(array[place]) for array in arrays)


def drop_of(windows: Windows, merchant: str) -> Drop:
    place, pacing = windows.entities.find(merchant), windows.pacing
    if place is None:
        return Drop(0, 0, 0, pacing.days)
    return Drop(
        int(pacing.today[place]),
        int(pacing.paced_at(np.array([place]))[0]),
        int(pacing.whole[place]),
        pacing.days,
    )


def recent_of(windows: Windows, merchant: str) -> tuple[Any, ...]:
    """What the policy `budgeted` sees besides; all zero for a merchant nobody has seen."""
    place, last, recent = windows.entities.find(merchant), windows.last or 0, windows.recent
    at = np.zeros(0, np.int64) if place is None else np.array([place])
    spans = [(minutes, t.approvals[at].sum(), t.cancels[at].sum()) for minutes, t in recent.spans.items()]
    blocks = [part.sum(axis=1).tolist() for part in recent.blocks_between(last - 11_520, last + 1, at)]
    like = [(day, paced[at].sum()) for day, paced in sorted(windows.pacing.paced_days.items())]
    oldest = business_date(from_index(last - 8 * 1440), windows.pacing.zone)
    cancelled = [windows.cancelled_since(oldest + n * DAY, merchant) for n in range(9)]
    return spans, recent.same_hour[:, at].sum(axis=1).tolist(), blocks, like, cancelled


def sums_of(windows: Windows) -> list[tuple[int, int] | None]:
    """All merchants together in every minute, to a little before the oldest one held."""
    last = windows.last or 0
    return [windows.everybody(last - ago, 1) for ago in range(windows.history_minutes + 3)]


def everything(windows: Windows) -> dict[str, Any]:
    """All that a judgement can see, by merchant."""
    tiers = dict(zip(windows.entities.ids, windows.is_top, strict=True))
    return {
        m: (
            surge_of(windows, m),
            drop_of(windows, m),
            bool(tiers.get(m, False)),
            recent_of(windows, m),
            tied_of(windows, m),
        )
        for m in MERCHANTS
    }


def of_the_brief(situation: Situation) -> pl.DataFrame:
    """The signals of the rules that the oracle knows."""
    known = [rule.name for rule in JUDGE.rules if rule.of_the_brief]
    return JUDGE.verdicts(situation).frame().filter(pl.col("rule").is_in(known))


def require_equal(windows: Windows, oracle: Oracle, minute: datetime) -> None:
    for merchant in MERCHANTS:
        assert surge_of(windows, merchant) == oracle.surge(merchant, minute)
        assert drop_of(windows, merchant) == oracle.drop(merchant, minute)
        assert tied_of(windows, merchant) == oracle.tied(merchant, minute)
    situation = Situation(windows, rules_of(oracle.numbers), "budgeted", Facts())
    for policy in ("literal", "supported"):
        signals = of_the_brief(replace(situation, policy=policy))
        assert signals.schema == JUDGE.schema
        assert signals.select(ORACLE_COLUMNS).to_dicts() == oracle.signals(minute, policy)
        assert set(signals["kind"]) <= {"rule"}
        assert signals.select(ADDED_COLUMNS).to_dicts() == [dict.fromkeys(ADDED_COLUMNS)] * signals.height
    budgeted = of_the_brief(situation).filter(kind="rule")
    raw = budgeted.select(c for c in ORACLE_COLUMNS if c not in ("passed", "reason")).to_dicts()
    assert raw == [
        {k: v for k, v in row.items() if k not in ("passed", "reason")}
        for row in oracle.signals(minute, "literal")
    ], "a policy changes verdicts, never which conditions were breached"


@settings(max_examples=9, phases=PHASES, suppress_health_check=[HealthCheck.too_slow])
@given(story=stories(), mode=st.sampled_from(["paced", "paced", "full_day"]))
def test_windows_and_both_rules_equal_the_plain_oracle(story: Story, mode: str) -> None:
    numbers = Numbers(**{**vars(NUMBERS), "mode": mode})
    oracle = Oracle(story.transactions, SEOUL, numbers, story.first, story.missing)
    windows = Windows(SEOUL, numbers.baseline_days)
    slide(windows, story, story.judged[0])
    for minute in story.judged:
        windows.add(minute, counts(counted(story), minute, minute + MINUTE))
        require_equal(windows, oracle, minute)


@settings(max_examples=4, phases=PHASES, suppress_health_check=[HealthCheck.too_slow])
@given(story=stories())
def test_single_minutes_and_long_stretches_lead_to_the_same_windows(story: Story) -> None:
    end = story.judged[-1] + MINUTE
    stretch, single = Windows(SEOUL, 7), Windows(SEOUL, 7)
    slide(stretch, story, end)
    slide(single, story, end, {floor(t.at) for t in counted(story)} - set(story.missing))
    filled = Windows(SEOUL, 7)
    for day in split_by_day(Span(story.first, end), SEOUL):
        missing = [m for m in story.missing if day.start <= m < day.end]
        filled.fill(day.start, day.end, counts(counted(story), day.start, day.end), missing)
    filled.settle()
    assert everything(stretch) == everything(single) == everything(filled)
    assert sums_of(stretch) == sums_of(single) == sums_of(filled)


@pytest.mark.parametrize(
    ("zone_name", "end"),
    [
        pytest.param("Europe/Berlin", datetime(2026, 3, 29, 3, tzinfo=UTC), id="today has 23 hours"),
        pytest.param("Europe/Berlin", datetime(2026, 3, 31, 1, tzinfo=UTC), id="a baseline day has 23 hours"),
        pytest.param("Europe/Berlin", datetime(2026, 10, 25, 0, 30, tzinfo=UTC), id="today has 25 hours"),
        pytest.param(
            "Europe/Berlin", datetime(2026, 10, 28, 1, tzinfo=UTC), id="a baseline day has 25 hours"
        ),
        pytest.param("America/Santiago", datetime(2026, 9, 6, 4, tzinfo=UTC), id="the day begins at 01:00"),
        pytest.param("America/Santiago", datetime(2026, 4, 5, 3, tzinfo=UTC), id="23:00 comes twice"),
        pytest.param(
            "Asia/Kolkata", datetime(2026, 3, 20, 18, 30, tzinfo=UTC), id="days begin at half an hour"
        ),
    ],
)
@settings(max_examples=1, phases=PHASES, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_where_the_clock_changes_days_are_compared_by_wall_clock(
    zone_name: str, end: datetime, data: st.DataObject
) -> None:
    zone = ZoneInfo(zone_name)
    story = data.draw(stories(zone, end))
    oracle = Oracle(story.transactions, zone, NUMBERS, story.first, story.missing)
    windows = Windows(zone, NUMBERS.baseline_days)
    slide(windows, story, story.judged[0])
    for minute in story.judged:
        windows.add(minute, counts(counted(story), minute, minute + MINUTE))
        require_equal(windows, oracle, minute)


def test_a_rebuild_from_the_longest_window_equals_the_windows_of_a_long_run() -> None:
    """Also the tier where merchants are equal: they became known in another order."""
    start = datetime(2026, 3, 1, tzinfo=UTC)
    early = [Transaction("M4", "APPROVAL", 3, start + n * MINUTE) for n in range(3)]
    later = [
        Transaction(m, "APPROVAL", 5, start + 9 * DAY + n * 7 * MINUTE)
        for n in range(30)
        for m in ("M2", "M1", "M4", "M3")
    ]
    story = Story(start, [start + 13 * DAY], [*early, *later], [])
    long_run = Windows(SEOUL, 7)
    slide(long_run, story, story.judged[0])
    begin = story.judged[0] - long_run.history_minutes * MINUTE
    rebuilt = Windows(SEOUL, 7)
    slide(rebuilt, Story(begin, story.judged, [t for t in later if t.at >= begin], []), story.judged[0])
    assert everything(rebuilt) == everything(long_run)
    assert sums_of(rebuilt) == sums_of(long_run)
    assert [m for m, (_, _, top, *_) in everything(rebuilt).items() if top] == ["M1"]


def test_a_gap_between_minutes_is_refused() -> None:
    windows = Windows(SEOUL, 7)
    start = datetime(2026, 3, 1, tzinfo=UTC)
    windows.add(start, MERCHANT_MINUTE.to_frame())
    for minute in (start, start + 2 * MINUTE, start - MINUTE):
        with pytest.raises(ValueError, match="does not follow"):
            windows.add(minute, MERCHANT_MINUTE.to_frame())
