"""The texts of lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

KOREAN: Final[Mapping[str, str]] = {
    "screen.lists": "목록",
    "lists.choose": "목록",
    "lists.unknown": "그런 목록은 없습니다: {name}",
    "lists.none": "이 목록은 비어 있습니다.",
    "lists.cut": "{count}개 중 {shown}개를 보여 줍니다. 나머지: minuterisk lists list",
    "lists.by": "{by}이(가) 추가",
    "lists.span": "{since} ~ {until}",
    "lists.until.removed": "뺄 때까지",
    "lists.reason": "이유 (감사에 남습니다)",
    "lists.remove": "목록에서 빼기",
    "lists.removed": "{value}을(를) 1초 뒤에 뺍니다.",
    "lists.add": "추가하기",
    "lists.may_not": "이 목록은 규칙 관리자만 바꿀 수 있습니다.",
    "lists.new": "다른 목록 이름 (비우면 지금 목록)",
    "lists.value": "값 (계좌, 수취인 등)",
    "lists.for": "기간",
    "lists.add.button": "추가",
    "lists.added": "{value}: 1초 뒤부터 {list}에 있습니다.",
    "list_name.deny": "차단 목록",
    "list_name.allow": "허용 목록",
    "list_about.deny": "이 계좌나 수취인의 거래는 언제나 차단합니다",
    "list_about.allow": "확인 대상을 허용으로 바꿉니다. 차단은 바꾸지 않습니다",
    "list_about.other": "규칙이 찾아보는 목록입니다",
}

ENGLISH: Final[Mapping[str, str]] = {
    "screen.lists": "Lists",
    "lists.choose": "List",
    "lists.unknown": "There is no such list: {name}",
    "lists.none": "Nothing is on this list.",
    "lists.cut": "{shown} of {count} are shown. The others: minuterisk lists list",
    "lists.by": "added by {by}",
    "lists.span": "{since} to {until}",
    "lists.until.removed": "until it is removed",
    "lists.reason": "Why (kept in the audit)",
    "lists.remove": "Take it off",
    "lists.removed": "{value} is taken off from the next second on.",
    "lists.add": "Add a value",
    "lists.may_not": "Only an administrator of rules may change this list.",
    "lists.new": "Name of another list (empty: this one)",
    "lists.value": "Value (an account, a payee, …)",
    "lists.for": "For",
    "lists.add.button": "Add",
    "lists.added": "{value}: on {list} from the next second on.",
    "list_name.deny": "deny list",
    "list_name.allow": "allow list",
    "list_about.deny": "payments of these accounts or to these payees are always blocked",
    "list_about.allow": "turns review into allow, and never a block",
    "list_about.other": "rules look on it",
}
