"""How merchants are judged in shards: what is a sum over all, and what each shard says for itself. Pure.

A shard asks nothing of the others beside the sums of `rules/sums.py`. For each rule about everybody it names
its few merchants that deviate most, and that only where the sums alone do not rule a signal out.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from baselines.merchants.windows import Windows
from baselines.tiers import border, wanted
from pipeline.judge.together import Tiers, Together
from pipeline.minute import to_index
from pipeline.packs.merchants.rules.rule import Situation
from pipeline.packs.merchants.rules.sums import Sums, sums_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from baselines.facts import Facts
    from baselines.merchants.rules import Rules
    from baselines.tiers import Border
    from pipeline.judge.verdicts import Verdicts
    from pipeline.packs.merchants.judge import Judge
    from pipeline.packs.merchants.rules.platform import Most


def together_of(judge: Judge) -> Together[Windows, Rules]:
    """The same rules, asked of each shard and of all shards."""
    return Together(
        windows=_windows,
        sums=_sums,
        add=Sums.joined,
        judge=partial(_judge, judge),
        rest=partial(_rest, judge),
        everybody=partial(_everybody, judge),
        tiers=TIERS,
        asks=("cancelled_since", "cancels_held_from"),
    )


def _windows(zone: ZoneInfo, rules: Rules) -> Windows:
    """Of some merchants, with the rest of them elsewhere."""
    return Windows(zone, rules.volume_drop.baseline_days, alone=False)


def _border(named: Sequence[pl.DataFrame], active: int) -> Border | None:
    return border(named, wanted(active))


TIERS: Final[Tiers[Windows]] = Tiers(
    waiting=lambda windows: windows.waiting,
    candidates=Windows.candidates,
    border=_border,
    wanted=wanted,
    rank=Windows.rank,
)


def _sums(windows: Windows, tuned: Rules, facts: Facts) -> Sums:
    """Those that any policy may ask for: `literal`, which asks for none, leaves them unread."""
    return sums_of(Situation(windows, tuned, "budgeted", facts))


def _judge(
    judge: Judge,
    windows: Windows,
    tuned: Rules,
    policy: str,
    facts: Facts,
    whole: bool,  # noqa: FBT001 - as every pack
    sums: Sums,
) -> Verdicts:
    _require_same_minute(windows.last, sums)
    return judge.about_merchants(Situation(windows, tuned, policy, facts, whole, sums=sums), {})


def _rest(judge: Judge, windows: Windows, tuned: Rules, sums: Sums) -> Mapping[str, Most] | None:
    _require_same_minute(windows.last, sums)
    return judge.rest(windows, tuned, sums)


def _everybody(
    judge: Judge,
    minute: datetime,
    tuned: Rules,
    policy: str,
    sums: Sums,
    rest: Sequence[Mapping[str, Most] | None],
) -> pl.DataFrame:
    _require_same_minute(to_index(minute), sums)
    found = judge.about_everybody(tuned, policy, sums, rest)
    return judge.put_together(found, minute, pl.Series([], dtype=pl.String), np.zeros(0, np.bool_)).frame()


def _require_same_minute(last: int | None, sums: Sums) -> None:
    if last != sums.last:
        msg = f"the sums are those of minute {sums.last} since the epoch, asked for is {last}"
        raise ValueError(msg)
