"""What one sampled span of the trade database says of its mapping, as findings. Pure.

The rows went the pipeline's own way (`pipeline.count`), so what is said is what it will see. Thresholds are
for people to look at something, not for verdicts: only what cannot be right is a failure.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from pipeline.alarms.row_words import plain, reasons_text
from pipeline.errors import DifferencesFound
from pipeline.inspection.finding import Finding
from pipeline.outside import outside_minutes
from pipeline.schema import AMOUNT_LIMIT, APPROVAL, CANCEL, KINDS
from pipeline.source.asked import Totals

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from pipeline.count import Counted
    from pipeline.inspection.finding import Level
    from pipeline.minute import Span

#: Of so many rows on, the absence of something says something.
_ENOUGH: Final = 1_000
_SHOWN: Final = 5
#: A median past this (minor units), with every amount a multiple of 100, looks like KRW times 100.
_LARGE_MEDIAN: Final = 1_000_000
_UUID: Final = r"^\{?[0-9a-fA-F]{8}-?([0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}\}?$"
#: The words that companies use, to propose a translation.
_APPROVED_WORDS: Final = (
    "APPR",
    "PAID",
    "PAY",
    "DONE",
    "SUCCESS",
    "CAPTUR",
    "COMPLETE",
    "SALE",
    "승인",
    "결제",
)
_CANCELLED_WORDS: Final = ("CANCEL", "REFUND", "VOID", "REVERS", "RETURN", "취소", "환불")
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
    rows: pl.DataFrame  # columns of TRANSACTION, before anything is set aside
    counted: Counted
    totals: pl.DataFrame  # of the source's own count
    unsettled: frozenset[datetime] = frozenset()  # minutes that were being written meanwhile


def sample_findings(sample: Sample) -> list[Finding]:
    """Everything that the rows of a sample say."""
    rows = sample.rows
    return [
        *_rows(sample),
        *_kinds(rows),
        *_outside(sample),
        *_totals(sample),
        *_duplicates(rows),
        *_ids(rows, "transaction_id"),
        *_ids(rows, "merchant_id"),
        *_amounts(rows),
        *_approved_at(rows),
    ]


def time_finding(newest: datetime | None, clock: datetime, *, just_written: bool) -> Finding:
    """The newest time against the source's clock; `just_written`: rows of that minute came minutes ago."""
    if newest is None:
        hint = "nothing can be said of the mapping; is transactions.sql about the right table and period?"
        return Finding("time", "warning", "no transaction was found, in the last 60 days or later", hint)
    off = newest - clock
    hours = round(off / timedelta(hours=1))
    whole = 0 < abs(hours) <= _MOST_HOURS and abs(off - timedelta(hours=hours)) <= _ZONE_TOLERANCE
    numbers = {"newest": newest.isoformat(), "clock": clock.isoformat(), "off_s": round(off.total_seconds())}
    said = f"the newest transaction is of {newest:%Y-%m-%dT%H:%M}Z, {_ago(off)} the source's clock"
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
    what = f"no transaction since {newest:%Y-%m-%dT%H:%M}Z, {_ago(off)} the source's clock"
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


def _rows(sample: Sample) -> Iterator[Finding]:
    rows, bad = sample.rows.height, sample.counted.quarantine
    minutes = sample.span.minutes
    merchants = sample.rows["merchant_id"].n_unique() if rows else 0
    said = f"{rows:,} rows of {merchants:,} merchants in {minutes} minutes ({sample.span}, UTC)"
    yield Finding(
        "rows", "ok", said, numbers={"rows": rows, "merchants": merchants, "span": str(sample.span)}
    )
    numbers = {
        "set_aside": bad.height,
        "rows": rows,
        "reasons": dict(bad.group_by("reason").len().iter_rows()),
    }
    if bad.is_empty():
        yield Finding("set_aside", "ok", "none", numbers=numbers)
        return
    share = 100 * bad.height / max(rows, 1)
    keys = ", ".join(plain(key) for key in bad["transaction_id"].head(3))
    what = f"{bad.height:,} of {rows:,} rows ({share:.2f} %) are set aside: {reasons_text(bad)}; e.g. {keys}"
    hint = "they are counted in no merchant; correct the query that gives them"
    if bad.height * 100 <= rows:
        yield Finding("set_aside", "note", what, hint, numbers)
    elif bad.height < rows:
        yield Finding("set_aside", "warning", what, f"{hint}; more than 1 % of an hour is an alarm", numbers)
    else:
        yield Finding("set_aside", "failure", what, hint, numbers)


