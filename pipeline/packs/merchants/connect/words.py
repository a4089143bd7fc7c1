"""Names of columns and words of kinds as trade databases use them, Korean and English. Pure.

A dictionary can only propose: everything it finds is shown beside real rows before anything is written.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Literal

from pipeline.amounts import minor_places

if TYPE_CHECKING:
    from collections.abc import Mapping

#: What a word of the kind column stands for. `ignore`: nothing was paid and nothing was cancelled.
Meaning = Literal["approval", "cancel", "ignore"]

#: Patterns of snake_case names, the likeliest first.
ROLES: Final[Mapping[str, tuple[str, ...]]] = {
    "id": (
        r"(transaction|txn|trx|tran|trade|payment|pay|event|approval|cancel|refund|order)_(id|no|key|seq|uuid)",
        r"id|uuid|tid|seq|거래번호|거래_?id|결제번호|승인번호|번호",
        r"\w+_(id|no|key|seq|uuid)",
    ),
    "merchant": (
        r"merchant_(id|no|key|code|uuid)|merchant|mid|mch_?(id|no)|mcht_?(id|no)|가맹점_?(번호|id|코드)|가맹점",
        r"(shop|store|seller|partner|vendor|franchise|mall)_(id|no|key|code|uuid)",
        r"shop|store|seller|partner|vendor|franchise|상점_?(번호|id|코드)?|판매자_?(번호|id)?",
        r"(business|company|client)_(id|no)|사업자_?번호",
    ),
    "time": (
        r"(occurred|happened|transacted|transaction|txn|trx|tran|trade|traded|event)_(at|on|time|ts|dt|dttm|date)",
        r"(paid|captured|approved|approval|charged|purchased|payment|pay|sold|authorized)_(at|on|time|ts|dt|dttm|date)",
        r"occurred|거래_?(일시|시각)|결제_?(일시|시각)|승인_?(일시|시각)|발생_?(일시|시각)",
        r"(ts|timestamp|event_ts|at|dttm|일시)",
        r"(requested|completed|done|confirmed)_(at|on|time|ts|dt)",
        r"(created|inserted|reg|registered)_?(at|on|time|ts|dt|dttm|date)|등록_?일시|생성_?일시",
    ),
    "cancelled_at": (
        r"(cancel|cancell?ed|refund|refunded|void|voided|reversed|returned)_?(at|on|time|ts|dt|dttm|date)",
        r"(취소|환불)_?(일시|시각)",
    ),
    "kind": (
        r"kind|type|(event|txn|transaction|trx|tran|trade|payment|pay)_?(kind|type|cd|code|gb|gubun|div)",
        r"거래_?(구분|유형|종류)",
        r"(payment|pay|txn|transaction|trx|tran|approval|order|cancel|refund)_?(status|state|stat)",
        r"status|state|stat|(처리|결제|거래|취소)?_?상태|구분",
        r"\w+_(status|state|kind|type)|action|operation|op|event",
    ),
    "amount": (
        r"amount|amt|금액|(거래|승인|결제)_?금액",
        r"(total|paid|pay|payment|approved|approval|txn|trx|tran|transaction|trade|gross|order)_?(amount|amt|price|value)",
        r"(cancel|cancell?ed|refund|refunded)_?(amount|amt)|(취소|환불)_?금액",
        r"price|value|krw|won|합계|총액",
    ),
    "cancel_amount": (
        r"(total_)?(cancel|cancell?ed|refund|refunded)_?(amount|amt|price|value)",
        r"(취소|환불)_?금액",
    ),
    "updated_at": (
        r"(updated|modified|changed|upd|mod|last_updated|last_modified|chg)_?(at|on|time|ts|dt|dttm|date)",
        r"(수정|변경|갱신)_?(일시|시각)",
    ),
    "created_at": (
        r"(created|inserted|written|recorded|ingested|reg|registered|loaded|ins|crt)_?(at|on|time|ts|dt|dttm|date)",
        r"(등록|생성|기록|입력)_?(일시|시각)",
    ),
    "original_time": (
        r"(original|orig|org|origin|parent)_?(occurred|transaction|txn|trx|paid|approved|approval|payment|captured)_?(at|on|time|ts|dt)",
        r"(원거래|원승인)_?(일시|시각)",
        r"(approved|paid|captured|payment|approval)_(at|on|time|ts|dt)",
    ),
    "original_id": (
        r"(original|orig|org|origin|parent)_?(transaction|txn|trx|payment|approval|event)?_?(id|no|key|uuid)",
        r"원거래_?(번호|id)|원승인_?번호",
        r"(payment|approval|transaction|txn|charge|sale|order|capture)_(id|no|key|uuid)",
    ),
    "currency": (r"currency(_code|_cd)?|ccy|cur|curr(_cd)?|통화(_?코드)?",),
    "deleted": (
        r"(deleted|removed|del)_?(at|on|time|ts|dt)|is_(deleted|removed)|deleted|(del|delete|use_del)_?(yn|flag|fg)|삭제_?(일시|여부)",
    ),
    "name": (
        r"(merchant|shop|store|seller|partner|mcht|franchise)?_?(name|nm)|상호|상호명|가맹점_?명|title",
    ),
    "category": (
        r"(merchant_)?category(_code|_cd|_name|_nm)?|industry|mcc|biz_?type|sector|업종(_?코드|_?명)?",
    ),
    "business_date": (
        r"(business|sales?|settle(ment)?|trade|payout|base|target)_?(date|dt|day|ymd)|(정산|영업|매출|기준)_?(일|일자)|date|day",
    ),
    "settled_at": (
        r"(settled|paid|payout|paid_out|transferred|remitted|completed)_?(at|on|time|ts|dt)|(정산|지급|송금)_?(일시|시각)",
    ),
}

#: Points for the name of a table that may hold transactions; all that fit are added.
TABLE_POINTS: Final[Mapping[str, float]] = {
    r"transaction|txn|trx|trade|거래": 5,
    r"payment|pay(?!out)|결제": 5,
    r"approv|승인|charge|sale|capture": 4,
    r"event|이벤트|journal|ledger": 2,
    r"order|주문": 1,
    r"cancel|refund|void|revers|취소|환불": -2,
    r"settle|payout|정산|fee|수수료|balance|잔액|point|coupon|invoice": -8,
    r"backup|bak|_old|old_|tmp|temp|test|copy|archive|stag|stg|dup|hist|log|audit|_\d{6,8}$|^_": -6,
    r"daily|month|hour|summary|stat(s|istic)?(_|$)|report|agg|snapshot|집계|통계": -6,
}
CANCEL_TABLE: Final = re.compile(r"cancel|refund|void|revers|chargeback|return|취소|환불")
SETTLEMENT_TABLE: Final = re.compile(r"settle|payout|remit|정산|지급")
MERCHANT_TABLE: Final = re.compile(
    r"^(\w+_)?(merchant|shop|store|seller|partner|vendor|franchise|mcht|가맹점|상점|판매자)(s|_master|_info|_mst)?$"
)
OUT_OF_USE: Final = re.compile(r"backup|bak|_old|old_|tmp|temp|copy|archive|stag|stg|dup|hist|log|audit")

_IGNORE: Final = re.compile(
    r"FAIL|DECLIN|REJECT|PENDING|READY|WAIT|REQUEST|CREATED|EXPIRE|ABORT|TIMEOUT|PROGRESS|PROCESSING|INIT|ERROR"
    r"|DENIED|BLOCKED|SCHEDULED|실패|대기|거절|만료|요청|진행|준비|오류|접수|보류"
)
_CANCEL: Final = re.compile(r"CANCEL|CXL|CNCL|REFUND|VOID|REVERS|RETURN|취소|환불|반품")
_APPROVAL: Final = re.compile(
    r"APPROV|APPR\b|PAID|^PAY(MENT)?S?$|CAPTUR|DONE|SUCCESS|SUCCEED|SETTLED|COMPLET|CONFIRM|SALE|PURCHASE|^CHARGED?$|AUTH"
    r"|SOLD|승인|결제|완료|매출|구매|정상"
)
_AUTHORISED: Final = re.compile(r"AUTH")
_CAPTURED: Final = re.compile(r"CAPTUR")


def snake(name: str) -> str:
    """A name as the dictionary writes it: txnId, TXN-ID and "Txn Id" are txn_id."""
    humps = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return re.sub(r"[^\w]+", "_", humps).strip("_").lower()


def rank(name: str, role: str) -> int | None:
    """How likely a column of that name has the role: 0 is best; None where it is not in the dictionary."""
    low = snake(name)
    return next((n for n, pattern in enumerate(ROLES[role]) if re.fullmatch(pattern, low)), None)


def table_points(name: str) -> float:
    """How likely a table of that name holds transactions."""
    low = snake(name)
    return sum(points for pattern, points in TABLE_POINTS.items() if re.search(pattern, low))


def meaning_of(word: str) -> Meaning | None:
    """What a word of the kind column stands for; None where nobody knows: then a person is asked."""
    text = re.sub(r"[^\w]+", "_", word.strip()).upper()
    if _IGNORE.search(text):
        return "ignore"
    if _CANCEL.search(text):
        return "cancel"
    return "approval" if _APPROVAL.search(text) else None


def meanings_of(words: list[str]) -> dict[str, Meaning | None]:
    """The meaning of each word; where captures are told, what was only authorised is not counted again."""
    found = {word: meaning_of(word) for word in words}
    if any(_CAPTURED.search(word.upper()) for word in words):
        found |= {w: "ignore" for w, m in found.items() if m == "approval" and _AUTHORISED.search(w.upper())}
    return found


def exponent(currency: str) -> int:
    """Digits after the point of the currency's smallest unit (ISO 4217)."""
    return minor_places(currency.strip().upper())
