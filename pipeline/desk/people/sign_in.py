"""How somebody becomes an actor of the page: by name, password and code, or by the company's login.

Whatever is wrong, answer and work are the same: one password is hashed, one code is compared, one row is
changed where there is one, and one row goes into the audit, which alone says what it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NoReturn

import structlog

from pipeline.desk.people import sessions, totp
from pipeline.desk.people.accounts import (
    LOCKED,
    failed,
    hold,
    name_of,
    open_totp,
    require_another_admin,
    seal_totp,
)
from pipeline.desk.people.oidc import LoginRefused, role_of
from pipeline.desk.people.seal import Broken
from pipeline.desk.roles import SUPER_ADMIN
from pipeline.errors import UsageError
from pipeline.errors.phrases import phrase, word
from pipeline.figures import one_line
from pipeline.store import audit

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection, Row

    from pipeline.desk.people.oidc import Person
    from pipeline.desk.people.passwords import Passwords
    from pipeline.desk.people.seal import Seal
    from pipeline.desk.people.totp import Enrol
    from pipeline.desk.perform import Desk

log = structlog.get_logger()

#: What a ticket of an authenticator is for, that somebody sets up to sign in.
ENROL: Final = "enrol"
#: What is compared with where there is no secret.
_NOBODYS: Final = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


class NotSignedIn(UsageError):
    """Something is not right; what, only the audit says."""


@dataclass(frozen=True, slots=True)
class Tried:
    """What somebody typed, from where, and the session that the browser had."""

    name: str
    password: str
    code: str
    origin: str
    previous: str = ""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session that began."""

    token: str
    name: str


#: Columns of a row of the audit.
_Note = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Came:
    """Whom the company's login brought, and what that changed."""

    name: str
    notes: list[_Note]


