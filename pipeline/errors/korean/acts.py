"""Acts on incidents, rules, routes and what is held back: why not, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

ACTS: Final[Mapping[str, str]] = {
    # what was given
    "{name} is missing": "'{name}' 항목이 비어 있습니다",
    "{name} is no text": "'{name}' 항목이 글이 아닙니다",
    "{name} is {value!r}": "'{name}' 항목의 값이 {value!r}입니다",
    "{name} is {value!r}, which is no text": "'{name}' 항목의 값 {value!r}은(는) 글이 아닙니다",
    "{name} is {value!r}, which is no whole number": "'{name}' 항목의 값 {value!r}은(는) 정수가 아닙니다",
    "{name} is {value!r}, which is no length of time": (
        "'{name}' 항목의 값 {value!r}은(는) 시간의 길이가 아닙니다"
    ),
    "{name} is {value!r}, which is no time with its zone": (
        "'{name}' 항목의 값 {value!r}은(는) 시간대가 있는 시각이 아닙니다"
    ),
    "{name} has {letters} characters": "'{name}' 항목의 글자 수가 {letters}자입니다",
    "{name} holds what no database keeps as text": (
        "'{name}' 항목에 데이터베이스가 저장할 수 없는 글자가 있습니다"
    ),
    "at most {most}": "최대 {most}자입니다",
    "say it: {text}": "입력하세요: {text}",
    "say it as 30m, 1h or 2d: {text}": "30m, 1h, 2d처럼 입력하세요: {text}",
    "say it as 2026-11-21T09:00+09:00: {text}": "2026-11-21T09:00+09:00처럼 입력하세요: {text}",
    "say a time from {first} to {last}: {text}": "{first}년부터 {last}년까지의 시각을 입력하세요: {text}",
    "say true or false: {text}": "true 또는 false를 입력하세요: {text}",
    "say one of {choices}": "다음 가운데 하나를 입력하세요: {choices}",
    "leave NUL and broken letters out: {text}": "NUL과 깨진 글자를 빼고 입력하세요: {text}",
    "{what} has one end, and this has two": "{what}의 끝은 하나인데 두 가지가 주어졌습니다",
    "{what} needs an end": "{what}에는 끝이 있어야 합니다",
    "say either for how long, as 2h, or until when": (
        "2h처럼 얼마 동안인지, 또는 언제까지인지 하나만 입력하세요"
    ),
    "say for how long, as 2h, or until when": "2h처럼 얼마 동안인지, 또는 언제까지인지 입력하세요",
    "say for how long, as 2h, or until when; at most {days} days": (
        "2h처럼 얼마 동안인지, 또는 언제까지인지 입력하세요. 최대 {days}일입니다"
    ),
    "{what} until {end} lasts more than {days} days": "{end}까지의 {what}은(는) {days}일을 넘습니다",
    "give an earlier end; or {otherwise}": "더 이른 끝을 입력하세요. 또는 {otherwise}",
    "exclude an entity, or change the rule": "대상을 제외하거나 규칙을 바꾸세요",
    "add it again when that is over": "끝난 뒤에 다시 추가하세요",
    # any act
    "there is no act {name!r}": "{name!r}(이)라는 조치는 없습니다",
    "did you mean {near}?": "혹시 {near} 입니까?",
    "known are {known}": "쓸 수 있는 것: {known}",
    "{name!r} is no number": "{name!r}은(는) 번호가 아닙니다",
    "{name!r} cannot be the name of a thing of the kind {kind}": (
        "{name!r}은(는) 이름으로 쓸 수 없습니다 (종류: {kind})"
    ),
    "at most {most} letters, and no control characters": "최대 {most}자이며 제어 문자는 쓸 수 없습니다",
    "{act} knows no {strange}": "{act} 조치에 없는 항목입니다: {strange}",
    "it takes {parameters}": "쓸 수 있는 항목: {parameters}",
    "{act} needs the {kind} it is about": "{act} 조치에는 대상이 있어야 합니다 (종류: {kind})",
    "give its number or name": "번호나 이름을 입력하세요",
    "there is no {what} {number}": "그런 번호가 없습니다: {what} {number}",
    "see the list for the known numbers": "목록에서 번호를 확인하세요",
    "no reason is given for what leaves as data": "데이터를 내보내는 사유가 없습니다",
    "say why: --reason TEXT; it is kept": "사유를 적으세요: --reason TEXT. 기록에 남습니다",
    # incidents
    "incident {number} is already acknowledged by {by} at {at}": (
        "사건 {number}: 이미 확인되었습니다 (확인한 사람 {by}, {at})"
    ),
    "agree with them; see `minuterisk incidents show {number}`": (
        "확인한 사람과 상의하세요. 자세히 보기: `minuterisk incidents show {number}`"
    ),
    "incident {number} is resolved since {at}": "사건 {number}: 이미 해소되었습니다 ({at})",
    "incident {number} is resolved by {by} since {at}": (
        "사건 {number}: 이미 해소되었습니다 (해소한 사람 {by}, {at})"
    ),
    "incident {number} is resolved since {since}; it was acknowledged by {by} at {at}": (
        "사건 {number}: 이미 해소되었습니다 ({since}). 확인한 사람 {by}, {at}"
    ),
    "there is nothing left to take care of": "더 할 일이 없습니다",
    "incident {number} is already assigned to {to}": "사건 {number}: 담당자가 이미 {to} 님입니다",
    "see `minuterisk incidents show {number}`": "자세히 보기: `minuterisk incidents show {number}`",
    "{to} is no account that takes care of incidents": "{to}: 사건을 맡을 수 있는 계정이 아닙니다",
    "name one that does, as `minuterisk users list` has it": (
        "사건을 맡을 수 있는 계정을 `minuterisk users list`에서 찾아 입력하세요"
    ),
    "there is nothing to be told of it; open it again first": "알릴 것이 없습니다. 먼저 사건을 다시 여세요",
    "incident {number} is already snoozed by {by} until {until}": (
        "사건 {number}: {by} 님이 이미 {until}까지 알림을 멈췄습니다"
    ),
    "wait for its end, or give a later one": "끝나기를 기다리거나 더 늦은 시각을 입력하세요",
    "a snooze until {until} is over already": "{until}까지의 알림 멈춤은 이미 지났습니다",
    "give a later time": "더 늦은 시각을 입력하세요",
    "a snooze until {until} is longer than {days} days": "{until}까지의 알림 멈춤은 {days}일보다 깁니다",
    "give an earlier time, or add an exclusion with its reason": (
        "더 이른 시각을 입력하거나, 사유를 적어 제외를 추가하세요"
    ),
    "the limit {limit:,} is passed already: {money:,} are at risk": (
        "한도 {limit:,}은(는) 이미 넘었습니다. 지금 위험 금액은 {money:,}입니다"
    ),
    "give a higher one, or none": "더 높은 한도를 입력하거나 비워 두세요",
    "the limit {limit:,} is more than {times} times the {money:,} that are at risk": (
        "한도 {limit:,}은(는) 위험 금액 {money:,}의 {times}배를 넘습니다"
    ),
    "give at most {most:,}: nobody would hear of it again": (
        "최대 {most:,}까지 입력하세요. 그보다 높으면 다시 알리는 일이 없습니다"
    ),
    "incident {number} is not resolved: it is {status}": (
        "사건 {number}: 해소된 사건이 아닙니다 (지금 상태: {status})"
    ),
    "incident {other} of the same rule and entity is open": (
        "같은 규칙과 대상의 사건 {other}이(가) 열려 있습니다"
    ),
    "go on with that one: `minuterisk incidents show {other}`": (
        "그 사건에서 계속하세요: `minuterisk incidents show {other}`"
    ),
    "incident {number} is already labelled {label} by {by}": (
        "사건 {number}: {by} 님이 이미 '{label}'(으)로 판정했습니다"
    ),
    "nobody is named": "누가 하는지 이름이 없습니다",
    "{given!r} is no name": "{given!r}은(는) 이름이 아닙니다",
    "say who takes care of it: --by NAME": "누가 맡는지 적으세요: --by NAME",
    "{actor} acts for nobody else: {name}": "{actor} 계정은 다른 사람({name})을 대신할 수 없습니다",
    "leave the name out: it is the account's": "이름을 빼세요. 계정의 이름으로 기록합니다",
    # what is held back
    "everybody is said beside a rule or an entity": "전체를 규칙이나 대상과 함께 쓸 수 없습니다",
    "name the one or the other": "둘 가운데 하나만 입력하세요",
    "a maintenance window is about nothing": "예정된 작업의 대상이 없습니다",
    "name a rule, an entity, both, or everybody": "규칙, 대상, 둘 다, 또는 전체를 입력하세요",
    "{everybody} is everybody, who is no exclusion": "{everybody}은(는) 전체를 뜻하므로 제외할 수 없습니다",
    "add a maintenance window with its end": "끝이 있는 예정된 작업을 추가하세요",
    "there is no rule {rule!r}": "{rule!r}(이)라는 규칙은 없습니다",
    "{what} {number} already holds the same back at that time": (
        "그 시간에는 이미 같은 것을 보류하고 있습니다: {what} {number}"
    ),
    "end that one first, or choose another time": "먼저 그것을 끝내거나 다른 시간을 고르세요",
    "{what} {number} is over: {at}": "{what} {number}: 이미 끝났습니다 ({at})",
    "{what} {number} is over, ended by {by}: {at}": "{what} {number}: 이미 끝났습니다 (끝낸 사람 {by}, {at})",
    "there is nothing left to end": "더 끝낼 것이 없습니다",
    "{at} is judged already, or just being judged": "{at}: 이미 판단했거나 지금 판단하고 있는 분입니다",
    "begin at {first} or later": "{first}부터 시작할 수 있습니다",
    "the end {end} is not after the start {start}": "끝({end})이 시작({start})보다 늦지 않습니다",
    "give a later end": "더 늦은 끝을 입력하세요",
    # routes and silences
    "place is {place}, and there are {count} routes": "자리가 {place}인데 경로는 {count}개입니다",
    "say a place from 1 to {last}, or none: the end": (
        "1부터 {last}까지의 자리를 입력하거나, 끝이면 비워 두세요"
    ),
    "there is no route {name!r}": "{name!r}(이)라는 경로는 없습니다",
    "a silence without a matcher would keep everything from people": (
        "조건이 없는 알림 중지는 모든 알림을 막습니다"
    ),
    "say what it is about: {matchers}": "무엇에 관한 것인지 입력하세요: {matchers}",
    "the reason holds what cannot be printed": "사유에 표시할 수 없는 글자가 있습니다",
    "write it on one line": "한 줄로 적으세요",
    "the matchers {text!r} cannot be read: {error}": "조건 {text!r}을(를) 읽을 수 없습니다: {error}",
    "close each quote; write for example {matchers}": "따옴표를 닫으세요. 예: {matchers}",
    "the silence would end at {end}, before it begins": "알림 중지가 시작하기 전에 끝납니다 ({end})",
    "it is {now}: say a later end": "지금은 {now}입니다. 더 늦은 끝을 입력하세요",
    "the silence would last {days} days": "알림 중지가 {days}일 동안입니다",
    "at most {most}; a rule that is wrong has to be changed itself": (
        "최대 {most}일입니다. 규칙이 틀렸다면 규칙을 바꾸어야 합니다"
    ),
    "there is no silence {number}": "알림 중지 {number}: 없는 번호입니다",
    "see `minuterisk silences list`": "`minuterisk silences list`에서 확인하세요",
    "silence {number} has ended already, at {at}": "알림 중지 {number}: 이미 끝났습니다 ({at})",
    # versions of tuned numbers, and rules
    "it says the same as version {version}, which is in force": (
        "적용 중인 버전 {version}과(와) 같은 내용입니다"
    ),
    "change a number: --set SECTION.KEY=VALUE, or --file FILE": (
        "숫자를 바꾸세요: --set SECTION.KEY=VALUE 또는 --file FILE"
    ),
    "nobody knows yet what version {number} would have done": (
        "버전 {number}(으)로 어떻게 판단했을지 아직 모릅니다"
    ),
    "`minuterisk rules backtest {number}` finds out, or a running service": (
        "`minuterisk rules backtest {number}` 명령이나 실행 중인 서비스가 계산합니다"
    ),
    "version {number} is withdrawn already, by {by}": "버전 {number}: 이미 철회되었습니다 (철회한 사람 {by})",
    "there is nothing left to do": "더 할 일이 없습니다",
    "version {number} is in force since {since}": "버전 {number}: {since}부터 적용되고 있습니다",
    "draft what shall be in force instead: --from NUMBER takes an older version": (
        "대신 적용할 초안을 쓰세요. --from NUMBER를 쓰면 이전 버전에서 시작합니다"
    ),
    "version {number} is {status}, not {wanted}": "버전 {number}의 상태: {status}. 필요한 상태: {wanted}",
    "version {number} is {status} by {by}, not {wanted}": (
        "버전 {number}의 상태: {status} ({by}). 필요한 상태: {wanted}"
    ),
    "hand it in first: `minuterisk rules submit {number}`": (
        "먼저 제출하세요: `minuterisk rules submit {number}`"
    ),
    "see `minuterisk rules list`": "`minuterisk rules list`에서 확인하세요",
    "version {number} was to follow {before}, and {newest} does": (
        "버전 {number}은(는) {before} 다음이 될 초안이었지만 이미 {newest}이(가) 그 자리에 있습니다"
    ),
    "draft the change again: it is then made from what is in force": (
        "초안을 다시 쓰세요. 그러면 적용 중인 버전에서 시작합니다"
    ),
    "nobody can tell whose version {number} is: {author} had no account": (
        "버전 {number}이(가) 누구의 것인지 알 수 없습니다. {author}에게 계정이 없었습니다"
    ),
    "draft it again by an account: --from {number}": "계정으로 초안을 다시 쓰세요: --from {number}",
    "version {number} is {name}'s own": "버전 {number}은(는) {name} 님이 직접 쓴 것입니다",
    "somebody else has to approve it": "다른 사람이 승인해야 합니다",
    "own is {text!r}": "'누구의 숫자' 항목의 값이 {text!r}입니다",
    "say whose numbers they are: KIND=NAME, such as the kind and id of an entity": (
        "누구의 숫자인지 적으세요: KIND=NAME (예: 대상의 종류와 번호)"
    ),
    "{line!r} changes nothing": "{line!r}: 바꾸는 것이 없습니다",
    "write SECTION.KEY=VALUE, as they stand in `minuterisk rules show`": (
        "`minuterisk rules show`에 나오는 대로 SECTION.KEY=VALUE 형식으로 적으세요"
    ),
    "there is no number {path}": "{path}(이)라는 숫자는 없습니다",
    "see `minuterisk rules show`": "`minuterisk rules show`에서 확인하세요",
    "no version of the rules is kept yet": "아직 저장된 규칙의 버전이 없습니다",
    "start `minuterisk run` once: what the file holds becomes the first one": (
        "`minuterisk run`을 한 번 시작하세요. 파일의 내용이 첫 버전이 됩니다"
    ),
    "nothing is published yet": "아직 게시된 분이 없습니다",
    "change the file of the rules: it is what the first minutes are judged by": (
        "규칙 파일을 바꾸세요. 처음의 분은 그 파일로 판단합니다"
    ),
    "{at} is no minute that a version can be in force from": "{at}부터는 버전을 적용할 수 없습니다",
    "take a whole minute from {first} on, or leave it out": "{first} 이후의 정각 분을 입력하거나 비워 두세요",
    "{rule} is paused already, until {until}, by {by}": (
        "{rule} 규칙은 이미 {until}까지 일시 정지되어 있습니다 (정지한 사람 {by})"
    ),
    "`minuterisk rules resume {rule}` ends it": "`minuterisk rules resume {rule}` 명령으로 끝낼 수 있습니다",
    "{rule} is not paused": "{rule} 규칙은 일시 정지되어 있지 않습니다",
    "`minuterisk rules list` shows what is": "일시 정지된 규칙은 `minuterisk rules list`에서 볼 수 있습니다",
    "a pause from {start} until {end} is not taken": "{start}부터 {end}까지는 일시 정지할 수 없습니다",
    "it ends by {latest}; whoever wants more changes the rule": (
        "늦어도 {latest}에는 끝나야 합니다. 더 필요하면 규칙을 바꾸세요"
    ),
    # views of the inbox
    "you keep {most} views already": "저장한 보기가 이미 {most}개입니다",
    "delete one that you do not need any more": "더 필요하지 않은 것을 지우세요",
    "views are kept for accounts": "보기는 계정별로 저장됩니다",
    "sign in first": "먼저 로그인하세요",
    "give it one that can be read": "읽을 수 있는 이름을 적으세요",
}
