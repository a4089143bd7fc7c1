"""Every way in which a company's own extraction query can fail, for each query and both dialects.

A fault is another text for one query. Values that fail are put into one row (`POISON`), as a real table has
them; types, missing columns and the like concern the whole answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.contract.trade_servers import Dialect

#: The transaction whose values fail.
POISON: Final = 900_005

#: Without these nothing can be judged (`fence`, `transactions`) or followed (`changed`, `totals`).
NEEDED: Final = ("fence", "transactions", "changed", "totals")
ORNAMENTS: Final = ("at_risk", "settlements", "categories", "without_time")
QUERIES: Final = (*NEEDED, *ORNAMENTS)

WAYS: Final = (
    "missing",
    "column_gone",
    "wrong_type",
    "null",
    "nan",
    "infinity",
    "out_of_range",
    "slow",
    "runtime_error",
    "syntax_error",
    "outside",
    "empty",
    "doubled",
)

_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "fence": ("xmin", "xmax", "clock", "started"),
    "transactions": ("transaction_id", "merchant_id", "kind", "amount", "occurred_at", "approved_at"),
    "changed": ("minute", "newest"),
    "totals": ("minute", "rows", "cancels", "amount"),
    "at_risk": ("merchant_id", "merchant_name", "settled_through", "paid_out"),
    "settlements": ("merchant_id", "business_date", "amount", "settled_at"),
    "categories": ("merchant_id", "category"),
    "without_time": ("rows",),
}
_MYSQL_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    **_COLUMNS,
    "fence": ("clock_utc",),
    "changed": ("minute_utc",),
    "totals": ("minute_utc", "rows", "cancels", "amount"),
}
#: The column that holds a number (or the only one), and the one that holds a time.
_NUMBER: Final = {
    "fence": "xmin",
    "transactions": "amount",
    "changed": "newest",
    "totals": "amount",
    "at_risk": "paid_out",
    "settlements": "amount",
    "categories": "category",
    "without_time": "rows",
}
_TIME: Final = {
    "fence": "clock",
    "transactions": "occurred_at",
    "changed": "minute",
    "totals": "minute",
    "at_risk": "settled_through",
    "settlements": "settled_at",
}


@dataclass(frozen=True)
class Fault:
    """One query failing in one way."""

    dialect: Dialect
    query: str
    way: str

    @property
    def columns(self) -> tuple[str, ...]:
        return (_COLUMNS if self.dialect == "postgresql" else _MYSQL_COLUMNS)[self.query]

    @property
    def number(self) -> str:
        wanted = _NUMBER[self.query]
        return wanted if wanted in self.columns else self.columns[-1]

    @property
    def time(self) -> str | None:
        wanted = _TIME.get(self.query, "")
        return next((name for name in self.columns if name in (wanted, f"{wanted}_utc")), None)

    def text(self, working: str) -> str | None:
        """The failing text; None where the file is to be missing."""
        return None if self.way == "missing" else _TEXTS[self.way](self, working.strip().rstrip(";"))


def faults(dialect: Dialect) -> list[Fault]:
    """Every query in every way that the dialect knows and the query's columns allow."""
    every = [Fault(dialect, query, way) for query in QUERIES for way in WAYS]
    return [fault for fault in every if _is_possible(fault)]


def _is_possible(fault: Fault) -> bool:
    if fault.way == "nan" and fault.dialect == "mysql":
        return False  # it has none
    if fault.way in ("infinity", "outside") and fault.time is None:
        return False
    return not (fault.way == "outside" and fault.query in ("fence", "at_risk"))


def _quoted(fault: Fault, name: str) -> str:
    return f"`{name}`" if fault.dialect == "mysql" else f'"{name}"'


def _select(fault: Fault, working: str, changed: Mapping[str, str], more: str = "") -> str:
    parts = [
        f"{changed[name]} AS {_quoted(fault, name)}" if name in changed else f"given.{_quoted(fault, name)}"
        for name in fault.columns
        if changed.get(name, "keep")
    ]
    return f"SELECT {', '.join(parts)}\nFROM (\n{working}\n) AS given {more}"


