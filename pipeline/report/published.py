"""What a report needs of the published files: the heavy part, for a process of its own. It only reads."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from pipeline.desk.evidence import charts_of
from pipeline.judge.verdicts import EVERYBODY
from pipeline.minute import MINUTE, Span, business_date, business_day, split_by_day
from pipeline.money import EXPECTED_LOSS, EXPOSURE
from pipeline.pack import MONEY
from pipeline.prove.proof import ledger_facts
from pipeline.report.about import AFTER, DAY, DAYS, INCIDENT, WEEK
from pipeline.source.pieces import pieces_of_files

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date, datetime

    from pipeline.pack import Chart
    from pipeline.report.gathered import Gathered
    from pipeline.store.lake import Lake
    from pipeline.store.manifest import LakeFile

MOST: Final = 20  # entities that are listed by their money
MOVED: Final = 10  # those that moved most, of each number
#: Below so many of a number in both times chance alone fills the list; of money every difference counts.
LEAST: Final = 30
#: Money by day is shown over so many.
MONEY_DAYS: Final = 8


@dataclass(frozen=True, slots=True)
class Exposed:
    """The book's newest snapshot of the period, and how it went by day. In minor units; None: not known."""

    minute: datetime
    known: int  # entities in it
    totals: Mapping[str, int | None]  # of those that are known
    unknown: Mapping[str, int]  # of how many it is not known
    rows: Sequence[Mapping[str, Any]]  # those with most of it
    by_day: Sequence[tuple[date, Mapping[str, int | None]]]
    amounts: Sequence[str]  # of the rows; not all of them add up


@dataclass(frozen=True, slots=True)
class Mover:
    """How much of a number an entity had, and had a like period before."""

    entity_id: str
    now: int
    before: int  # of `days` days together


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """All of it."""

    exposed: Exposed | None  # None: no snapshot of the period
    movers: Mapping[str, Sequence[Mover]]
    days_before: int  # that movers are compared with; 0: none is whole
    pictures: Mapping[int, Chart]
    proof: Mapping[str, Any]

    @property
    def entities(self) -> set[str]:
        """Whose names are asked for."""
        found = {mover.entity_id for movers in self.movers.values() for mover in movers}
        return found | {str(row["entity_id"]) for row in (self.exposed.rows if self.exposed else ())}


def read_published(lake: Lake, gathered: Gathered) -> Published:
    """Read the files of the period. Raises LakeDamaged for one that is missing or no Parquet."""
    files = gathered.publication.files
    movers, days = _movers(lake, gathered, files)
    return Published(
        exposed=exposed(lake, gathered, files),
        movers=movers,
        days_before=days,
        pictures=_pictures(lake, gathered, files),
        proof=_proof(lake, gathered, files),
    )


def exposed(lake: Lake, gathered: Gathered, files: Sequence[LakeFile]) -> Exposed | None:
    """The money of the period's last snapshot; of an incident's entity alone where the report is of one."""
    if lake.pack.exposures is None:
        return None
    zone, about = lake.zone, gathered.about
    first = business_date(gathered.span.end - MINUTE, zone) - timedelta(days=MONEY_DAYS - 1)
    start = min(business_day(first, zone).start, gathered.span.start)
    found: list[tuple[date, pl.DataFrame]] = []
    for day in split_by_day(Span(start, gathered.span.end), zone):
        rows = _last_snapshot(lake, files, day)
        if about.kind == INCIDENT:
            rows = _of_one(rows, lake.pack.entity, gathered)
        if rows.height:
            found.append((business_date(day.start, zone), rows))
    if not found or found[-1][1]["minute"][0] < gathered.span.start:
        return None
    rows, amounts = found[-1][1], amounts_of(lake)
    # The bounds of many do not add up to a bound of their sum.
    summed = [name for name in amounts if not name.startswith(f"{EXPECTED_LOSS}_")]
    return Exposed(
        minute=rows["minute"][0],
        known=rows.height,
        totals=_totals(rows, summed),
        unknown={name: int(rows[name].null_count()) for name in summed},
        rows=_most(rows, lake, amounts),
        by_day=[(day, _totals(one, summed)) for day, one in found],
        amounts=amounts,
    )


def amounts_of(lake: Lake) -> list[str]:
    """The columns of a snapshot that are amounts, the pack's parts and figures in their order."""
    schema = {} if lake.pack.exposures is None else lake.pack.exposures.schema
    named = dict.fromkeys((*lake.pack.parts, *lake.pack.figures))
    return [name for name in named if schema.get(name) == pl.Int64()]


def _last_snapshot(lake: Lake, files: Sequence[LakeFile], day: Span) -> pl.DataFrame:
    inside = [file for file in files if file.dataset == EXPOSURE and file.span.overlaps(day)]
    newest = [file for file in inside if file.span.end == max(one.span.end for one in inside)]
    rows = lake.read(newest, EXPOSURE, day)
    return rows.filter(pl.col("minute") == pl.col("minute").max())


def _of_one(rows: pl.DataFrame, entity: str, gathered: Gathered) -> pl.DataFrame:
    ids = [row["entity_id"] for row in gathered.incidents]
    return rows if EVERYBODY in ids else rows.filter(pl.col(entity).is_in(ids))


def _totals(rows: pl.DataFrame, amounts: Iterable[str]) -> dict[str, int | None]:
    return {name: int(rows[name].sum()) if rows[name].count() else None for name in amounts}


