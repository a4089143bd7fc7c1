"""The legs of a mapping: which columns of a table say what. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from pipeline.connect.catalog import Sample, Stamp
from pipeline.errors import UsageError
from pipeline.packs.merchants.connect.mapping import (
    NONE,
    Decision,
    Leg,
    Original,
    Question,
    find_column,
)
from pipeline.packs.merchants.connect.propose_values import (
    checked_zone,
    factor_of,
    has_fractions,
    has_words,
    kinds,
    meanings,
    numbers,
    words_of,
    zone_of,
)
from pipeline.packs.merchants.connect.words import exponent, rank, snake
from pipeline.packs.merchants.schema import APPROVAL, CANCEL

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from zoneinfo import ZoneInfo

    from pipeline.connect.catalog import Column, SourceCatalog, Table
    from pipeline.packs.merchants.connect.words import Meaning

EVENTS: Final = "events"
PAYMENTS: Final = "payments"
TWO_TABLES: Final = "two_tables"
_NOTHING: Final = Sample(())


@dataclass
class Proposer:
    """One proposal in the making."""

    catalog: SourceCatalog
    samples: Mapping[Table, Sample]
    answers: Mapping[str, str]
    business: ZoneInfo
    decisions: list[Decision] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def decide(self, name: str, value: str, why: str) -> None:
        """Keep what was decided, for the person."""
        self.decisions.append(Decision(name, value, why))

    def sample(self, table: Table) -> Sample:
        """Recent rows of a table."""
        return self.samples.get(table, _NOTHING)

    def column(
        self,
        table: Table,
        answer: str,
        role: str,
        fits: Callable[[Column], bool],
        *,
        among: str | None = None,
    ) -> Column | None:
        """The column of a role: the one a person named, else the likeliest; None where there is none."""
        named = self.answers.get(among or answer)
        if named is not None:
            if named.lower() == NONE:
                return None
            column = find_column(table, named)
            if not fits(column):
                msg = (
                    f"{table.full_name}.{column.name} is {column.declared}, no type that {role} is read from"
                )
                hint = "name another column, or let a view cast it; by hand: queries/merchants/RECIPES.md"
                raise UsageError(msg, hint)
            self.decide(answer, column.name, "as you said")
            return column
        return likeliest(table, role, fits)

    def needed(self, table: Table, answer: str, role: str, fits: Callable[[Column], bool]) -> Column:
        """The same where there has to be one; raises Question."""
        column = self.column(table, answer, role, fits)
        if column is None:
            choices = [c.name for c in table.columns if fits(c)]
            msg = f"{table.full_name} has no column whose name says that it is {answer}"
            likely = likeliest(table, role, lambda _: True)
            if likely is not None:
                msg = (
                    f"{table.full_name}.{likely.name} is {likely.declared}, no type that {role} is read from"
                )
                choices = []
            raise Question(msg, answer, choices)
        return column

    def stamp(
        self, table: Table, column: Column, *, like: Stamp | None = None, written: bool = False
    ) -> Stamp:
        """The column with its zone, where its values do not say it; raises Question, or UsageError."""
        if not column.is_time:
            msg = f"{table.full_name}.{column.name} is {column.declared}, which connect reads no time from"
            raise UsageError(
                msg, "name another column, or write the queries by hand: queries/merchants/RECIPES.md"
            )
        if column.kind != "local":
            return Stamp(column)
        said = self.answers.get("written_zone" if written else "zone") or self.answers.get("zone")
        zone = checked_zone(said) if said else None
        if zone is None:
            zone = zone_of(column, self.sample(table), self.catalog.clock, self.business)
            zone = zone or (like.zone if like else None)
        if zone is None:
            msg = f"{table.full_name}.{column.name} has no zone, and its newest value does not tell it"
            raise Question(msg, "zone", tuple(dict.fromkeys((self.business.key, "UTC"))))
        return Stamp(column, zone)


def likeliest(table: Table, role: str, fits: Callable[[Column], bool]) -> Column | None:
    """The fitting column whose name is the likeliest of the role; of equals the first."""
    ranked = [
        (found, n, c)
        for n, c in enumerate(table.columns)
        if fits(c) and (found := rank(c.name, role)) is not None
    ]
    return min(ranked)[2] if ranked else None


def is_time(column: Column) -> bool:
    """May it hold a moment?"""
    return column.is_time


def is_amount(column: Column) -> bool:
    """May it hold money?"""
    return column.is_amount


def is_id(column: Column) -> bool:
    """May it name something?"""
    return column.kind in ("integer", "numeric", "text", "uuid", "enum")


def is_word(column: Column) -> bool:
    """May it hold a word?"""
    return column.kind in ("text", "enum")


def kind_column(it: Proposer, table: Table) -> Column | None:
    """The column whose few words tell what a row is."""
    sample = it.sample(table)
    return it.column(table, "kind", "kind", lambda c: is_id(c) and has_words(c, sample))


def _events(it: Proposer, main: Table, _: Table | None) -> list[Leg]:
    leg, sample, kind = _columns(it, main), it.sample(main), kind_column(it, main)
    by_sign = _negative(leg["amount"], kind, sample, it)
    if kind is None and not by_sign:
        choices = [c.name for c in main.columns if is_id(c) and has_words(c, sample)]
        msg = f"{main.full_name} has no column that tells approvals from cancels, and no negative amount"
        raise Question(msg, "kind", choices)
    found = meanings(kind, sample, it.answers) if kind else {}
    if kind and "cancel" not in found.values():
        it.warnings.append(
            f"no word of {kind.name} is a cancel: have cancels a table of their own? --set cancel_table=..."
        )
    approved = it.column(main, "original_time", "original_time", is_time)
    stamp = (
        it.stamp(main, approved, like=leg["time"]) if approved and approved != leg["time"].column else None
    )
    return [
        Leg(
            **leg,
            kind=kind,
            meanings=kinds(found),
            ignored=_ignored(found),
            absolute=by_sign,
            approved=stamp,
            original=None if stamp else _original(it, main, main, leg["time"]),
        )
    ]


def _negative(amount: Column, kind: Column | None, sample: Sample, it: Proposer) -> bool:
    """Are cancels written as negative amounts? A rare one is an error."""
    if kind is None:
        return any(number < 0 for number in numbers(sample.values(amount.name)))
    cancels = [word for word, meaning in meanings(kind, sample, it.answers).items() if meaning == "cancel"]
    found = numbers(row.get(amount.name) or "" for row in sample.rows if row.get(kind.name) in cancels)
    return 2 * sum(number < 0 for number in found) > len(found)


def _payments(it: Proposer, main: Table, _: Table | None) -> list[Leg]:
    leg, sample, status = _columns(it, main), it.sample(main), kind_column(it, main)
    time: Stamp = leg.pop("time")
    paid: Column = leg.pop("amount")
    at = it.needed(main, "cancelled_at", "cancelled_at", is_time)
    found = meanings(status, sample, it.answers) if status else {}
    ignored = _ignored(found)
    cancels = found
    if (
        at == leg["written"].column
    ):  # it says that the row was changed; that this was a cancel only the word says
        it.warnings.append(
            f"a cancel is counted when its row was last changed ({at.name}), also by a later change"
        )
        cancels = {word: meaning for word, meaning in found.items() if meaning == "cancel"}
    told = (*ignored, *(word for word in found if word not in cancels and word not in ignored))
    cancelled = it.column(main, "cancel_amount", "cancel_amount", is_amount) or paid
    it.decide("cancelled_at", at.name, "when the cancel happened")
    it.decide("cancel_amount", cancelled.name, "of all partial cancels of a payment together")
    approval = Leg(
        **leg,
        amount=paid,
        time=time,
        kind=status,
        meanings=kinds(found, APPROVAL),
        fixed=APPROVAL,
        ignored=ignored,
        expects=tuple(word for word, meaning in found.items() if meaning == "approval"),
    )
    cancel = replace(
        approval,
        amount=cancelled,
        time=it.stamp(main, at, like=time),
        meanings=kinds(cancels, CANCEL),
        fixed=CANCEL,
        ignored=told,
        approved=time,
        needs=time,
        expects=tuple(word for word, meaning in found.items() if meaning == "cancel"),
        absolute=any(amount < 0 for amount in numbers(sample.values(cancelled.name))),
    )
    return [approval, cancel]


def _two_tables(it: Proposer, main: Table, cancels: Table | None) -> list[Leg]:
    if cancels is None:
        msg = "no table looks like one of cancels"
        raise Question(msg, "cancel_table")
    leg = _columns(it, main)
    status = kind_column(it, main)
    found = meanings(status, it.sample(main), it.answers) if status else {}
    approval = Leg(
        **leg, kind=status, meanings=kinds(found, APPROVAL), fixed=APPROVAL, ignored=_ignored(found)
    )
    return [approval, _cancel_leg(it, approval, cancels)]


def _cancel_leg(it: Proposer, approval: Leg, table: Table) -> Leg:
    """Its columns go by their names alone: what a person says is said of the table of approvals."""
    own = replace(it, answers={k: v for k, v in it.answers.items() if k not in _OF_A_TABLE}, decisions=[])
    at = likeliest(table, "cancelled_at", is_time) or own.needed(table, "cancelled_at", "time", is_time)
    stamp = it.stamp(table, at, like=approval.time)
    original = _original(it, table, approval.table, approval.time)
    merchant = likeliest(table, "merchant", is_id)
    if merchant is None and original is None:
        msg = f"{table.full_name} names neither the merchant nor the approval it cancels"
        raise Question(msg, "original_id", [c.name for c in table.columns if is_id(c)])
    amount = likeliest(table, "cancel_amount", is_amount) or own.needed(table, "amount", "amount", is_amount)
    status = kind_column(own, table)
    found = meanings(status, it.sample(table), it.answers) if status else {}
    approved = likeliest(table, "original_time", is_time)
    it.decide("cancels", f"{table.full_name}: {amount.name} at {at.name}", "a table of their own")
    return Leg(
        table=table,
        identity=_identity(own, table, stamp),
        merchant=merchant or approval.merchant,
        merchant_of_original=merchant is None,
        amount=amount,
        time=stamp,
        written=_written(own, table, stamp),
        kind=status,
        meanings=kinds(found, CANCEL),
        fixed=CANCEL,
        ignored=_ignored(found),
        absolute=any(a < 0 for a in numbers(it.sample(table).values(amount.name))),
        approved=it.stamp(table, approved, like=stamp) if approved and approved != at else None,
        original=original,
        deleted=_deleted(own, table),
        currency=likeliest(table, "currency", is_word),
    )


#: Answers that name a column of the main table.
_OF_A_TABLE: Final = (
    "id",
    "merchant",
    "kind",
    "amount",
    "occurred_at",
    "written_at",
    "deleted",
    "original_time",
)

LEGS: Final = {EVENTS: _events, PAYMENTS: _payments, TWO_TABLES: _two_tables}


def _columns(it: Proposer, table: Table) -> dict[str, Any]:
    """What every leg of a main table has: `Leg`'s fields without what tells approvals from cancels."""
    merchant = it.needed(table, "merchant", "merchant", is_id)
    time = it.stamp(table, _own_time(it, table))
    identity, amount = _identity(it, table, time), it.needed(table, "amount", "amount", is_amount)
    written, deleted = _written(it, table, time), _deleted(it, table)
    currency = it.column(table, "currency", "currency", is_word, among="currency_column")
    it.decide(
        "table", table.full_name, "" if table.has_xmin else "a view: late commits are found by its totals"
    )
    for name, column in (("id", identity), ("merchant", merchant), ("amount", amount)):
        it.decide(name, column.name, column.declared)
    for name, stamp in (("occurred_at", time), ("written_at", written)):
        it.decide(
            name, stamp.column.name, f"{stamp.column.declared}{f', {stamp.zone}' if stamp.zone else ''}"
        )
    if deleted:
        it.decide("deleted", deleted.name, "rows so marked are left out")
    return {
        "table": table,
        "identity": identity,
        "merchant": merchant,
        "amount": amount,
        "time": time,
        "written": written,
        "deleted": deleted,
        "currency": currency,
    }


