"""A press becomes an act of the desk: exactly once, however often it is delivered and whenever we die.

    envelope ──keep it──> acknowledge it ──act, and settle the press, in one transaction──> answer the person
                 └─ the database is away: not acknowledged, so that Slack warns, and the person is told

A press that is kept and not settled, as a crash leaves it, is settled later; one that waited too long is not
done any more, and the person is told.
"""

from __future__ import annotations

import json
import time
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

import structlog

from pipeline.desk.acts import ACTS, act
from pipeline.desk.roles import READ_ONLY, Actor, allowed_roles
from pipeline.errors import MinuteriskError, NotAllowed, UsageError
from pipeline.figures import clean, moment
from pipeline.minute import parse_time
from pipeline.store import audit
from pipeline.talk.client import respond
from pipeline.talk.envelope import Asker, Press
from pipeline.talk.words import TEXTS
from pipeline.tell.buttons import Place

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import Connection

    from pipeline.desk.perform import Desk, Guard
    from pipeline.store.state import State
    from pipeline.talk.client import TalkClient

log = structlog.get_logger()

#: Left alone so long, a press is one that a crash has left.
LEFT_S: Final = 15.0
#: Later than this, what somebody wanted then may be wrong now.
LATE_S: Final = 600.0
#: Slack takes answers to a press for half an hour.
ANSWERABLE_S: Final = 1_800.0
LEFT_AT_ONCE: Final = 100
KNOWN_S: Final = 60.0


class SettledBefore(Exception):
    """Somebody else has settled this press: a second delivery, or a process after a crash."""


