"""The page /live: the latest hits as they come. Its script writes nothing as HTML."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Final

from starlette.responses import HTMLResponse, RedirectResponse, Response

from pipeline.desk.people.keys import KeyRefused
from pipeline.errors import NotAllowed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from starlette.requests import Request
    from starlette.routing import Route

    from pipeline.online.transfers.check.callers import Callers

    Endpoint = Callable[[Request], Awaitable[Response]]

_FOLDER: Final = Path(__file__).parent
_FILES: Final = {"live.js": "text/javascript; charset=utf-8", "live.css": "text/css; charset=utf-8"}
LANGUAGES: Final = ("ko", "en")
_LANGUAGE_COOKIES: Final = ("__Host-minuterisk-language", "minuterisk-language")

WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "ko": {
        "title": "실시간 결제 알림",
        "caption": "가장 최근 알림 100건, 새 알림이 위에 옵니다",
        "time": "결제 시각",
        "severity": "심각도",
        "rule": "규칙",
        "account": "계좌",
        "amount": "금액",
        "decision": "판정",
        "say": "내용",
        "connecting": "연결하는 중…",
        "live": "실시간으로 연결됨",
        "lost": "연결이 끊겼습니다. 다시 연결합니다…",
        "refused": "볼 수 없습니다. 대시보드에서 로그인한 뒤 다시 여세요.",
        "none": "아직 알림이 없습니다.",
        "corrected": "정정됨",
        "late": "늦게 도착",
        "medium": "보통",
        "high": "높음",
        "critical": "심각",
        "allow": "허용",
        "review": "검토",
        "block": "차단",
        "script": "이 화면에는 자바스크립트가 필요합니다.",
    },
    "en": {
        "title": "Payments as they are judged",
        "caption": "The latest 100 alerts, new ones on top",
        "time": "Time of the payment",
        "severity": "Severity",
        "rule": "Rule",
        "account": "Account",
        "amount": "Amount",
        "decision": "Decision",
        "say": "What",
        "connecting": "Connecting…",
        "live": "Connected, live",
        "lost": "The connection was lost. Connecting again…",
        "refused": "Not allowed. Sign in on the dashboard and open this again.",
        "none": "No alerts so far.",
        "corrected": "corrected",
        "late": "late",
        "medium": "medium",
        "high": "high",
        "critical": "critical",
        "allow": "allow",
        "review": "review",
        "block": "block",
        "script": "This page needs JavaScript.",
    },
}
_COLUMNS: Final = ("time", "severity", "rule", "account", "amount", "decision", "say")


def page_routes(
    route: Callable[[str, Endpoint, str], Route], callers: Callers, language: str, dashboard: str
) -> list[Route]:
    """The page and its two files."""
    policy = "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            f"frame-ancestors 'self' {dashboard}",
        )
    )
    headers = {
        "content-security-policy": policy,
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        "referrer-policy": "same-origin",
    }

    async def live(request: Request) -> Response:
        try:
            await callers.looker(request)
        except (KeyRefused, NotAllowed):
            words = WORDS[_language(request, language)]
            link = f'<p><a href="{escape(dashboard)}/">{escape(dashboard)}</a></p>'
            return HTMLResponse(_document(words, f"<p>{escape(words['refused'])}</p>{link}"), 401, headers)
        chosen = _language(request, language)
        return HTMLResponse(page(chosen), 200, headers)

    async def file(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in _FILES:
            return RedirectResponse("/live", 303)
        content = (_FOLDER / name).read_bytes()
        return Response(content, 200, {**headers, "cache-control": "no-cache"}, _FILES[name])

    return [route("/live", live, "GET"), route("/live/{name}", file, "GET")]


def page(language: str) -> str:
    """The document; its rows come from /v1/alerts and /v1/feed."""
    words = WORDS[language]
    heads = "".join(f'<th scope="col">{escape(words[name])}</th>' for name in _COLUMNS)
    shown = (*_COLUMNS, "title", "caption")
    told = "".join(f' data-{name}="{escape(words[name])}"' for name in words if name not in shown)
    other = next(one for one in LANGUAGES if one != language)
    link = f'<a href="?lang={other}" lang="{other}" hreflang="{other}">{escape(WORDS[other]["title"])}</a>'
    return _document(
        words,
        f'<p id="state" role="status"{told}>{escape(words["connecting"])}</p>'
        f"<noscript><p>{escape(words['script'])}</p></noscript>"
        f'<div class="wide" role="region" aria-labelledby="caption" tabindex="0"><table>'
        f'<caption id="caption">{escape(words["caption"])}</caption>'
        f"<thead><tr>{heads}</tr></thead>"
        '<tbody id="rows"></tbody></table></div>'
        f"<p>{link}</p>"
        '<script src="/live/live.js"></script>',
        language,
    )


def _document(words: Mapping[str, str], body: str, language: str = "ko") -> str:
    title = escape(words["title"])
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f'<link rel="icon" href="data:,"><link rel="stylesheet" href="/live/live.css"></head>'
        f"<body><main><h1>{title}</h1>{body}</main></body></html>"
    )


def _language(request: Request, otherwise: str) -> str:
    cookie = next((request.cookies[one] for one in _LANGUAGE_COOKIES if one in request.cookies), "")
    asked = (request.query_params.get("lang", ""), cookie)
    return next((one for one in asked if one in LANGUAGES), otherwise)
