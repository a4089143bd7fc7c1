"""The numbers of the stand-in's traffic: categories, day curves, tickets, cancels. Plausible, not measured.

They are chosen to look like Korean card commerce to someone who knows it; no company's data is behind
them. `python -m data.merchants.measure` shows what traffic they give.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

#: Share of a day's transactions in each hour of the Korean day, from 00:00 (any scale; normalised later),
#: and the factor of each weekday from Monday.
RHYTHMS: Final[dict[str, tuple[tuple[float, ...], tuple[float, ...]]]] = {
    # online shops: lunch break, then a long evening that ends after midnight
    "online": (
        (34, 18, 9, 6, 5, 7, 14, 28, 44, 58, 66, 72, 80, 74, 66, 64, 64, 66, 68, 74, 86, 94, 88, 62),
        (1.06, 1.04, 1.02, 1.00, 0.98, 0.93, 0.97),
    ),
    # meals: noon and six to eight in the evening, more at the weekend
    "meals": (
        (14, 8, 5, 3, 2, 3, 8, 20, 30, 32, 48, 96, 118, 78, 46, 42, 50, 82, 116, 108, 76, 52, 36, 22),
        (0.92, 0.93, 0.95, 0.98, 1.08, 1.10, 1.04),
    ),
    # places one goes to: shop hours
    "places": (
        (4, 2, 1, 1, 1, 3, 10, 26, 42, 62, 78, 86, 92, 92, 90, 88, 88, 90, 86, 74, 56, 36, 18, 8),
        (0.96, 0.95, 0.96, 0.98, 1.06, 1.10, 0.99),
    ),
}


@dataclass(frozen=True, slots=True)
class Category:
    """A kind of merchant. `share` is of merchants; the ticket is lognormal around its median."""

    name: str
    noun: str  # the end of a merchant's name
    share: float
    rhythm: str
    ticket_median_krw: int
    ticket_sigma: float
    ticket_step_krw: int
    cancel_rate: float


#: In this order rank 1 is a marketplace and rank 2 a travel company, see population._categories.
CATEGORIES: Final = (
    Category("academy", "학원", 0.08, "places", 90_000, 0.60, 100, 0.035),
    Category("grocery", "마트", 0.17, "places", 32_000, 0.65, 10, 0.022),
    Category("fashion", "의류", 0.14, "online", 46_000, 0.70, 100, 0.075),
    Category("travel", "여행", 0.06, "online", 140_000, 0.80, 100, 0.065),
    Category("electronics", "전자", 0.08, "online", 95_000, 0.90, 100, 0.050),
    Category("furniture", "가구", 0.05, "places", 120_000, 0.85, 100, 0.055),
    Category("gift_card", "상품권", 0.03, "online", 50_000, 0.60, 100, 0.025),
    Category("restaurant", "식당", 0.19, "meals", 24_000, 0.60, 100, 0.020),
    Category("marketplace", "상회", 0.20, "online", 28_000, 0.80, 10, 0.045),
)

NAME_STARTS: Final = (
    "한빛",
    "푸른",
    "새봄",
    "다온",
    "가람",
    "미소",
    "하늘",
    "늘찬",
    "바른",
    "온누리",
    "두레",
    "별빛",
)

#: Where cards come from: mostly Korea, a few visitors and foreign buyers. All amounts are KRW.
COUNTRIES: Final = (
    ("KR", 0.972),
    ("US", 0.008),
    ("JP", 0.007),
    ("CN", 0.006),
    ("TW", 0.003),
    ("SG", 0.002),
    ("VN", 0.002),
)

#: Payout after so many business days, and the share of merchants with it.
SETTLEMENT_CYCLES: Final = ((1, 0.15), (2, 0.35), (3, 0.25), (5, 0.15), (7, 0.10))

#: Of all cancels, within an hour of the approval: second thoughts, typing errors.
QUICK_CANCEL_SHARE: Final = 0.4
PARTIAL_CANCEL_SHARE: Final = 0.1  # of all cancels, less than the approved amount
LARGEST_TICKET_KRW: Final = 50_000_000  # above it nobody pays by card in one go
MERCHANT_TICKET_SIGMA: Final = 0.35  # merchants of one category differ by this (lognormal)
MERCHANT_CANCEL_SIGMA: Final = 0.20  # the same for cancel rates
CANCEL_RATES: Final = (0.012, 0.085)  # the lowest and highest of any healthy merchant
CUSTOMERS_PER_MERCHANT: Final = 50
LONGEST_LATENCY_US: Final = 400_000  # from the payment to the row's database transaction
