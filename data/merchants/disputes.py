"""What card networks report of merchants: frauds and disputes a day, as a company keeps them. Pure.

Most merchants have a few in ten thousand sales. One is on its way into a programme, one is in it, so that a
forecast has something to say. The month before also has its number of sales: the lake of a demo is younger.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Of approvals, by rank; everybody else has USUAL of each kind.
RATES: Final[Mapping[int, float]] = {3: 0.0155, 9: 0.033}
USUAL: Final = 0.0004
FRAUD_SHARE: Final = 0.3
#: Merchants behind this rank sell so little that they have none.
_RANKED: Final = 2_000
_KRW_PER_USD: Final = 1_400
_SEED: Final = 6


def disputes_for(profile: pl.DataFrame, today: date, seed: int) -> pl.DataFrame:
    """The columns of the table `disputes`: of this month and the one before, up to yesterday.

    `profile` is `Traffic.profile()`. The same seed and day give the same rows.
    """
    month = today.replace(day=1)
    before = (month - timedelta(days=1)).replace(day=1)
    days = [before + timedelta(days=n) for n in range((today - before).days)]
    some = profile.head(_RANKED)
    rates = np.array([RATES.get(rank, USUAL * 2) for rank in some["rank"].to_list()])
    expected = some["approvals_per_day"].to_numpy() * rates
    ticket = (some["amount_per_day"] / some["approvals_per_day"] / _KRW_PER_USD).to_numpy()
    draw, parts = np.random.default_rng([_SEED, seed]), []
    for kind, share in (("fraud", FRAUD_SHARE), ("dispute", 1 - FRAUD_SHARE)):
        counts = draw.poisson(expected[:, None] * share, (some.height, len(days)))
        which, day = np.nonzero(counts)
        found = counts[which, day]
        parts.append(
            pl.DataFrame(
                {
                    "merchant_id": some["merchant_id"].gather(which),
                    "day": pl.Series(days, dtype=pl.Date)[day.tolist()],
                    "kind": [kind] * len(found),
                    "count": found.astype(np.int64),
                    "amount_usd": np.round(found * ticket[which], 2),
                }
            )
        )
    length = (month - before).days
    sold = some.select(
        "merchant_id",
        pl.lit(before).alias("day"),
        pl.lit("sales").alias("kind"),
        (pl.col("approvals_per_day") * length).round().cast(pl.Int64).alias("count"),
        pl.lit(None, pl.Float64).alias("amount_usd"),
    )
    return pl.concat([*parts, sold.filter(pl.col("count") > 0)])
