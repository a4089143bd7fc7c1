"""Words that stand as values in those sentences: kinds, statuses, actions, and what acts need to be told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_MATCHERS: Final = "FIELD=PATTERN 형식, 여러 개면 빈칸으로 나눔: severity=critical entity=A*|B7"
_CHANNEL: Final = "default, console, apprise:NAME 또는 Slack 채널의 아이디"

WORDS: Final[Mapping[str, str]] = {
    "{one} or {others}": "{one} 또는 {others}",
    "nothing": "없음",
    "none": "없음",
    "no code": "코드 없음",
    # things
    "incident": "사건",
    "message": "메시지",
    "dead message": "전달에 실패한 메시지",
    "window": "예정된 작업",
    "maintenance window": "예정된 작업",
    "exclusion": "제외",
    "what is held back": "보류",
    "a snooze": "알림 멈춤",
    "a silence": "알림 중지",
    "silence": "알림 중지",
    "a pause": "일시 정지",
    "route": "경로",
    "rules": "규칙",
    "version": "버전",
    "account": "계정",
    "session": "세션",
    "api_key": "API 키",
    "data": "데이터",
    # statuses and labels
    "open": "진행 중",
    "acknowledged": "확인됨",
    "resolved": "해소됨",
    "draft": "초안",
    "submitted": "제출됨",
    "approved": "승인됨",
    "withdrawn": "철회됨",
    "true_alarm": "정탐",
    "false_alarm": "오탐",
    # actions
    "see": "보기",
    "export": "데이터 내려받기",
    "handle": "사건 처리",
    "submit": "초안 제출",
    "approve": "승인",
    "pause": "규칙 일시 정지",
    "deny": "차단",
    "allow": "허용",
    "propose_money": "자금 조치 제안",
    "approve_money": "자금 조치 승인",
    "deliver": "알림 관리",
    "unmask": "개인정보 보기",
    "read_audit": "감사 기록 읽기",
    "administer": "계정 관리",
    "change_audit": "감사 기록 변경",
    # what acts need to be told: names
    "actions": "행동",
    "by": "이름",
    "changes": "바꿀 숫자",
    "channel": "채널",
    "continue": "아래 경로도 보기",
    "current": "지금 비밀번호",
    "days": "기간(일)",
    "display_name": "표시 이름",
    "email": "이메일",
    "entity": "대상",
    "everybody": "전체",
    "for": "기간",
    "from": "시작",
    "from_minute": "적용 시작",
    "label": "판정",
    "limit": "한도",
    "match": "조건",
    "name": "이름",
    "new": "새로 만들기",
    "numbers": "숫자 전체",
    "os_user": "운영 체제 사용자",
    "own": "누구의 숫자",
    "parent": "바탕 버전",
    "password": "비밀번호",
    "place": "자리",
    "reason": "사유",
    "role": "역할",
    "rule": "규칙",
    "second": "두 번째 채널",
    "slack_user": "Slack 사용자",
    "text": "메모",
    "to": "담당자",
    "toml": "경로 TOML",
    "until": "끝",
    "what": "내용",
    # and what they say
    "--by NAME, who does it, where there are no accounts": "--by NAME, 계정이 없을 때 누가 하는지",
    "FIELD=PATTERN, several with blanks between: severity=critical entity=A*|B7": _MATCHERS,
    "FIELD=PATTERN, several with blanks between: severity=critical entity=A*|B7; nothing: everything": (
        f"{_MATCHERS}; 비우면 모두"
    ),
    "SECTION.KEY=VALUE, a line each": "SECTION.KEY=VALUE, 한 줄에 하나",
    "Slack user as TEAM/USER; - for none": "TEAM/USER 형식의 Slack 사용자, 없으면 -",
    "a whole rules.toml": "rules.toml 전체",
    "all routes as TOML": "모든 경로, TOML",
    "all signals of everybody": "모두의 모든 신호",
    "default, console, apprise:NAME, or the id of a Slack channel": _CHANNEL,
    "where it is told if that cannot be: default, console, apprise:NAME, or the id of a Slack channel": (
        f"첫 채널에 알릴 수 없을 때 알릴 곳: {_CHANNEL}"
    ),
    "e-mail address; - for none": "이메일 주소, 없으면 -",
    "for how long, as 1h": "얼마 동안인지, 예: 1h",
    "for how long, as 2h": "얼마 동안인지, 예: 2h",
    "from when on; without it, from now on": "언제부터인지, 비우면 지금부터",
    "how long it lasts": "얼마 동안인지",
    "its place in the list, 1 is the first; the end where none is said": (
        "목록에서의 자리, 1이 처음, 비우면 끝"
    ),
    "look at the routes below as well": "아래 경로도 볼지",
    "make a new secret and show it once": "새 비밀 값을 만들어 한 번 보여 줄지",
    "money at risk past which people hear of it all the same; without one, half as much again": (
        "넘으면 다시 알릴 위험 금액, 비우면 지금의 1.5배"
    ),
    "the account that takes care of it; without one, yourself": "맡을 계정, 비우면 자신",
    "the actions it is for, with commas between": "쓸 수 있는 행동, 쉼표로 나눔",
    "the minute from which on; the next without it": "적용을 시작할 분, 비우면 다음 분",
    "the name people know": "사람들이 아는 이름",
    "the name to sign in with": "로그인할 이름",
    "the old password, for one's own": "자기 비밀번호를 바꿀 때의 지금 비밀번호",
    "the password": "비밀번호",
    "the question in SQL": "SQL 질의",
    "the rule; without one, every rule": "규칙, 비우면 모든 규칙",
    "the version it is made from; the newest in force without it": (
        "바탕이 될 버전, 비우면 적용 중인 최신 버전"
    ),
    "until when": "언제까지인지",
    "user of the operating system; - for none": "운영 체제의 사용자, 없으면 -",
    "what is downloaded": "내려받는 것",
    "what the account may do": "계정이 할 수 있는 일",
    "what the alarm was": "경보가 무엇이었는지",
    "what the key is for": "키를 어디에 쓰는지",
    "what there is to know": "알아 둘 내용",
    "when it begins; now where none is said": "언제 시작하는지, 비우면 지금",
    "when it ends": "언제 끝나는지",
    "whose numbers they are, KIND=NAME; everybody's without it": (
        "누구의 숫자인지, KIND=NAME 형식, 비우면 모두"
    ),
    "whose signals": "누구의 신호인지",
    "whose signals; without it, everybody's": "누구의 신호인지, 비우면 모두",
    "why": "왜 그렇게 하는지",
    "why nobody needs to be told": "왜 알리지 않아도 되는지",
    "why, for those who look later": "나중에 볼 사람을 위한 까닭",
    "why; asked for where there are accounts": "왜 필요한지 (계정이 있으면 필요함)",
}