def _kinds(rows: pl.DataFrame) -> Iterator[Finding]:
    counts = dict(rows.group_by("kind").len().sort(["len", "kind"], descending=[True, False]).iter_rows())
    unknown = {kind: number for kind, number in counts.items() if kind not in KINDS}
    met = ", ".join(f"{plain(kind)} {number:,}" for kind, number in list(counts.items())[:_SHOWN])
    numbers = {"kinds": {plain(kind): number for kind, number in counts.items()}}
    if unknown:
        named = [kind for kind in unknown if kind is not None][:_SHOWN]
        cases = " ".join(f"WHEN '{plain(kind)}' THEN '{_meaning(str(kind))}'" for kind in named)
        hint = f"translate them in transactions.sql and totals.sql: CASE kind {cases} ELSE kind END AS kind"
        level: Level = "failure" if len(unknown) == len(counts) else "warning"
        what = f"{sum(unknown.values()):,} of {rows.height:,} rows have a kind that is not known: {met}"
        yield Finding("kinds", level, what, hint, numbers)
        return
    absent = [kind for kind in KINDS if kind not in counts]
    if rows.height >= _ENOUGH and absent:
        what = f"{met}, and no {absent[0]} at all"
        hint = "does transactions.sql leave them out, or are they in another table (UNION ALL)?"
        yield Finding("kinds", "warning", what, hint, numbers)
    else:
        yield Finding("kinds", "ok", met or "no row", numbers=numbers)


def _meaning(word: str) -> str:
    upper = word.upper()
    if any(part in upper for part in _CANCELLED_WORDS):
        return CANCEL
    return APPROVAL if any(part in upper for part in _APPROVED_WORDS) else "APPROVAL or CANCEL"


def _outside(sample: Sample) -> Iterator[Finding]:
    totals = outside_minutes(sample.totals, sample.span, "totals")
    found = [outside for outside in (sample.counted.outside, totals) if outside is not None]
    for outside in found:
        level: Level = "failure" if outside.count == outside.of else "warning"
        numbers = {"query": outside.query, "count": outside.count, "of": outside.of}
        yield Finding("outside", level, outside.what, outside.hint, numbers)
    if not found:
        yield Finding("outside", "ok", "no row and no total lies outside the span that was asked for")


def _totals(sample: Sample) -> Iterator[Finding]:
    theirs = {row["minute"]: Totals.of_source(row) for row in sample.totals.iter_rows(named=True)}
    nothing = Totals(0, 0, 0)
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
        f" says {_said(said)}, the rows say {_said(held)}"
    )
    yield Finding("totals", "failure", what, _why_unlike(differing), numbers, DifferencesFound.exit_code)


def _differ(total: Totals, counted: Totals) -> bool:
    """A sum that is no number, as one row's amount is none, says nothing."""
    if total.amount is None or counted.amount is None:
        return (total.rows, total.cancels) != (counted.rows, counted.cancels)
    return total != counted


def _said(totals: Totals) -> str:
    amount = "not known" if totals.amount is None else f"{totals.amount:,}"
    return f"{totals.rows:,} rows, {totals.cancels:,} cancels, amount {amount}"


def _why_unlike(differing: Sequence[tuple[str, Totals, Totals]]) -> str:
    if any(total.rows != counted.rows for _, total, counted in differing):
        return "transactions.sql and totals.sql must speak of the same rows: the same tables, filter and time"
    if any(total.cancels != counted.cancels for _, total, counted in differing):
        return "totals.sql must count what transactions.sql gives as CANCEL: the same translation of kinds"
    return "totals.sql must sum what transactions.sql gives as amount: the same unit and sign"


