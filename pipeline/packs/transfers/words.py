"""What the pack says, in Korean and English. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "ko": {
        "entity": "계좌",
        "top": "주요 계좌",
        "tail": "일반 계좌",
        "blocked": "차단된 거래",
        "to_review": "확인할 거래",
        "blocked.one": "거래 {events}건을 막았습니다. 합계 {amount}, 가장 높은 점수 {score}점입니다.",
        "to_review.one": "거래 {events}건을 확인해야 합니다. 합계 {amount}, 가장 높은 점수 {score}점입니다.",
        "denied": "차단 목록에 있습니다.",
        "mixed": "여러 통화",
        "further": "외 {count}건",
    },
    "en": {
        "entity": "account",
        "top": "large account",
        "tail": "account",
        "blocked": "payments blocked",
        "to_review": "payments to review",
        "blocked.one": "Payments blocked: {events}, of {amount} together, highest score {score}.",
        "to_review.one": "Payments to review: {events}, of {amount} together, highest score {score}.",
        "denied": "It is on a deny list.",
        "mixed": "several currencies",
        "further": "and {count} more",
    },
}
#: What is not known of an event while a query does not give the column.
ORNAMENTS: Final[Mapping[str, str]] = {
    "user_id": "whose account it is: the account stands for its user",
    "country": "in which country payments were made",
    "payee_id": "who is paid",
    "card_id": "which card paid",
    "device_id": "from which device payments were made",
    "merchant_id": "at which shop payments were made",
    "channel": "by which channel payments were made",
    "lat_e6": "where payments were made",
    "lon_e6": "where payments were made, as longitude",
    "account_opened": "how old accounts are",
}
