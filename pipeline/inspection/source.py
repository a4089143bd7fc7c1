"""One past hour of the trade database, read the pipeline's own way, for `check`.

Every question goes through a Source, is bounded by its statement timeout, and fails alone: what cannot
be asked is said, and the rest goes on. A span that takes too long, or holds too many rows, is made shorter.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import polars as pl

from pipeline.count import count
from pipeline.errors import MinuteriskError, SourceTooSlow, SourceUnavailable
from pipeline.inspection.finding import Finding, failed
from pipeline.inspection.sample import Sample, changed_findings, sample_findings, time_finding
from pipeline.minute import HOUR_MINUTES, MINUTE, Span, floor_minute
from pipeline.packs.merchants.at_risk import read_payouts
from pipeline.source.asked import Fence, Totals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime, tzinfo

    from pipeline.count import Counted
    from pipeline.source.asked import Source

#: A sample holds about so many rows at most, and one minute at least.
MOST_ROWS: Final = 200_000
#: The newest row is looked for so far back, in pieces that grow.
_BACK: Final = (
    timedelta(minutes=5),
    *(timedelta(hours=n) for n in range(1, 25)),
    *(timedelta(days=n) for n in (*range(2, 9), 15, 30, 60)),
)
#: A time ahead of the clock is looked for so far: no zone is further off.
_AHEAD: Final = timedelta(hours=15)
_WRITTEN_BACK: Final = timedelta(minutes=5)
#: So many transactions before the fence, written in the last minutes, are all that `changed` may see.
_LONG_AGO_XIDS: Final = 2**30
_MOST_MERCHANTS: Final = 200


@dataclass(slots=True)
class Sampled:
    """What was found, and what other questions go on with."""

    findings: list[Finding] = field(default_factory=list)
    fence: Fence | None = None
    merchants: list[str] = field(default_factory=list)  # of the sample, some of them
    ids: list[object] = field(default_factory=list)  # the same in the type of the source


def inspect_sample(source: Source) -> Sampled:
    """Read an hour of the source and say what the pipeline will see in it. Raises nothing of ours."""
    sampled = Sampled()
    found = sampled.findings
    try:
        fence = sampled.fence = source.fence()
        newest = _newest(source, fence.clock)
        ahead = _newest_ahead(source, fence.clock)
        written = _attempt(found, "changed", lambda: _written(source, fence))
        just_written = bool(written) and (ahead or newest) in (written or [])
        found.append(time_finding(ahead or newest, fence.clock, just_written=just_written))
        last = newest or ahead
        if last is None:
            return sampled
        sample = _sample(source, last, fence.clock)
    except MinuteriskError as error:
        found.append(failed("sample", error))
        return sampled
    found += sample_findings(sample)
    if written is not None:
        found += changed_findings(written, sample, fence.clock, _WRITTEN_BACK)
    sampled.ids = _some_merchants(sample)
    sampled.merchants = [str(merchant) for merchant in sampled.ids]
    return sampled


def inspect_ornaments(source: Source, sampled: Sampled, zone: tzinfo) -> Iterator[Finding]:
    """What nothing is counted by, asked with the merchants of the sample: warnings at most."""
    merchants, fence = sampled.merchants, sampled.fence
    if merchants and fence is not None:
        yield from _warned("at_risk", lambda: _at_risk(source, merchants, fence.clock, zone))
    yield from _warned("categories", lambda: _categories(source, merchants))
    if fence is not None:
        yield from _warned("without_time", lambda: _without_time(source))


def _attempt(found: list[Finding], check: str, ask: Callable[[], list[datetime]]) -> list[datetime] | None:
    try:
        return ask()
    except MinuteriskError as error:
        found.append(failed(check, error))
        return None


def _warned(check: str, ask: Callable[[], Finding]) -> Iterator[Finding]:
    try:
        yield ask()
    except MinuteriskError as error:
        yield failed(check, error, "warning")
    except Exception as error:  # noqa: BLE001 - whatever an optional query gives, the check goes on
        what = f"{check}.sql gives what cannot be read: {type(error).__name__}: {error}"
        yield Finding(check, "warning", what, "compare its columns and types with queries/extract/README.md")


def _newest(source: Source, clock: datetime) -> datetime | None:
    """The newest closed minute that holds a row, as `totals` has it; None where there is none for long."""
    end = floor_minute(clock)
    for back in _BACK:
        start = floor_minute(clock - back)
        minutes = _minutes(source, Span(start, end))
        if minutes:
            return max(minutes)
        end = start
    return None


def _newest_ahead(source: Source, clock: datetime) -> datetime | None:
    start = floor_minute(clock) + 2 * MINUTE
    return max(_minutes(source, Span(start, start + _AHEAD)), default=None)


def _minutes(source: Source, span: Span) -> list[datetime]:
    """Minutes of `span` with rows; where that takes too long, of a shorter one at its newer end."""
    while True:
        try:
            minutes: list[datetime] = source.totals(span)["minute"].to_list()
        except (SourceTooSlow, SourceUnavailable):
            if span.minutes <= 1:
                raise
            span = Span(span.end - max(span.minutes // 8, 1) * MINUTE, span.end)
        else:
            return [minute for minute in minutes if span.start <= minute < span.end]


def _written(source: Source, fence: Fence) -> list[datetime]:
    since = Fence(fence.xmin - _LONG_AGO_XIDS, fence.xmax - _LONG_AGO_XIDS, fence.clock)
    end = floor_minute(fence.clock) + MINUTE
    return sorted(source.changed(since, lambda _: end - MINUTE - _WRITTEN_BACK, {}).minutes)


def _sample(source: Source, newest: datetime, clock: datetime) -> Sample:
    """The hour that ends with `newest`, or as much of it as may be read."""
    end = newest + MINUTE
    minutes = _affordable(source, Span(end - min(5, HOUR_MINUTES) * MINUTE, end))
    while True:
        span = Span(end - minutes * MINUTE, end)
        try:
            return _read(source, _within_limit(source, span), clock)
        except (SourceTooSlow, SourceUnavailable):
            if minutes <= 1:
                raise
            minutes = max(minutes // 4, 1)


def _affordable(source: Source, newest: Span) -> int:
    """How many minutes like the newest ones hold MOST_ROWS rows."""
    try:
        totals = source.totals(newest)
    except (SourceTooSlow, SourceUnavailable):
        return 1
    most = max((int(rows or 0) for rows in totals["rows"].to_list()), default=0)
    return max(1, min(HOUR_MINUTES, MOST_ROWS // max(most, 1)))


def _within_limit(source: Source, span: Span) -> tuple[Span, pl.DataFrame]:
    """The newer end of `span` with at most MOST_ROWS rows, and its totals."""
    totals = source.totals(span)
    rows = dict(totals.select("minute", "rows").iter_rows())
    taken, start = 0, span.end
    for minute in reversed(list(span)):
        taken += int(rows.get(minute) or 0)
        if taken > MOST_ROWS and start < span.end:
            break
        start = minute
    if start > span.start:
        return Span(start, span.end), source.totals(Span(start, span.end))
    return span, totals


def _read(source: Source, asked: tuple[Span, pl.DataFrame], clock: datetime) -> Sample:
    span, totals = asked
    extracted = source.extract(span)
    counted = count(extracted.rows, span, extracted.xmin, max(extracted.clock, clock))
    if not _differing(counted, totals):
        return Sample(span, extracted.rows, counted, totals)
    again = source.totals(span)  # rows may have come between the two questions
    unsettled = {minute for minute in span if _of(totals, minute) != _of(again, minute)}
    return Sample(span, extracted.rows, counted, again, frozenset(unsettled))


def _differing(counted: Counted, totals: pl.DataFrame) -> bool:
    pairs = zip(counted.span, counted.ledger, strict=True)
    return any(Totals.of_ledger(row) != _of(totals, minute) for minute, row in pairs)


def _of(totals: pl.DataFrame, minute: datetime) -> Totals | None:
    found = totals.filter(pl.col("minute") == minute)
    if found.is_empty():
        return Totals(0, 0, 0)
    return Totals.of_source(found.row(0, named=True))


def _some_merchants(sample: Sample) -> list[object]:
    ids: list[object] = (
        sample.rows["merchant_id"].drop_nulls().unique().sort().head(_MOST_MERCHANTS).to_list()
    )
    return [merchant for merchant in ids if str(merchant).strip()]


def _at_risk(source: Source, merchants: Sequence[str], clock: datetime, zone: tzinfo) -> Finding:
    today = clock.astimezone(zone).date()
    found = read_payouts(source.payouts(merchants, today, 30, clock), merchants, today, zone)
    known = found.by_merchant
    unnamed = sum(payout.merchant_name is None for payout in known.values())
    wrong = [payout.wrong for payout in known.values() if payout.wrong]
    unpaid = sum(payout.paid_out is None for payout in known.values())
    numbers = {"asked": len(merchants), "known": len(known), "strangers": found.strangers}
    numbers |= {"without_name": unnamed, "money_not_known": unpaid}
    said = f"knows {len(known)} of {len(merchants)} merchants, {unnamed} without a name"
    if found.strangers and not known:
        what = f"at_risk.sql gives {found.strangers} merchants that nobody asked for and none that was"
        hint = "give merchant_id as text, exactly as transactions.sql gives it: merchant_id::text"
    elif not known:
        what = f"at_risk.sql knows none of {len(merchants)} merchants: incidents have no name and no money"
        hint = "do its tables hold the same merchant ids? Without tables of payouts this is as it must be"
    elif unpaid:
        what = f"at_risk.sql {said}; the money of {unpaid} is not known" + (f": {wrong[0]}" if wrong else "")
        hint = "give paid_out as a whole number of minor units, and settled_through as a date"
    elif unnamed == len(known):
        what, hint = f"at_risk.sql {said}", "let merchant_name be the name that people know"
    else:
        return Finding("at_risk", "ok", said, numbers=numbers)
    return Finding("at_risk", "warning", what, hint, numbers)


def _categories(source: Source, merchants: Sequence[str]) -> Finding:
    """Read them all: only so is it certain that they can be read."""
    given = source.categories()
    if given is None:
        what = "no categories.sql: a new merchant starts from the rate of all merchants"
        return Finding("categories", "note", what)
    known = given.filter(pl.col("merchant_id").is_in(list(merchants))).height
    numbers = {"merchants": given.height, "of_the_sample": known, "asked": len(merchants)}
    if merchants and given.height and not known:
        what = f"categories.sql gives {given.height:,} merchants and none of those of the sample"
        hint = "give merchant_id exactly as transactions.sql does"
        return Finding("categories", "warning", what, hint, numbers)
    return Finding("categories", "ok", f"of {given.height:,} merchants", numbers=numbers)


def _without_time(source: Source) -> Finding:
    rows = source.rows_without_time()
    if rows:
        what = f"{rows:,} transactions have no time, or one that no minute can have: they are never counted"
        return Finding("without_time", "warning", what, "give them a time at the source", {"rows": rows})
    return Finding("without_time", "ok", "every transaction has a time", numbers={"rows": 0})
