"""The gate over real HTTP and WebSocket: who gets in, by what, and what each known trick meets."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pyotp
import pytest

from pipeline.desk.people import sessions
from pipeline.desk.people.accounts import MOST_FAILURES
from pipeline.desk.people.entrance import Entrance
from pipeline.settings import Settings
from tests.integration.doorway import Clock, Visitor, audited, doorway
from tests.people import PASSWORD, add_people, do, quick_passwords

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.desk.roles import Actor
    from pipeline.store.state import State

pytestmark = pytest.mark.usefixtures("unpaced")


@pytest.fixture
def people(state: State) -> dict[str, Actor]:
    return add_people(state, {"boss": "SUPER_ADMIN", "kim": "OPS_AGENT"})


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def settings(tmp_path: Path, state_url: str) -> Settings:
    return Settings(home=tmp_path, state_url=state_url, trusted_proxies=("127.0.0.1/32",), language="en")


@pytest.fixture
def address(settings: Settings, clock: Clock) -> Iterator[str]:
    with doorway(Entrance(settings, local=False, clock=clock)) as url:
        yield url


@pytest.fixture
def kim(address: str, people: dict[str, Actor]) -> Visitor:
    """Somebody who is signed in."""
    visitor = Visitor(address)
    assert visitor.sign_in("kim", PASSWORD).status_code == 303
    return visitor


def test_without_a_session_nothing_opens_but_the_health_check_and_the_form(
    address: str, people: dict[str, Actor]
) -> None:
    nobody = Visitor(address)
    assert nobody.get("/_stcore/health").text == "ok"
    page = nobody.get("/?incident=3")
    assert (page.status_code, page.headers["location"]) == (303, "/login?next=%2F%3Fincident%3D3")
    for path in ("/_stcore/host-config", "/static/js/index.js", "/media/x.png", "/component/x/y.js"):
        assert nobody.get(path).status_code == 403, path
    for path in ("/_stcore/agent/openapi.json", "/auth/login", "/_stcore/metrics"):
        assert nobody.get(path).status_code == 404, path
    assert nobody.http.put(f"{address}/_stcore/upload_file/a/b", timeout=30).status_code == 403
    assert nobody.socket_status() == 403
    assert nobody.get("/login").headers["cache-control"] == "no-store"
    assert nobody.get("/api/v1/me").status_code == 401


def test_whoever_signs_in_gets_page_and_socket_until_the_session_is_revoked(
    kim: Visitor, state: State, people: dict[str, Actor]
) -> None:
    assert kim.get("/").status_code == 200
    assert kim.socket_status() == 101
    (session,) = sessions.listed(state, state.clock())
    do(state, "revoke_session", session["session_id"], actor=people["boss"])
    assert kim.get("/").headers["location"].endswith("why=ended")
    assert kim.socket_status() == 403
    copied = Visitor(kim.address, Cookie=f"minuterisk={kim.cookie}")  # replayed elsewhere
    assert copied.get("/").status_code == 303


def test_the_cookie_is_kept_from_scripts_other_sites_and_plain_http(
    address: str, people: dict[str, Actor]
) -> None:
    plain = Visitor(address).sign_in("kim", PASSWORD).headers["set-cookie"].lower()
    assert plain.startswith("minuterisk=")
    assert all(word in plain for word in ("httponly", "samesite=strict", "path=/"))
    behind = Visitor(address, **{"X-Forwarded-Proto": "https"})
    page = behind.get("/login")
    assert page.headers["set-cookie"].startswith("__Host-minuterisk-form=")
    assert "Secure" in page.headers["set-cookie"]
    assert "max-age" in page.headers["strict-transport-security"]


def test_a_session_that_was_planted_is_not_the_one_that_begins(
    address: str, people: dict[str, Actor]
) -> None:
    planted = "a" * 43
    victim = Visitor(address)
    victim.plant(planted)
    victim.sign_in("kim", PASSWORD)
    attacker = Visitor(address, Cookie=f"minuterisk={planted}")
    assert attacker.get("/").status_code == 303
    assert victim.get("/").status_code == 200
    assert victim.cookie != planted


def test_signing_in_again_ends_the_session_that_the_browser_had(kim: Visitor) -> None:
    before = kim.cookie
    other = Visitor(kim.address)
    token = other.token()
    other.plant(before)
    assert other.post("/login", {"token": token, "name": "kim", "password": PASSWORD}).status_code == 303
    assert kim.get("/").status_code == 303


@pytest.mark.parametrize(
    "forged",
    [
        {"token": ""},
        {"token": "0" * 64},
        {"header": {"Origin": "https://evil.example"}},
        {"header": {"Sec-Fetch-Site": "cross-site"}},
        {"no cookie": "yes"},
    ],
)
def test_a_form_that_another_site_sends_signs_nobody_in(
    address: str, people: dict[str, Actor], state: State, forged: dict[str, Any]
) -> None:
    visitor = Visitor(address)
    fields = {"token": visitor.token(), "name": "kim", "password": PASSWORD}
    fields |= {"token": forged["token"]} if "token" in forged else {}
    if "no cookie" in forged:
        visitor.http.cookies.clear()
    answer = visitor.post("/login", fields, **forged.get("header", {}))
    assert (answer.status_code, visitor.cookie) == (403, "")
    assert audited(state)[0]["outcome"] == "refused"


def test_a_form_that_another_site_sends_signs_nobody_out(kim: Visitor) -> None:
    assert kim.post("/logout", {"token": "0" * 64}).status_code == 403
    assert kim.get("/").status_code == 200


@pytest.mark.parametrize(
    "back",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "/\t/evil.example",
        "javascript:alert(1)",
        "/login",
    ],
)
def test_after_signing_in_nobody_is_sent_elsewhere(address: str, people: dict[str, Actor], back: str) -> None:
    assert Visitor(address).sign_in("kim", PASSWORD, back=back).headers["location"] == "/"


def test_whatever_is_wrong_the_answer_is_the_same(
    address: str, people: dict[str, Actor], state: State
) -> None:
    do(state, "reset_totp", "kim", actor=people["boss"], new="true")
    tries = [
        ("nobody", PASSWORD, ""),
        ("kim", "wrong", ""),
        ("kim", PASSWORD, ""),
        ("kim", PASSWORD, "000000"),
    ]
    tries += [("kim", "wrong", "")] * 3
    visitor = Visitor(address)
    answers = [visitor.sign_in(*tried) for tried in tries]
    assert {(a.status_code, a.text) for a in answers} == {(403, answers[0].text)}
    assert {name.lower() for a in answers for name in a.headers} == {n.lower() for n in answers[0].headers}
    whys = [row["why"] for row in audited(state)]
    assert whys[-4:] == ["the code is wrong", "the code is wrong", "the password is wrong", "no such account"]
    assert "locked for 15 minutes" in whys[1]


def test_five_failures_lock_for_fifteen_minutes_also_for_the_right_password(
    address: str, people: dict[str, Actor], clock: Clock, state: State
) -> None:
    visitor = Visitor(address)
    for _ in range(MOST_FAILURES):
        visitor.sign_in("kim", "wrong")
    assert visitor.sign_in("kim", PASSWORD).status_code == 403
    assert audited(state)[0]["why"] == "the account is locked"
    clock.ahead = timedelta(minutes=15, seconds=1)
    assert visitor.sign_in("kim", PASSWORD).status_code == 303


def test_an_administrator_sets_an_authenticator_up_and_each_code_counts_once(
    address: str, people: dict[str, Actor], clock: Clock
) -> None:
    visitor = Visitor(address)
    page = visitor.sign_in("boss", PASSWORD)
    assert (page.status_code, visitor.cookie) == (200, "")
    ticket = page.text.split('name="ticket" value="')[1].split('"')[0]
    totp = pyotp.TOTP(page.text.split("secret=")[1].split("&")[0])
    token = page.text.split('name="token" value="')[1].split('"')[0]
    fields = {"token": token, "ticket": ticket}
    wrong = visitor.post("/login/code", {**fields, "code": "000000"})
    assert (wrong.status_code, "ticket" in wrong.text) == (403, True)
    code = totp.at(clock())
    assert visitor.post("/login/code", {**fields, "code": code}).status_code == 303
    assert visitor.get("/").status_code == 200

    another = Visitor(address)
    assert another.sign_in("boss", PASSWORD, code).status_code == 403  # replayed
    assert another.sign_in("boss", PASSWORD).status_code == 403
    clock.ahead = timedelta(seconds=30)
    assert another.sign_in("boss", PASSWORD, totp.at(clock())).status_code == 303
    assert Visitor(address).post("/login/code", {**fields, "code": totp.at(clock())}).status_code == 403


def test_a_session_ends_after_half_an_hour_of_nothing_and_after_eight_hours_of_anything(
    kim: Visitor, clock: Clock, state: State
) -> None:
    clock.ahead = timedelta(minutes=29)
    assert kim.get("/").status_code == 200  # a look is nothing done
    clock.ahead = timedelta(minutes=31)
    assert kim.get("/").status_code == 303
    kim.sign_in("kim", PASSWORD)
    for minutes in range(31, 31 + 8 * 60, 20):
        clock.ahead = timedelta(minutes=minutes)
        sessions.seen(state, kim.cookie, clock())
        assert kim.get("/").status_code == 200
    clock.ahead = timedelta(minutes=31 + 8 * 60)
    sessions.seen(state, kim.cookie, clock())
    assert kim.get("/").status_code == 303


def test_the_cookie_of_another_installation_is_told_what_to_do_and_audited(
    address: str, people: dict[str, Actor], state: State
) -> None:
    stranger = Visitor(address)
    stranger.plant("b" * 43)
    page = stranger.http.get(address, timeout=30)
    assert "not of this installation" in page.text
    assert "another installation" in audited(state)[0]["why"]
    assert stranger.cookie == ""


def test_one_address_tries_so_often_and_thousands_of_wrong_passwords_hash_few(
    settings: Settings, state: State, people: dict[str, Actor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    quick, hashed = quick_passwords(monkeypatch), []
    fits = quick.fits

    def counted(kept: str | None, given: str) -> bool:
        hashed.append(given)
        return fits(kept, given)

    monkeypatch.setattr(quick, "fits", counted)
    with doorway(Entrance(settings, local=False)) as url:
        visitor = Visitor(url, **{"X-Forwarded-For": "1.1.1.1, 203.0.113.7"})
        token = visitor.token()
        wrong = {"token": token, "name": "kim", "password": "wrong"}
        seen = [visitor.post("/login", wrong).status_code for _ in range(200)]
        assert seen[:10] == [403] * 10
        assert seen.count(429) > 150
        assert len(hashed) < 50
        # What somebody writes in front of the proxy's own word changes nothing; another address may.
        forged = visitor.post("/login", wrong, **{"X-Forwarded-For": "9.9.9.9, 203.0.113.7"})
        assert forged.status_code == 429
        other = visitor.post("/login", wrong, **{"X-Forwarded-For": "198.51.100.4"})
        assert other.status_code == 403
    assert {row["origin"] for row in audited(state) if row["door"] == "page"} == {
        "203.0.113.7",
        "198.51.100.4",
    }