def _own_time(it: Proposer, table: Table) -> Column:
    """When it happened. Where only the time of writing is known by its name, another one may be meant."""
    column = it.needed(table, "occurred_at", "time", is_time)
    others = [c for c in table.times() if all(rank(c.name, role) is None for role in _OTHER_TIMES)]
    if "occurred_at" in it.answers or rank(column.name, "created_at") is None or not others:
        return column
    names = ", ".join(c.name for c in others)
    msg = f"{table.full_name}.{column.name} looks like the time of writing; there is also {names}"
    raise Question(msg, "occurred_at", [*(c.name for c in others), column.name])


#: Roles of times that are not when it happened.
_OTHER_TIMES: Final = ("created_at", "updated_at", "cancelled_at", "deleted", "settled_at")


def _identity(it: Proposer, table: Table, time: Stamp) -> Column:
    """The primary key without the time that a partitioned table has in it, else a column of such a name."""
    if "id" not in it.answers:
        key = [name for name in table.key if name != time.column.name and not table.column(name).is_time]
        if len(key) == 1 and is_id(table.column(key[0])):
            return table.column(key[0])
    return it.needed(table, "id", "id", lambda c: is_id(c) or c.kind == "binary")


def _written(it: Proposer, table: Table, time: Stamp) -> Stamp:
    """When a row was last written: the column of changes, else that of creation, else its own time."""
    sample = it.sample(table)
    named = it.column(table, "written_at", "updated_at", lambda c: c.is_time and _is_filled(c, sample))
    column = named
    if column is None and "written_at" not in it.answers:
        column = likeliest(table, "created_at", lambda c: c.is_time and _is_filled(c, sample))
    if column is None:
        it.warnings.append(
            f"{table.full_name} has no column that says when a row was written; its own time stands for it:"
            " a row written more than the look-back after its time is found by the reconciliation only"
        )
        return time
    return time if column == time.column else it.stamp(table, column, like=time, written=True)


