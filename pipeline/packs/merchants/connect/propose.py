"""From a catalog and samples to a proposal of how the tables are read; asks where they do not say. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pipeline.errors import UsageError
from pipeline.packs.merchants.connect.mapping import NONE, Leg, Question, TradeMapping, find_table
from pipeline.packs.merchants.connect.propose_legs import (
    EVENTS,
    LEGS,
    PAYMENTS,
    TWO_TABLES,
    Proposer,
    is_amount,
    is_id,
    is_time,
    kind_column,
    likeliest,
    propose_money,
)
from pipeline.packs.merchants.connect.propose_payouts import propose_merchants, propose_payouts
from pipeline.packs.merchants.connect.propose_values import changes_in_place, meanings
from pipeline.packs.merchants.connect.words import CANCEL_TABLE, snake, table_points

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from zoneinfo import ZoneInfo

    from pipeline.connect.catalog import Sample, SourceCatalog, Table

SHAPES: Final = (EVENTS, PAYMENTS, TWO_TABLES)
#: Two tables that are this close are both likely: a person chooses.
_CLOSE: Final = 1.5


def candidates(catalog: SourceCatalog) -> list[Table]:
    """Tables that may hold transactions, the likeliest first by their names and columns alone."""
    likely = [t for t in catalog.tables if _may_be(t)]
    return sorted(likely, key=lambda t: (-_points(t), t.full_name))


def _may_be(table: Table) -> bool:
    has_amount = likeliest(table, "amount", is_amount) is not None
    has_party = (
        likeliest(table, "merchant", is_id) is not None or likeliest(table, "original_id", is_id) is not None
    )
    return has_amount and has_party and bool(table.times())


def _points(table: Table, sample: Sample | None = None) -> float:
    points = table_points(table.name)
    points += 1 if table.key else 0
    points += 1 if likeliest(table, "merchant", is_id) else -3
    kind = likeliest(table, "kind", is_id)
    points += 2 if kind is not None or likeliest(table, "cancelled_at", is_time) else 0
    points += 1 if any(c.is_time and c.indexed for c in table.columns) else 0
    points += 0 if table.has_xmin else -2
    points += 0.5 if table.is_default else 0
    if sample is not None and not sample.rows:
        points -= 6
    return points


def propose(
    catalog: SourceCatalog, samples: Mapping[Table, Sample], answers: Mapping[str, str], business: ZoneInfo
) -> TradeMapping:
    """The likeliest reading of the tables; raises Question for what a person has to say."""
    it = Proposer(catalog, samples, answers, business)
    main = _main_table(it)
    shape, cancels = _shape(it, main)
    it.decide("shape", shape, _SHAPE_SAID[shape])
    legs = LEGS[shape](it, main, cancels)
    currency, left_out, legs = propose_money(it, legs)
    payouts, merchants = propose_payouts(it, legs[0]), propose_merchants(it, legs[0])
    _describe(it, legs)
    it.warnings.extend(_missing_indexes(it, legs))
    told = (tuple(it.decisions), tuple(it.warnings))
    return TradeMapping(catalog.dialect, shape, tuple(legs), currency, left_out, payouts, merchants, *told)


_SHAPE_SAID: Final = {
    EVENTS: "a row for each approval and each cancel",
    PAYMENTS: "a row for each payment, which is cancelled in place",
    TWO_TABLES: "approvals and cancels have tables of their own",
}


def _main_table(it: Proposer) -> Table:
    named = it.answers.get("table")
    if named:
        return find_table(it.catalog.tables, named)
    points = {t: _points(t, it.sample(t)) for t in candidates(it.catalog)}
    ranked = sorted(points, key=lambda t: -points[t])
    if not ranked:
        names = ", ".join(t.full_name for t in it.catalog.tables[:20]) or "none at all"
        msg = f"no table has a merchant, an amount and a time by their names; this role can read: {names}"
        raise Question(msg, "table", [t.full_name for t in it.catalog.tables[:20]])
    close = [t for t in ranked if points[t] > points[ranked[0]] - _CLOSE and not _is_cancels(t)]
    if len(close) > 1:
        msg = f"{len(close)} tables look like transactions: {', '.join(t.full_name for t in close)}"
        raise Question(msg, "table", [t.full_name for t in close])
    return ranked[0]


def _is_cancels(table: Table) -> bool:
    return CANCEL_TABLE.search(snake(table.name)) is not None


def _cancel_table(it: Proposer, main: Table) -> Table | None:
    named = it.answers.get("cancel_table")
    if named:
        return None if named.lower() == NONE else find_table(it.catalog.tables, named)
    apart = [t for t in candidates(it.catalog) if t != main and _is_cancels(t) and it.sample(t).rows]
    if len(apart) > 1 and _points(apart[0]) - _points(apart[1]) < _CLOSE:
        msg = f"{len(apart)} tables look like cancels: {', '.join(t.full_name for t in apart)}"
        raise Question(msg, "cancel_table", [t.full_name for t in apart])
    return apart[0] if apart else None


def _shape(it: Proposer, main: Table) -> tuple[str, Table | None]:
    """How approvals and cancels lie in the tables."""
    shape = it.answers.get("shape")
    if shape is not None and shape not in SHAPES:
        msg = f"--set shape={shape} is none of {', '.join(SHAPES)}"
        raise UsageError(msg, "shape: how approvals and cancels lie in the tables")
    cancels = _cancel_table(it, main)
    ways = _possible(it, main, cancels)
    if shape is None and len(ways) > 1:
        msg = f"{main.full_name} may be read in {len(ways)} ways: {', '.join(ways)}"
        raise Question(msg, "shape", ways)
    shape = shape or (ways[0] if ways else EVENTS)
    if shape == TWO_TABLES and cancels is None:
        msg = "no table looks like one of cancels"
        raise Question(msg, "cancel_table", [t.full_name for t in it.catalog.tables if t != main][:20])
    return shape, cancels


def _possible(it: Proposer, main: Table, cancels: Table | None) -> list[str]:
    """The shapes that the tables allow, mostly one."""
    ways = []
    told = kind_column(it, main)
    both = told is not None and {"approval", "cancel"} <= set(
        meanings(told, it.sample(main), it.answers).values()
    )
    in_place = it.column(main, "cancelled_at", "cancelled_at", is_time) is not None
    if in_place:
        ways.append(PAYMENTS)
    if cancels is not None and (in_place or not both):
        ways.append(TWO_TABLES)
    if both and not in_place:
        ways.append(EVENTS)
        changed = likeliest(main, "updated_at", is_time)
        status = told is not None and "stat" in snake(told.name)
        time = likeliest(main, "time", is_time)
        if status and changed and time and changes_in_place(it.sample(main), time, changed):
            msg = f"rows of {main.full_name} change, but no column says when a cancel happened"
            raise Question(msg, "shape", (EVENTS, PAYMENTS))
    return ways


def _describe(it: Proposer, legs: Sequence[Leg]) -> None:
    """Say which words were taken for what."""
    for leg in legs:
        if leg.kind is None:
            continue
        words = ", ".join(f"{word} = {kind}" for word, kind in leg.meanings.items()) or "none"
        left = f"; left out: {', '.join(leg.ignored)}" if leg.ignored else ""
        it.decide(
            "kind", f"{leg.table.full_name}.{leg.kind.name}: {words}{left}", "other words are set aside"
        )


def _missing_indexes(it: Proposer, legs: Sequence[Leg]) -> list[str]:
    """What to create at the source, so that a minute and the search for late commits cost it little."""
    columns = {(leg.table, stamp.column): None for leg in legs for stamp in (leg.time, leg.written)}
    missing = [(table, column) for table, column in columns if not column.indexed]
    told = []
    for table, column in missing:
        where = f"{table.full_name}.{column.name}"
        if not table.has_xmin:
            told.append(f"{where} belongs to a view: the column beneath it needs an index")
            continue
        statement = (
            f"ALTER TABLE {table.full_name} ADD INDEX ({column.name}), ALGORITHM = INPLACE, LOCK = NONE"
            if it.catalog.dialect == "mysql"
            else f"CREATE INDEX CONCURRENTLY ON {table.full_name} ({column.name})"
        )
        told.append(f"no index begins with {where}; every read looks at the whole table: {statement}")
    return told
