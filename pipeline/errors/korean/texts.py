"""Texts that people write by hand: routes and matchers, tuned numbers; what is wrong in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

TEXTS: Final[Mapping[str, str]] = {
    "the text": "입력한 글",
    "the draft": "초안",
    "{where} is not TOML: {met}": "{where}: TOML이 아닙니다: {met}",
    # routes and matchers
    "`minuterisk routes list --toml` shows how routes are written": (
        "경로를 쓰는 방법은 `minuterisk routes list --toml`에서 볼 수 있습니다"
    ),
    "the {what} is {value!r}": "{what} 값이 {value!r}입니다",
    "there is no {what} {value!r}": "{what}: {value!r}은(는) 없습니다",
    "matcher": "조건 항목",
    "matcher {name}": "조건 {name}",
    "key of a route": "경로의 항목",
    "key of {where}": "{where}의 항목",
    "name of a route": "경로의 이름",
    "continue of the route {name}": "경로 {name}의 continue",
    "channel of the route {name}": "경로 {name}의 채널",
    "second channel of the route {name}": "경로 {name}의 두 번째 채널",
    "routes": "경로",
    "channels": "채널",
    "{number} {what} are more than {most}": "{what} {number}개는 최대 {most}개를 넘습니다",
    "let several patterns share a route, or several routes a channel": (
        "여러 패턴을 한 경로에, 또는 여러 경로를 한 채널에 모으세요"
    ),
    "give each route a name of its own": "경로마다 다른 이름을 쓰세요",
    "use small letters, digits, - and _, at most 40, not default": (
        "소문자, 숫자, -, _ 를 최대 40자까지 쓰고 default는 쓰지 마세요"
    ),
    'write a table: [[route]], then lines such as channel = "C0123456789"': (
        '[[route]] 아래에 channel = "C0123456789" 같은 줄을 쓰세요'
    ),
    "write each route as [[route]]": "경로마다 [[route]]로 쓰세요",
    'write the matchers as a table: match.severity = "critical"': (
        '조건을 표로 쓰세요: match.severity = "critical"'
    ),
    "write true or false": "true 또는 false를 쓰세요",
    "write default, console, apprise:NAME, or the id of a Slack channel such as C0123456789": (
        "default, console, apprise:NAME 또는 C0123456789 같은 Slack 채널의 아이디를 쓰세요"
    ),
    "set {setting} to its address": "{setting} 설정에 그 주소를 넣으세요",
    "set MINUTERISK_SLACK_TOKEN and MINUTERISK_SLACK_CHANNEL": (
        "MINUTERISK_SLACK_TOKEN과 MINUTERISK_SLACK_CHANNEL을 설정하세요"
    ),
    "name another one than the first": "첫 번째와 다른 채널을 쓰세요",
    "the matcher {pair!r} is not FIELD=PATTERN": "조건 {pair!r}은(는) FIELD=PATTERN 형식이 아닙니다",
    "write for example severity=critical or 'entity=A*'": "예: severity=critical 또는 'entity=A*'",
    "write a pattern, or a list of 1 to {most}": "패턴 하나 또는 1개부터 {most}개까지의 목록을 쓰세요",
    "write 1 to {longest} letters; * and ? stand for any": (
        "1자부터 {longest}자까지 쓰세요. *는 여러 글자, ?는 한 글자를 대신합니다"
    ),
    "leave out what cannot be printed": "표시할 수 없는 글자를 빼세요",
    "the route {name} matches everything: {below} below it is never reached": (
        "경로 {name}에 모든 사건이 맞아서 그 아래 {below}까지 가지 않습니다"
    ),
    "give {name} a matcher or continue = true, or put it last": (
        "{name}에 조건이나 continue = true를 주거나, 맨 끝에 두세요"
    ),
    # tuned numbers
    "cannot read the rules {path}: {met}": "규칙 파일 {path}을(를) 읽을 수 없습니다: {met}",
    "set MINUTERISK_RULES to a copy of {shipped}": "MINUTERISK_RULES를 {shipped}의 사본으로 설정하세요",
    "the rules {path} are not UTF-8 text: {met}": "규칙 파일 {path}은(는) UTF-8 글이 아닙니다: {met}",
    "start from a copy of {shipped}": "{shipped}의 사본에서 시작하세요",
    "[{section}] of {origin}": "{origin}의 [{section}]",
    "unknown name {name!r} in {where}": "{where}에 모르는 이름 {name!r}이(가) 있습니다",
    "{where} lacks {missing}": "{where}에 없는 것: {missing}",
    "{where} is {content!r}; a section is needed": "{where} 값이 {content!r}입니다. 구역이어야 합니다",
    "write [own.KIND.NAME.SECTION] and its keys below it": (
        "[own.KIND.NAME.SECTION]을 쓰고 그 아래에 숫자를 쓰세요"
    ),
    "{name} in {origin} is {content!r}; a section is needed": (
        "{origin}의 {name} 값이 {content!r}입니다. 구역이어야 합니다"
    ),
    "write [{name}] and its keys below it": "[{name}]을(를) 쓰고 그 아래에 숫자를 쓰세요",
    "{name!r} in {where} cannot be of some alone": "{where}의 {name!r}은(는) 일부에게만 정할 수 없습니다",
    "{origin} has own numbers of {count}, {sets} of them different": (
        "{origin}에 따로 정한 숫자가 {count}개 있고, 그 가운데 서로 다른 것이 {sets}개입니다"
    ),
    "at most {most} are taken, and {sets} different ones: change those of everybody, or of a group": (
        "최대 {most}개이고 서로 다른 것은 최대 {sets}개입니다. 모두의 숫자나 한 무리의 숫자를 바꾸세요"
    ),
    "{key} in {where} is {value!r}": "{where}의 {key} 값이 {value!r}입니다",
    "{need} is needed": "필요한 값: {need}",
    "one of {choices}": "다음 가운데 하나: {choices}",
    "a whole number from {least} to {largest:,}": "{least}부터 {largest:,}까지의 정수",
    "{lower} in [severity] of {origin} is {low}, above {upper} = {up}": (
        "{origin}의 [severity]에서 {lower} 값 {low}이(가) {upper} = {up}보다 큽니다"
    ),
    "set {lower} to {up} or less: what is critical is high as well": (
        "{lower} 값을 {up} 이하로 정하세요. '심각'이면 '높음'이기도 합니다"
    ),
}