class Presses:
    """What becomes of presses. `desks` gives the desk of a pack, None where there is no such one here."""

    def __init__(
        self,
        state: State,
        desks: Callable[[str], Desk | None],
        client: TalkClient,
        language: str,
    ) -> None:
        self._state = state
        self._desks = desks
        self._client = client
        self._language = language
        self._words = TEXTS[language]
        self._team = ""
        self._known: dict[str, tuple[float, str | None]] = {}
        self._working: set[str] = set()
        self._lock = Lock()

    @property
    def team(self) -> str:
        """The workspace that is ours; raises DeliveryError while Slack cannot say."""
        self._team = self._team or self._client.team()
        return self._team

    def take(self, press: Press) -> bool:
        """Keep a press; False where it is kept already. Raises what the database says where it cannot."""
        given = {
            "key": press.key,
            "team": press.asker.team,
            "slack_user": press.asker.user,
            "installation": press.place.installation,
            "pack": press.place.pack,
            "act": press.act,
            "thing": str(press.place.incident_id),
            "given": json.dumps(dict(press.given)),
            "response_url": press.response_url or None,
        }
        with self._state.changing() as connection:
            return self._state.ask(connection, "take_press", **given).first() is not None

    def settle(self, press: Press) -> str | None:
        """Act and answer; gives the answer, None where somebody else has settled it or does so now."""
        with self._lock:
            if press.key in self._working:
                return None
            self._working.add(press.key)
        try:
            said = self._act(press)
        except SettledBefore:
            return None
        finally:
            with self._lock:
                self._working.discard(press.key)
        self._answer(press.key, press.response_url, said)
        return said

    def settle_left(self) -> int:
        """Settle what a crash has left; how many presses were looked at."""
        with self._state.reading() as connection:
            asked = {"longer_than_s": LEFT_S, "limit": LEFT_AT_ONCE}
            rows = self._state.ask(connection, "left_presses", **asked).mappings()
            left = [dict(row) for row in rows]
        for row in left:
            try:
                self._settle_left(row)
            except MinuteriskError as error:  # the next one may be settled all the same
                log.warning("talk.left", act=row["act"], age_s=round(row["age_s"]), error=error.what)
        return len(left)

    def _settle_left(self, row: Mapping[str, Any]) -> None:
        if row["state"] == "taken" and row["age_s"] <= LATE_S:
            self.settle(_press_of(row))
        elif row["state"] == "taken":
            self._expire(_press_of(row))
        elif row["age_s"] > ANSWERABLE_S:
            self._answered(row["key"])
        else:
            said = self._words["done_late" if row["state"] == "done" else "refused_late"]
            self._answer(row["key"], row["response_url"], said.format(number=row["thing"]))

    def actor_of(self, asker: Asker) -> Actor:
        """The account of a Slack user; without one, somebody who may only look."""
        email = self._email_of(asker.user)
        with self._state.reading() as connection:
            given = {"slack_user": asker.name, "email": email}
            row = self._state.ask(connection, "account_of_slack", **given).first()
        if row is None:
            return stranger(asker)
        return Actor(row.account_id, row.name, row.role, "slack", asker.user, asker.team)

    def _email_of(self, user: str) -> str | None:
        """Who a user is, by Slack; asked again after a minute. The account is read at every act."""
        known = self._known.get(user)
        if known is None or time.monotonic() - known[0] > KNOWN_S:
            known = self._known[user] = (time.monotonic(), self._client.person(user).email)
        return known[1]

    def _act(self, press: Press) -> str:
        desk = self._desks(press.place.pack)
        wrong = self._out_of_place(press, desk)
        if wrong or desk is None:
            with self._state.changing() as connection:
                self._guard(press, "refused")(connection)
                audit.write(connection, self._refusal(press, wrong))
            return self._words["refused"].format(number=press.place.incident_id, what=wrong)
        actor = self.actor_of(press.asker)
        number, guard = press.place.incident_id, self._guard(press, "done")
        try:
            answer = act(desk, actor, press.act, number, press.given, guard)
        except UsageError as error:
            return self._refused(press, actor, error)
        return self._done(press, actor, answer, desk)

    def _out_of_place(self, press: Press, desk: Desk | None) -> str:
        """Why this press is not ours to act on; nothing where it is."""
        words, team = self._words, press.asker.team
        if team != self.team:
            return words["other_team"].format(team=clean(team), own=clean(self.team))
        if desk is None:
            return words["unknown_pack"].format(pack=f"`{clean(press.place.pack)}`")
        if press.place.installation != desk.state.installation():
            return words["other_installation"]
        return ""

    def _guard(self, press: Press, first: str) -> Guard:
        """Settles the press in the act's own transaction; called again, in that of its refusal."""
        outcomes = iter((first, "refused"))

        def settle(connection: Connection) -> None:
            given = {"key": press.key, "state": next(outcomes)}
            if self._state.ask(connection, "settle_press", **given).first() is None:
                raise SettledBefore

        return settle

    def _expire(self, press: Press) -> None:
        try:
            with self._state.changing() as connection:
                self._guard(press, "expired")(connection)
                why = f"pressed more than {LATE_S / 60:.0f} minutes before it could be done"
                audit.write(connection, self._refusal(press, why))
        except SettledBefore:
            return
        said = self._words["expired"].format(number=press.place.incident_id)
        self._answer(press.key, press.response_url, said)

    def _refusal(self, press: Press, why: str) -> audit.Entry:
        pack = press.place.pack or self._state.pack
        return refusal(press.asker, press.act, "incident", str(press.place.incident_id), pack, why)

    def _answer(self, key: str, url: str, said: str) -> None:
        """Tell the person; where that fails it is tried again as long as Slack would take it."""
        if not url or respond(url, said):
            self._answered(key)

    def _answered(self, key: str) -> None:
        with self._state.changing() as connection:
            self._state.ask(connection, "answered_press", key=key)

    def _done(self, press: Press, actor: Actor, answer: Mapping[str, Any], desk: Desk) -> str:
        until = answer.get("snoozed_until")
        return self._words[f"done_{press.act}"].format(
            number=press.place.incident_id,
            by=f"`{clean(actor.name)}`",
            until=moment(parse_time(until), desk.zone) if isinstance(until, str) else "",
        )

    def _refused(self, press: Press, actor: Actor, error: UsageError) -> str:
        words = self._words
        if isinstance(error, NotAllowed) and actor.account_id is None:
            what = words["no_account"].format(user=clean(press.asker.name))
        elif isinstance(error, NotAllowed) and actor.role not in allowed_roles(ACTS[press.act].action):
            roles = ", ".join(sorted(allowed_roles(ACTS[press.act].action)))
            what = words["no_role"].format(by=f"`{clean(actor.name)}`", role=actor.role, roles=roles)
        else:
            what, hint = (clean_sentence(text) for text in error.in_language(self._language))
            what += f"\n{words['next'].format(hint=hint)}" if error.hint else ""
        return words["refused"].format(number=press.place.incident_id, what=what)


def stranger(asker: Asker) -> Actor:
    """Somebody of Slack without an account."""
    return Actor(None, f"slack {asker.name}", READ_ONLY, "slack", asker.user, asker.team)


def clean_sentence(text: str) -> str:
    """A sentence of an error, which may hold a name from outside: nothing in it acts in Slack."""
    return f"`{clean(text, _LONGEST)}`"


_LONGEST: Final = 300


def _press_of(row: Mapping[str, Any]) -> Press:
    """A press as it was kept."""
    return Press(
        row["key"],
        Asker(row["team"], row["slack_user"]),
        Place(row["installation"], row["pack"], int(row["thing"])),
        row["act"],
        row["given"],
        row["response_url"] or "",
    )


def refusal(asker: Asker, act_name: str, kind: str, thing: str, pack: str, why: str) -> audit.Entry:
    """What the audit says of a try that no act was asked for."""
    actor = stranger(asker)
    return audit.Entry(
        account_id=None,
        actor=actor.name,
        role=actor.role,
        door=actor.door,
        credential=actor.credential,
        origin=actor.origin,
        act=act_name,
        kind=kind,
        thing=thing,
        pack=pack,
        outcome="refused",
        why=why,
    )