def _is_filled(column: Column, sample: Sample) -> bool:
    """Has every row of the sample a value?"""
    return len(sample.values(column.name)) == len(sample.rows)


def _deleted(it: Proposer, table: Table) -> Column | None:
    return it.column(
        table, "deleted", "deleted", lambda c: c.kind not in ("binary", "uuid", "float", "other")
    )


def _original(it: Proposer, table: Table, of: Table, time: Stamp) -> Original | None:
    """How a cancel finds its approval: by the primary key alone, else it would cost the source too much."""
    if len(of.key) != 1:
        return None
    key = of.column(of.key[0])
    own = table.key if table != of else of.key
    fits = (c for c in table.columns if c.kind == key.kind and c.name not in own)
    names = [c for c in fits if rank(c.name, "original_id") is not None]
    exact = [c for c in names if snake(c.name).endswith(snake(key.name))]
    if "original_id" in it.answers:
        named = it.column(table, "original_id", "original_id", is_id)
        names = [named] if named else []
    if table == of:  # `payment_id` beside `event_id` names no row of this table
        names = [c for c in names if rank(c.name, "original_id") == 0 or "original_id" in it.answers]
    found = (exact if table != of and "original_id" not in it.answers else []) or names
    return Original(of, key, found[0], time) if found else None


