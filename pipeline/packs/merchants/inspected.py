"""What `check` says of sampled payments and of the query `at_risk`, as findings. Pure.

Thresholds are for people to look at something, not for verdicts: only what cannot be right is a failure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import polars as pl

from pipeline.figures import plain
from pipeline.finding import Finding
from pipeline.pack import Inspect, Total
from pipeline.packs.merchants.at_risk import USUAL_DAYS, parameters_of, read_payouts, require_columns
from pipeline.packs.merchants.schema import AMOUNT_LIMIT, APPROVAL, CANCEL, KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime, tzinfo

    from pipeline.finding import Level
    from pipeline.pack import AskSource

#: Of so many rows on, the absence of something says something.
_ENOUGH: Final = 1_000
_SHOWN: Final = 5
#: A median past this (minor units), with every amount a multiple of 100, looks like KRW times 100.
_LARGE_MEDIAN: Final = 1_000_000
#: The words that companies use, to propose a translation.
_APPROVED_WORDS: Final = (
    "APPR",
    "PAID",
    "PAY",
    "DONE",
    "SUCCESS",
    "CAPTUR",
    "COMPLETE",
    "SALE",
    "승인",
    "결제",
)
_CANCELLED_WORDS: Final = ("CANCEL", "REFUND", "VOID", "REVERS", "RETURN", "취소", "환불")


def kinds_found(rows: pl.DataFrame) -> Iterator[Finding]:
    """Are all kinds known, and if not, how would they be translated?"""
    counts = dict(rows.group_by("kind").len().sort(["len", "kind"], descending=[True, False]).iter_rows())
    unknown = {kind: number for kind, number in counts.items() if kind not in KINDS}
    met = ", ".join(f"{plain(kind)} {number:,}" for kind, number in list(counts.items())[:_SHOWN])
    numbers = {"kinds": {plain(kind): number for kind, number in counts.items()}}
    if unknown:
        named = [kind for kind in unknown if kind is not None][:_SHOWN]
        cases = " ".join(f"WHEN '{plain(kind)}' THEN '{_meaning(str(kind))}'" for kind in named)
        hint = f"translate them in transactions.sql and totals.sql: CASE kind {cases} ELSE kind END AS kind"
        level: Level = "failure" if len(unknown) == len(counts) else "warning"
        what = f"{sum(unknown.values()):,} of {rows.height:,} rows have a kind that is not known: {met}"
        yield Finding("kinds", level, what, hint, numbers)
        return
    absent = [kind for kind in KINDS if kind not in counts]
    if rows.height >= _ENOUGH and absent:
        what = f"{met}, and no {absent[0]} at all"
        hint = "does transactions.sql leave them out, or are they in another table (UNION ALL)?"
        yield Finding("kinds", "warning", what, hint, numbers)
    else:
        yield Finding("kinds", "ok", met or "no row", numbers=numbers)


def _meaning(word: str) -> str:
    upper = word.upper()
    if any(part in upper for part in _CANCELLED_WORDS):
        return CANCEL
    return APPROVAL if any(part in upper for part in _APPROVED_WORDS) else "APPROVAL or CANCEL"


def values_found(rows: pl.DataFrame) -> Iterator[Finding]:
    """Amounts, and how many cancels say when they were approved."""
    yield from _amounts(rows)
    yield from _approved_at(rows)


def _amounts(rows: pl.DataFrame) -> Iterator[Finding]:
    amounts = rows["amount"].drop_nulls()
    if amounts.is_empty():
        yield Finding("amounts", "note", "no amount in the sample")
        return
    median = amounts.cast(pl.Float64).median()
    middle = round(median) if isinstance(median, float) else 0
    ordered: list[int] = [*amounts.sort().to_list()]
    least, most = ordered[0], ordered[-1]
    negative, large = int((amounts < 0).sum()), int((amounts > AMOUNT_LIMIT).sum())
    numbers = {"least": least, "median": middle, "most": most, "negative": negative}
    said = f"from {least:,} to {most:,}, median {middle:,} (minor units; KRW has none)"
    yield Finding("amounts", "ok", said, numbers=numbers)
    if negative:
        by_kind = rows.filter(pl.col("amount") < 0)["kind"].unique().sort().to_list()
        hint = "a cancel's amount is positive too: abs(amount), in transactions.sql and totals.sql"
        kinds = ", ".join(plain(kind) for kind in by_kind[:_SHOWN])
        yield Finding("amounts", "warning", f"{negative:,} are negative ({kinds})", hint, numbers)
    if large:
        yield Finding(
            "amounts", "warning", f"{large:,} are past {AMOUNT_LIMIT:,}", "look at the unit", numbers
        )
    yield from _unit(amounts.filter(amounts > 0), middle, numbers)


def _unit(amounts: pl.Series, middle: int, numbers: Mapping[str, Any]) -> Iterator[Finding]:
    """KRW has no minor unit: price * 100 makes every amount a multiple of 100, and 100 times too large."""
    if amounts.n_unique() < _SHOWN * 4 or not (amounts % 100 == 0).all():
        return
    large = middle >= _LARGE_MEDIAN
    what = "every amount is a multiple of 100" + (
        f", and the median is {middle:,}: 100 times too large?" if large else ""
    )
    hint = "where the currency is KRW, round the price and do not multiply it: round(price)::bigint"
    yield Finding("amounts", "warning" if large else "note", what, hint, numbers)


def _approved_at(rows: pl.DataFrame) -> Iterator[Finding]:
    cancels = rows.filter(pl.col("kind") == CANCEL)
    if cancels.is_empty():
        yield Finding("approved_at", "note", "no cancel in the sample, so nothing to say")
        return
    tied = cancels.filter(pl.col("approved_at").is_not_null())
    before = tied.filter(pl.col("approved_at") > pl.col("occurred_at")).height
    numbers = {"cancels": cancels.height, "known": tied.height, "after_the_cancel": before}
    share = f"known of {tied.height:,} of {cancels.height:,} cancels"
    if before:
        hint = "approved_at is the approval's time, in the zone of occurred_at"
        yield Finding("approved_at", "warning", f"{share}; {before:,} lie after their cancel", hint, numbers)
    else:
        hint = (
            "" if tied.height else "optional: with it a reason tells a rise of cancels from many sales before"
        )
        yield Finding("approved_at", "ok" if tied.height else "note", share, hint, numbers)


def at_risk_found(ask: AskSource, merchants: Sequence[str], clock: datetime, zone: tzinfo) -> Finding:
    """Does the query `at_risk` know names and money of sampled merchants?"""
    today = clock.astimezone(zone).date()
    given = ask("at_risk", parameters_of(merchants, today, USUAL_DAYS, clock), require_columns)
    found = read_payouts(given, merchants, today, zone)
    known = found.by_merchant
    unnamed = sum(payout.merchant_name is None for payout in known.values())
    wrong = [payout.wrong for payout in known.values() if payout.wrong]
    unpaid = sum(payout.paid_out is None for payout in known.values())
    numbers = {"asked": len(merchants), "known": len(known), "strangers": found.strangers}
    numbers |= {"without_name": unnamed, "money_not_known": unpaid}
    said = f"knows {len(known)} of {len(merchants)} merchants, {unnamed} without a name"
    if found.strangers and not known:
        what = f"at_risk.sql gives {found.strangers} merchants that nobody asked for and none that was"
        hint = "give merchant_id as text, exactly as transactions.sql gives it: merchant_id::text"
    elif not known:
        what = f"at_risk.sql knows none of {len(merchants)} merchants: incidents have no name and no money"
        hint = "do its tables hold the same merchant ids? Without tables of payouts this is as it must be"
    elif unpaid:
        what = f"at_risk.sql {said}; the money of {unpaid} is not known" + (f": {wrong[0]}" if wrong else "")
        hint = "give paid_out as a whole number of minor units, and settled_through as a date"
    elif unnamed == len(known):
        what, hint = f"at_risk.sql {said}", "let merchant_name be the name that people know"
    else:
        return Finding("at_risk", "ok", said, numbers=numbers)
    return Finding("at_risk", "warning", what, hint, numbers)


INSPECT: Final = Inspect(
    words=kinds_found,
    values=values_found,
    totals={
        "cancels": Total(
            "{} cancels",
            "totals.sql must count what transactions.sql gives as CANCEL: the same translation of kinds",
        ),
        "amount": Total(
            "amount {}",
            "totals.sql must sum what transactions.sql gives as amount: the same unit and sign",
        ),
    },
    padded="names and payouts do not match",
    doubled="A partial cancel needs an id of its own, for example id || '-' || seq",
    ornaments={"at_risk": at_risk_found},
    no_fact="a new merchant starts from the rate of all merchants",
)