def _duplicates(rows: pl.DataFrame) -> Iterator[Finding]:
    named = rows.filter(pl.col("transaction_id").is_not_null())
    again = (
        named.height - named.select(pl.struct("transaction_id", "kind").n_unique()).item()
        if named.height
        else 0
    )
    numbers = {"duplicates": again}
    if not again:
        yield Finding("duplicates", "ok", "none by transaction_id and kind", numbers=numbers)
        return
    first = named.filter(pl.struct("transaction_id", "kind").is_duplicated())["transaction_id"][0]
    what = f"{again:,} rows have the transaction_id and kind of another one, for example {plain(first)}"
    hint = (
        "does a join multiply the rows? A partial cancel needs an id of its own, for example id || '-' || seq"
    )
    yield Finding("duplicates", "warning", what, hint, numbers)


def _ids(rows: pl.DataFrame, name: str) -> Iterator[Finding]:
    ids = rows[name].drop_nulls()
    short = "ids" if name == "transaction_id" else "merchants"
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
    yield _text_ids(ids.cast(pl.String), name, short, numbers)


def _text_ids(ids: pl.Series, name: str, short: str, numbers: dict[str, Any]) -> Finding:
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
        hint = f"take the padding away in every query alike, trim({name}): names and payouts do not match"
        return Finding(short, "warning", f"{said}; {padded:,} are padded with spaces", hint, numbers)
    return Finding(short, "ok", said, numbers=numbers)


def _amounts(rows: pl.DataFrame) -> Iterator[Finding]:
    amounts = rows["amount"].drop_nulls()
    if amounts.is_empty():
        yield Finding("amounts", "note", "no amount in the sample")
        return
    median = amounts.cast(pl.Float64).median()
    middle = round(median) if isinstance(median, float) else 0
    ordered: list[int] = [*amounts.sort().to_list()]
    least, most = ordered[0], ordered[-1]
    negative, large = int((amounts < 0).sum()), int((amounts > AMOUNT_LIMIT).sum())
    numbers = {"least": least, "median": middle, "most": most, "negative": negative}
    said = f"from {least:,} to {most:,}, median {middle:,} (minor units; KRW has none)"
    yield Finding("amounts", "ok", said, numbers=numbers)
    if negative:
        by_kind = rows.filter(pl.col("amount") < 0)["kind"].unique().sort().to_list()
        hint = "a cancel's amount is positive too: abs(amount), in transactions.sql and totals.sql"
        kinds = ", ".join(plain(kind) for kind in by_kind[:_SHOWN])
        yield Finding("amounts", "warning", f"{negative:,} are negative ({kinds})", hint, numbers)
    if large:
        yield Finding(
            "amounts", "warning", f"{large:,} are past {AMOUNT_LIMIT:,}", "look at the unit", numbers
        )
    yield from _unit(amounts.filter(amounts > 0), middle, numbers)


def _unit(amounts: pl.Series, middle: int, numbers: Mapping[str, Any]) -> Iterator[Finding]:
    """KRW has no minor unit: price * 100 makes every amount a multiple of 100, and 100 times too large."""
    if amounts.n_unique() < _SHOWN * 4 or not (amounts % 100 == 0).all():
        return
    large = middle >= _LARGE_MEDIAN
    what = "every amount is a multiple of 100" + (
        f", and the median is {middle:,}: 100 times too large?" if large else ""
    )
    hint = "where the currency is KRW, round the price and do not multiply it: round(price)::bigint"
    yield Finding("amounts", "warning" if large else "note", what, hint, numbers)


def _approved_at(rows: pl.DataFrame) -> Iterator[Finding]:
    cancels = rows.filter(pl.col("kind") == CANCEL)
    if cancels.is_empty():
        yield Finding("approved_at", "note", "no cancel in the sample, so nothing to say")
        return
    tied = cancels.filter(pl.col("approved_at").is_not_null())
    before = tied.filter(pl.col("approved_at") > pl.col("occurred_at")).height
    numbers = {"cancels": cancels.height, "known": tied.height, "after_the_cancel": before}
    share = f"known of {tied.height:,} of {cancels.height:,} cancels"
    if before:
        hint = "approved_at is the approval's time, in the zone of occurred_at"
        yield Finding("approved_at", "warning", f"{share}; {before:,} lie after their cancel", hint, numbers)
    else:
        hint = (
            "" if tied.height else "optional: with it a reason tells a rise of cancels from many sales before"
        )
        yield Finding("approved_at", "ok" if tied.height else "note", share, hint, numbers)
