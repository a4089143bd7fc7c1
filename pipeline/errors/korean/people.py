"""Roles, accounts, sessions, keys, signing in and the company's login."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

PEOPLE: Final[Mapping[str, str]] = {
    # the audit
    "row {number} is gone: row {next} follows on {before}": (
        "{number}행이 없습니다: {before}행 다음에 {next}행이 있습니다"
    ),
    "row {number} does not follow on the row that stands before it": "{number}행이 앞 행과 이어지지 않습니다",
    "row {number} was changed after it was written": "{number}행이 기록된 뒤에 바뀌었습니다",
    "row {number} is not the one that was there when its hash was kept elsewhere": (
        "{number}행이 밖에 보관한 해시와 다릅니다"
    ),
    "row {number} is gone: its hash was kept elsewhere": (
        "{number}행이 없습니다: 그 해시가 밖에 보관되어 있습니다"
    ),
    # roles
    "{name} is {role}, which may not {action} ({kind})": (
        "{name} 계정의 역할 {role}(으)로는 할 수 없습니다: {action} ({kind})"
    ),
    "{name} is {role}, which may not {action} ({kind} {id})": (
        "{name} 계정의 역할 {role}(으)로는 할 수 없습니다: {action} ({kind} {id})"
    ),
    "ask one who is {roles}": "다음 역할의 사람에게 요청하세요: {roles}",
    "nobody may": "아무도 할 수 없습니다",
    "{kind} {id} is {name}'s own proposal": "{name} 님이 직접 제출한 것입니다: {kind} {id}",
    "the API key {number} of {name} is not for {action}": (
        "{name} 계정의 API 키 {number}(으)로는 할 수 없습니다: {action}"
    ),
    "use a key made with --action {action}": "--action {action}(으)로 만든 키를 쓰세요",
    "there are accounts now, and {name} is none of them": "이제 계정이 있는데 {name}은(는) 계정이 아닙니다",
    "an administrator links it: minuterisk users link NAME --os-user {name}": (
        "관리자가 연결할 수 있습니다: minuterisk users link NAME --os-user {name}"
    ),
    "the account {name} is disabled": "{name} 계정은 사용이 중지되었습니다",
    "ask an administrator": "관리자에게 문의하세요",
    # accounts
    "{name!r} cannot be the name of an account": "{name!r}은(는) 계정 이름으로 쓸 수 없습니다",
    "letters, digits and . _ - @ +, at most 80": "글자, 숫자와 . _ - @ + 를 최대 80자까지 쓸 수 있습니다",
    "the first account has to be able to make the others": "첫 계정은 다른 계정을 만들 수 있어야 합니다",
    "add a {role} with a password first": "먼저 비밀번호가 있는 {role} 계정을 추가하세요",
    "{name} is disabled already": "{name} 계정은 이미 사용이 중지되었습니다",
    "nothing is left to do": "더 할 일이 없습니다",
    "{name} is the last {role} who can sign in": "{name} 계정은 로그인할 수 있는 마지막 {role}입니다",
    "make another {role} with a password first": "먼저 비밀번호가 있는 다른 {role} 계정을 만드세요",
    "there is no account {name}": "{name}(이)라는 계정은 없습니다",
    "see `minuterisk users list`": "`minuterisk users list`에서 확인하세요",
    "somebody else changes accounts at this moment": "지금 다른 사람이 계정을 바꾸고 있습니다",
    "try again": "다시 시도하세요",
    "{what} is not right, or the account is locked for {minutes} minutes": (
        "{what}이(가) 맞지 않거나 계정이 {minutes}분 동안 잠겨 있습니다"
    ),
    "{name} has no password here": "{name} 계정에는 여기서 쓰는 비밀번호가 없습니다",
    "whoever comes by the company login changes it there": (
        "회사 로그인으로 들어오는 사람은 그곳에서 비밀번호를 바꿉니다"
    ),
    "only {name} sets up their authenticator": "인증 앱은 {name} 본인만 설정할 수 있습니다",
    "for somebody else: minuterisk users totp NAME": "다른 사람의 것: minuterisk users totp NAME",
    "the present authenticator was set up with another key than this home's": (
        "지금 인증 앱은 다른 홈의 키로 설정되었습니다"
    ),
    "an administrator renews it: minuterisk users totp {name}": (
        "관리자가 다시 설정합니다: minuterisk users totp {name}"
    ),
    "it took too long, or began elsewhere": "시간이 너무 지났거나 다른 곳에서 시작되었습니다",
    "begin anew": "처음부터 다시 하세요",
    "give it again, or ask an administrator": "다시 입력하거나 관리자에게 문의하세요",
    "{user!r} is no Slack user": "{user!r}은(는) Slack 사용자가 아닙니다",
    "write the team's id and the user's, as T0123ABCD/U0456EFGH": (
        "T0123ABCD/U0456EFGH처럼 팀과 사용자의 아이디를 적으세요"
    ),
    "{email!r} is no e-mail address": "{email!r}은(는) 이메일 주소가 아닙니다",
    "write it as kim@example.com": "kim@example.com처럼 적으세요",
    "{name} is that user already": "{name} 계정이 이미 그 사용자와 연결되어 있습니다",
    "take it away first: minuterisk users link {name}": "먼저 연결을 푸세요: minuterisk users link {name}",
    "there is an account {name} already": "{name}(이)라는 계정이 이미 있습니다",
    "choose another name, or enable it again: nobody is ever deleted": (
        "다른 이름을 고르거나 그 계정을 다시 쓰세요. 계정은 지워지지 않습니다"
    ),
    # passwords
    "the password has {letters} characters": "비밀번호가 {letters}자입니다",
    "the password has more than {most} characters": "비밀번호가 {most}자를 넘습니다",
    "the password repeats very few characters": "비밀번호가 같은 글자 몇 개를 되풀이합니다",
    "the password holds the account's name": "비밀번호에 계정 이름이 들어 있습니다",
    "the password holds a character that cannot be typed": "비밀번호에 입력할 수 없는 글자가 있습니다",
    "choose one of {fewest} characters or more, such as four words": (
        "네 단어를 잇는 것처럼 {fewest}자 이상으로 고르세요"
    ),
    # sessions and keys
    "your session has ended": "세션이 끝났습니다",
    "sign in again: nothing was changed": "다시 로그인하세요. 아무것도 바뀌지 않았습니다",
    "there is no open session {number}": "열린 세션 {number}이(가) 없습니다",
    "see `minuterisk sessions list`": "`minuterisk sessions list`에서 확인하세요",
    "this is no API key": "API 키가 아닙니다",
    "send the header Authorization: Bearer mk_NUMBER_SECRET": (
        "헤더 Authorization: Bearer mk_NUMBER_SECRET 을 보내세요"
    ),
    "this API key is not of this installation": "이 설치의 API 키가 아닙니다",
    "an administrator makes one: minuterisk keys add": "관리자가 만들 수 있습니다: minuterisk keys add",
    "the API key {number} is revoked": "API 키 {number}은(는) 취소되었습니다",
    "the API key {number} has expired": "API 키 {number}은(는) 기한이 지났습니다",
    "the API key {number} belongs to {name}, which is disabled": (
        "API 키 {number}은(는) 사용이 중지된 {name} 계정의 것입니다"
    ),
    "an administrator makes another: minuterisk keys add": (
        "관리자가 새로 만들 수 있습니다: minuterisk keys add"
    ),
    "see `minuterisk users list`; a machine gets an account of its own": (
        "`minuterisk users list`에서 확인하세요. 기계에는 따로 계정을 만듭니다"
    ),
    "a key of {days} days": "키의 기간이 {days}일입니다",
    "say 1 to {most} days": "1일부터 {most}일까지 쓸 수 있습니다",
    "how long it works, at most {most} days; without: {days}": (
        "며칠 동안 쓸 수 있는지, 최대 {most}일. 없으면 {days}일"
    ),
    "there is no API key {number} in use": "쓰이고 있는 API 키 {number}이(가) 없습니다",
    "see `minuterisk keys list`": "`minuterisk keys list`에서 확인하세요",
    "there is no action {name!r}": "{name!r}(이)라는 행동은 없습니다",
    "the API key {number} is not for {actions}": "API 키 {number}(으)로는 할 수 없습니다: {actions}",
    "make this key on the command line, or with one that is": (
        "명령줄에서 만들거나, 그 행동을 할 수 있는 키로 만드세요"
    ),
    # signing in
    "the name, the password or the code is not right, or the account is locked for 15 minutes": (
        "이름, 비밀번호 또는 코드가 맞지 않거나, 계정이 15분 동안 잠겨 있습니다"
    ),
    "check them and try again, or ask an administrator": "확인하고 다시 시도하거나 관리자에게 문의하세요",
    "too many sign-ins at this moment": "지금 로그인하는 사람이 너무 많습니다",
    "try again in a minute": "1분 뒤에 다시 시도하세요",
    "the code is not right": "코드가 맞지 않습니다",
    "check the telephone's clock and type a new one": "휴대전화의 시계를 확인하고 새 코드를 입력하세요",
    "the account has an authenticator already, or may not sign in": (
        "계정에 이미 인증 앱이 있거나 로그인할 수 없는 계정입니다"
    ),
    "sign in from the start": "처음부터 다시 로그인하세요",
    "{path} holds no key": "{path} 파일에 키가 없습니다",
    "put it back from a backup; without one, delete it and renew all codes": (
        "백업에서 되돌리세요. 백업이 없으면 지우고 모든 코드를 새로 등록하세요"
    ),
    "{path} may be read by others (mode {mode:o})": (
        "{path} 파일을 다른 사람이 읽을 수 있습니다 (모드 {mode:o})"
    ),
    "chmod 600 {path}, and renew all codes if somebody may have read it": (
        "chmod 600 {path} 을 실행하고, 누가 읽었을 수 있으면 모든 코드를 새로 등록하세요"
    ),
    # the company's login
    "{name} has no access: {claim} is {values}": (
        "{name} 님은 들어올 수 없습니다: {claim} 값이 {values}입니다"
    ),
    "ask for a group that MINUTERISK_OIDC_ROLES gives a role to": (
        "MINUTERISK_OIDC_ROLES에 역할이 정해진 그룹에 넣어 달라고 요청하세요"
    ),
    "MINUTERISK_OIDC_ROLES names the role {role!r}, which there is not": (
        "MINUTERISK_OIDC_ROLES에 없는 역할 {role!r}이(가) 있습니다"
    ),
    "the identity provider lets nobody in: {said}": "인증 제공자가 들여보내지 않습니다: {said}",
    "begin again, or ask whoever runs the identity provider": (
        "처음부터 다시 하거나 인증 제공자의 담당자에게 문의하세요"
    ),
    "the answer of the identity provider belongs to no sign-in of this browser (state)": (
        "인증 제공자의 응답이 이 브라우저에서 시작한 로그인의 것이 아닙니다 (state)"
    ),
    "begin again at /login, in one tab, with cookies allowed": (
        "쿠키를 허용하고 탭 하나에서 /login 부터 다시 시작하세요"
    ),
    "the sign-in took longer than {minutes} minutes": "로그인이 {minutes}분보다 오래 걸렸습니다",
    "begin again at /login": "/login 에서 다시 시작하세요",
    "another identity provider answers: {met}": "다른 인증 제공자가 응답했습니다: {met}",
    "set MINUTERISK_OIDC_ISSUER if it is no longer {issuer}": (
        "{issuer}에서 바뀌었다면 MINUTERISK_OIDC_ISSUER를 새로 설정하세요"
    ),
    "the identity provider refuses the code: {met}": "인증 제공자가 코드를 거절합니다: {met}",
    "begin again; check MINUTERISK_OIDC_CLIENT_ID and _CLIENT_SECRET": (
        "다시 시작하세요. MINUTERISK_OIDC_CLIENT_ID와 _CLIENT_SECRET을 확인하세요"
    ),
    "the identity provider gives no id_token": "인증 제공자가 id_token을 주지 않습니다",
    "let its client of minuterisk use the scope openid": (
        "인증 제공자의 minuterisk 클라이언트에 openid scope를 허용하세요"
    ),
    "the identity provider's token is not for us: {met}": (
        "인증 제공자의 토큰이 이 설치의 것이 아닙니다: {met}"
    ),
    "check MINUTERISK_OIDC_ISSUER and _CLIENT_ID, then begin again": (
        "MINUTERISK_OIDC_ISSUER와 _CLIENT_ID를 확인하고 다시 시작하세요"
    ),
    "the identity provider's token has no good signature: {met}": (
        "인증 제공자의 토큰에 올바른 서명이 없습니다: {met}"
    ),
    "begin again; if it lasts, see whether MINUTERISK_OIDC_ISSUER is the right one": (
        "다시 시작하세요. 계속되면 MINUTERISK_OIDC_ISSUER가 맞는지 확인하세요"
    ),
    "the identity provider {issuer} does not answer as it should: {met}": (
        "인증 제공자 {issuer}의 응답이 올바르지 않습니다: {met}"
    ),
    "try again; sign in with a password of minuterisk meanwhile": (
        "다시 시도하세요. 그동안은 minuterisk 비밀번호로 로그인하세요"
    ),
    "the identity provider calls itself {met}, not {issuer}": (
        "인증 제공자가 밝힌 이름이 {issuer}이(가) 아니라 {met}입니다"
    ),
    "set MINUTERISK_OIDC_ISSUER to exactly what it calls itself": (
        "MINUTERISK_OIDC_ISSUER를 인증 제공자가 밝힌 이름과 똑같이 설정하세요"
    ),
    "the identity provider's {end} is {met}": "인증 제공자의 {end} 값이 {met}입니다",
    "it must be an https address; ask whoever runs the identity provider": (
        "https 주소여야 합니다. 인증 제공자의 담당자에게 문의하세요"
    ),
    "the identity provider's token ended {apart:.0f} s ago": (
        "인증 제공자의 토큰이 {apart:.0f}초 전에 끝났습니다"
    ),
    "the identity provider's token begins only in {apart:.0f} s": (
        "인증 제공자의 토큰은 {apart:.0f}초 뒤에야 시작합니다"
    ),
    "clocks may differ by {leeway} s: set both by NTP, then begin again": (
        "시계는 {leeway}초까지 달라도 됩니다. 양쪽을 NTP로 맞추고 다시 시작하세요"
    ),
}
