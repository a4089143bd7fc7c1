"""What the learned score looks at: the event and the past around it, never anything later. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import polars as pl

from baselines.transfers.measure import COUNT, DISTINCT, FIRST_SEEN, MEAN, SINCE_LAST, SPEED, SUM, Measure

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    #: A row per event, a column per feature; NaN where it is not known.
    Features = np.ndarray[tuple[int, int], np.dtype[np.float64]]

_HOUR: Final = 3_600_000
_DAY: Final = 24 * _HOUR
_WEEK: Final = 7 * _DAY
_ACCOUNT: Final = (("account_id", "account_id"),)
_PAYEE: Final = (("payee_id", "payee_id"),)
_PAIR: Final = (("account_id", "account_id"), ("payee_id", "payee_id"))
_DEVICE: Final = (("account_id", "account_id"), ("device_id", "device_id"))
_RECEIVED: Final = (("payee_id", "account_id"),)
_CARD: Final = (("card_id", "card_id"),)

MEASURES: Final[Mapping[str, Measure]] = {
    "account_count_1h": Measure(COUNT, None, _ACCOUNT, _HOUR),
    "account_count_24h": Measure(COUNT, None, _ACCOUNT, _DAY),
    "account_count_7d": Measure(COUNT, None, _ACCOUNT, _WEEK),
    "account_sum_1h": Measure(SUM, "amount", _ACCOUNT, _HOUR),
    "account_sum_24h": Measure(SUM, "amount", _ACCOUNT, _DAY),
    "account_mean_7d": Measure(MEAN, "amount", _ACCOUNT, _WEEK),
    "account_payees_24h": Measure(DISTINCT, "payee_id", _ACCOUNT, _DAY),
    "account_since_last": Measure(SINCE_LAST, None, _ACCOUNT),
    "account_first_seen": Measure(FIRST_SEEN, None, _ACCOUNT),
    "received_count_24h": Measure(COUNT, None, _RECEIVED, _DAY),
    "received_sum_24h": Measure(SUM, "amount", _RECEIVED, _DAY),
    "payee_count_24h": Measure(COUNT, None, _PAYEE, _DAY),
    "payee_count_7d": Measure(COUNT, None, _PAYEE, _WEEK),
    "payee_payers_24h": Measure(DISTINCT, "account_id", _PAYEE, _DAY),
    "payee_first_seen": Measure(FIRST_SEEN, None, _PAIR),
    "device_first_seen": Measure(FIRST_SEEN, None, _DEVICE),
    "card_since_last": Measure(SINCE_LAST, None, _CARD),
    "card_kmh": Measure(SPEED, "kmh", _CARD),
}
FIELDS: Final = ("amount", "local_hour", "account_age_days")
KINDS: Final = ("card", "cash")
#: The amount in hundredths of what is usual for the account.
_RATIO: Final = "amount_to_mean_percent"
NAMES: Final = (*FIELDS, *KINDS, _RATIO, *MEASURES)
#: What people are told they are.
WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "amount": {"ko": "금액", "en": "amount"},
    "local_hour": {"ko": "시각", "en": "hour of the day"},
    "account_age_days": {"ko": "계좌 나이", "en": "age of the account"},
    "card": {"ko": "카드 결제", "en": "card payment"},
    "cash": {"ko": "현금 거래", "en": "cash"},
    _RATIO: {"ko": "평소 대비 금액", "en": "amount against the usual"},
    "account_count_1h": {"ko": "1시간 거래 수", "en": "payments in an hour"},
    "account_count_24h": {"ko": "24시간 거래 수", "en": "payments in a day"},
    "account_count_7d": {"ko": "7일 거래 수", "en": "payments in 7 days"},
    "account_sum_1h": {"ko": "1시간 거래 금액", "en": "money in an hour"},
    "account_sum_24h": {"ko": "24시간 거래 금액", "en": "money in a day"},
    "account_mean_7d": {"ko": "7일 평균 금액", "en": "7-day mean amount"},
    "account_payees_24h": {"ko": "24시간 수취인 수", "en": "payees in a day"},
    "account_since_last": {"ko": "직전 거래 후 시간", "en": "time since the last payment"},
    "account_first_seen": {"ko": "첫 거래 후 시간", "en": "time since the first payment"},
    "received_count_24h": {"ko": "24시간 입금 수", "en": "payments received in a day"},
    "received_sum_24h": {"ko": "24시간 입금 금액", "en": "money received in a day"},
    "payee_count_24h": {"ko": "수취인의 24시간 입금 수", "en": "the payee's payments in a day"},
    "payee_count_7d": {"ko": "수취인의 7일 입금 수", "en": "the payee's payments in 7 days"},
    "payee_payers_24h": {"ko": "수취인에게 보낸 계좌 수", "en": "the payee's payers in a day"},
    "payee_first_seen": {"ko": "이 수취인과의 첫 거래", "en": "first payment to the payee"},
    "device_first_seen": {"ko": "이 기기의 첫 사용", "en": "first use of the device"},
    "card_since_last": {"ko": "카드의 직전 사용", "en": "last use of the card"},
    "card_kmh": {"ko": "카드의 이동 속도", "en": "speed of the card"},
}


def matrix_of(valued: pl.DataFrame) -> Features:
    """The features of many events, from their fields and their measures by column."""
    mean = pl.col(MEASURES["account_mean_7d"].column)
    columns = [
        *(pl.col(name) for name in FIELDS),
        *((pl.col("kind") == name).alias(name) for name in KINDS),
        pl.when(mean > 0).then(pl.col("amount") * 100 // mean).alias(_RATIO),
        *(pl.col(measure.column).alias(name) for name, measure in MEASURES.items()),
    ]
    frame = valued.select(column.cast(pl.Float64) for column in columns)
    return frame.fill_null(float("nan")).to_numpy()


def row_of(values: Mapping[str, Any]) -> list[float]:
    """The same of one event."""
    mean = values[MEASURES["account_mean_7d"].column]
    found = [
        *(values[name] for name in FIELDS),
        *(values["kind"] == name for name in KINDS),
        values["amount"] * 100 // mean if mean else None,
        *(values[measure.column] for measure in MEASURES.values()),
    ]
    return [float("nan") if value is None else float(value) for value in found]
