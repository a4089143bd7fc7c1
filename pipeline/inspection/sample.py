"""What one sampled span of the source database says of its mapping, as findings. Pure.

The rows went the pipeline's own way (`pipeline.count`), so what is said is what it will see. Thresholds are
for people to look at something, not for verdicts: only what cannot be right is a failure.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from pipeline.alarms.row_words import reasons_text
from pipeline.errors import DifferencesFound
from pipeline.figures import plain
from pipeline.finding import Finding
from pipeline.outside import outside_minutes
from pipeline.source.asked import Totals

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from pipeline.count import Counted
    from pipeline.finding import Level
    from pipeline.minute import Span
    from pipeline.pack import Pack

_SHOWN: Final = 5
_UUID: Final = r"^\{?[0-9a-fA-F]{8}-?([0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}\}?$"
#: A time this near to a whole number of hours off is a zone, not a delay.
_ZONE_TOLERANCE: Final = timedelta(minutes=5)
_MOST_HOURS: Final = 14
_SEOUL_HOURS: Final = 9
_LONG_HOURS: Final = 72  # said in days
_QUIET: Final = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Sample:
    """A span as the source gave it."""

    span: Span
    rows: pl.DataFrame  # the pack's rows, before anything is set aside
    counted: Counted
    totals: pl.DataFrame  # of the source's own count
    unsettled: frozenset[datetime] = frozenset()  # minutes that were being written meanwhile


def sample_findings(sample: Sample, pack: Pack[Any, Any]) -> list[Finding]:
    """Everything that the rows of a sample say."""
    rows = sample.rows
    return [
        *_rows(sample, pack),
        *pack.inspect.words(rows),
        *_outside(sample),
        *_totals(sample, pack),
        *_duplicates(rows, pack),
        *_ids(rows, pack.key[0], "ids", pack),
        *_ids(rows, pack.entity, pack.nouns, pack),
        *pack.inspect.values(rows),
    ]


def time_finding(
    newest: datetime | None, clock: datetime, pack: Pack[Any, Any], *, just_written: bool
) -> Finding:
    """The newest time against the source's clock; `just_written`: rows of that minute came minutes ago."""
    row = pack.row_noun
    if newest is None:
        hint = (
            f"nothing can be said of the mapping; is {pack.rows_query}.sql about the right table and period?"
        )
        return Finding("time", "warning", f"no {row} was found, in the last 60 days or later", hint)
    off = newest - clock
    hours = round(off / timedelta(hours=1))
    whole = 0 < abs(hours) <= _MOST_HOURS and abs(off - timedelta(hours=hours)) <= _ZONE_TOLERANCE
    numbers = {"newest": newest.isoformat(), "clock": clock.isoformat(), "off_s": round(off.total_seconds())}
    said = f"the newest {row} is of {newest:%Y-%m-%dT%H:%M}Z, {_ago(off)} the source's clock"
    if off > timedelta(minutes=1):
        return _ahead(said, hours if whole else None, numbers)
    if -off <= _QUIET:
        return Finding("time", "ok", said, numbers=numbers)
    if whole:
        what = f"{said}: {-hours} hours off, as if a time in UTC had been taken for one of UTC+{-hours}"
        level: Level
        level, hint = (
            ("failure" if just_written else "warning"),
            "convert occurred_at once, not twice, in every query",
        )
        return Finding("time", level, what, hint, numbers)
    what = f"no {row} since {newest:%Y-%m-%dT%H:%M}Z, {_ago(off)} the source's clock"
    return Finding(
        "time", "warning", what, "is that so? Otherwise look at the table, filter and zone", numbers
    )


def changed_findings(
    minutes: Sequence[datetime], sample: Sample, clock: datetime, back: timedelta
) -> list[Finding]:
    """What `changed` says of rows written in the last `back`, against the rows of the sample."""
    numbers = {"minutes": len(minutes)}
    ahead = [minute for minute in minutes if minute > clock]
    if ahead:
        what = (
            f"changed.sql gives minutes ahead of the source's clock, for example {ahead[-1]:%Y-%m-%dT%H:%M}Z"
        )
        return [Finding("changed", "warning", what, "let its minute be occurred_at's, in UTC", numbers)]
    lately = (
        sample.rows.filter(pl.col("occurred_at") >= clock - back)["occurred_at"].dt.truncate("1m").unique()
    )
    unseen = set(lately.to_list()) - set(minutes)
    if unseen and not set(lately.to_list()) & set(minutes):
        what = f"changed.sql gives none of the {len(unseen)} minutes that have rows of the last 5 minutes"
        hint = (
            "let it filter by the column that says when a row was written; late commits stay unseen otherwise"
        )
        return [Finding("changed", "warning", what, hint, numbers)]
    return [
        Finding("changed", "ok", f"{len(minutes)} minutes got rows in the last 5 minutes", numbers=numbers)
    ]


