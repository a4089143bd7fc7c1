"""A mapping as the texts of the query files. Pure.

Times are compared as the column holds them: the parameters are converted, never the column, so that its index
can be used. No value is cast to an integer: what is no number of minor units is set aside row by row.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pipeline.connect.quoting import Sql, comment, indented
from pipeline.packs.merchants.connect.propose_values import fixed_offset
from pipeline.packs.merchants.connect.write_payouts import at_risk, categories, settlements
from pipeline.packs.merchants.schema import APPROVAL, CANCEL
from queries import sql

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from pipeline.connect.catalog import Column, Stamp
    from pipeline.packs.merchants.connect.mapping import Leg, TradeMapping

_TEXT_KINDS: Final = ("text",)
_AS_IT_IS: Final = ("integer", "text")


def write_queries(mapping: TradeMapping, clock: datetime) -> dict[str, str]:
    """Every query file by its name; `clock` tells the offset of a zone for MySQL."""
    writer = _Writer(mapping, clock)
    files = {
        "transactions": writer.transactions(),
        "totals": writer.totals(),
        "changed": writer.changed(),
        "without_time": writer.without_time(),
        "at_risk": at_risk(mapping, writer.sql),
        "fence": sql(f"merchants/extract/{mapping.dialect}/fence"),
    }
    optional = {
        "categories": categories(mapping, writer.sql),
        "settlements": settlements(mapping, writer.sql),
    }
    return files | {name: text for name, text in optional.items() if text}


class _Writer:
    """The texts of one mapping in its dialect."""

    def __init__(self, mapping: TradeMapping, clock: datetime) -> None:
        self.mapping = mapping
        self.mysql = mapping.dialect == "mysql"
        self.sql = Sql(mapping.dialect, lambda zone: fixed_offset(zone, clock))
        self.one_id = len({leg.identity.kind for leg in mapping.legs}) == 1
        self.one_merchant = len({leg.merchant.kind for leg in mapping.legs}) == 1
        self.ties = any(leg.approved or leg.original for leg in mapping.legs)
        # A DATETIME says by the suffix that it is in UTC; a single TIMESTAMP is certain by its type.
        stamps = [stamp for leg in mapping.legs for stamp in (leg.time, self._approved_stamp(leg)) if stamp]
        certain = len(mapping.legs) == 1 and all(stamp.column.kind == "moment" for stamp in stamps)
        self.suffix = "_utc" if self.mysql and not certain else ""

    def transactions(self) -> str:
        """The rows of a span."""
        legs = [self._select(leg, self._columns(leg), self._inside(leg)) for leg in self.mapping.legs]
        told = [
            f"Transactions of a span, by their own time, from {self._tables()}.",
            f"Amounts are minor units of {self.mapping.currency}. {self._what_is_left_out()}".strip(),
            f"Parameters: {self.sql.span_said}. Grain: one row per approval and one per cancel.",
        ]
        return comment(*told) + "\nUNION ALL\n".join(legs) + "\n"

    def totals(self) -> str:
        """The same rows, counted by the source."""
        told = [
            "What the source holds per minute: the rows of `transactions`, counted by the source itself.",
            f"Parameters: {self.sql.span_said}. Grain: one row per minute that has a transaction.",
        ]
        names = ("kind", "amount", "occurred_at")
        legs = [self._select(leg, self._columns(leg, names), self._inside(leg)) for leg in self.mapping.legs]
        return comment(*told) + sql(f"merchants/connect/{self.mapping.dialect}/totals").split("\n\n", 1)[
            1
        ].replace("{rows}", indented("\nUNION ALL\n".join(legs))).replace(
            "{occurred_at}", f"occurred_at{self.suffix}"
        )

    def changed(self) -> str:
        """Minutes of rows written lately, unfiltered: a row that is left out now may not have been before."""
        with_xmin = not self.mysql and all(leg.table.has_xmin for leg in self.mapping.legs)
        name = "changed" if self.mysql or with_xmin else "changed_totals"
        legs = []
        for leg in self.mapping.legs:
            columns = {f"occurred_at{self.suffix}": self._moment(leg.time)}
            conditions = [self.sql.since("t", leg.written)]
            if with_xmin:
                columns["written_age"] = "age(t.xmin)"
                fence = "age(t.xmin) <= (SELECT age($2::bigint::text::xid))"
                conditions += [self.sql.outside("t", leg.time), fence]
            legs.append(self._select(leg, columns, conditions, filtered=False))
        template = sql(f"merchants/connect/{self.mapping.dialect}/{name}")
        head, body = template.split("\n\n", 1)
        return f"{head}\n" + body.replace("{rows}", indented("\nUNION ALL\n".join(legs))).replace(
            "{occurred_at}", f"occurred_at{self.suffix}"
        )

    def without_time(self) -> str:
        """How many rows no minute can count."""
        told = [
            "Rows of no minute, because their time is missing or absurd; they are counted, with an alarm.",
            "Parameters: none. Grain: one row.",
        ]
        counts = [
            "(\n" + indented(self._select(leg, {"n": "count(*)"}, [self._no_time(leg)])) + "\n)"
            for leg in self.mapping.legs
        ]
        alias = "`rows`" if self.mysql else "rows"
        return comment(*told) + "SELECT " + " + ".join(counts) + f" AS {alias}\n"

    def _select(
        self, leg: Leg, columns: Mapping[str, str], conditions: Sequence[str], *, filtered: bool = True
    ) -> str:
        width = max(map(len, columns.values()))
        selected = ",\n".join(f"    {text.ljust(width)} AS {name}" for name, text in columns.items())
        lines = ["SELECT", selected, f"FROM {self.sql.table(leg.table)} AS t"]
        if leg.merchant_of_original and leg.original and "merchant_id" in columns:
            of = leg.original
            key, reference = self.sql.name(of.key.name), self.sql.column("t", of.reference)
            lines.append(f"LEFT JOIN {self.sql.table(of.table)} AS o ON o.{key} = {reference}")
        kept = [*conditions, *(self._filters(leg) if filtered else ())]
        lines.append("WHERE " + "\n  AND ".join(kept))
        return "\n".join(lines)

    def _columns(self, leg: Leg, names: Sequence[str] = ()) -> dict[str, str]:
        columns = {
            "transaction_id": self._plain("t", leg.identity, as_text=not self.one_id),
            "merchant_id": self._plain(
                "o" if leg.merchant_of_original else "t", leg.merchant, as_text=not self.one_merchant
            ),
            "kind": self._kind(leg),
            "amount": self._amount(leg),
            f"occurred_at{self.suffix}": self._moment(leg.time),
        }
        if self.ties:
            columns[f"approved_at{self.suffix}"] = self._approved(leg)
        return {
            name: text for name, text in columns.items() if not names or name.removesuffix("_utc") in names
        }

    def _plain(self, alias: str, column: Column, *, as_text: bool) -> str:
        text = self.sql.column(alias, column)
        if column.kind in _AS_IT_IS and not as_text:
            return text
        if column.kind == "binary":
            return f"HEX({text})" if self.mysql else f"encode({text}, 'hex')"
        return self.sql.as_text(text)

    def _kind(self, leg: Leg) -> str:
        told = self._told_kind(leg)
        if leg.currency is None or self.mapping.left_out:
            return told
        currency, ours = self._currency(leg), self.sql.literal(self.mapping.currency)
        other = f"concat('currency ', {self.sql.column('t', leg.currency)})"
        return f"CASE WHEN {currency} = {ours} THEN {told} ELSE {other} END"

    def _told_kind(self, leg: Leg) -> str:
        if leg.kind is None:
            if leg.fixed:
                return self.sql.literal(leg.fixed)
            amount = self.sql.column("t", leg.amount)
            return f"CASE WHEN {amount} < 0 THEN '{CANCEL}' ELSE '{APPROVAL}' END"
        word = self._word(leg.kind)
        if all(own == kind for own, kind in leg.meanings.items()):
            return word
        return f"CASE {self._cases(leg, word)} ELSE {word} END"

    def _cases(self, leg: Leg, word: str) -> str:
        by_kind = {kind: [w for w, k in leg.meanings.items() if k == kind] for kind in (APPROVAL, CANCEL)}
        return " ".join(
            f"WHEN {word} {self._in(words)} THEN '{kind}'" for kind, words in by_kind.items() if words
        )

    def _word(self, column: Column) -> str:
        text = self.sql.column("t", column)
        plain = column.kind in _TEXT_KINDS or (self.mysql and column.kind == "enum")
        return text if plain else self.sql.as_text(text)

    def _in(self, words: Sequence[str]) -> str:
        literals = [self.sql.literal(word) for word in words]
        return f"= {literals[0]}" if len(literals) == 1 else f"IN ({', '.join(literals)})"

    def _amount(self, leg: Leg) -> str:
        text = self.sql.column("t", leg.amount)
        if leg.amount.kind == "float":
            text = f"CAST({text} AS DECIMAL(38, 6))" if self.mysql else f"{text}::numeric"
        if leg.absolute:
            cancels = [word for word, kind in leg.meanings.items() if kind == CANCEL]
            every = leg.kind is None or leg.fixed == CANCEL or not cancels
            cancel = "" if every or leg.kind is None else f"{self._word(leg.kind)} {self._in(cancels)}"
            text = f"CASE WHEN {cancel} THEN abs({text}) ELSE {text} END" if cancel else f"abs({text})"
        return f"{text} * {leg.factor}" if leg.factor > 1 else text

    def _moment(self, stamp: Stamp, alias: str = "t") -> str:
        text = self.sql.moment(alias, stamp)
        cast = self.suffix and stamp.column.kind == "moment"
        return f"CAST({text} AS DATETIME(6))" if cast else text

    def _approved_stamp(self, leg: Leg) -> Stamp | None:
        return leg.approved or (leg.original.time if leg.original else None)

    def _approved(self, leg: Leg) -> str:
        if leg.approved:
            return self._moment(leg.approved)
        if leg.original is None:
            return "CAST(NULL AS DATETIME(6))" if self.mysql else "NULL::timestamptz"
        if leg.merchant_of_original:
            return self._moment(leg.original.time, "o")
        of, reference = leg.original, self.sql.column("t", leg.original.reference)
        where = f"o.{self.sql.name(of.key.name)} = {reference}"
        return " ".join(
            [
                "(SELECT",
                self._moment(of.time, "o"),
                "FROM",
                self.sql.table(of.table),
                "AS o WHERE",
                where + ")",
            ]
        )

    def _inside(self, leg: Leg) -> list[str]:
        return [self.sql.since("t", leg.time), self.sql.before("t", leg.time)]

    def _filters(self, leg: Leg) -> list[str]:
        """What leaves rows out; `transactions`, `totals` and `without_time` have all of them."""
        kept = []
        if leg.needs:
            kept.append(f"{self.sql.column('t', leg.needs.column)} IS NOT NULL")
        if leg.kind and leg.ignored:
            word = self._word(leg.kind)
            words = ", ".join(self.sql.literal(w) for w in leg.ignored)
            kept.append(f"({word} NOT IN ({words}) OR {word} IS NULL)")
        if leg.deleted:
            kept.append(self._not_deleted(leg.deleted))
        if leg.currency and self.mapping.left_out:
            kept.append(f"{self._currency(leg)} = {self.sql.literal(self.mapping.currency)}")
        return kept

    def _currency(self, leg: Leg) -> str:
        """The row's currency; a row that says none is of the currency that is counted."""
        text = self.sql.column("t", leg.currency) if leg.currency else ""
        return f"coalesce({text}, {self.sql.literal(self.mapping.currency)})"

    def _not_deleted(self, column: Column) -> str:
        text = self.sql.column("t", column)
        if column.is_time or column.kind == "date":
            return f"{text} IS NULL"
        if column.kind == "bool" and not self.mysql:
            return f"{text} IS NOT TRUE"
        if column.kind in ("integer", "numeric", "bool"):
            return f"coalesce({text}, 0) = 0"
        return f"coalesce({self._word(column)}, 'N') NOT IN ('Y', 'y', 'T', '1')"

    def _no_time(self, leg: Leg) -> str:
        column = self.sql.column("t", leg.time.column)
        zone = "" if self.mysql or leg.time.column.kind == "local" else "Z"
        absurd = f"{column} < '1970-01-02{zone}' OR {column} >= '2200-01-01{zone}'"
        if leg.expects is None:
            return f"({column} IS NULL OR {absurd})"
        if not leg.expects or leg.kind is None:
            return f"({absurd})"
        recent = self.sql.recent("t", leg.written)
        missing = f"{column} IS NULL AND {self._word(leg.kind)} {self._in(leg.expects)} AND {recent}"
        return f"({absurd} OR ({missing}))"

    def _tables(self) -> str:
        names = dict.fromkeys(leg.table.full_name for leg in self.mapping.legs)
        return " and ".join(re.sub(r"\s+", " ", name) for name in names)

    def _what_is_left_out(self) -> str:
        words = dict.fromkeys(word for leg in self.mapping.legs for word in leg.ignored)
        deleted = (
            "Rows marked as deleted are left out. " if any(leg.deleted for leg in self.mapping.legs) else ""
        )
        other = f"So are amounts in {', '.join(self.mapping.left_out)}. " if self.mapping.left_out else ""
        told = f"Left out, being neither approval nor cancel: {', '.join(words)}. " if words else ""
        return re.sub(
            r"\s+", " ", f"{told}{deleted}{other}Other words are set aside by the pipeline, and counted."
        )
