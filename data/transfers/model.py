"""The numbers of the stand-in's payments: who pays whom, how, how much and when. Plausible, not measured.

Ordinary payments are made to be boring: hardly one of them makes a rule fire, so what fires in a demo are the
labelled cases of `cases.toml`. No company's data is behind any of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

#: Share of a day's payments in each hour of the Korean day, from 00:00 (any scale).
HOURS: Final = (30, 16, 9, 6, 6, 9, 20, 42, 62, 70, 76, 84, 104, 92, 80, 76, 76, 84, 96, 98, 90, 80, 62, 44)

LEAST_KRW: Final = 1_000
MOST_KRW: Final = 1_500_000
AMOUNT_MEDIAN_KRW: Final = 38_000
AMOUNT_SIGMA: Final = 1.05  # lognormal: about one payment in a thousand is over a million
AMOUNT_STEP_KRW: Final = 10


@dataclass(frozen=True, slots=True)
class Way:
    """A way to pay: its kind, its channel and how often."""

    kind: str
    channel: str
    share: float


WAYS: Final = (
    Way("transfer", "app", 0.40),
    Way("transfer", "web", 0.06),
    Way("card", "pos", 0.36),
    Way("card", "online", 0.14),
    Way("cash", "atm", 0.04),
)
#: Where payments are made from; hardly anybody is abroad.
COUNTRIES: Final = (("KR", 0.9985), ("JP", 0.0006), ("US", 0.0005), ("VN", 0.0004))
#: Latitude and longitude of where people live, and the share of them.
TOWNS: Final = (
    (37.5665, 126.9780, 0.42),  # Seoul
    (35.1796, 129.0756, 0.15),  # Busan
    (37.4563, 126.7052, 0.13),  # Incheon
    (35.8714, 128.6014, 0.11),  # Daegu
    (36.3504, 127.3845, 0.10),  # Daejeon
    (35.1595, 126.8526, 0.09),  # Gwangju
)
TOWN_DEGREES: Final = 0.04  # people pay within a few kilometres: nobody travels by accident

DECLINED_SHARE: Final = 0.012
REVERSED_SHARE: Final = 0.004
SECOND_ACCOUNT_SHARE: Final = 0.15  # of payments
SECOND_DEVICE_SHARE: Final = 0.2  # of payments
PAYEES: Final = 6  # everybody pays the same few others
NEW_PAYEE_SHARE: Final = 0.04  # of transfers
MERCHANTS: Final = 3_000
#: The most active users make most payments.
ACTIVITY: Final = 1.6

#: From the payment to its row: a moment, but for those that come late.
LONGEST_MOMENT_MS: Final = 120
#: How late a late payment is: mostly within the minute that is judged again at once, a few beyond it.
LATE_MS: Final = (2_000, 55_000)
VERY_LATE_SHARE: Final = 0.03  # of the late ones
VERY_LATE_MS: Final = (65_000, 240_000)
#: A reversal follows its payment after so long.
REVERSAL_MS: Final = (20_000, 480_000)
#: No row comes longer than this after its payment.
REACH: Final = timedelta(minutes=15)

#: Accounts were opened in the ten years before this day.
OPENED_BEFORE: Final = datetime(2026, 1, 1, tzinfo=UTC)
OPENED_DAYS: Final = 3_650
FIRST_BALANCE_KRW: Final = 10_000_000_000
