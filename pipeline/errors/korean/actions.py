"""What is done about money: why not, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

ACTIONS: Final[Mapping[str, str]] = {
    # how an action stands
    "proposed": "제안됨",
    "told": "전달됨",
    "confirmed": "확인됨 (실행)",
    "lapsed": "효력 없음",
    # what acts need to be told
    "action": "조치",
    "kind": "종류",
    "percent": "비율(%)",
    "amount": "금액",
    "what is to be done": "무엇을 할지",
    "the share, of what has one": "비율이 있는 조치의 비율",
    "what it would keep; without it, by the money of now": "지킬 금액. 비우면 지금 금액으로 계산합니다",
    "from when on it helps no more; without it, by the money of now": (
        "언제부터 효과가 없는지. 비우면 지금 금액으로 계산합니다"
    ),
    # why not
    "the pack {pack} knows nothing to do about money": "{pack} 관제에는 자금 조치가 없습니다",
    "choose an incident of another pack": "다른 관제의 사건을 고르세요",
    "open it again first: nothing is proposed about what is over": (
        "먼저 사건을 다시 여세요. 끝난 사건에는 조치를 제안하지 않습니다"
    ),
    "there is no action {kind!r}": "{kind!r}(이)라는 조치는 없습니다",
    "{kind} needs a share": "{kind} 조치에는 비율이 필요합니다",
    "give it: --percent 10": "비율을 입력하세요: --percent 10",
    "{kind} has no share": "{kind} 조치에는 비율이 없습니다",
    "leave --percent out": "--percent 옵션을 빼세요",
    "the share is {percent} %": "비율이 {percent}%입니다",
    "give one from 1 to 100": "1부터 100까지 입력하세요",
    "the amount is {amount:,}": "금액이 {amount:,}입니다",
    "give one that is not negative": "0 이상의 금액을 입력하세요",
    "{at} is over already": "이미 지난 시각입니다 ({at})",
    "by the incident's money it helps no more since {at}": (
        "사건의 금액으로 계산하면 {at}부터 효과가 없습니다"
    ),
    "say until when it helps: --until": "언제까지 효과가 있는지 입력하세요: --until",
    "action {number} is {kind} already, and {status}": (
        "조치 {number}: 이미 같은 조치가 있습니다 (종류 {kind}, 상태: {status})"
    ),
    "see `minuterisk incidents action show {number}`": (
        "자세히 보기: `minuterisk incidents action show {number}`"
    ),
    "action {number} is {status}": "조치 {number}의 상태: {status}",
    "action {number} is {status}, by {by}": "조치 {number}의 상태: {status} ({by})",
    "action {number} helps no more since {at}": "조치 {number}: {at}부터 효과가 없습니다",
    "propose what helps now: `minuterisk incidents action propose`": (
        "지금 효과가 있는 조치를 제안하세요: `minuterisk incidents action propose`"
    ),
    "action {number} is {name}'s own proposal": "조치 {number}: {name} 님이 직접 제안한 것입니다",
    "nobody can tell whose proposal {number} is: {name} had no account": (
        "제안 {number}이(가) 누구의 것인지 알 수 없습니다. {name}에게 계정이 없었습니다"
    ),
    "propose it again by an account": "계정으로 다시 제안하세요",
    "{kind} is confirmed by what the source shows": "{kind} 조치는 원천 데이터로 확인합니다",
    "people confirm {kinds}": "사람이 확인하는 조치: {kinds}",
    "action {number} is {status}: what is over is not told again": (
        "조치 {number}의 상태: {status}. 끝난 조치는 다시 전달하지 않습니다"
    ),
    "nothing about action {number} was given up": "조치 {number}: 전달을 포기한 것이 없습니다",
}
