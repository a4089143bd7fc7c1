"""The merchants of the stand-in: how large each is, what it sells, how often its buyers cancel.

Arrays are in order of rank: position 0 has the most transactions.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from data.chance import Dice, pick
from data.merchants.model import (
    CANCEL_RATES,
    CATEGORIES,
    MERCHANT_CANCEL_SIGMA,
    MERCHANT_TICKET_SIGMA,
    NAME_STARTS,
    RHYTHMS,
    SETTLEMENT_CYCLES,
)

if TYPE_CHECKING:
    from datetime import date

    from numpy.typing import NDArray

_GOLDEN: Final = 0.6180339887498949
_TURN: Final = 0.2  # puts a marketplace on rank 1 and a travel company, with large tickets, on rank 2
_FIRST_ID: Final = 100_001


@dataclass(frozen=True, slots=True)
class Population:
    """One value per merchant, in order of rank.

    `weight` is the share of all approvals (sum 1), `rhythm` a position in RHYTHMS, `number` what the
    merchant id is made of.
    """

    weight: NDArray[np.float64]
    category: NDArray[np.int64]
    rhythm: NDArray[np.int64]
    ticket_median_krw: NDArray[np.float64]
    cancel_rate: NDArray[np.float64]
    settlement_cycle_days: NDArray[np.int64]
    number: NDArray[np.int64]

    @property
    def mean_cancel_rate(self) -> float:
        """Cancels per approval over all merchants."""
        return float(self.weight @ self.cancel_rate)


def populate(merchants: int, top_share: float, dice: Dice) -> Population:
    """Draw the merchants; the largest 1 % of them get `top_share` of the approvals."""
    ranks = np.arange(1, merchants + 1)
    category = _categories(ranks)
    ticket = np.array([c.ticket_median_krw for c in CATEGORIES])[category]
    rate = np.array([c.cancel_rate for c in CATEGORIES])[category]
    rhythms = list(RHYTHMS)
    return Population(
        weight=_long_tail(ranks, top_share),
        category=category,
        rhythm=np.array([rhythms.index(c.rhythm) for c in CATEGORIES])[category],
        ticket_median_krw=ticket * np.exp(MERCHANT_TICKET_SIGMA * dice.normal("merchant ticket", ranks)),
        cancel_rate=np.clip(
            rate * np.exp(MERCHANT_CANCEL_SIGMA * dice.normal("merchant cancels", ranks)), *CANCEL_RATES
        ),
        settlement_cycle_days=_settlement_cycles(ranks, dice),
        number=_FIRST_ID + dice.permutation("merchant number", merchants),
    )


def merchant_ids(population: Population, *, text: bool) -> pl.Series:
    """merchant_id in order of rank; its number says nothing about the rank."""
    numbers = pl.Series("merchant_id", population.number, dtype=pl.Int64)
    return ("M" + numbers.cast(pl.String).str.zfill(8)).rename("merchant_id") if text else numbers


def merchants_frame(population: Population, ids: pl.Series, before: date, dice: Dice) -> pl.DataFrame:
    """The columns of the table `merchants`, in order of rank; everybody opened before `before`."""
    ranks = np.arange(1, len(ids) + 1)
    start = pl.Series(NAME_STARTS)[pick(dice.uniform("name", ranks), (1.0,) * len(NAME_STARTS))]
    noun = pl.Series([c.noun for c in CATEGORIES])[population.category]
    age_days = 30 + (dice.uniform("age", ranks) * 3650).astype(np.int64)
    return pl.DataFrame(
        {
            "merchant_id": ids,
            "name": start + noun + " " + pl.Series(population.number).cast(pl.String),
            "category": pl.Series([c.name for c in CATEGORIES])[population.category],
            "settlement_cycle_days": population.settlement_cycle_days.astype(np.int32),
            "opened_on": [before - timedelta(days=int(days)) for days in age_days],
        },
        schema_overrides={"opened_on": pl.Date()},
    )


def _categories(ranks: NDArray[np.int64]) -> NDArray[np.int64]:
    """Spread the categories evenly over the ranks, the same for every seed.

    The golden ratio's multiples give every stretch of ranks its share of each category, so the incidents
    file can speak of ranks and find a merchant of the size and category that it needs.
    """
    return pick(np.mod(ranks * _GOLDEN + _TURN, 1.0).astype(np.float64), tuple(c.share for c in CATEGORIES))


def _long_tail(ranks: NDArray[np.int64], top_share: float) -> NDArray[np.float64]:
    """Zipf weights 1 / rank^s, with the s that gives the top 1 % (at least one merchant) its share."""
    top = max(1, len(ranks) // 100)
    low, high = 0.0, 5.0
    for _ in range(50):  # halving 5.0 fifty times leaves no digit of a float undecided
        middle = (low + high) / 2
        weight = ranks**-middle
        if weight[:top].sum() < top_share * weight.sum():
            low = middle
        else:
            high = middle
    weight = ranks**-high
    return np.asarray(weight / weight.sum())


def _settlement_cycles(ranks: NDArray[np.int64], dice: Dice) -> NDArray[np.int64]:
    days, shares = zip(*SETTLEMENT_CYCLES, strict=True)
    return np.asarray(np.array(days)[pick(dice.uniform("cycle", ranks), shares)])
