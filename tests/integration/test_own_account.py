"""One's own account on the page, over real HTTP: password, authenticator, sessions, and what is refused."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pyotp
import pytest

from app.gate.forms import POLICY
from pipeline.desk.people import sessions
from pipeline.desk.people.accounts import MOST_FAILURES
from pipeline.desk.people.entrance import Entrance
from pipeline.settings import Settings
from tests.integration.doorway import Clock, Visitor, audited, doorway
from tests.people import PASSWORD, add_people, do, quick_passwords

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import requests

    from pipeline.desk.roles import Actor
    from pipeline.store.state import State

NEW = "a sentence nobody else says"
HOSTILE = "<script>alert(1)</script>\"'><img src=x>\N{RIGHT-TO-LEFT OVERRIDE}[x](javascript:y)"

pytestmark = pytest.mark.usefixtures("unpaced")


@pytest.fixture
def people(state: State) -> dict[str, Actor]:
    found = add_people(state, {"boss": "SUPER_ADMIN", "kim": "OPS_AGENT", "lee": "READ_ONLY"})
    with state.changing() as connection:
        connection.exec_driver_sql("UPDATE account SET display_name = %s WHERE name = 'kim'", (HOSTILE,))
    return found


class StillClock(Clock):
    """It moves only when a test puts it forward: a code is of one step then."""

    def __init__(self) -> None:
        super().__init__()
        self._start = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self._start + self.ahead


@pytest.fixture
def clock() -> Clock:
    return StillClock()


@pytest.fixture
def settings(tmp_path: Path, state_url: str) -> Settings:
    return Settings(home=tmp_path, state_url=state_url, trusted_proxies=("127.0.0.1/32",), language="en")


@pytest.fixture
def address(settings: Settings, people: dict[str, Actor], clock: Clock) -> Iterator[str]:
    del people
    with doorway(Entrance(settings, local=False, clock=clock)) as url:
        yield url


def signed_in(address: str, name: str, code: str = "", **headers: str) -> Visitor:
    visitor = Visitor(address, **headers)
    assert visitor.sign_in(name, PASSWORD, code).status_code == 303
    return visitor


@pytest.fixture
def kim(address: str) -> Visitor:
    return signed_in(address, "kim")


def field(page: requests.Response, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page.text)
    assert found, name
    return found[1]


def send(visitor: Visitor, path: str, fields: dict[str, str], **headers: str) -> requests.Response:
    token = field(visitor.get("/account"), "token")
    return visitor.post(f"/account{path}", {"token": token, **fields}, **headers)


def change(visitor: Visitor, current: str = PASSWORD, new: str = NEW, again: str = NEW) -> requests.Response:
    return send(visitor, "/password", {"current": current, "new": new, "again": again})


def numbers(state: State, clock: Clock, name: str) -> list[int]:
    return [row["session_id"] for row in sessions.listed(state, clock(), name)]


def set_up(visitor: Visitor, clock: Clock, present: str = "") -> pyotp.TOTP:
    """A new authenticator, from the form to its first code."""
    page = send(visitor, "/totp", {"current": PASSWORD, "present": present})
    assert page.status_code == 200, page.text
    totp = pyotp.TOTP(page.text.split("secret=")[1].split("&")[0])
    given = {"ticket": field(page, "ticket"), "code": totp.at(clock())}
    done = send(visitor, "/totp/code", given)
    assert (done.status_code, done.headers["location"]) == (303, "/account?lang=en&done=totp")
    return totp


def account(state: State, name: str) -> dict[str, Any]:
    (row,) = state.rows("accounts_list", account=name)
    return dict(row)


def test_the_page_says_who_one_is_in_both_languages_runs_nothing_and_escapes_every_name(
    kim: Visitor,
) -> None:
    for query, says in (("", "My account"), ("?lang=ko", "내 계정")):
        page = kim.get(f"/account{query}")
        assert (page.status_code, says in page.text) == (200, True)
        assert page.headers["content-security-policy"] == POLICY
        assert page.headers["cache-control"] == "no-store"
        assert "&lt;script&gt;alert(1)" in page.text
        assert not [word for word in ("<script", "<img", "\u202e", "style=") if word in page.text]
        assert "127.0.0.1" in page.text
    assert "운영 담당" in kim.get("/account?lang=ko").text


def test_whoever_is_not_signed_in_does_that_first_also_where_a_form_comes_too_late(
    address: str, kim: Visitor, state: State, people: dict[str, Actor], clock: Clock
) -> None:
    assert Visitor(address).get("/account").headers["location"] == "/login?next=%2Faccount"
    (number,) = numbers(state, clock, "kim")
    token = field(kim.get("/account"), "token")
    do(state, "revoke_session", number, actor=people["boss"])
    late = kim.post("/account/password", {"token": token, "current": PASSWORD, "new": NEW, "again": NEW})
    assert (late.status_code, late.headers["location"]) == (303, "/login?next=%2Faccount&why=ended")
    assert signed_in(address, "kim", "").get("/account").status_code == 200  # the password is as it was


def test_where_the_page_opens_without_a_session_there_is_no_account_to_change(
    settings: Settings, state: State
) -> None:
    with doorway(Entrance(settings)) as url:
        nobody = Visitor(url)
        assert nobody.get("/").status_code == 200
        to_login = "/login?next=%2Faccount&lang=en"
        assert nobody.get("/account").headers["location"] == to_login
        assert nobody.post("/account/password", {"new": NEW, "again": NEW}).headers["location"] == to_login
    assert state.rows("accounts_list", account=None) == []


def test_ones_own_password_is_changed_through_the_desk_and_ends_the_other_sessions(
    address: str, kim: Visitor, state: State, clock: Clock
) -> None:
    other = signed_in(address, "kim")
    done = change(kim)
    assert (done.status_code, done.headers["location"]) == (303, "/account?lang=en&done=password")
    assert "The password is changed." in kim.get(done.headers["location"]).text
    assert other.get("/").status_code == 303
    assert len(numbers(state, clock, "kim")) == 1
    (row,) = audited(state, "set_password")
    assert (row["actor"], row["door"], row["outcome"], row["thing"]) == ("kim", "page", "done", "kim")
    assert Visitor(address).sign_in("kim", PASSWORD).status_code == 403
    assert Visitor(address).sign_in("kim", NEW).status_code == 303


@pytest.mark.parametrize(
    ("given", "status", "says"),
    [
        ({"current": "wrong"}, 403, "could not be confirmed"),
        ({"current": ""}, 403, "could not be confirmed"),
        ({"new": "short", "again": "short"}, 400, "12 characters or more"),
        ({"again": "another one altogether"}, 400, "The two new passwords differ."),
        ({"new": "", "again": ""}, 403, "password is missing"),
        ({"new": "\N{NULL}twelve letters", "again": "\N{NULL}twelve letters"}, 403, "Nothing was changed."),
    ],
)
def test_what_is_wrong_with_a_new_password_is_said(
    kim: Visitor, given: dict[str, str], status: int, says: str
) -> None:
    answer = change(kim, **given)
    assert (answer.status_code, says in answer.text) == (status, True), answer.text
    assert kim.get("/").status_code == 200


def test_an_administrator_is_asked_for_the_old_password_too(
    address: str, people: dict[str, Actor], clock: Clock
) -> None:
    boss = Visitor(address)
    page = boss.sign_in("boss", PASSWORD)
    assert 'role="img"' in page.text  # the QR code also where an authenticator is set up at the sign-in
    secret = page.text.split("secret=")[1].split("&")[0]
    code = {"ticket": field(page, "ticket"), "code": pyotp.TOTP(secret).at(clock())}
    assert boss.post("/login/code", {"token": field(page, "token"), **code}).status_code == 303
    assert change(boss, current="wrong").status_code == 403
    assert change(boss).status_code == 303


def test_wrong_old_passwords_lock_like_a_sign_in_and_are_audited(
    address: str, kim: Visitor, state: State, clock: Clock
) -> None:
    for _ in range(MOST_FAILURES - 1):
        assert change(kim, current="wrong").status_code == 403
    begun = send(kim, "/totp", {"current": "wrong", "present": ""})  # they are counted together
    assert (begun.status_code, "QR" in begun.text) == (403, False)
    assert change(kim).status_code == 403  # locked: not even with the right one
    assert Visitor(address).sign_in("kim", PASSWORD).status_code == 403
    tries = audited(state, "set_password")
    assert {row["outcome"] for row in tries} == {"refused"}
    assert "wrong" not in " ".join(str(row) for row in tries)
    clock.ahead = timedelta(minutes=15, seconds=1)
    assert change(kim).status_code == 303


def test_one_address_tries_so_often_and_few_wrong_passwords_are_hashed(
    settings: Settings, people: dict[str, Actor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    quick, hashed = quick_passwords(monkeypatch), []
    fits = quick.fits

    def counted(kept: str | None, given: str) -> bool:
        hashed.append(given)
        return fits(kept, given)

    with doorway(Entrance(settings, local=False)) as url:
        kim = signed_in(url, "kim")
        token = field(kim.get("/account"), "token")
        monkeypatch.setattr(quick, "fits", counted)
        wrong = {"token": token, "current": "wrong", "new": NEW, "again": NEW}
        seen = [kim.post("/account/password", wrong).status_code for _ in range(60)]
        assert seen[:9] == [403] * 9  # a try was the sign-in's
        assert seen.count(429) > 40
        assert len(hashed) == MOST_FAILURES  # a locked account hashes nothing more


@pytest.mark.parametrize(
    "forged",
    [
        {"token": ""},
        {"token": "0" * 64},
        {"header": {"Origin": "https://evil.example"}},
        {"header": {"Sec-Fetch-Site": "cross-site"}},
        {"of": "lee"},
    ],
)
def test_a_form_that_another_page_sends_changes_nothing(
    address: str, kim: Visitor, state: State, clock: Clock, forged: dict[str, Any]
) -> None:
    signed_in(address, "kim")
    given = {"current": PASSWORD, "new": NEW, "again": NEW, "session": str(numbers(state, clock, "kim")[0])}
    given |= {"token": forged["token"]} if "token" in forged else {}
    if "of" in forged:
        given["token"] = field(signed_in(address, forged["of"]).get("/account"), "token")
    for path in ("/password", "/totp", "/totp/code", "/sessions/end", "/sessions/end-others"):
        answer = send(kim, path, given, **forged.get("header", {}))
        assert (answer.status_code, "Nothing was changed" in answer.text) == (403, True), path
        assert (audited(state)[0]["outcome"], "kim" in audited(state)[0]["why"]) == ("refused", True)
    assert len(numbers(state, clock, "kim")) == 2
    assert Visitor(address).sign_in("kim", PASSWORD).status_code == 303


def test_an_authenticator_is_set_up_by_its_qr_code_and_counts_once_its_code_was_given(
    address: str, kim: Visitor, state: State, clock: Clock
) -> None:
    page = send(kim, "/totp", {"current": PASSWORD})
    secret = page.text.split("secret=")[1].split("&")[0]
    assert page.headers["content-security-policy"] == POLICY
    assert '<div class="qr" role="img" aria-label="QR code for your authenticator"><svg' in page.text
    assert " ".join(secret[i : i + 4] for i in range(0, 32, 4)) in page.text
    assert "style=" not in page.text
    ticket = field(page, "ticket")
    wrong = send(kim, "/totp/code", {"ticket": ticket, "code": "000000"})
    assert (wrong.status_code, secret in wrong.text, "<svg" in wrong.text) == (403, True, True)
    assert account(state, "kim")["totp"] is False
    assert Visitor(address).sign_in("kim", PASSWORD).status_code == 303  # as before
    code = pyotp.TOTP(secret).at(clock())
    assert send(kim, "/totp/code", {"ticket": ticket, "code": code}).status_code == 303
    assert Visitor(address).sign_in("kim", PASSWORD).status_code == 403
    assert Visitor(address).sign_in("kim", PASSWORD, code).status_code == 403  # it counted already
    clock.ahead = timedelta(seconds=30)
    signed_in(address, "kim", pyotp.TOTP(secret).at(clock()))
    done = [row["act"] for act in ("begin_totp", "enrol_totp") for row in audited(state, act)]
    assert done == ["begin_totp", "enrol_totp", "enrol_totp"]
    assert secret not in str(audited(state, "begin_totp")) + str(audited(state, "enrol_totp"))


def test_renewing_an_authenticator_asks_for_the_password_and_a_code_of_the_present_one(
    kim: Visitor, state: State, clock: Clock
) -> None:
    first = set_up(kim, clock)
    page = kim.get("/account")
    assert "Renew the authenticator" in page.text
    for given in (
        {"current": PASSWORD},
        {"current": PASSWORD, "present": "000000"},
        {"current": PASSWORD, "present": first.at(clock())},  # it set the authenticator up
        {"current": "wrong", "present": first.at(clock() + timedelta(seconds=30))},
    ):
        refused = send(kim, "/totp", given)
        assert (refused.status_code, "could not be confirmed" in refused.text) == (403, True), given
    clock.ahead = timedelta(seconds=60)
    second = set_up(kim, clock, first.at(clock()))
    clock.ahead = timedelta(seconds=120)
    assert Visitor(kim.address).sign_in("kim", PASSWORD, first.at(clock())).status_code == 403
    signed_in(kim.address, "kim", second.at(clock()))


@pytest.mark.parametrize(
    "how", ["of another session", "of somebody else", "too old", "used", "none", "overtaken"]
)
def test_a_ticket_of_an_authenticator_counts_for_its_session_once_and_for_ten_minutes(
    address: str, kim: Visitor, clock: Clock, state: State, people: dict[str, Actor], how: str
) -> None:
    page = send(kim, "/totp", {"current": PASSWORD})
    totp = pyotp.TOTP(page.text.split("secret=")[1].split("&")[0])
    ticket, by = field(page, "ticket"), kim
    if how == "of another session":
        by = signed_in(address, "kim")
    elif how == "of somebody else":
        by = signed_in(address, "lee")
    elif how == "too old":
        clock.ahead = timedelta(minutes=10, seconds=1)
    elif how == "none":
        ticket = "x"
    elif how == "overtaken":
        do(state, "reset_totp", "kim", actor=people["boss"], new="true")
    else:
        assert send(kim, "/totp/code", {"ticket": ticket, "code": totp.at(clock())}).status_code == 303
        clock.ahead = timedelta(seconds=30)
    before = account(state, "kim")["totp"]
    answer = send(by, "/totp/code", {"ticket": ticket, "code": totp.at(clock())})
    assert (answer.status_code, "Begin anew" in answer.text) == (403, True)
    assert account(state, "kim")["totp"] is before


def test_ones_sessions_are_shown_and_ended_one_by_one_or_all_but_this_one(
    address: str, kim: Visitor, state: State, clock: Clock
) -> None:
    others = [signed_in(address, "kim", **{"X-Forwarded-For": f"203.0.113.{n}"}) for n in range(3)]
    page = kim.get("/account").text
    assert page.count("203.0.113.") == 3
    assert page.count("this session") == 1
    newest = numbers(state, clock, "kim")[0]
    assert send(kim, "/sessions/end", {"session": str(newest)}).status_code == 303
    assert [other.get("/").status_code for other in others] == [200, 200, 303]
    again = send(kim, "/sessions/end", {"session": str(newest)})
    assert (again.status_code, "Nothing was changed" in again.text) == (403, True)
    assert send(kim, "/sessions/end-others", {}).headers["location"].endswith("done=sessions")
    assert [other.get("/").status_code for other in others] == [303, 303, 303]
    assert kim.get("/").status_code == 200
    assert "End all others" not in kim.get("/account").text


@pytest.mark.parametrize("number", ["theirs", "", "0", "-1", "999", "x' OR 1=1"])
def test_the_session_of_somebody_else_is_neither_shown_nor_ended(
    address: str, kim: Visitor, state: State, clock: Clock, number: str
) -> None:
    lee = signed_in(address, "lee", **{"X-Forwarded-For": "198.51.100.4"})
    (theirs,) = numbers(state, clock, "lee")
    assert "198.51.100.4" not in kim.get("/account").text
    wanted = str(theirs) if number == "theirs" else number
    answer = send(kim, "/sessions/end", {"session": wanted})
    assert (answer.status_code, "Nothing was changed" in answer.text) == (403, True)
    assert send(kim, "/sessions/end-others", {}).status_code == 303
    assert lee.get("/").status_code == 200


def test_an_account_of_the_company_login_has_no_password_here_and_the_page_says_so(
    kim: Visitor, state: State
) -> None:
    signed_in(kim.address, "kim")  # so that there is a form to send anything by
    with state.changing() as connection:
        connection.exec_driver_sql(
            "UPDATE account SET password_hash = NULL, oidc_issuer = 'https://id.example', oidc_subject = '7'"
            " WHERE name = 'kim'"
        )
    page = kim.get("/account").text
    assert "This account has no password here." in page
    assert "follows your groups" in page
    assert 'name="current"' not in page
    for path in ("/password", "/totp"):
        answer = send(kim, path, {"current": PASSWORD, "new": NEW, "again": NEW})
        assert (answer.status_code, "has no password here" in answer.text) == (403, True)
    assert account(state, "kim")["failures"] == 0


def test_whoever_changes_something_here_is_somebody_who_does_something(kim: Visitor, clock: Clock) -> None:
    clock.ahead = timedelta(minutes=29)
    assert change(kim).status_code == 303
    clock.ahead = timedelta(minutes=58)
    assert kim.get("/account").status_code == 200
