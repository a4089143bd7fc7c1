"""Whether a learned score is worth having: beside the amount alone and the rules, at as many alerts. Pure.

All three are measured on the last third of the time, which the trees never saw. Each gets as many alerts as
the rules gave there. Intervals come from resampling accounts, because the frauds of one account go together.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from pipeline.packs.transfers.learned.model import MOST_POINTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    Numbers = np.ndarray[Any, np.dtype[Any]]

#: So many frauds have to be known before anything is learned.
FEWEST_FRAUDS: Final = 200
TOO_FEW: Final = "too few frauds are labelled"
#: Why it stays off, by whether it beats the amount alone and the rules.
NOT_BEATEN: Final = {
    (False, False): "it beats neither the amount alone nor the rules",
    (False, True): "it does not beat the amount alone",
    (True, False): "it does not beat the rules",
}
#: Where the rules gave no alert, so many of 1,000 events.
_ALERTS_PER_1000: Final = 5
#: A point is given down to so many times the alerts.
_WIDEST: Final = 3
_DRAWS: Final = 1_000
_INTERVAL: Final = (2.5, 97.5)


@dataclass(frozen=True, slots=True)
class Seen:
    """Events of the last third in the order of their times, as arrays of one length."""

    score: Numbers  # of the trees
    amount: Numbers
    alerted: Numbers  # bool: the rules did not simply allow it
    fraud: Numbers  # bool
    account: Numbers  # a number for each account


def compare(seen: Seen, seed: int = 0) -> dict[str, Any]:
    """Precision with its interval of the score, the amount alone and the rules; plain JSON."""
    alerts = int(seen.alerted.sum()) or math.ceil(len(seen.fraud) * _ALERTS_PER_1000 / 1000)
    chosen = {
        "learned": _highest(seen.score, alerts),
        "amount": _highest(seen.amount, alerts),
        "rules": seen.alerted,
    }
    found = {name: _precision(alert, seen, seed) for name, alert in chosen.items()}
    beaten = {name: _apart(found["learned"], found[name]) for name in ("amount", "rules")}
    return {
        "events": len(seen.fraud),
        "frauds": int(seen.fraud.sum()),
        "alerts": alerts,
        **found,
        "beats": beaten,
        "better": all(beaten.values()),
    }


def steps(values: Numbers, alerts: int) -> list[float]:
    """From where on 1 to 30 points are given: 30 where the alerts begin, 1 at three times as many."""
    descending = np.sort(values)[::-1]
    ranks = [alerts * _WIDEST ** ((MOST_POINTS - n) / (MOST_POINTS - 1)) for n in range(1, MOST_POINTS + 1)]
    return [float(descending[min(math.ceil(rank), len(values)) - 1]) for rank in ranks]


def verdict(measured: Mapping[str, Any]) -> str | None:
    """Why the score stays off; None where it may be approved."""
    if measured["known_frauds"] < FEWEST_FRAUDS:
        return TOO_FEW
    beats = measured["test"]["beats"]
    return NOT_BEATEN.get((beats["amount"], beats["rules"]))


def _highest(values: Numbers, many: int) -> Numbers:
    """The highest of them; of equal ones the earlier."""
    alert = np.zeros(len(values), bool)
    alert[np.argsort(-values.astype(np.float64), kind="stable")[:many]] = True
    return alert


def _precision(alert: Numbers, seen: Seen, seed: int) -> dict[str, Any]:
    size = int(seen.account.max()) + 1 if len(seen.account) else 0
    alerts = np.bincount(seen.account, alert, size)
    caught = np.bincount(seen.account, alert & seen.fraud, size)
    concerned = alerts > 0
    alerts, caught = alerts[concerned], caught[concerned]
    # Every account is drawn as often as chance has it: once on average.
    drawn = np.random.default_rng(seed).poisson(1, (_DRAWS, len(alerts)))
    many = drawn @ alerts
    shares = (drawn @ caught)[many > 0] / many[many > 0]
    low, high = np.percentile(shares, _INTERVAL) if len(shares) else (0.0, 0.0)
    total = int(alerts.sum())
    return {
        "alerts": total,
        "caught": int(caught.sum()),
        "precision": round(float(caught.sum()) / total, 4) if total else None,
        "interval": [round(float(low), 4), round(float(high), 4)],
    }


def _apart(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether one is better for sure: its interval lies above the other's."""
    return bool(one["alerts"] and one["interval"][0] > other["interval"][1])