def _most(rows: pl.DataFrame, lake: Lake, amounts: Sequence[str]) -> list[dict[str, Any]]:
    """By expected loss where it is known, else by the sum of the parts; what is not known is last."""
    parts = [name for name in lake.pack.parts if name in amounts]
    at_risk = pl.sum_horizontal(*parts, ignore_nulls=False) if parts else pl.lit(None, pl.Int64())
    rank = [pl.col(EXPECTED_LOSS)] if EXPECTED_LOSS in rows.columns else []
    ranked = rows.with_columns(at_risk=at_risk, rank=pl.coalesce(*rank, at_risk))
    ordered = ranked.sort(["rank", lake.pack.entity], descending=[True, False], nulls_last=True).drop("rank")
    return ordered.head(MOST).rename({lake.pack.entity: "entity_id"}).to_dicts()


def _movers(lake: Lake, gathered: Gathered, files: Sequence[LakeFile]) -> tuple[dict[str, list[Mover]], int]:
    """Of each number who moved most against the days before, and how many of these are whole.

    A part of a day would seem to have lost what is still to come: it is compared with nothing.
    """
    names, zone, span = list(lake.pack.movers), lake.zone, gathered.span
    if not names or gathered.about.kind == INCIDENT or not gathered.whole:
        return {}, 0
    first = business_date(span.start, zone)
    earliest = min((file.span.start for file in files if file.dataset == lake.pack.dataset), default=span.end)
    before = [business_day(first - timedelta(days=back), zone) for back in range(DAYS, 0, -1)]
    whole = [day for day in before if day.start >= earliest]
    if not whole:
        return {}, 0
    now = sums_of(lake, files, [span], names)
    then = sums_of(lake, files, whole, names)
    days = len(whole) if gathered.about.kind == DAY else len(whole) / DAYS
    both = now.join(then, on=lake.pack.entity, how="full", suffix="_before", coalesce=True).fill_null(0)
    return {name: _moved(both, lake, name, days) for name in names}, len(whole)


def sums_of(
    lake: Lake, files: Sequence[LakeFile], spans: Iterable[Span], names: Sequence[str]
) -> pl.DataFrame:
    """Sums of the counted columns by entity over some spans, read a piece at a time."""
    entity, dataset = lake.pack.entity, lake.pack.dataset
    summed = pl.DataFrame(schema={entity: pl.String(), **dict.fromkeys(names, pl.Int64())})
    for span in spans:
        for piece in pieces_of_files(files, dataset, span, lake.zone):
            rows = lake.read(files, dataset, piece).select(entity, *names)
            summed = pl.concat([summed, rows]).group_by(entity).agg(pl.col(names).sum())
    return summed


def _moved(both: pl.DataFrame, lake: Lake, name: str, days: float) -> list[Mover]:
    """Amounts by their difference, counts by how far they are apart against their own chance."""
    now, usual = pl.col(name), pl.col(f"{name}_before") / days
    money = lake.pack.movers[name] == MONEY
    enough = pl.lit(True) if money else pl.max_horizontal(now, usual) >= LEAST  # noqa: FBT003 - of Polars
    apart = (now - usual).abs() / (1.0 if money else (now + usual).sqrt())
    ranked = both.filter(enough).with_columns(rank=apart).filter(pl.col("rank") > 0)
    ordered = ranked.sort(["rank", lake.pack.entity], descending=[True, False]).head(MOVED)
    columns = (ordered[lake.pack.entity], ordered[name], ordered[f"{name}_before"])
    return [Mover(*values) for values in zip(*columns, strict=True)]


def _pictures(lake: Lake, gathered: Gathered, files: Sequence[LakeFile]) -> dict[int, Chart]:
    """Of each incident that is told in full the day around it; one reading of the files for each time."""
    if lake.pack.picture is None:
        return {}
    by_end: dict[datetime, list[Mapping[str, Any]]] = {}
    for row in gathered.detailed:
        newest = {**row, "reason": row["latest_reason"] or row["reason"]}
        by_end.setdefault(_shown_until(row, lake, gathered), []).append(newest)
    drawn: dict[int, Chart | None] = {}
    for end, rows in by_end.items():
        drawn |= charts_of(lake, files, rows, Span(gathered.known_from, end), gathered.language)
    return {number: chart for number, chart in drawn.items() if chart is not None}


def _shown_until(row: Mapping[str, Any], lake: Lake, gathered: Gathered) -> datetime:
    """The end of the report's day, or some hours after it opened; never past what is published."""
    published = gathered.publication.published_through or gathered.span.end
    if gathered.about.kind != WEEK:
        return min(gathered.span.end, published)
    opened: datetime = row["opened_minute"]
    return min(business_day(business_date(opened, lake.zone), lake.zone).end + 6 * AFTER, published)


def _proof(lake: Lake, gathered: Gathered, files: Sequence[LakeFile]) -> dict[str, Any]:
    """What is proven of the period: no minute is missing, files are whole and hold what the ledger says."""
    inside = [file for file in files if file.span.overlaps(gathered.span)]
    damaged = lake.damaged(inside)
    found = ledger_facts(gathered.ledger, lake, files, gathered.span)
    return {
        "from": gathered.span.start.isoformat(),
        "to": gathered.span.end.isoformat(),
        "minutes_expected": gathered.span.minutes,
        **found,
        "holes": gathered.span.minutes - found["minutes"],
        "files_verified": len(inside),
        "files_damaged": len(damaged),
        "differences": None,  # minutes that differ from the source; None: not compared for this report
    }
