"""Event rules and lists at the desk, and what became of transfers: why not, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

EVENT_RULES: Final[Mapping[str, str]] = {
    # versions of a rule
    "it says the same as version {version} of {rule}": "{rule} 규칙의 버전 {version}과(와) 같은 내용입니다",
    "change what it asks, or leave it as it is": "묻는 내용을 바꾸거나 그대로 두세요",
    "{name!r} is no version of an event rule": "{name!r}은(는) 거래 규칙의 버전이 아닙니다",
    "write it as RULE/VERSION, such as HIGH_VALUE/2": "HIGH_VALUE/2처럼 RULE/VERSION 형식으로 쓰세요",
    "see `minuterisk event-rules list`": "`minuterisk event-rules list`에서 확인하세요",
    "hand it in first: `minuterisk event-rules submit {rule} {version}`": (
        "먼저 제출하세요: `minuterisk event-rules submit {rule} {version}`"
    ),
    "`minuterisk event-rules backtest {rule} {version}` finds out, or a running service": (
        "`minuterisk event-rules backtest {rule} {version}`(으)로 또는 실행 중인 서비스가 알아냅니다"
    ),
    "version {number} is not what was seen: {seen} became {kept}": (
        "버전 {number}은(는) 확인한 내용과 다릅니다: {seen}이(가) {kept}(으)로 바뀌었습니다"
    ),
    "look at it again, then approve what you have seen": "다시 확인한 뒤 확인한 내용을 승인하세요",
    "draft it again by an account": "계정으로 초안을 다시 쓰세요",
    "with version {number} the rules ask {asked} measures, more than {most}": (
        "버전 {number}까지 더하면 규칙이 묻는 수치가 {asked}개로 최대 {most}개를 넘습니다"
    ),
    "retire a rule, or ask what others ask already": (
        "규칙 하나를 끝내거나 다른 규칙이 이미 묻는 것을 물으세요"
    ),
    "no version of {rule} is live": "적용 중인 {rule} 규칙의 버전이 없습니다",
    "`minuterisk event-rules resume {rule}` ends it": (
        "`minuterisk event-rules resume {rule}`(으)로 끝낼 수 있습니다"
    ),
    "`minuterisk event-rules list` shows what is": (
        "일시 정지된 규칙은 `minuterisk event-rules list`에서 볼 수 있습니다"
    ),
    # why a rule fired or did not
    "nobody knows the transfer {transfer!r}": "{transfer!r}(이)라는 거래는 없습니다",
    "see the ids on the screen of payments, or with `minuterisk sql`": (
        "거래의 아이디는 거래 화면이나 `minuterisk sql`에서 볼 수 있습니다"
    ),
    # lists
    "{name!r} cannot be the name of a list": "{name!r}은(는) 목록의 이름으로 쓸 수 없습니다",
    "use small letters, digits and _, at most 64, a letter first": (
        "소문자로 시작해 소문자, 숫자, _ 를 최대 64자까지 쓰세요"
    ),
    "{value} stands on the list {name} already: entry {number}": (
        "{value}은(는) 이미 {name} 목록에 있습니다: 항목 {number}"
    ),
    "remove that first: `minuterisk lists remove {number}`": (
        "먼저 지우세요: `minuterisk lists remove {number}`"
    ),
    "entry {number} ends {ended} already": "항목 {number}은(는) 이미 {ended}에 끝납니다",
    "{end} is over already": "{end}은(는) 이미 지났습니다",
    "an entry of a list": "목록의 항목",
    # words
    "list_entry": "목록의 항목",
    "transfer": "거래",
    "live": "적용 중",
    "shadow": "그림자",
    "retired": "끝난 버전",
    # what acts need to be told
    "json": "규칙 JSON",
    "an event rule as JSON": "거래 규칙, JSON",
    "sha256": "내용의 해시",
    "backtest_sha256": "백테스트의 해시",
    "the hash of what was seen": "확인한 내용의 해시",
    "list": "목록",
    "deny, allow, or a list that rules ask": "deny, allow 또는 규칙이 묻는 목록",
    "value": "값",
    "the value, such as an account": "값, 예: 계좌",
    "fraud": "사기 여부",
    "whether it was fraud": "사기였는지",
    "how that is known": "어떻게 알게 되었는지",
}
