"""What a forecast of programmes is made from, read: the company's optional queries, the lake, the book."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import polars as pl

from pipeline.errors import SourceChanged
from pipeline.minute import MINUTE, Span, business_date, business_day
from pipeline.money import EXPOSURE
from pipeline.packs.merchants.programmes.custody import Custody
from pipeline.packs.merchants.programmes.disputes import (
    CUSTODY,
    DISPUTES,
    MOST_ROWS,
    Given,
    Held,
    read_custody,
    read_disputes,
)
from pipeline.packs.merchants.programmes.forecast import Forecast, Known, forecast
from pipeline.packs.merchants.programmes.rows import shipped
from pipeline.store.manifest import runs_of_files, span_of_files

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from zoneinfo import ZoneInfo

    from pipeline.packs.merchants.programmes.rows import Programme
    from pipeline.source.asked import Source
    from pipeline.store.lake import Lake
    from pipeline.store.manifest import LakeFile
    from pipeline.store.state import State

#: Balances of so many days make the interval of the custody ratio.
BALANCES: Final = 40
_DAY: Final = timedelta(days=1)
_SOLD: Final = pl.Schema({"merchant_id": pl.String(), "day": pl.Date(), "count": pl.Int64()})


@dataclass(frozen=True, slots=True)
class Looked:
    """What is read, and where."""

    source: Source
    state: State
    lake: Lake


def foresee(looked: Looked, today: date, rows: Sequence[Programme] | None = None) -> Forecast:
    """The forecast of the business day `today`; `rows` instead of the shipped programmes.

    Raises what the source says, and SourceChanged for a query that gives no usable columns.
    """
    given = _given(looked.source, today, looked.lake.zone)
    files = looked.state.publication().files
    merchants = [] if given is None else given.rows["merchant_id"].unique().sort().to_list()
    span = _published(looked.state, looked.lake, today)
    held = _held(looked.source, today, looked.lake.zone)
    known = Known(
        today=today,
        disputes=given,
        sold=_SOLD.to_frame() if span is None else _sold(looked.lake, files, span, merchants),
        published_from=None if span is None else business_date(span.start, looked.lake.zone),
        custody=replace(
            owed(looked.lake, files, today), held=held.days, wrong=held.wrong, example=held.example
        ),
    )
    return forecast(shipped() if rows is None else rows, known)


def today_of(lake: Lake) -> date:
    """The business day that is now."""
    return business_date(datetime.now(UTC), lake.zone)


def owed(lake: Lake, files: Sequence[LakeFile], today: date) -> Custody:
    """What was owed to all merchants together at the end of each of the last days, by the book; oldest first.

    Of merchants whose pending payout is not known nothing is in it: how many, stands beside it.
    """
    since = business_day(today - BALANCES * _DAY, lake.zone).start
    snapshots = runs_of_files(f for f in files if f.dataset == EXPOSURE and f.span.start >= since)
    last = {business_date(run[0].span.start, lake.zone): run for run in snapshots}
    found, unknown = [], {}
    for day, run in sorted(last.items()):
        rows = lake.read(run, EXPOSURE, span_of_files(run))
        pending = rows.filter(pl.col("minute") == pl.col("minute").max())["pending_payout"]
        if pending.count():
            found.append((day, int(pending.sum())))
            unknown[day] = pending.null_count()
    return Custody(found, unknown=unknown)


def _given(source: Source, today: date, zone: ZoneInfo) -> Given | None:
    found = _whole(source, DISPUTES, "this month and the one before, a row per merchant, day and kind")
    return None if found is None else read_disputes(*found, today, zone)


def _held(source: Source, today: date, zone: ZoneInfo) -> Held:
    found = _whole(source, CUSTODY, "a row per day")
    return Held() if found is None else read_custody(*found, today, zone)


def _whole(source: Source, name: str, wanted: str) -> tuple[pl.DataFrame, str] | None:
    found = source.whole(name)
    if found is not None and found[0].height > MOST_ROWS:
        msg = f"the query {found[1]} gives more than {MOST_ROWS:,} rows"
        raise SourceChanged(msg, f"let it give {wanted}")
    return found


def _published(state: State, lake: Lake, today: date) -> Span | None:
    """Whole business days before today that are published without a hole, from the month before on."""
    published, end = state.published(), business_day(today, lake.zone).start
    first, last = published.first_minute, published.last_minute
    if first is None or last is None:
        return None
    month = (today.replace(day=1) - _DAY).replace(day=1)
    start = max(business_day(month, lake.zone).start, _whole_day(first, lake))
    end = min(end, business_day(business_date(last + MINUTE, lake.zone), lake.zone).start)
    if start >= end:
        return None
    missing = state.unpublished(Span(start, end))
    if missing:
        start = business_day(business_date(missing[-1], lake.zone), lake.zone).end
    return Span(start, end) if start < end else None


def _whole_day(minute: datetime, lake: Lake) -> datetime:
    """The start of the first business day that begins at `minute` or later."""
    day = business_day(business_date(minute, lake.zone), lake.zone)
    return day.start if day.start >= minute else day.end


def _sold(lake: Lake, files: Sequence[LakeFile], span: Span, merchants: Sequence[str]) -> pl.DataFrame:
    """Approvals of each whole day, of these merchants and of all together (merchant_id "")."""
    sums = [lake.sums_by_step(files, span, _DAY, None)]
    if merchants:
        sums.append(lake.sums_by_step(files, span, _DAY, merchants))
    day = pl.col("start").dt.convert_time_zone(lake.zone.key).dt.date()
    return pl.concat(sums).select(merchant_id="entity_id", day=day, count="approval_count").cast(_SOLD)
