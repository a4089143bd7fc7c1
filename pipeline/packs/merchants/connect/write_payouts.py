"""The queries beside the transactions: payouts, names and categories of merchants. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pipeline.connect.quoting import comment
from queries import sql

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.connect.catalog import Column
    from pipeline.connect.quoting import Sql
    from pipeline.packs.merchants.connect.mapping import Merchants, Payouts, TradeMapping

#: One row more than is read: more are refused.
_MOST_CATEGORIES: Final = 1_000_001
#: Types as PostgreSQL names an array of them: ids are given as the transactions give theirs.
_ARRAYS: Final[Mapping[str, str]] = {"integer": "bigint", "uuid": "uuid", "numeric": "numeric"}


def at_risk(mapping: TradeMapping, to_sql: Sql) -> str:
    """Names and payouts of a few merchants; no row where there is no table of payouts."""
    payouts, merchants = mapping.payouts, mapping.merchants
    if payouts is None:
        named = merchants if merchants is not None and merchants.name is not None else None
        template = "at_risk_names" if named else "at_risk_unknown"
        known = _names(named, to_sql) if named else ""
        return _parts(sql(f"merchants/connect/{mapping.dialect}/{template}")).replace("{known}", known)
    settled = f"p.{to_sql.name(payouts.day.name, bound=True)} <= %(today)s"
    if payouts.settled:
        given = "moment" if to_sql.mysql else "%(moment)s"
        moment = to_sql.given(given, payouts.settled) if to_sql.mysql else _moment(payouts.settled.zone)
        settled = f"{to_sql.column('p', payouts.settled.column, bound=True)} <= {moment}"
    filled = {
        "paid_merchant": to_sql.name(payouts.merchant.name, bound=True),
        "day": to_sql.name(payouts.day.name, bound=True),
        "amount": to_sql.name(payouts.amount.name, bound=True),
        "factor": f" * {payouts.factor}" if payouts.factor > 1 else "",
        "payouts": to_sql.table(payouts.table, bound=True),
        "settled": settled,
        "type": _array(payouts.merchant),
        "known": _known(mapping.merchants, payouts, to_sql),
    }
    text = _parts(sql(f"merchants/connect/{mapping.dialect}/at_risk"))
    for name, value in filled.items():
        text = text.replace("{" + name + "}", value)
    return text


def settlements(mapping: TradeMapping, to_sql: Sql) -> str | None:
    """The payouts of a span, by the time at which they were paid; None where no column says that time."""
    payouts = mapping.payouts
    if payouts is None or payouts.settled is None:
        return None
    plain, amount = (to_sql.column("p", column) for column in (payouts.merchant, payouts.amount))
    merchant = plain if payouts.merchant.kind in ("integer", "text") else to_sql.as_text(plain)
    if payouts.amount.kind == "float":
        amount = f"CAST({amount} AS DECIMAL(38, 6))" if to_sql.mysql else f"{amount}::numeric"
    factor = f" * {payouts.factor}" if payouts.factor > 1 else ""
    certain = not to_sql.mysql or payouts.settled.column.kind == "moment"
    head = comment(
        "Payouts by the time at which they were paid: what is paid out, still to be paid, and not taken off.",
        "A negative amount is withheld from a later payout. The time needs an index.",
        f"Parameters: {to_sql.span_said}. Grain: one row per payout of a merchant's business day of sales.",
    )
    lines = [
        "SELECT",
        f"    {merchant} AS merchant_id,",
        f"    {to_sql.column('p', payouts.day)} AS business_date,",
        f"    {amount}{factor} AS amount,",
        f"    {to_sql.moment('p', payouts.settled)} AS settled_at{'' if certain else '_utc'}",
        f"FROM {to_sql.table(payouts.table)} AS p",
        f"WHERE {to_sql.since('p', payouts.settled)} AND {to_sql.before('p', payouts.settled)}",
    ]
    return head + "\n".join(lines) + "\n"


def categories(mapping: TradeMapping, to_sql: Sql) -> str | None:
    """Category and name of each merchant; None where no table says either."""
    merchants = mapping.merchants
    known = {} if merchants is None else {"category": merchants.category, "merchant_name": merchants.name}
    if merchants is None or not any(known.values()):
        return None
    merchant = to_sql.column("m", merchants.merchant)
    columns = {name: to_sql.column("m", column) for name, column in known.items() if column}
    given = [_text(known, name, text, to_sql) for name, text in columns.items()]
    if "category" not in columns:  # the query has to give it
        given = [f"{_no_name(to_sql)} AS category", *given]
    plain = merchant if merchants.merchant.kind in ("integer", "text") else to_sql.as_text(merchant)
    head = comment(
        "Which category each merchant is of, and its name, as far as they are known. One without history",
        "starts from the cancel rate of its category; people look for it by its name.",
        "Read once a business day, whole. Parameters: none. Grain: one row per merchant.",
    )
    lines = [
        f"SELECT {', '.join([f'{plain} AS merchant_id', *given])}",
        f"FROM {to_sql.table(merchants.table)} AS m",
        "WHERE " + " OR ".join(f"{text} IS NOT NULL" for text in columns.values()),
        f"LIMIT {_MOST_CATEGORIES}",
    ]
    return head + "\n".join(lines) + "\n"


def _text(known: Mapping[str, Column | None], name: str, text: str, to_sql: Sql) -> str:
    column = known[name]
    plain = column is not None and column.kind == "text"
    return f"{text if plain else to_sql.as_text(text)} AS {name}"


def _parts(template: str) -> str:
    """The template without the empty line that parts its head from its body."""
    return template.replace("\n\n", "\n", 1)


def _moment(zone: str | None) -> str:
    return f"(%(moment)s::timestamptz AT TIME ZONE '{zone}')" if zone else "%(moment)s"


def _array(column: Column) -> str:
    return _ARRAYS.get(column.kind, "text")


def _known(merchants: Merchants | None, payouts: Payouts, to_sql: Sql) -> str:
    """The merchants' names; where no table has them, no row of the same type."""
    if merchants is not None:
        return _names(merchants, to_sql)
    column = to_sql.column("p", payouts.merchant, bound=True)
    source = to_sql.table(payouts.table, bound=True)
    return "\n    ".join(
        [f"SELECT {column} AS merchant_id, {_no_name(to_sql)} AS name", f"FROM {source} AS p WHERE false"]
    )


def _names(merchants: Merchants, to_sql: Sql) -> str:
    column = to_sql.column("m", merchants.merchant, bound=True)
    name = to_sql.column("m", merchants.name, bound=True) if merchants.name else _no_name(to_sql)
    asked = "IN %(merchants)s" if to_sql.mysql else f"= ANY(%(merchants)s::{_array(merchants.merchant)}[])"
    source = to_sql.table(merchants.table, bound=True)
    return "\n    ".join(
        [f"SELECT {column} AS merchant_id, {name} AS name", f"FROM {source} AS m", f"WHERE {column} {asked}"]
    )


def _no_name(to_sql: Sql) -> str:
    return "CAST(NULL AS CHAR)" if to_sql.mysql else "NULL::text"