def _in_one_row(fault: Fault, name: str, bad: str) -> str:
    """The value in the poisoned row of `transactions`, in every row of the other queries."""
    if fault.query != "transactions":
        return bad
    return f"CASE WHEN given.transaction_id = {POISON} THEN {bad} ELSE given.{_quoted(fault, name)} END"


def _column_gone(fault: Fault, working: str) -> str:
    if len(fault.columns) == 1:
        return (
            _select(fault, working, {})
            .replace(" FROM", " AS another FROM")
            .replace("\nFROM", " AS another\nFROM", 1)
        )
    return _select(fault, working, {fault.number: ""})


def _wrong_type(fault: Fault, working: str) -> str:
    bad = "ARRAY[1.5, 2]" if fault.dialect == "postgresql" else "CAST('x' AS BINARY)"
    return _select(fault, working, {fault.number: bad})


def _null(fault: Fault, working: str) -> str:
    return _select(fault, working, {fault.number: _in_one_row(fault, fault.number, "NULL")})


def _nan(fault: Fault, working: str) -> str:
    """The README's own cast of a fraction, with one NaN in the column."""
    return _select(
        fault,
        working,
        {
            fault.number: _in_one_row(
                fault, fault.number, "(('NaN'::numeric + random()::numeric) * 100)::bigint"
            )
        },
    )


def _infinity(fault: Fault, working: str) -> str:
    bad = "'infinity'::timestamptz" if fault.dialect == "postgresql" else "CAST('0000-00-00' AS DATETIME)"
    if fault.time == "settled_through":
        bad = "'infinity'::date" if fault.dialect == "postgresql" else "CAST('0000-00-00' AS DATE)"
    return _select(fault, working, {str(fault.time): _in_one_row(fault, str(fault.time), bad)})


def _out_of_range(fault: Fault, working: str) -> str:
    bad = "1e30::numeric" if fault.dialect == "postgresql" else "CAST('1e30' AS DECIMAL(40, 0))"
    return _select(fault, working, {fault.number: _in_one_row(fault, fault.number, bad)})


def _slow(fault: Fault, working: str) -> str:
    sleep = "pg_sleep(30)" if fault.dialect == "postgresql" else "SLEEP(30)"
    return _select(fault, working, {}, f", (SELECT {sleep} AS waited) AS slowly")


def _runtime_error(fault: Fault, working: str) -> str:
    # MariaDB gives null for a division by zero, but refuses a subquery of two rows.
    bad = "1 / (random() * 0)::int" if fault.dialect == "postgresql" else "(SELECT 1 UNION ALL SELECT 2)"
    return _select(fault, working, {fault.number: _in_one_row(fault, fault.number, bad)})


def _syntax_error(fault: Fault, working: str) -> str:
    return working.replace("SELECT", "SELEKT", 1)


def _outside(fault: Fault, working: str) -> str:
    later = "interval '9 hours'" if fault.dialect == "postgresql" else "INTERVAL 9 HOUR"
    return _select(fault, working, {str(fault.time): f"given.{_quoted(fault, str(fault.time))} + {later}"})


def _empty(fault: Fault, working: str) -> str:
    return _select(fault, working, {}, "WHERE 1 = 0")


def _doubled(fault: Fault, working: str) -> str:
    once = _select(fault, working, {})
    return f"{once}\nUNION ALL\n{once}"


_TEXTS: Final = {
    "column_gone": _column_gone,
    "wrong_type": _wrong_type,
    "null": _null,
    "nan": _nan,
    "infinity": _infinity,
    "out_of_range": _out_of_range,
    "slow": _slow,
    "runtime_error": _runtime_error,
    "syntax_error": _syntax_error,
    "outside": _outside,
    "empty": _empty,
    "doubled": _doubled,
}