def _ago(off: timedelta) -> str:
    minutes = round(abs(off) / timedelta(minutes=1))
    hours, rest = divmod(minutes, 60)
    long = (
        f"{hours // 24} days" if hours >= _LONG_HOURS else f"{hours} h {rest} min" if hours else f"{rest} min"
    )
    return f"{long} {'ahead of' if off > timedelta(0) else 'behind'}"


def _ahead(said: str, hours: int | None, numbers: Mapping[str, Any]) -> Finding:
    if hours is None:
        hint = "a time in the future is a wrong time; its minute is counted when its time has come"
        return Finding("time", "warning", said, hint, numbers)
    place = "Seoul time" if hours == _SEOUL_HOURS else f"a time of UTC+{hours}"
    what = f"{said}: {hours} hours off, which looks like {place} stored without its zone"
    hint = (
        "convert it in every query, for example occurred_at AT TIME ZONE 'Asia/Seoul' (MySQL:"
        " CONVERT_TZ(occurred_at, '+09:00', '+00:00') AS occurred_at_utc), and the span's borders alike"
    )
    return Finding("time", "failure", what, hint, numbers)


def _rows(sample: Sample, pack: Pack[Any, Any]) -> Iterator[Finding]:
    rows, bad = sample.rows.height, sample.counted.quarantine
    minutes = sample.span.minutes
    entities = sample.rows[pack.entity].n_unique() if rows else 0
    said = f"{rows:,} rows of {entities:,} {pack.nouns} in {minutes} minutes ({sample.span}, UTC)"
    yield Finding("rows", "ok", said, numbers={"rows": rows, pack.nouns: entities, "span": str(sample.span)})
    numbers = {
        "set_aside": bad.height,
        "rows": rows,
        "reasons": dict(bad.group_by("reason").len().iter_rows()),
    }
    if bad.is_empty():
        yield Finding("set_aside", "ok", "none", numbers=numbers)
        return
    share = 100 * bad.height / max(rows, 1)
    keys = ", ".join(plain(key) for key in bad[pack.key[0]].head(3))
    what = f"{bad.height:,} of {rows:,} rows ({share:.2f} %) are set aside: {reasons_text(bad)}; e.g. {keys}"
    hint = f"they are counted in no {pack.noun}; correct the query that gives them"
    if bad.height * 100 <= rows:
        yield Finding("set_aside", "note", what, hint, numbers)
    elif bad.height < rows:
        yield Finding("set_aside", "warning", what, f"{hint}; more than 1 % of an hour is an alarm", numbers)
    else:
        yield Finding("set_aside", "failure", what, hint, numbers)


def _outside(sample: Sample) -> Iterator[Finding]:
    totals = outside_minutes(sample.totals, sample.span, "totals")
    found = [outside for outside in (sample.counted.outside, totals) if outside is not None]
    for outside in found:
        level: Level = "failure" if outside.count == outside.of else "warning"
        numbers = {"query": outside.query, "count": outside.count, "of": outside.of}
        yield Finding("outside", level, outside.what, outside.hint, numbers)
    if not found:
        yield Finding("outside", "ok", "no row and no total lies outside the span that was asked for")


def _totals(sample: Sample, pack: Pack[Any, Any]) -> Iterator[Finding]:
    theirs = {
        row["minute"]: Totals.of_source(row, pack.totals) for row in sample.totals.iter_rows(named=True)
    }
    nothing = Totals(0, dict.fromkeys(pack.totals, 0))
    differing: list[tuple[str, Totals, Totals]] = []
    for minute, row in zip(sample.span, sample.counted.ledger, strict=True):
        total, counted = theirs.get(minute, nothing), Totals.of_ledger(row)
        if total is not None and _differ(total, counted) and minute not in sample.unsettled:
            differing.append((f"{minute:%Y-%m-%dT%H:%M}Z", total, counted))
    numbers = {"minutes": sample.span.minutes, "differing": len(differing)}
    if not differing:
        yield Finding(
            "totals", "ok", f"equal to the rows in all {sample.span.minutes} minutes", numbers=numbers
        )
        return
    first, said, held = differing[0]
    what = (
        f"{len(differing)} of {sample.span.minutes} minutes differ from their rows; at {first} totals.sql"
        f" says {_said(said, pack)}, the rows say {_said(held, pack)}"
    )
    yield Finding(
        "totals", "failure", what, _why_unlike(differing, pack), numbers, DifferencesFound.exit_code
    )


