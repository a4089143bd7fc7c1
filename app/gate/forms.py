"""The gate's own pages as HTML: forms that need no script, with everything from outside escaped.

account_forms.py has those of whoever is signed in.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

import segno

from app.gate.texts import LANGUAGES
from app.markup import Markup, join, tag

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.desk.people.totp import Enrol

_STYLE: Final = (Path(__file__).parent / "forms.css").read_text(encoding="utf-8")
_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
#: These pages load nothing, run nothing, send their forms to us alone, and stand in nobody's frame.
POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
#: The language that a page also speaks.
OTHER: Final = {"ko": "en", "en": "ko"}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a form takes along: the language, where to go afterwards, and the word against forged requests."""

    language: str
    back_to: str
    token: str

    def text(self, key: str, **fields: str) -> str:
        """One text in the person's language."""
        said = LANGUAGES[self.language][key]
        return said.format(**fields) if fields else said


def sign_in_page(asked: Asked, notice: Markup, *, company: bool, demo: Sequence[str]) -> str:
    """Name, password, code; the company's login and the demo's accounts where there are any."""
    fields = form(
        asked,
        "/login",
        field(asked, "name", autocomplete="username", autofocus="autofocus", required="required"),
        field(asked, "password", type="password", autocomplete="current-password", required="required"),
        code_field(asked, "code"),
        tag("small", asked.text("code.note")),
        tag("button", asked.text("submit"), type="submit"),
    )
    more = [_company(asked)] if company else []
    if demo:
        more += [tag("p", asked.text("demo"), cls="or"), demo_form(asked, demo, second="second")]
    switch = urlencode({"lang": OTHER[asked.language], "next": asked.back_to})
    return page(asked, asked.text("title"), join([notice, fields, *more]), f"/login?{switch}")


def enrol_page(asked: Asked, notice: Markup, enrol: Enrol) -> str:
    """The new secret of an authenticator, and the field for its first code."""
    why = tag("p", asked.text("enrol", name=enrol.name))
    shown = [notice, why, offer(asked, enrol, "/login/code", asked.text("enrol.submit"))]
    return page(asked, asked.text("enrol.title"), join(shown))


def offer(asked: Asked, enrol: Enrol, action: str, submit: str) -> Markup:
    """A new secret as a QR code and as text, and the form for its first code."""
    secret = " ".join(enrol.secret[i : i + 4] for i in range(0, len(enrol.secret), 4))
    first_code = form(
        asked,
        action,
        hidden("ticket", enrol.ticket),
        code_field(asked, "code", autofocus="autofocus", required="required"),
        tag("button", submit, type="submit"),
    )
    return join(
        [
            tag("p", asked.text("enrol.note")),
            qr(enrol.address, asked.text("enrol.qr")),
            tag("p", asked.text("enrol.secret"), cls="label"),
            tag("code", secret),
            tag("p", tag("a", asked.text("enrol.address"), href=enrol.address)),
            first_code,
        ]
    )


def qr(address: str, label: str) -> Markup:
    """An address as a QR code, drawn into the page itself, which loads nothing; dark on light always."""
    made = segno.make(address, error="m", micro=False)
    drawn = made.svg_inline(omitsize=True, light="#fff", lineclass=None, svgclass=None)
    return tag("div", Markup(drawn), cls="qr", role="img", **{"aria-label": label})


def said_page(asked: Asked, notice: Markup) -> str:
    """A page that says one thing."""
    return page(asked, "", notice)


def bounce_page(asked: Asked, address: str) -> str:
    """Go on to our own page: only there does the browser show the cookie that a link elsewhere withholds."""
    refresh = void("meta", **{"http-equiv": "refresh", "content": f"0;url={address}"})
    return page(asked, "", tag("a", asked.text("bounce"), href=address), head=refresh)


def demo_form(asked: Asked, accounts: Sequence[str], second: str = "") -> Markup:
    """A button for each account of the demo; it is called like its role."""
    buttons = [
        tag(
            "button",
            asked.text("demo.as", role=account),
            type="submit",
            cls=second,
            name="account",
            value=account,
        )
        for account in accounts
    ]
    return form(asked, "/login/demo", *buttons)


def leave_form(asked: Asked) -> Markup:
    """The button to sign out."""
    return form(asked, "/logout", tag("button", asked.text("leave"), type="submit"))


def notice(asked: Asked, key: str, note: str = "", *, good: bool = False) -> Markup:
    """A line that says what happened and what to do."""
    said = note or LANGUAGES[asked.language].get(f"{key}.note", "")
    parts = [tag("strong", asked.text(key)), *([tag("span", said)] if said else [])]
    return tag("div", *parts, cls="notice good" if good else "notice", role="status")


def _company(asked: Asked) -> Markup:
    address = f"/oidc/login?{urlencode({'lang': asked.language, 'next': asked.back_to})}"
    return join(
        [
            tag("p", asked.text("or"), cls="or"),
            tag("a", asked.text("company"), href=address, cls="button second"),
        ]
    )


def form(asked: Asked, action: str, *parts: Markup) -> Markup:
    """A form of ours, tied to whom it is for."""
    # No field may be called like what a document or a form has itself: Streamlit's page drops those.
    kept = (
        hidden("token", asked.token),
        hidden("next", asked.back_to),
        hidden("language", asked.language),
    )
    return tag("form", *kept, *parts, method="post", action=action)


def field(asked: Asked, name: str, **attributes: str) -> Markup:
    """A field under its label, the text of its name."""
    given = {"type": "text", **attributes, "name": name, "maxlength": "300"}
    return tag("label", asked.text(name), void("input", **given))


def code_field(asked: Asked, name: str, **attributes: str) -> Markup:
    """A field for a code of an authenticator."""
    return field(asked, name, autocomplete="one-time-code", inputmode="numeric", **attributes)


def hidden(name: str, value: str) -> Markup:
    """What a form takes along unseen."""
    return void("input", type="hidden", name=name, value=value)


def void(element: str, **attributes: str) -> Markup:
    """An element without an end."""
    return Markup(tag(element, **attributes).removesuffix(f"</{element}>"))


def page(
    asked: Asked, heading: str, body: Markup, switch: str = "", head: Markup | str = "", wide: str = ""
) -> str:
    """A whole page; `switch` is its address in the other language, `wide` a class of the whole."""
    parts = [
        tag(
            "header",
            tag("span", "minuterisk", cls="brand"),
            tag("a", asked.text("other"), href=switch) if switch else Markup(""),
        ),
        tag("h1", heading) if heading else Markup(""),
        body,
    ]
    return (
        f'<!DOCTYPE html><html lang="{asked.language}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">{head}'
        f"<title>minuterisk</title><style>{_STYLE}</style></head>"
        f"<body>{tag('main', *parts, cls=wide)}</body></html>"
    )
