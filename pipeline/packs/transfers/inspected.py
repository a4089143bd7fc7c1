"""What `check` says of sampled payments, as findings. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pipeline.figures import plain
from pipeline.finding import Finding
from pipeline.pack import Inspect, Total
from pipeline.packs.transfers.currencies import CURRENCIES
from pipeline.packs.transfers.schema import KINDS, OPTIONAL, STATUSES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import polars as pl

_SHOWN: Final = 5
_KNOWN: Final[dict[str, Sequence[str]]] = {
    "kind": KINDS,
    "status": STATUSES,
    "currency": tuple(sorted(CURRENCIES)),
}


def words_found(rows: pl.DataFrame) -> Iterator[Finding]:
    """Are all kinds, statuses and currencies known?"""
    for name, known in _KNOWN.items():
        counts = dict(rows.group_by(name).len().sort(["len", name], descending=[True, False]).iter_rows())
        met = ", ".join(f"{plain(word)} {number:,}" for word, number in list(counts.items())[:_SHOWN])
        numbers: dict[str, Any] = {name: {plain(word): number for word, number in counts.items()}}
        unknown = {word: number for word, number in counts.items() if word not in known}
        if not unknown:
            yield Finding(name, "ok", met or "no row", numbers=numbers)
            continue
        what = f"{sum(unknown.values()):,} of {rows.height:,} rows have a {name} that is not known: {met}"
        hint = f"translate them in events.sql and totals.sql with CASE; known are {', '.join(known[:_SHOWN])}"
        yield Finding(name, "failure" if len(unknown) == len(counts) else "warning", what, hint, numbers)


def values_found(rows: pl.DataFrame) -> Iterator[Finding]:
    """Amounts, and which of the optional columns say something."""
    amounts = rows["amount"].drop_nulls().sort()
    if amounts.is_empty():
        yield Finding("amounts", "note", "no amount in the sample")
        return
    least, most = amounts[0], amounts[-1]
    numbers = {"least": least, "most": most}
    yield Finding("amounts", "ok", f"from {least:,} to {most:,} (minor units)", numbers=numbers)
    silent = [name for name in OPTIONAL if name in rows.columns and rows[name].null_count() == rows.height]
    if silent:
        said = f"always empty, so unknown to every rule: {', '.join(silent)}"
        yield Finding("fields", "note", said, "give them in events.sql where the table knows them")


INSPECT: Final = Inspect(
    words=words_found,
    values=values_found,
    totals={
        "completed": Total("{} completed", "let totals.sql count exactly the rows with status 'completed'"),
        "amount": Total("{} in all", "let totals.sql sum up amount as events.sql gives it"),
    },
    padded="one account would be several to every rule",
    doubled="a payment must have an id of its own",
)