def _differ(total: Totals, counted: Totals) -> bool:
    return total.rows != counted.rows or any(_unlike(total, counted, name) for name in counted.sums)


def _unlike(total: Totals, counted: Totals, name: str) -> bool:
    """A sum that is no number, as one row's value is none, says nothing."""
    pair = total.sums[name], counted.sums[name]
    return None not in pair and pair[0] != pair[1]


def _said(totals: Totals, pack: Pack[Any, Any]) -> str:
    shown = {name: "not known" if n is None else f"{n:,}" for name, n in totals.sums.items()}
    sums = (pack.inspect.totals[name].said.format(number) for name, number in shown.items())
    return ", ".join((f"{totals.rows:,} rows", *sums))


def _why_unlike(differing: Sequence[tuple[str, Totals, Totals]], pack: Pack[Any, Any]) -> str:
    if all(total.rows == counted.rows for _, total, counted in differing):
        for name, about in pack.inspect.totals.items():
            if any(_unlike(total, counted, name) for _, total, counted in differing):
                return about.unlike
    return (
        f"{pack.rows_query}.sql and totals.sql must speak of the same rows: the same tables, filter and time"
    )


def _duplicates(rows: pl.DataFrame, pack: Pack[Any, Any]) -> Iterator[Finding]:
    key, by = pl.struct(*pack.key), " and ".join(pack.key)
    named = rows.filter(pl.col(pack.key[0]).is_not_null())
    again = named.height - named.select(key.n_unique()).item() if named.height else 0
    numbers = {"duplicates": again}
    if not again:
        yield Finding("duplicates", "ok", f"none by {by}", numbers=numbers)
        return
    first = named.filter(key.is_duplicated())[pack.key[0]][0]
    what = f"{again:,} rows have the {by} of another one, for example {plain(first)}"
    hint = f"does a join multiply the rows? {pack.inspect.doubled}".rstrip()
    yield Finding("duplicates", "warning", what, hint, numbers)


def _ids(rows: pl.DataFrame, name: str, short: str, pack: Pack[Any, Any]) -> Iterator[Finding]:
    ids = rows[name].drop_nulls()
    missing = rows.height - ids.len()
    numbers: dict[str, Any] = {
        "column": name,
        "type": str(ids.dtype),
        "distinct": ids.n_unique(),
        "missing": missing,
    }
    if ids.is_empty():
        level: Level = "warning" if rows.height else "note"
        yield Finding(short, level, f"no {name} in the sample", numbers=numbers)
        return
    if missing:
        yield Finding(
            short, "warning", f"{name} is missing (NULL) in {missing:,} rows", "they are set aside", numbers
        )
    if ids.dtype.is_integer():
        said = f"{name}: integers from {ids.min()!s} to {ids.max()!s}, {ids.n_unique():,} distinct"
        yield Finding(short, "ok", said, numbers=numbers)
        return
    yield _text_ids(ids.cast(pl.String), short, numbers, pack)


def _text_ids(ids: pl.Series, short: str, numbers: dict[str, Any], pack: Pack[Any, Any]) -> Finding:
    name = numbers["column"]
    widths = ids.str.len_chars()
    least, most = widths.min(), widths.max()
    uuids, padded = ids.str.contains(_UUID).sum(), (ids != ids.str.strip_chars()).sum()
    odd = ids.str.contains(r"\p{Cc}").sum()
    numbers |= {"width": [least, most], "uuids": uuids, "padded": padded, "control_characters": odd}
    shape = "uuids" if uuids == ids.len() else f"text of {least!s} to {most!s} characters"
    said = f"{name}: {shape}, {ids.n_unique():,} distinct, for example {plain(ids[0])}"
    if odd:
        hint = f"clean {name} in the query; PostgreSQL's text takes no NUL"
        return Finding(short, "warning", f"{said}; {odd:,} hold control characters", hint, numbers)
    if padded:
        why = f": {pack.inspect.padded}" if pack.inspect.padded else ""
        hint = f"take the padding away in every query alike, trim({name}){why}"
        return Finding(short, "warning", f"{said}; {padded:,} are padded with spaces", hint, numbers)
    return Finding(short, "ok", said, numbers=numbers)
