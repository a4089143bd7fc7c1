"""How another company's tables become transactions: what a proposal decides, and what a person answers. Pure.

A mapping is one or two legs. A table of events is one; a payment row that is cancelled in place, and
approvals and cancels in two tables, are two, of which `UNION ALL` makes one table.
"""

from __future__ import annotations

import difflib
import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pipeline.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping as Words
    from collections.abc import Sequence

    from pipeline.connect.catalog import Column, Dialect, Stamp, Table

#: What `--set name=value` knows.
ANSWERS: Final[Words[str, str]] = {
    "shape": "events (a row for each approval and cancel), payments (rows cancelled in place), two_tables",
    "table": "table of the transactions, payments or approvals",
    "cancel_table": "table of the cancels, where they have their own",
    "id": "column that tells the rows apart",
    "merchant": "column of the merchant",
    "kind": "column that says approval or cancel",
    "approval": "words of that column for an approval, separated by commas",
    "cancel": "words for a cancel, also for a partial one",
    "ignore": "words of rows that are neither: failed, pending",
    "amount": "column of the amount",
    "occurred_at": "column of the transaction's own time",
    "written_at": "column that says when the row was written or changed",
    "cancelled_at": "payments: column of the time of the cancel",
    "cancel_amount": "payments: column of the cancelled amount",
    "original_time": "column with the time of the approval that a cancel cancels",
    "original_id": "column with the id of the approval that a cancel cancels",
    "zone": "time zone of the times that do not say theirs, for example Asia/Seoul or UTC",
    "written_zone": "the same for written_at, where it is another",
    "currency": "currency to count, for example KRW",
    "currency_column": "column of the currency",
    "unit": "unit of the amounts: major (won, dollars) or minor (won, cents)",
    "deleted": "column that marks rows as deleted",
    "merchants": "table of the merchants",
    "settlements": "table of the payouts",
}
#: The answer for "there is none".
NONE: Final = "none"


class Question(UsageError):
    """What the catalog does not say and a person has to; `name` is that of the answer."""

    def __init__(self, what: str, name: str, choices: Sequence[str] = ()) -> None:
        self.name = name
        self.choices = tuple(choices)
        example = self.choices[0] if self.choices else "..."
        said = f", choose from {', '.join(self.choices)}" if self.choices else f": {ANSWERS[name]}"
        super().__init__(what, f"add --set {shlex.quote(f'{name}={example}')}{said}")


@dataclass(frozen=True, slots=True)
class Original:
    """The approval of a cancel: its table, its key, and the column of the cancel that names it."""

    table: Table
    key: Column
    reference: Column
    time: Stamp


@dataclass(frozen=True, slots=True)
class Leg:
    """One SELECT: rows of a table, and what they become."""

    table: Table
    identity: Column
    merchant: Column
    amount: Column
    time: Stamp
    written: Stamp
    kind: Column | None = None
    #: Word to APPROVAL or CANCEL; others are set aside.
    meanings: Words[str, str] = field(default_factory=dict)
    fixed: str | None = None  # without a kind column: what every row is; None: a negative amount is a cancel
    ignored: tuple[str, ...] = ()  # words of rows that are neither
    factor: int = 1  # to minor units
    absolute: bool = False  # a cancel's amount is negative
    approved: Stamp | None = None  # a cancel's own row says when it was approved
    original: Original | None = None  # or its approval's row does
    merchant_of_original: bool = False  # `merchant` is a column of the approval's row
    deleted: Column | None = None
    needs: Stamp | None = None  # only rows that have this time too
    expects: tuple[str, ...] | None = None  # words of rows that should have a time; None: every row should
    currency: Column | None = None


@dataclass(frozen=True, slots=True)
class Payouts:
    """The table of payouts."""

    table: Table
    merchant: Column
    amount: Column
    day: Column
    settled: Stamp | None
    factor: int


@dataclass(frozen=True, slots=True)
class Merchants:
    """The table of merchants."""

    table: Table
    merchant: Column
    name: Column | None
    category: Column | None


@dataclass(frozen=True, slots=True)
class Decision:
    """One thing that was decided, by whom or by what."""

    name: str
    value: str
    why: str


@dataclass(frozen=True, slots=True)
class TradeMapping:
    """Everything the query files are written from."""

    dialect: Dialect
    shape: str
    legs: tuple[Leg, ...]
    currency: str
    left_out: tuple[str, ...] = ()  # other currencies that a person chose to leave out
    payouts: Payouts | None = None
    merchants: Merchants | None = None
    decisions: tuple[Decision, ...] = ()
    warnings: tuple[str, ...] = ()


def read_answers(given: Sequence[str]) -> dict[str, str]:
    """`name=value` texts as a dictionary; raises UsageError for a name nobody knows."""
    answers = {}
    for text in given:
        name, separator, value = text.partition("=")
        name = name.strip().replace("-", "_")
        if not separator or not value.strip():
            msg = f"--set {text} is not name=value"
            raise UsageError(msg, "write it like --set zone=Asia/Seoul")
        if name not in ANSWERS:
            near = difflib.get_close_matches(name, ANSWERS, n=1, cutoff=0.5)
            msg = f"--set does not know {name}"
            raise UsageError(msg, f"did you mean {near[0]}?" if near else f"known are {', '.join(ANSWERS)}")
        answers[name] = value.strip()
    return answers


def find_table(tables: Sequence[Table], wanted: str) -> Table:
    """The table that a person named, in any case and with or without its schema."""
    exact = [t for t in tables if wanted in (t.full_name, f"{t.schema}.{t.name}")]
    low = wanted.lower()
    named = (
        t for t in tables if low in (t.name.lower(), t.full_name.lower(), f"{t.schema}.{t.name}".lower())
    )
    found = exact or list(named)
    if len(found) == 1:
        return found[0]
    names = ", ".join(t.full_name for t in (found or tables)[:20]) or "none"
    msg = f"{'several tables are' if found else 'this role can read no table'} named {wanted}"
    raise UsageError(msg, f"name one of: {names}")


def find_column(table: Table, wanted: str) -> Column:
    """The column that a person named, in any case."""
    exact = [c for c in table.columns if c.name == wanted]
    found = exact or [c for c in table.columns if c.name.lower() == wanted.lower()]
    if len(found) == 1:
        return found[0]
    msg = f"{table.full_name} has no column {wanted} that this role may read"
    raise UsageError(msg, f"its columns are {', '.join(c.name for c in table.columns)}")
