"""The permuted null: the company's own traffic with nothing wrong in it, judged like a day. Pure.

What is measured is the promise of `false_incidents_per_day`: how many cancel surges would the policy
`budgeted` open on a day without one? The last days' merchant-minutes are taken as they are, with their
rhythm, their sizes and each merchant's own rate; only which of a merchant's transactions are cancels is
dealt anew, among all of its transactions of these days. So no surge remains, nor does any other pattern.

Drift has to be put back. Real cancel rates wander, and without that the null would flatter the budget:
dealing within short blocks would keep drift, and surges with it. So the wander is measured first, as the
median over all busy merchant-hours of how far cancels lie from their merchant's own share (few surges do
not move a median), and cancels are dealt with odds that wander as much: an autoregressive process by
the hour with a correlation time of six hours. What is not in the null: wander with heavier tails than
normal ones, and what many merchants do at the same hour.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any
from zlib import crc32

import numpy as np
import polars as pl

from baselines.facts import Facts
from baselines.merchants.windows import Windows
from pipeline.judge.verdicts import FIRES
from pipeline.minute import HOUR_MINUTES, from_index, to_index
from pipeline.packs.merchants.own import find
from pipeline.packs.merchants.rules.cancel_surge import CANCEL_SURGE, REASONS
from pipeline.packs.merchants.rules.rule import Situation
from pipeline.packs.merchants.schema import ADDED_COUNTS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date
    from zoneinfo import ZoneInfo

    from numpy.typing import NDArray

    from baselines.merchants.rules import Rules
    from baselines.merchants.slices import Integers
    from baselines.versions import Versions
    from pipeline.minute import Span
    from pipeline.packs.merchants.rules.rule import Found

    Floats = NDArray[np.float64]

#: So many rows (merchant and minute) are dealt anew in one night; of more, a part of the merchants is taken.
MOST_ROWS = 6_000_000
CORRELATION_HOURS = 6
#: An hour says something about drift from so many expected cancels on.
ENOUGH_CANCELS = 5.0
#: From so many such hours on, drift is measured; below, the rules' `drift_percent` is taken.
ENOUGH_HOURS = 200
_MEDIAN_CHI2 = 0.4549  # of one degree of freedom
_STANDS_OUT = 2.0
_MOST_WANDER = 2.0  # standard deviation of the logarithm; the odds of cancelling hardly vary tenfold
_MOST_ROUNDS = 10_000


@dataclass(frozen=True, slots=True)
class NullDay:
    """What a permuted day showed."""

    merchants: int  # judged: one of `parts` of all
    parts: int
    incidents: int  # that would have opened
    drift_percent: int  # the wander that was put back
    drift_measured: bool  # from these days; else it is the rules'

    @property
    def per_day(self) -> int:
        """Incidents a day over all merchants."""
        return self.incidents * self.parts


def parts_for(rows: int) -> int:
    """Into how many parts merchants are divided, so that one part holds at most MOST_ROWS of `rows`."""
    return max(1, -(-rows // MOST_ROWS))


def take_part(frame: pl.DataFrame, parts: int, part: int) -> pl.DataFrame:
    """The rows of every `parts`-th merchant, by a checksum of its id: the same merchants on every day."""
    if parts == 1:
        return frame
    ids = frame["merchant_id"].unique()
    chosen = [name for name in ids.to_list() if crc32(name.encode()) % parts == part % parts]
    return frame.filter(pl.col("merchant_id").is_in(chosen))


def measure_null(
    frame: pl.DataFrame,
    judged: Span,
    zone: ZoneInfo,
    versions: Versions[Rules],
    seed: int,
    categories: Facts | None = None,
) -> NullDay:
    """Deal the kinds of MERCHANT_MINUTE rows anew, and judge every minute of `judged`, the frame's end.

    The rows are sorted by minute and begin 7 days and an hour before `judged`, or later where the history
    does. Same rows, versions and seed: same answer.
    """
    minutes, merchants = _codes(frame)
    events = (frame["approval_count"] + frame["cancel_count"]).to_numpy()
    cancels = frame["cancel_count"].to_numpy()
    found = wander(minutes, merchants, events, cancels)
    drift = versions.tuned(judged.start).budget.drift_percent / 100 if found is None else found
    random = np.random.default_rng(seed)
    dealt = deal(minutes // HOUR_MINUTES, merchants, events, cancels, drift, random)
    null = frame.with_columns(
        approval_count=pl.Series(events - dealt),
        cancel_count=pl.Series(dealt),
        cancel_amount=pl.lit(0, pl.Int64),
        **dict.fromkeys(ADDED_COUNTS, pl.lit(0, pl.Int64)),  # a dealt cancel has no approval
    )
    incidents = _count_incidents(null, judged, zone, versions, categories or Facts())
    return NullDay(int(merchants.max(initial=-1)) + 1, 1, incidents, round(100 * drift), found is not None)


def _codes(frame: pl.DataFrame) -> tuple[Integers, Integers]:
    """Minutes since the epoch, and merchants as 0, 1, 2 …; shape (rows,) each."""
    minutes = frame["minute"].dt.epoch("us").to_numpy() // 60_000_000
    codes = frame["merchant_id"].rank("dense").cast(pl.Int64).to_numpy() - 1
    return minutes, codes


def wander(minutes: Integers, merchants: Integers, events: Integers, cancels: Integers) -> float | None:
    """One standard deviation of the logarithm of the odds of cancelling; None: too little traffic.

    Of an hour with n events, of which p are usually cancels, the squared distance (c - np)² / np(1-p) is
    (1 + np(1-p)·w²) times a chi-square of one degree. The w for which the median fits is the answer.
    """
    if not len(events):
        return None
    hours = minutes // HOUR_MINUTES
    width = int(hours.max() - hours.min()) + 1
    keys = merchants * width + hours - hours.min()
    n, c = (np.bincount(keys, weights=w).astype(np.float64) for w in (events, cancels))
    owners = np.arange(len(n)) // width
    share = _shares(owners, n, c)
    # Once more without the hours that stand out, lest a surge makes every other hour look low.
    calm = c <= _STANDS_OUT * n * share
    share = _shares(owners, n * calm, c * calm)
    spread = n * share * (1 - share)
    busy = (n * share >= ENOUGH_CANCELS) & (spread > 0)
    if np.count_nonzero(busy) < ENOUGH_HOURS:
        return None
    squared, spread = (c - n * share)[busy] ** 2 / spread[busy], spread[busy]
    low, high = 0.0, _MOST_WANDER
    for _ in range(40):
        middle = (low + high) / 2
        fits = np.median(squared / (1 + spread * middle**2)) <= _MEDIAN_CHI2
        low, high = (low, middle) if fits else (middle, high)
    return high


def _shares(owners: Integers, n: Floats, c: Floats) -> Floats:
    events, cancels = (np.bincount(owners, weights=weights) for weights in (n, c))
    return np.asarray((cancels / np.maximum(events, 1))[owners])


def deal(
    hours: Integers,
    merchants: Integers,
    events: Integers,
    cancels: Integers,
    drift: float,
    random: np.random.Generator,
) -> Integers:
    """Each merchant's cancels, dealt anew among its own events; shape (rows,).

    A card in an hour of high odds is drawn more often. Cards are drawn until every merchant has its own
    number; of a merchant that mostly cancels, the approvals are dealt, so that free cards are never rare.
    """
    order = np.argsort(merchants, kind="stable")
    rows_end = np.cumsum(events[order])  # card k belongs to the first row whose end is past k
    totals, called_off = (np.bincount(merchants, weights=w).astype(np.int64) for w in (events, cancels))
    first_card = np.cumsum(totals) - totals
    mostly = 2 * called_off > totals
    wanted = np.where(mostly, totals - called_off, called_off)
    first = hours.min() if len(hours) else 0
    odds = _odds(int(hours.max(initial=first) - first) + 1, len(totals), drift, random)
    odds[:, mostly] = 1 / odds[:, mostly]
    odds /= odds.max(axis=0)
    hour = (hours - first)[order]
    taken = np.zeros(int(totals.sum()), np.bool_)
    for _ in range(_MOST_ROUNDS):
        owners = np.repeat(np.arange(len(totals)), wanted)
        if not len(owners):
            break
        cards = first_card[owners] + (random.random(len(owners)) * totals[owners]).astype(np.int64)
        rows = np.searchsorted(rows_end, cards, side="right")
        kept = (random.random(len(cards)) < odds[hour[rows], owners]) & ~taken[cards]
        fresh, places = np.unique(cards[kept], return_index=True)
        taken[fresh] = True
        wanted = wanted - np.bincount(owners[kept][places], minlength=len(totals))
    drawn = np.bincount(np.searchsorted(rows_end, np.flatnonzero(taken), side="right"), minlength=len(order))
    dealt = np.empty(len(order), np.int64)
    dealt[order] = drawn
    return np.where(mostly[merchants], events - dealt, dealt)


def _odds(hours: int, merchants: int, drift: float, random: np.random.Generator) -> Floats:
    """Odds of cancelling beside a merchant's own, by the hour; shape (hours, merchants)."""
    keep = float(np.exp(-1 / CORRELATION_HOURS))
    state = random.standard_normal(merchants)
    found = np.empty((hours, merchants))
    for hour in range(hours):
        found[hour] = np.exp(drift * state)
        state = keep * state + np.sqrt(1 - keep**2) * random.standard_normal(merchants)
    return found


