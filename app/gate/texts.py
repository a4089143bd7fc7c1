"""What the gate's own pages say, in Korean and English, by the same keys (a test compares them)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

KOREAN: Final[Mapping[str, str]] = {
    "title": "로그인",
    "name": "계정 이름",
    "password": "비밀번호",
    "code": "인증 앱 코드 (6자리)",
    "code.note": "인증 앱을 등록하지 않은 계정은 비워 두세요.",
    "submit": "로그인",
    "company": "회사 계정으로 로그인",
    "or": "또는",
    "other": "English",
    "why.ended": "세션이 끝났거나 이 설치의 것이 아닙니다. 다시 로그인하세요.",
    "why.left": "로그아웃했습니다.",
    "refused": "로그인할 수 없습니다.",
    "refused.note": (
        "이름, 비밀번호 또는 코드가 맞지 않거나, 실패가 5번 이어져 15분 동안 잠겨 있습니다. "
        "확인하고 다시 시도하거나 관리자에게 문의하세요."
    ),
    "form": "이 양식은 더 이상 쓸 수 없습니다.",
    "form.note": "새 양식입니다. 쿠키를 허용하고 다시 시도하세요.",
    "pace": "이 주소에서 너무 자주 시도했습니다.",
    "pace.note": "1분 뒤에 다시 시도하세요.",
    "busy": "지금 로그인하는 사람이 너무 많습니다.",
    "busy.note": "1분 뒤에 다시 시도하세요.",
    "database": "운영 데이터베이스에 연결할 수 없습니다.",
    "database.note": "계정을 확인할 수 없어 화면을 열지 않습니다. 데이터베이스가 돌아오면 다시 시도하세요.",
    "enrol.title": "인증 앱 등록",
    "enrol": "{name} 계정은 인증 앱의 코드가 있어야 로그인할 수 있습니다.",
    "enrol.note": "비밀 값을 인증 앱에 등록하고 앱의 코드를 입력하세요. 다시 보여 주지 않습니다.",
    "enrol.secret": "비밀 값",
    "enrol.address": "앱에서 열기",
    "enrol.submit": "등록하고 로그인",
    "enrol.wrong": "코드가 맞지 않습니다. 휴대전화의 시계를 확인하고 새 코드를 입력하세요.",
    "oidc": "회사 계정으로 로그인할 수 없습니다.",
    "none": "아직 계정이 없습니다.",
    "none.note": "첫 계정 만들기: {command}",
    "demo": "데모 계정으로 로그인",
    "demo.as": "{role} 로 로그인",
    "bounce": "여는 중…",
    "host": "이 주소로는 열 수 없습니다.",
    "host.note": "http://127.0.0.1 또는 http://localhost 로 여세요.",
    "leave": "로그아웃",
}

ENGLISH: Final[Mapping[str, str]] = {
    "title": "Sign in",
    "name": "Account",
    "password": "Password",
    "code": "Code of your authenticator (6 digits)",
    "code.note": "Leave it empty if your account has no authenticator.",
    "submit": "Sign in",
    "company": "Sign in with the company account",
    "or": "or",
    "other": "한국어",
    "why.ended": "Your session has ended, or it is not of this installation. Sign in again.",
    "why.left": "You have signed out.",
    "refused": "You cannot sign in.",
    "refused.note": (
        "The name, the password or the code is not right, or five failures have locked the account "
        "for 15 minutes. Check them and try again, or ask an administrator."
    ),
    "form": "This form can no longer be used.",
    "form.note": "Here is a new one. Allow cookies and try again.",
    "pace": "Too many tries from this address.",
    "pace.note": "Try again in a minute.",
    "busy": "Too many people sign in at this moment.",
    "busy.note": "Try again in a minute.",
    "database": "The operational database does not answer.",
    "database.note": "Accounts cannot be checked, so the page stays closed. Try again when it is back.",
    "enrol.title": "Set up your authenticator",
    "enrol": "The account {name} needs the code of an authenticator to sign in.",
    "enrol.note": "Add this secret to your authenticator and type its code. It is not shown again.",
    "enrol.secret": "Secret",
    "enrol.address": "Open in the app",
    "enrol.submit": "Set up and sign in",
    "enrol.wrong": "The code is not right. Check your telephone's clock and type a new one.",
    "oidc": "You cannot sign in with the company account.",
    "none": "There is no account yet.",
    "none.note": "Add the first one: {command}",
    "demo": "Sign in with an account of the demo",
    "demo.as": "Sign in as {role}",
    "bounce": "Opening…",
    "host": "It does not open at this address.",
    "host.note": "Open http://127.0.0.1 or http://localhost.",
    "leave": "Sign out",
}

LANGUAGES: Final[Mapping[str, Mapping[str, str]]] = {"ko": KOREAN, "en": ENGLISH}