@dataclass(frozen=True, slots=True)
class SignIn:
    """What signing in needs: the desk, the hashes, the key of the home."""

    desk: Desk
    passwords: Passwords
    seal: Seal

    def by_password(self, tried: Tried) -> SignedIn | Enrol:
        """Begin a session. Raises NotSignedIn, whatever was not right."""
        now, row = self.desk.clock(), self._account(tried.name)
        fits = self.passwords.fits(row.password_hash if row else None, tried.password)
        step = totp.step_of(self._secret(row), tried.code, now)
        wrong = _wrong(row, now, fits=fits, coded=step is not None)
        if row is None or wrong:
            self._fail(row, tried.origin, wrong, now)
        if row.totp is None and row.role == SUPER_ADMIN:
            return totp.offered(self.seal, ENROL, row.account_id, row.name, now)
        given = {"account_id": row.account_id, "totp_step": step if row.totp else None, "now": now}
        fresh = self.passwords.hash(tried.password) if self.passwords.is_old(row.password_hash) else None
        with self.desk.state.changing() as connection:
            done = self.desk.state.ask(connection, "account_signed_in", password_hash=fresh, **given).first()
            if done is not None:
                return self._begin(connection, done, "password", tried.origin, tried.previous)
        return self._fail(row, tried.origin, "the code was used, or the account was locked meanwhile", now)

    def by_first_code(self, ticket: str, code: str, origin: str, previous: str = "") -> SignedIn:
        """Set an authenticator up and begin a session. Raises WrongCode, TooLate, NotSignedIn."""
        now = self.desk.clock()
        content = totp.opened(self.seal, ENROL, ticket, now)
        step = totp.first_step(content, ticket, code, now)
        secret, number = content["secret"], content["account_id"]
        sealed = seal_totp(self.seal, secret, number)
        given = {"account_id": number, "totp": sealed, "totp_step": step, "now": now}
        with self.desk.state.changing() as connection:
            done = self.desk.state.ask(connection, "account_enrol", **given).first()
            if done is not None:
                enrolled = {"act": "enrol_totp", "kind": "account", "thing": done.name}
                return self._begin(connection, done, "password", origin, previous, enrolled)
        msg = "the account has an authenticator already, or may not sign in"
        raise NotSignedIn(msg, "sign in from the start")

    def as_demo(self, name: str, origin: str, previous: str = "") -> SignedIn:
        """Begin a session of a demo's account without a password; whoever calls knows that it is a demo."""
        row = self._account(name)
        if row is None or row.disabled_at is not None:
            self._fail(None, origin, f"no account {one_line(name)} of the demo", self.desk.clock())
        with self.desk.state.changing() as connection:
            return self._begin(connection, row, "demo", origin, previous)

    def by_company(self, person: Person, origin: str, previous: str = "") -> SignedIn:
        """Begin a session of whom the identity provider vouches for, with the role that its claim gives."""
        settings = self.desk.settings
        role = role_of(person, settings.oidc_roles)
        if role is None:
            held = one_line(", ".join(person.values), 200) or word("nothing")
            has = {"name": person.name, "claim": settings.oidc_role_claim, "values": held}
            msg = phrase("{name} has no access: {claim} is {values}", **has)
            raise LoginRefused(msg, "ask for a group that MINUTERISK_OIDC_ROLES gives a role to")
        state = self.desk.state
        with state.changing() as connection:
            hold(state, connection)
            known = {"oidc_issuer": person.issuer, "oidc_subject": person.subject}
            row = state.ask(connection, "account_by_company", email=person.email, **known).first()
            came = (
                self._joined(connection, person, role)
                if row is None
                else self._known(connection, row, person, role)
            )
            row = state.ask(connection, "account_to_sign_in", account=came.name).one()
            return self._begin(connection, row, "oidc", origin, previous, *came.notes)

    def refused(self, origin: str, why: str, act: str = "sign_in", thing: str = "") -> None:
        """A try from outside that leads nowhere, into the audit."""
        with self.desk.state.changing() as connection:
            self._note(connection, None, origin, act=act, thing=thing, why=why, outcome="refused")

    def sign_out(self, token: str, origin: str) -> None:
        """End the session of a token, where there is one."""
        with self.desk.state.changing() as connection:
            seen = sessions.look(self.desk.state, token, origin, self.desk.clock())
            number = sessions.end(self.desk.state, connection, token, self.desk.clock())
            if number is not None and seen.actor is not None:
                self._note(connection, seen.actor, origin, act="sign_out", thing=str(number))

    def _account(self, name: str) -> Row[Any] | None:
        try:
            known = name_of(name)
        except UsageError:
            known = ""
        with self.desk.state.reading() as connection:
            return self.desk.state.ask(connection, "account_to_sign_in", account=known).first()

    def _secret(self, row: Row[Any] | None) -> str:
        if row is None or row.totp is None:
            return _NOBODYS
        try:
            return open_totp(self.seal, row.totp, row.account_id)
        except Broken:
            log.warning("sign_in.totp_unreadable", account=row.name, hint="minuterisk users totp")
            return _NOBODYS

    def _fail(self, row: Row[Any] | None, origin: str, why: str, now: datetime) -> NoReturn:
        with self.desk.state.changing() as connection:
            locked = failed(self.desk.state, connection, row.name if row else "", now)
            more = f"; locked for {LOCKED.seconds // 60} minutes" if locked else ""
            self._note(connection, row, origin, act="sign_in", why=why + more, outcome="refused")
        msg = "the name, the password or the code is not right, or the account is locked for 15 minutes"
        raise NotSignedIn(msg, "check them and try again, or ask an administrator")

    def _begin(
        self, connection: Connection, row: Row[Any], way: str, origin: str, previous: str, *notes: _Note
    ) -> SignedIn:
        """A session with a number that nobody knew before; the one that the browser had ends."""
        state, now = self.desk.state, self.desk.clock()
        if previous:
            sessions.end(state, connection, previous, now)
        token, number = sessions.begin(state, connection, row.account_id, way, origin, now)
        begun = {"act": "sign_in", "thing": str(number), "credential": str(number), "why": way}
        for note in (*notes, begun):  # the audit comes last: others wait for it
            self._note(connection, row, origin, **note)
        return SignedIn(token, row.name)

    def _joined(self, connection: Connection, person: Person, role: str) -> _Came:
        """A new account for somebody whom the company's login sends for the first time."""
        state, wanted = self.desk.state, _as_name(person.name)
        names = [wanted, *(f"{wanted[:70]}-{number}" for number in range(2, 100))]
        taken = set(state.ask(connection, "account_names", names=names).scalars())
        name = next(name for name in names if name not in taken)
        given = {
            "account": name,
            "display_name": person.name,
            "role": role,
            "email": person.email,
            "password_hash": None,
            "os_user": None,
            "oidc_issuer": person.issuer,
            "oidc_subject": person.subject,
            "now": self.desk.clock(),
        }
        state.ask(connection, "account_add", **given)
        return _Came(
            name, [{"act": "add_account", "kind": "account", "thing": name, "after": {"role": role}}]
        )

    def _known(self, connection: Connection, row: Row[Any], person: Person, role: str) -> _Came:
        """An account that the company's login knows by now, with the role of its claim."""
        state, came = self.desk.state, _Came(row.name, [])
        if row.disabled_at is not None:
            msg = phrase("the account {name} is disabled", name=row.name)
            raise LoginRefused(msg, "ask an administrator")
        if row.oidc_subject is None:
            known = {"oidc_issuer": person.issuer, "oidc_subject": person.subject}
            state.ask(connection, "account_of_company", account_id=row.account_id, **known)
        if role != row.role:
            if role != SUPER_ADMIN:
                require_another_admin(state, connection, row)
            state.ask(connection, "account_set_role", account_id=row.account_id, role=role)
            changed = {"before": {"role": row.role}, "after": {"role": role}}
            came.notes.append({"act": "set_role", "kind": "account", "thing": row.name, **changed})
        return came

    def _note(self, connection: Connection, who: Any, origin: str, **said: Any) -> None:  # noqa: ANN401 - a row or an actor
        entry = {
            "account_id": who.account_id if who else None,
            "actor": who.name if who else "unknown",
            "role": who.role if who else "",
            "door": "page",
            "credential": "",
            "origin": origin,
            "kind": "session",
            "thing": "",
            "outcome": "done",
        }
        audit.write(connection, audit.Entry(pack=self.desk.state.pack, **{**entry, **said}))


def _wrong(row: Row[Any] | None, now: datetime, *, fits: bool, coded: bool) -> str:
    """What was not right, for the audit."""
    if row is None:
        return "no such account"
    if row.disabled_at is not None:
        return "the account is disabled"
    if row.locked_until is not None and row.locked_until > now:
        return "the account is locked"
    if not fits:
        return "the password is wrong"
    return "" if coded or row.totp is None else "the code is wrong"


def _as_name(text: str) -> str:
    """A name that an account can have, made of one that the identity provider gave."""
    made = "".join(letter if letter.isalnum() or letter in "._-@+" else "-" for letter in text)
    return name_of(made.lstrip(".-@+")[:80] or "company")