def _ignored(found: Mapping[str, Meaning]) -> tuple[str, ...]:
    return tuple(word for word, meaning in found.items() if meaning == "ignore")


def propose_money(it: Proposer, legs: list[Leg]) -> tuple[str, tuple[str, ...], list[Leg]]:
    """The currency, those that are left out for it, and the legs with their factors to minor units."""
    counts: dict[str, int] = {}
    for leg in legs:
        for word, count in (words_of(leg.currency, it.sample(leg.table)) if leg.currency else {}).items():
            counts[word.strip()] = counts.get(word.strip(), 0) + count
    seen = [word for word, count in counts.items() if count and word]
    said = it.answers.get("currency")
    if len(seen) > 1 and said is None:
        shares = ", ".join(f"{word} ({counts[word]:,} rows)" for word in seen)
        msg = f"the amounts are in several currencies, which cannot be added: {shares}"
        raise Question(msg, "currency", sorted(seen, key=lambda word: -counts[word]))
    currency = said or (seen[0] if seen else "KRW")
    if seen and currency not in seen:
        msg = f"no row of the sample is in {currency}"
        raise UsageError(msg, f"it has {', '.join(seen)}; --set currency_column=none counts every row")
    legs = [_in_minor_units(it, leg, currency, known=bool(said or seen)) for leg in legs]
    why = (
        "as you said"
        if said
        else "in its column"
        if seen
        else "no column says it, and no amount has a fraction"
    )
    it.decide("currency", currency, why)
    factor = legs[0].factor
    unit = f"times {factor}: minor units" if factor > 1 else "as they stand"
    it.decide("unit", unit, f"{currency} has {exponent(currency)} digits after the point")
    return currency, tuple(word for word in seen if word != currency), legs


def _in_minor_units(it: Proposer, leg: Leg, currency: str, *, known: bool) -> Leg:
    values = it.sample(leg.table).values(leg.amount.name)
    if exponent(currency) == 0 and has_fractions(values) and it.answers.get("unit") is None:
        msg = f"{leg.table.full_name}.{leg.amount.name} has fractions, which {currency} does not have"
        if not known:
            raise Question(msg, "currency", ("USD", "KRW"))
        it.warnings.append(f"{msg}: such rows are set aside")
    return replace(leg, factor=factor_of(leg.amount, values, currency, it.answers.get("unit")))
