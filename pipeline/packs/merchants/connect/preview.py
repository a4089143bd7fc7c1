"""One sampled hour as it would be counted, beside rows as they stand in the tables. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from pipeline.minute import MINUTE, Span, floor_minute
from pipeline.packs.merchants.connect.propose_values import moments
from pipeline.packs.merchants.screen import count_reasons, screen

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from zoneinfo import ZoneInfo

    from pipeline.connect.catalog import Sample, Stamp, Table
    from pipeline.packs.merchants.connect.mapping import Leg, TradeMapping

_HOUR: Final = timedelta(hours=1)
#: Rows of each kind that are shown as they stand and as what they become.
_EXAMPLES: Final = 2


@dataclass(frozen=True, slots=True)
class Example:
    """A row of a table, and the transactions that it becomes; none: it is left out."""

    table: str
    row: Mapping[str, str | None]
    becomes: Sequence[str]


@dataclass(frozen=True, slots=True)
class Preview:
    """What a span of the source comes to."""

    span: Span
    rows: int
    kinds: Mapping[str, tuple[int, int]]  # count and amount in minor units, by kind
    merchants: int
    set_aside: Mapping[str, int]
    examples: Sequence[Example]

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "from": self.span.start.isoformat(),
            "to": self.span.end.isoformat(),
            "rows": self.rows,
            "kinds": {kind: {"rows": n, "amount": amount} for kind, (n, amount) in self.kinds.items()},
            "merchants": self.merchants,
            "set_aside": dict(self.set_aside),
            "examples": [
                {"table": e.table, "row": dict(e.row), "becomes": list(e.becomes)} for e in self.examples
            ],
        }


def span_to_show(mapping: TradeMapping, samples: Mapping[Table, Sample], clock: datetime) -> Span:
    """The newest hour that has rows, or as many of its minutes as the samples hold: busy hours are large."""
    end = floor_minute(clock)
    for leg in mapping.legs:
        sample = samples.get(leg.table)
        times = _times(sample, leg.time) if sample else []
        if times:
            end = min(
                end,
                floor_minute(max(t for t in times if t <= clock) if min(times) <= clock else clock) + MINUTE,
            )
            break
    longest = max(MINUTE, min((_covered(samples, leg, end) for leg in mapping.legs), default=_HOUR))
    return Span(end - min(longest, _HOUR), end)


def _covered(samples: Mapping[Table, Sample], leg: Leg, end: datetime) -> timedelta:
    """How long before `end` a leg's sample begins, in whole minutes; an hour where it is small."""
    sample = samples.get(leg.table)
    if sample is None or not sample.ordered or len(sample.rows) < 10_000:  # noqa: PLR2004 - then an hour is small
        return _HOUR
    before = [time for time in _times(sample, leg.time) if time < end]
    return floor_minute(end) - floor_minute(min(before)) if before else _HOUR


def preview(
    rows: pl.DataFrame, span: Span, clock: datetime, mapping: TradeMapping, samples: Mapping[Table, Sample]
) -> Preview:
    """Count `rows` (columns of TRANSACTION) as a minute's are counted."""
    screened = screen(rows, max(clock, span.end), by_minute=True)
    kinds = {
        row["kind"]: (row["n"], row["amount"])
        for row in screened.good.group_by("kind")
        .agg(n=pl.len(), amount=pl.col("amount").sum())
        .sort("kind")
        .to_dicts()
    }
    examples = [
        example for table in _tables(mapping) for example in _examples(table, mapping, samples, screened.good)
    ]
    merchants = screened.good["merchant_id"].n_unique()
    return Preview(span, rows.height, kinds, merchants, count_reasons(screened.bad), examples)


def _tables(mapping: TradeMapping) -> list[Table]:
    return list(dict.fromkeys(leg.table for leg in mapping.legs))


def _examples(
    table: Table, mapping: TradeMapping, samples: Mapping[Table, Sample], good: pl.DataFrame
) -> Iterator[Example]:
    """For each word of the kind column a row or two: first those that the span has counted."""
    legs = [leg for leg in mapping.legs if leg.table == table]
    first = legs[0]
    counted = good.with_columns(pl.col("transaction_id").cast(pl.String).alias("key"))
    by_key = counted.partition_by("key", as_dict=True)
    columns = dict.fromkeys(name for leg in legs for name in _shown(leg))
    shown: dict[str | None, int] = {}
    for row in samples[table].rows if table in samples else ():
        word = row.get(first.kind.name) if first.kind else None
        found = by_key.get((row.get(first.identity.name),))
        if shown.get(word, 0) >= _EXAMPLES or (found is None and word not in first.ignored):
            continue
        shown[word] = shown.get(word, 0) + 1
        kinds = {leg.fixed for leg in legs}
        becomes = (
            []
            if found is None
            else [_said(t, mapping) for t in found.to_dicts() if t["kind"] in kinds or None in kinds]
        )
        yield Example(table.full_name, {name: row.get(name) for name in columns}, becomes)


def _shown(leg: Leg) -> Iterator[str]:
    columns = (leg.identity, leg.kind, leg.amount, leg.time.column, leg.currency, leg.deleted)
    if not leg.merchant_of_original:
        yield leg.merchant.name
    yield from (column.name for column in columns if column is not None and column.kind != "binary")


def _said(row: Mapping[str, Any], mapping: TradeMapping) -> str:
    at = row["occurred_at"].astimezone(UTC).isoformat(sep=" ", timespec="seconds").replace("+00:00", "Z")
    amount = f"{row['amount']:,} (minor units of {mapping.currency})"
    return f"{row['kind']} {amount}, merchant {row['merchant_id']}, {at}"


def _times(sample: Sample, stamp: Stamp) -> list[datetime]:
    """A sample's times, in UTC."""
    found = moments(sample.values(stamp.column.name))
    if stamp.zone is None:
        return [moment.replace(tzinfo=UTC) for moment in found]
    zone = _zone(stamp.zone)
    return [moment.replace(tzinfo=zone).astimezone(UTC) for moment in found]


def _zone(name: str) -> ZoneInfo:
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - only here at run time

    return ZoneInfo(name)


def preview_text(found: Preview, currency: str) -> str:
    """For people: the counts, then rows with what they become."""
    lines = [f"the minutes {found.span} UTC, counted: {found.rows:,} rows of {found.merchants:,} merchants"]
    lines += [
        f"  {kind:<10}{n:>10,} rows {amount:>20,} minor units of {currency}"
        for kind, (n, amount) in found.kinds.items()
    ]
    lines += [f"  set aside {n:>10,} rows: {reason}" for reason, n in found.set_aside.items()]
    lines += ["", "rows as they stand, and what they become:"] if found.examples else []
    for example in found.examples:
        values = ", ".join(f"{name}={value}" for name, value in example.row.items())
        lines.append(f"  {example.table}: {_plain(values)}")
        lines += [f"    -> {_plain(text)}" for text in example.becomes or ("nothing: it is left out",)]
    return "\n".join(lines)


def _plain(text: str) -> str:
    """Nothing that moves the cursor of a terminal."""
    return "".join(c if c.isprintable() else "?" for c in text)
