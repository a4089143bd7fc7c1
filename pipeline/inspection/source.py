"""One past hour of the source database, read the pipeline's own way, for `check`.

Every question goes through a Source, is bounded by its statement timeout, and fails alone: what cannot
be asked is said, and the rest goes on. A span that takes too long, or holds too many rows, is made shorter.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from pipeline.count import count
from pipeline.errors import MinuteriskError, SourceTooSlow, SourceUnavailable
from pipeline.finding import Finding, failed
from pipeline.inspection.sample import Sample, changed_findings, sample_findings, time_finding
from pipeline.minute import HOUR_MINUTES, MINUTE, Span, floor_minute
from pipeline.schema import WRONG
from pipeline.source.asked import Fence, Totals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from pipeline.count import Counted
    from pipeline.pack import Pack
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
_MOST_ENTITIES: Final = 200
#: What is beside the rows is read so far back: most days bring some.
_BESIDE_BACK: Final = timedelta(days=7)


@dataclass(slots=True)
class Sampled:
    """What was found, and what other questions go on with."""

    findings: list[Finding] = field(default_factory=list)
    fence: Fence | None = None
    entities: list[str] = field(default_factory=list)  # of the sample, some of them
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
        found.append(time_finding(ahead or newest, fence.clock, source.pack, just_written=just_written))
        last = newest or ahead
        if last is None:
            return sampled
        sample = _sample(source, last, fence.clock)
    except MinuteriskError as error:
        found.append(failed("sample", error))
        return sampled
    found += sample_findings(sample, source.pack)
    if written is not None:
        found += changed_findings(written, sample, fence.clock, _WRITTEN_BACK)
    sampled.ids = _some_entities(sample, source.pack)
    sampled.entities = [str(entity) for entity in sampled.ids]
    return sampled


def inspect_ornaments(source: Source, sampled: Sampled, zone: ZoneInfo) -> Iterator[Finding]:
    """What nothing is counted by, asked with the entities of the sample: warnings at most."""
    entities, fence, pack = sampled.entities, sampled.fence, source.pack
    if entities and fence is not None:
        for name, found in pack.inspect.ornaments.items():
            yield from _warned(name, partial(found, source.ask, entities, fence.clock, zone))
    if pack.fact is not None:
        yield from _warned(pack.fact[0], partial(_facts, source, entities, pack.fact[0]))
    for name, beside in pack.beside.items():
        if beside.query is not None and fence is not None:
            yield from _warned(beside.query, partial(_beside, source, name, fence.clock, zone))
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
        yield Finding(check, "warning", what, "compare its columns and types with those of the shipped query")


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
    counted = count(extracted.rows, span, extracted.xmin, max(extracted.clock, clock), source.pack)
    names = source.pack.totals
    if not _differing(counted, totals, names):
        return Sample(span, extracted.rows, counted, totals)
    again = source.totals(span)  # rows may have come between the two questions
    unsettled = {minute for minute in span if _of(totals, minute, names) != _of(again, minute, names)}
    return Sample(span, extracted.rows, counted, again, frozenset(unsettled))


def _differing(counted: Counted, totals: pl.DataFrame, names: Sequence[str]) -> bool:
    pairs = zip(counted.span, counted.ledger, strict=True)
    return any(Totals.of_ledger(row) != _of(totals, minute, names) for minute, row in pairs)


def _of(totals: pl.DataFrame, minute: datetime, names: Sequence[str]) -> Totals | None:
    found = totals.filter(pl.col("minute") == minute)
    if found.is_empty():
        return Totals(0, dict.fromkeys(names, 0))
    return Totals.of_source(found.row(0, named=True), names)


def _some_entities(sample: Sample, pack: Pack[Any, Any]) -> list[object]:
    ids: list[object] = sample.rows[pack.entity].drop_nulls().unique().sort().head(_MOST_ENTITIES).to_list()
    return [entity for entity in ids if str(entity).strip()]


def _facts(source: Source, entities: Sequence[str], name: str) -> Finding:
    """Read them all: only so is it certain that they can be read."""
    read, pack = source.known(), source.pack
    if read is None:
        without = f": {pack.inspect.no_fact}" if pack.inspect.no_fact else ""
        return Finding(name, "note", f"no {name}.sql{without}")
    given, names = read.facts, read.names.height
    known = given.filter(pl.col("entity_id").is_in(entities)).height
    numbers = {pack.nouns: given.height, "of_the_sample": known, "asked": len(entities), "names": names}
    if entities and given.height and not known:
        what = f"{name}.sql gives {given.height:,} {pack.nouns} and none of those of the sample"
        hint = f"give {pack.entity} exactly as {pack.rows_query}.sql does"
        return Finding(name, "warning", what, hint, numbers)
    named = f", names of {names:,}" if names else ", no names: they are found by their ids"
    said = named if pack.entity_name else ""
    return Finding(name, "ok", f"of {given.height:,} {pack.nouns}{said}", numbers=numbers)


def _beside(source: Source, dataset: str, clock: datetime, zone: ZoneInfo) -> Finding:
    """What the query of a dataset gives of the last days: how many rows, and how many of them are wrong."""
    pack, query = source.pack, str(source.pack.beside[dataset].query)
    if not source.has_beside(dataset):
        return Finding(query, "note", f"no {query}.sql: not known are {pack.ornaments[query]}")
    span = Span(floor_minute(clock) - _BESIDE_BACK, floor_minute(clock))
    read = source.beside([dataset], span)
    if dataset in read.failed:
        raise read.failed[dataset]
    rows = pack.beside[dataset].count(read.frames[dataset], span, zone)
    wrong = rows.filter(pl.col(WRONG).is_not_null()) if WRONG in rows.columns else rows.clear()
    numbers = {"rows": rows.height, "wrong": wrong.height, "outside": read.outside.get(dataset, 0)}
    days = _BESIDE_BACK.days
    if numbers["outside"]:
        what = f"{query}.sql gives {numbers['outside']:,} rows outside of the time that it is asked for"
        hint = f"it must give rows whose {pack.beside[dataset].time} lies in [start, end)"
        return Finding(query, "warning", what, hint, numbers)
    if rows.is_empty():
        what = f"{query}.sql gives no row of the last {days} days"
        return Finding(query, "note", what, "is it the right table, and the right time?", numbers)
    if wrong.height:
        what = f"{wrong.height:,} of {rows.height:,} rows are wrong: {wrong[WRONG][0]}"
        return Finding(query, "warning", what, "they are published, and entered in no book", numbers)
    return Finding(query, "ok", f"{rows.height:,} rows in the last {days} days", numbers=numbers)


def _without_time(source: Source) -> Finding:
    rows, row = source.rows_without_time(), source.pack.row_noun
    if rows:
        what = f"{rows:,} {row}s have no time, or one that no minute can have: they are never counted"
        return Finding("without_time", "warning", what, "give them a time at the source", {"rows": rows})
    return Finding("without_time", "ok", f"every {row} has a time", numbers={"rows": 0})