def _count_incidents(
    null: pl.DataFrame, judged: Span, zone: ZoneInfo, versions: Versions[Rules], categories: Facts
) -> int:
    # What follows from the length of the baseline is no matter of cancels.
    windows = Windows(zone, versions.tuned(judged.start).volume_drop.baseline_days)
    before = null.filter(pl.col("minute") < judged.start)
    if before.height:
        windows.add_many(before["minute"][0], judged.start, before)
    rest = null.filter((pl.col("minute") >= judged.start) & (pl.col("minute") < judged.end))
    index = rest["minute"].dt.epoch("us").to_numpy() // 60_000_000
    first, end = to_index(judged.start), to_index(judged.end)
    borders = np.searchsorted(index, np.arange(first, end + 1))
    last = np.full(null["merchant_id"].n_unique(), -(10**9), np.int64)
    opened = 0
    for n in range(end - first):
        minute = from_index(first + n)
        windows.add(minute, rest.slice(int(borders[n]), int(borders[n + 1] - borders[n])))
        rules = versions.tuned(minute)
        found = find(CANCEL_SURGE, Situation(windows, rules, "budgeted", categories, whole=False))
        opened += _opened(found, first + n, last, rules.incident.resolve_after_minutes)
    return opened


def _opened(found: Found, index: int, last: Integers, resolve_after: int) -> int:
    """How many surges open, as `pipeline.judge.life` opens and keeps them; `last` is brought up to date."""
    positions, reasons = (
        np.concatenate([part[name] for part in found.parts]) for name in ("position", "reason")
    )
    passed = reasons == REASONS.index(FIRES)
    known = index - last[positions] < resolve_after
    last[positions[passed | known]] = index
    return int(np.count_nonzero(passed & ~known))


def measure_day(
    pieces: Iterable[pl.DataFrame],
    rows: int,
    judged: Span,
    zone: ZoneInfo,
    versions: Versions[Rules],
    day: date,
    facts: Facts,
) -> dict[str, Any]:
    """The null of `judged` as it is stored; the day's number seeds it and chooses the merchants.

    `pieces` are the merchant-minutes of the week before and of that day, in order, about `rows` of them.
    """
    parts, seed = parts_for(rows), day.toordinal()
    frame = pl.concat([take_part(piece, parts, seed) for piece in pieces])
    found = replace(measure_null(frame, judged, zone, versions, seed, facts), parts=parts)
    merchants, budget = found.merchants * found.parts, versions.tuned(judged.start).budget
    return {**asdict(found), "allowed": budget.false_incidents_per_day * merchants / 100_000}
