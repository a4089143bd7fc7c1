"""Where names, categories and payouts of merchants are. Pure; what is not found stays unknown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.packs.merchants.connect.mapping import NONE, Merchants, Payouts, find_table
from pipeline.packs.merchants.connect.propose_legs import is_amount, is_id, is_time, likeliest
from pipeline.packs.merchants.connect.words import MERCHANT_TABLE, OUT_OF_USE, SETTLEMENT_TABLE, snake

if TYPE_CHECKING:
    import re

    from pipeline.connect.catalog import Column, Table
    from pipeline.packs.merchants.connect.mapping import Leg
    from pipeline.packs.merchants.connect.propose_legs import Proposer


def propose_payouts(it: Proposer, leg: Leg) -> Payouts | None:
    """The table of payouts; without one the money at risk is unknown."""
    for table in _tables(it, "settlements", SETTLEMENT_TABLE):
        merchant = _same_merchant(table, leg)
        amount = likeliest(table, "amount", is_amount)
        day = likeliest(table, "business_date", lambda c: c.kind == "date")
        if merchant and amount and day:
            settled = likeliest(table, "settled_at", is_time)
            it.decide("settlements", table.full_name, f"{amount.name} of {day.name}")
            stamp = it.stamp(table, settled, like=leg.time) if settled else None
            # What was paid out is kept in the unit of the transactions.
            return Payouts(table, merchant, amount, day, stamp, leg.factor)
    it.decide("settlements", NONE, "money at risk is unknown")
    return None


def propose_merchants(it: Proposer, leg: Leg) -> Merchants | None:
    """The table of merchants; without one they have no names and no categories."""
    for table in _tables(it, "merchants", MERCHANT_TABLE):
        merchant = _same_merchant(table, leg) or _key(table, leg)
        name = likeliest(table, "name", lambda c: c.kind == "text")
        category = likeliest(table, "category", lambda c: c.kind in ("text", "enum"))
        if merchant and (name or category):
            it.decide(
                "merchants",
                table.full_name,
                f"name {name.name if name else NONE}, category {category.name if category else NONE}",
            )
            return Merchants(table, merchant, name, category)
    it.decide("merchants", NONE, "no names, no categories")
    return None


def _tables(it: Proposer, answer: str, pattern: re.Pattern[str]) -> list[Table]:
    named = it.answers.get(answer)
    if named:
        return [] if named.lower() == NONE else [find_table(it.catalog.tables, named)]
    found = [
        t for t in it.catalog.tables if pattern.search(snake(t.name)) and not OUT_OF_USE.search(snake(t.name))
    ]
    return sorted(found, key=lambda t: (not t.is_default, not t.key, t.full_name))


def _same_merchant(table: Table, leg: Leg) -> Column | None:
    """The column of the merchant: of the same name, else of a name for merchants; always of the same type."""
    fits = [c for c in table.columns if _like(c, leg.merchant)]
    same = [c for c in fits if snake(c.name) == snake(leg.merchant.name)]
    return same[0] if same else likeliest(table, "merchant", lambda c: c in fits)


def _key(table: Table, leg: Leg) -> Column | None:
    key = [table.column(name) for name in table.key]
    return key[0] if len(key) == 1 and is_id(key[0]) and _like(key[0], leg.merchant) else None


def _like(one: Column, other: Column) -> bool:
    """Are ids of the two columns written alike?"""
    return one.kind == other.kind
