"""The page of one's own account as HTML: who one is, password, authenticator, and where one is signed in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from app.format import moment
from app.gate.forms import OTHER, code_field, field, form, hidden, offer, page, void
from app.markup import Markup, join, tag
from app.texts import Texts
from pipeline.desk.people.passwords import SHORTEST

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from zoneinfo import ZoneInfo

    from app.gate.forms import Asked
    from pipeline.desk.people.totp import Enrol

ADDRESS: Final = "/account"
#: How a session began, as the database has it.
_WAYS: Final = {"password": "way.password", "oidc": "way.oidc", "demo": "way.demo"}


@dataclass(frozen=True, slots=True)
class Own:
    """What the page shows of whoever looks at it."""

    account: Mapping[str, Any]  # as the list of accounts has it
    sessions: Sequence[Mapping[str, Any]]
    session_id: int  # the one that looks
    zone: ZoneInfo

    @property
    def name(self) -> str:
        """The name to sign in with."""
        return str(self.account["name"])


def account_page(asked: Asked, notice: Markup, own: Own) -> str:
    """The whole page."""
    parts = [notice, _who(asked, own)]
    if own.account["password"]:
        parts += [_part(asked, "secret", _password(asked, own)), _part(asked, "totp", _totp(asked, own))]
    else:
        said = [tag("strong", asked.text("secret.none")), tag("span", asked.text("secret.none.note"))]
        parts.append(_part(asked, "secret", tag("p", *said, cls="said")))
    parts.append(_part(asked, "sessions", _sessions(asked, own)))
    return _page(asked, join(parts))


def offer_page(asked: Asked, notice: Markup, enrol: Enrol) -> str:
    """The new authenticator, and the field for its first code."""
    shown = offer(asked, enrol, f"{ADDRESS}/totp/code", asked.text("totp.submit"))
    until = tag("p", asked.text("totp.until"))
    return _page(asked, join([notice, _part(asked, "totp", until, shown)]), one="one")


def _page(asked: Asked, body: Markup, one: str = "") -> str:
    mine = f"{ADDRESS}?{urlencode({'lang': asked.language})}"
    switch = "" if one else f"{ADDRESS}?{urlencode({'lang': OTHER[asked.language]})}"
    back = ("totp.back", mine) if one else ("account.back", "/")
    way_back = tag("p", tag("a", asked.text(back[0]), href=back[1]), cls="back")
    return page(asked, asked.text("account"), join([body, way_back]), switch, wide=one or "wide")


def _part(asked: Asked, key: str, *shown: Markup) -> Markup:
    return tag("section", tag("h2", asked.text(key)), *shown)


def _who(asked: Asked, own: Own) -> Markup:
    account = own.account
    name = account["display_name"] or own.name
    role = tag("span", Texts(asked.language).word("role", account["role"]), cls="chip")
    by = "account.role.company" if account["company_login"] else "account.role.note"
    also = [] if name == own.name else [tag("small", own.name)]
    return _pairs(
        [
            (asked.text("account.as"), join([tag("strong", name), *also])),
            (asked.text("account.role"), join([role, tag("small", asked.text(by))])),
        ]
    )


def _password(asked: Asked, own: Own) -> Markup:
    new = {
        "type": "password",
        "autocomplete": "new-password",
        "required": "required",
        "minlength": f"{SHORTEST}",
    }
    return form(
        asked,
        f"{ADDRESS}/password",
        _for_keepers(own),
        field(asked, "current", type="password", autocomplete="current-password", required="required"),
        field(asked, "new", **new),
        tag("small", asked.text("secret.rule")),
        field(asked, "again", **new),
        tag("small", asked.text("secret.note")),
        tag("button", asked.text("secret.submit"), type="submit"),
    )


def _totp(asked: Asked, own: Own) -> Markup:
    has = own.account["totp"]
    present = [code_field(asked, "present", required="required")] if has else []
    fields = form(
        asked,
        f"{ADDRESS}/totp",
        _for_keepers(own),
        field(asked, "current", type="password", autocomplete="current-password", required="required"),
        *present,
        tag("button", asked.text("totp.renew" if has else "totp.begin"), type="submit"),
    )
    return join([tag("p", asked.text("totp.has" if has else "totp.none")), fields])


def _sessions(asked: Asked, own: Own) -> Markup:
    first = sorted(own.sessions, key=lambda session: session["session_id"] != own.session_id)
    shown = [_session(asked, own, session) for session in first]
    others: list[Markup] = []
    if len(own.sessions) > 1:
        button = tag("button", asked.text("sessions.others"), type="submit", cls="second")
        others = [form(asked, f"{ADDRESS}/sessions/end-others", button)]
    return join([tag("ul", *shown), *others])


def _session(asked: Asked, own: Own, session: Mapping[str, Any]) -> Markup:
    way = _WAYS.get(session["way"])
    facts = _pairs(
        [
            (asked.text("sessions.since"), moment(session["created_at"], own.zone)),
            (asked.text("sessions.seen"), moment(session["seen_at"], own.zone)),
            (asked.text("sessions.origin"), session["origin"] or "-"),
            (asked.text("sessions.way"), asked.text(way) if way else session["way"]),
        ]
    )
    number = str(session["session_id"])
    if session["session_id"] == own.session_id:
        end = tag("span", asked.text("sessions.this"), cls="chip")
    else:
        button = tag("button", asked.text("sessions.end"), type="submit", cls="second small")
        end = form(asked, f"{ADDRESS}/sessions/end", hidden("session", number), button)
    return tag("li", facts, end)


def _pairs(pairs: Sequence[tuple[str, str]]) -> Markup:
    return tag("dl", *(tag("div", tag("dt", name), tag("dd", said)) for name, said in pairs))


def _for_keepers(own: Own) -> Markup:
    """Whose password it is, for what keeps passwords in a browser; people do not see it."""
    name = {"name": "account", "value": own.name, "autocomplete": "username"}
    return void("input", type="text", hidden="hidden", readonly="readonly", **name)
