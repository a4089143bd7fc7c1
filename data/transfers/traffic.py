"""Seeded payments of a bank's customers. Pure.

A row is a function of the configuration and of its payment's number, and a number is made of its minute:
`minute index · 10,000,000 + k`. So history and live payments, in whatever chunks, give the same rows, and
nothing is carried from one call to the next. Amounts are KRW, times UTC in whole milliseconds.

A payment that is reversed has two rows with one id: as it was booked, and later as it was reversed.
`arrives_at` is when a row is written: a moment after the payment, for late ones seconds to minutes after it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from data.chance import Dice, pick
from data.transfers.cases import rows_of
from data.transfers.model import (
    ACTIVITY,
    AMOUNT_MEDIAN_KRW,
    AMOUNT_SIGMA,
    AMOUNT_STEP_KRW,
    COUNTRIES,
    DECLINED_SHARE,
    HOURS,
    LATE_MS,
    LEAST_KRW,
    LONGEST_MOMENT_MS,
    MERCHANTS,
    MOST_KRW,
    NEW_PAYEE_SHARE,
    OPENED_BEFORE,
    OPENED_DAYS,
    PAYEES,
    REACH,
    REVERSAL_MS,
    REVERSED_SHARE,
    SECOND_ACCOUNT_SHARE,
    SECOND_DEVICE_SHARE,
    TOWN_DEGREES,
    TOWNS,
    VERY_LATE_MS,
    VERY_LATE_SHARE,
    WAYS,
)
from pipeline.errors import UsageError
from pipeline.minute import DAY_MINUTES, EPOCH, HOUR_MINUTES, Span, from_index, require_minute, to_index
from pipeline.packs.transfers.schema import COMPLETED, DECLINED, EVENT, REVERSED
from pipeline.schema import UTC_TIME

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from data.transfers.bank import Bank
    from data.transfers.cases import PlacedCase

#: A row as it comes: the event, and when it is written.
ARRIVAL: Final = pl.Schema({**EVENT, "arrives_at": UTC_TIME})

MINUTE_MS: Final = 60_000
_MS: Final = timedelta(milliseconds=1)
_PER_MINUTE: Final = 10_000_000
_KST_MINUTES: Final = 9 * HOUR_MINUTES
_MOST_USERS: Final = 10_000_000
_MOST_PER_DAY: Final = 30_000 * 86_400
_STATUSES: Final = pl.Series([COMPLETED, DECLINED, REVERSED])


@dataclass(frozen=True, slots=True)
class TrafficConfig:
    """What the payments are like; equal configurations give equal rows.

    Without `rhythm` every minute of the day is alike. `late_share` of the payments are written late.
    """

    users: int = 2_000
    per_day: int = 20_000
    seed: int = 1
    rhythm: bool = True
    late_share: float = 0.0
    cases: tuple[PlacedCase, ...] = ()

    def __post_init__(self) -> None:
        _require(1 < self.users <= _MOST_USERS, "users", self.users, f"2 to {_MOST_USERS:,}")
        _require(1 <= self.per_day <= _MOST_PER_DAY, "per_day", self.per_day, f"1 to {_MOST_PER_DAY:,}")
        _require(0 <= self.late_share <= 1, "late_share", self.late_share, "0 to 1")
        _require(self.seed >= 0, "seed", self.seed, "0 or more")

    def at_tps(self, tps: float) -> TrafficConfig:
        """The same with `tps` payments in every second, day and night."""
        return replace(self, per_day=max(1, round(tps * 86_400)), rhythm=False)


class Traffic:
    """The payments of one configuration, written into `bank` by whoever feeds it."""

    due_by: Final = "arrives_at"
    reach: Final = REACH

    def __init__(self, config: TrafficConfig, bank: Bank) -> None:
        self.config = config
        self.sink = bank
        self._dice = Dice(config.seed)
        self._position: datetime | None = None
        self._cases = rows_of(config.cases)
        curve = np.array(HOURS if config.rhythm else [1] * len(HOURS), dtype=np.float64)
        self._curve = curve / curve.mean() * config.per_day / DAY_MINUTES

    @property
    def seed(self) -> int:
        """Of everything random."""
        return self.config.seed

    @property
    def position(self) -> datetime | None:
        """Where the rows given so far end."""
        return self._position

    def chunks(self, span: Span, rows: int) -> Iterator[Span]:
        """`span` in parts of about so many rows."""
        minutes = max(1, int(rows / self._curve.max()))
        first, last = to_index(span.start), to_index(span.end)
        for begin in range(first, last, minutes):
            yield Span(from_index(begin), from_index(min(begin + minutes, last)))

    def rows(self, span: Span) -> pl.DataFrame:
        """All rows of the payments made in `span`, as ARRIVAL, in the order in which they are written."""
        first, last = to_index(require_minute(span.start)), to_index(require_minute(span.end))
        self._position = span.end
        booked = self._booked(self._numbers(np.arange(first, last)))
        happened = pl.col("occurred_at").is_between(span.start, span.end, closed="left")
        every = pl.concat([booked, self._cases.filter(happened)])
        return every.sort("arrives_at", "occurred_at", maintain_order=True)

    def labels(self) -> pl.DataFrame:
        """What the cases are, and which of their payments must fire; see `PlacedCase.label`."""
        return pl.DataFrame([case.label() for case in self.config.cases])

    def _numbers(self, minutes: NDArray[np.int64]) -> NDArray[np.int64]:
        hour = (minutes + _KST_MINUTES) // HOUR_MINUTES % 24
        counts = [
            self._dice.poisson("count", int(m), self._curve[h]) for m, h in zip(minutes, hour, strict=True)
        ]
        starts = np.repeat(minutes * _PER_MINUTE, counts)
        return starts + np.concatenate([np.arange(c) for c in counts] or [np.empty(0, np.int64)]).astype(
            np.int64
        )

    def _booked(self, numbers: NDArray[np.int64]) -> pl.DataFrame:
        """The rows of these payments, those of reversals behind them."""
        dice = self._dice
        time_ms = numbers // _PER_MINUTE * MINUTE_MS
        time_ms += (dice.uniform("time", numbers) * MINUTE_MS).astype(np.int64)
        arrives_ms = time_ms + self._delay_ms(numbers)
        status = np.where(dice.uniform("declined", numbers) < DECLINED_SHARE, 1, 0)
        rows = self._frame(numbers, time_ms, arrives_ms, status)
        back = np.flatnonzero((dice.uniform("reversed", numbers) < REVERSED_SHARE) & (status == 0))
        if not len(back):
            return rows
        later = between(dice.uniform("reversal", numbers[back]), REVERSAL_MS)
        reversals = rows[back].with_columns(
            status=pl.lit(REVERSED), arrives_at=times(np.maximum(arrives_ms[back], time_ms[back] + later) + 1)
        )
        return pl.concat([rows, reversals])

    def _delay_ms(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        dice, share = self._dice, self.config.late_share
        moment = (dice.uniform("moment", numbers) * LONGEST_MOMENT_MS).astype(np.int64)
        if not share:
            return moment
        late = dice.uniform("late", numbers)
        delay = between(dice.uniform("delay", numbers), LATE_MS)
        very = between(dice.uniform("delay", numbers), VERY_LATE_MS)
        delay = np.where(late < share * VERY_LATE_SHARE, very, delay)
        return np.where(late < share, delay, moment)

    def _frame(
        self,
        numbers: NDArray[np.int64],
        time_ms: NDArray[np.int64],
        arrives_ms: NDArray[np.int64],
        status: NDArray[np.int64],
    ) -> pl.DataFrame:
        dice, users = self._dice, self.config.users
        user = (dice.uniform("user", numbers) ** ACTIVITY * users).astype(np.int64)
        way = pick(dice.uniform("way", numbers), tuple(w.share for w in WAYS))
        kind, channel = pl.Series([w.kind for w in WAYS])[way], pl.Series([w.channel for w in WAYS])[way]
        second = 1 + (dice.uniform("account", numbers) < SECOND_ACCOUNT_SHARE).astype(np.int64)
        device = 1 + (dice.uniform("device", numbers) < SECOND_DEVICE_SHARE).astype(np.int64)
        codes = [code for code, _ in COUNTRIES]
        shares = tuple(share for _, share in COUNTRIES)
        transfer, card, app = kind == "transfer", kind == "card", channel.is_in(["app", "web", "online"])
        lat, lon = self._places(numbers, user)
        named = pl.select(user=pl.Series(user).cast(pl.String).str.zfill(7)).to_series()
        frame = pl.DataFrame(
            {
                "transfer_id": "T" + pl.Series(numbers).cast(pl.String),
                "kind": kind,
                "status": _STATUSES[status],
                "account_id": "A" + named + pl.Series(second).cast(pl.String),
                "user_id": "U" + named,
                "amount": self._amounts(numbers),
                "currency": pl.repeat("KRW", len(numbers), eager=True),
                "country": pl.Series(codes)[pick(dice.uniform("country", numbers), shares)],
                "occurred_at": times(time_ms),
                "payee_id": self._payees(numbers, user).set(~transfer, None),
                "card_id": ("C" + named + pl.Series(second).cast(pl.String)).set(~card, None),
                "device_id": ("D" + named + pl.Series(device).cast(pl.String)).set(~app, None),
                "merchant_id": self._merchants(numbers).set(~card, None),
                "channel": channel,
                "lat_e6": pl.Series(lat).set(app, None),
                "lon_e6": pl.Series(lon).set(app, None),
                "account_opened": self._opened(user),
                "arrives_at": times(arrives_ms),
            }
        )
        return frame.cast(ARRIVAL)

    def _amounts(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        drawn = AMOUNT_MEDIAN_KRW * np.exp(AMOUNT_SIGMA * self._dice.normal("amount", numbers))
        rounded = np.rint(drawn / AMOUNT_STEP_KRW).astype(np.int64) * AMOUNT_STEP_KRW
        return np.clip(rounded, LEAST_KRW, MOST_KRW)

    def _payees(self, numbers: NDArray[np.int64], user: NDArray[np.int64]) -> pl.Series:
        """Another user's first account: one of a few that this one knows, seldom anybody."""
        slot = (self._dice.uniform("slot", numbers) * PAYEES).astype(np.int64)
        known = self._dice.uniform("payee", user * PAYEES + slot)
        anybody = self._dice.uniform("stranger", numbers)
        new = self._dice.uniform("new payee", numbers) < NEW_PAYEE_SHARE
        users = self.config.users
        step = 1 + (np.where(new, anybody, known) * (users - 1)).astype(np.int64)
        other = pl.Series((user + step) % users).cast(pl.String).str.zfill(7)
        return "A" + other + "1"

    def _merchants(self, numbers: NDArray[np.int64]) -> pl.Series:
        shop = (self._dice.uniform("merchant", numbers) ** 2 * MERCHANTS).astype(np.int64)
        return "M" + pl.Series(shop).cast(pl.String).str.zfill(5)

    def _places(
        self, numbers: NDArray[np.int64], user: NDArray[np.int64]
    ) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Where the user was, in millionths of a degree: around the town where the user lives."""
        town = pick(self._dice.uniform("town", user), tuple(t[2] for t in TOWNS))
        found = []
        for axis, name in enumerate(("lat", "lon")):
            centre = np.array([t[axis] for t in TOWNS])[town]
            away = (self._dice.uniform(name, numbers) - 0.5) * TOWN_DEGREES
            found.append(np.rint((centre + away) * 1e6).astype(np.int32))
        return found[0], found[1]

    def _opened(self, user: NDArray[np.int64]) -> pl.Series:
        days = (self._dice.uniform("opened", user) * OPENED_DAYS).astype(np.int64)
        return times((OPENED_BEFORE - EPOCH) // _MS - days * DAY_MINUTES * MINUTE_MS)


def accounts(users: int) -> pl.Series:
    """The accounts of so many users, two each."""
    named = pl.Series(np.arange(users)).cast(pl.String).str.zfill(7)
    return pl.concat(["A" + named + "1", "A" + named + "2"])


def times(ms: NDArray[np.int64]) -> pl.Series:
    """Moments from milliseconds since the epoch."""
    return pl.Series(ms * 1000).cast(UTC_TIME)


def between(draws: NDArray[np.float64], ends: tuple[int, int]) -> NDArray[np.int64]:
    """Draws in [0, 1) as whole numbers between two ends."""
    return np.asarray(ends[0] + draws * (ends[1] - ends[0]), dtype=np.int64)


def _require(holds: bool, name: str, value: object, allowed: str) -> None:  # noqa: FBT001  # one check
    if not holds:
        msg = f"{name} = {value} is refused"
        raise UsageError(msg, f"{name} is {allowed}")
