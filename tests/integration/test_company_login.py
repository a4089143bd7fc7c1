"""The company's login against an identity provider as nasty as the real ones, over real HTTP."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from pipeline.desk.people.entrance import Entrance
from pipeline.errors import SettingsError
from pipeline.settings import Settings, load_settings
from tests.integration.doorway import Visitor, doorway
from tests.oidc_standin import CLIENT_ID, CLIENT_SECRET, Provider, identity_provider
from tests.people import add_people, do

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.desk.roles import Actor
    from pipeline.store.state import State

pytestmark = pytest.mark.usefixtures("unpaced")


@pytest.fixture
def provider() -> Iterator[Provider]:
    with identity_provider() as started:
        yield started


@pytest.fixture
def boss(state: State) -> Actor:
    return add_people(state, {"boss": "SUPER_ADMIN"})["boss"]


@pytest.fixture
def settings(tmp_path: Path, state_url: str, provider: Provider) -> Settings:
    return Settings(
        home=tmp_path,
        state_url=state_url,
        language="en",
        oidc_issuer=provider.issuer,
        oidc_client_id=CLIENT_ID,
        oidc_client_secret=CLIENT_SECRET,
        oidc_roles=(("risk-team", "RISK_ANALYST"), ("operators", "OPS_AGENT"), ("admins", "SUPER_ADMIN")),
    )


@pytest.fixture
def address(settings: Settings, boss: Actor) -> Iterator[str]:
    with doorway(Entrance(settings, local=False)) as url:
        yield url


def go(visitor: Visitor, back: str = "/", language: str = "en") -> requests.Response:
    """Through the provider and back; gives the callback's answer."""
    away = visitor.get(f"/oidc/login?next={back}&lang={language}")
    if away.status_code != 303:
        return away
    answer = requests.get(away.headers["location"], allow_redirects=False, timeout=30)
    return visitor.get(f"/oidc/callback?{urlsplit(answer.headers['location']).query}")


def account(state: State, name: str) -> dict[str, Any]:
    (row,) = state.rows("accounts_list", account=name)
    return dict(row)


def why(state: State) -> str:
    asked = dict.fromkeys(("actor", "kind", "thing", "outcome", "since", "until"))
    return str(state.rows("audit_list", act="sign_in", at_most=1, **asked)[0]["why"])


def test_whom_the_company_sends_gets_the_role_of_the_claim(
    address: str, provider: Provider, state: State
) -> None:
    visitor = Visitor(address)
    away = visitor.get("/oidc/login")
    asked = parse_qs(urlsplit(away.headers["location"]).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["scope"] == ["openid email profile"]
    assert "samesite=lax" in away.headers["set-cookie"].lower()  # the answer comes from another site

    done = go(visitor, "/?incident=4")
    assert (done.status_code, done.headers["location"]) == (303, "/?incident=4")
    assert visitor.get("/").status_code == 200
    found = account(state, "kim.min")
    assert (found["role"], found["email"], found["password"]) == ("RISK_ANALYST", "kim@example.com", False)

    provider.claims["groups"] = ["operators"]  # another team: another role at the next sign-in
    assert go(Visitor(address)).status_code == 303
    assert account(state, "kim.min")["role"] == "OPS_AGENT"


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("issuer", "not for us"),
        ("audience", "not for us"),
        ("nonce", "not for us"),
        ("expired", "clocks may differ"),
        ("alg none", "no good signature"),
        ("shared secret", "no good signature"),
        ("unknown kid", "no good signature"),
        ("another&#x27;s signature", "no good signature"),
        ("state", "belongs to no sign-in of this browser"),
        ("mixed up", "another identity provider answers"),
        ("refuses", "not &lt;b&gt;you&lt;/b&gt;"),
        ("calls itself otherwise", "calls itself https://other.example"),
        ("down", "does not answer as it should"),
    ],
)
def test_each_fault_of_the_answer_is_refused_with_the_next_step_and_audited(
    address: str, provider: Provider, state: State, fault: str, said: str
) -> None:
    provider.fault = fault.replace("&#x27;", "'")
    visitor = Visitor(address)
    answer = go(visitor)
    assert answer.status_code in (403, 503)
    assert said in answer.text.replace("&#x27;", "'")
    assert visitor.cookie == ""
    assert why(state).startswith("company login: ")
    provider.fault = ""
    assert go(visitor).status_code == 303  # nothing is left of it


@pytest.mark.parametrize(
    ("fault", "said", "step"),
    [
        ("refuses", "들여보내지 않습니다: not &lt;b&gt;you&lt;/b&gt;.", "처음부터 다시 하거나"),
        ("expired", "인증 제공자의 토큰이 ", "양쪽을 NTP로 맞추고 다시 시작하세요."),
        ("down", "의 응답이 올바르지 않습니다: ", "그동안은 minuterisk 비밀번호로 로그인하세요."),
    ],
)
def test_who_reads_korean_is_refused_in_korean_and_the_audit_stays_english(
    address: str, provider: Provider, state: State, fault: str, said: str, step: str
) -> None:
    provider.fault = fault
    answer = go(Visitor(address), language="ko")
    assert said in answer.text
    assert step in answer.text
    assert why(state).startswith("company login: the identity provider")


@pytest.mark.parametrize(("skew_s", "status"), [(50, 303), (-50, 303), (90, 403), (-400, 403)])
def test_clocks_may_differ_by_a_minute_and_more_is_told(
    address: str, provider: Provider, skew_s: int, status: int
) -> None:
    provider.skew_s = skew_s
    answer = go(Visitor(address))
    assert answer.status_code == status
    assert status == 303 or "NTP" in answer.text


def test_keys_that_the_provider_changed_are_fetched_again(address: str, provider: Provider) -> None:
    assert go(Visitor(address)).status_code == 303
    provider.key = "second"
    assert go(Visitor(address)).status_code == 303


def test_an_unknown_claim_gives_no_access_and_no_account(
    address: str, provider: Provider, state: State
) -> None:
    provider.claims["groups"] = ["gardeners"]
    answer = go(Visitor(address))
    assert "has no access: groups is gardeners" in answer.text
    assert "gardeners" in why(state)
    assert state.rows("accounts_list", account="kim.min") == []


def test_an_answer_is_taken_once_and_by_the_browser_that_asked(address: str, provider: Provider) -> None:
    victim = Visitor(address)
    away = victim.get("/oidc/login")
    answer = requests.get(away.headers["location"], allow_redirects=False, timeout=30)
    callback = f"/oidc/callback?{urlsplit(answer.headers['location']).query}"
    assert Visitor(address).get(callback).status_code == 403
    assert victim.get(callback).status_code == 303
    assert victim.get(callback).status_code == 403


def test_a_verified_address_joins_an_account_and_an_unverified_one_does_not(
    address: str, provider: Provider, state: State, boss: Actor
) -> None:
    do(state, "add_account", actor=boss, name="lee", role="READ_ONLY", email="lee@example.com")
    provider.claims["email_verified"] = False
    assert go(Visitor(address)).status_code == 303
    assert not account(state, "lee")["company_login"]
    do(state, "disable_account", "kim.min", actor=boss)
    provider.claims |= {"email_verified": True, "sub": "u-2", "email": "LEE@example.com"}
    assert go(Visitor(address)).status_code == 303
    assert account(state, "lee")["company_login"]


def test_a_disabled_account_stays_out_whoever_vouches(address: str, state: State, boss: Actor) -> None:
    assert go(Visitor(address)).status_code == 303
    do(state, "disable_account", "kim.min", actor=boss)
    answer = go(Visitor(address))
    assert (answer.status_code, "is disabled" in answer.text) == (403, True)


def test_the_last_administrator_is_not_demoted_by_a_claim(
    address: str, provider: Provider, state: State
) -> None:
    with state.changing() as connection:
        state.ask(
            connection, "account_link", account_id=1, os_user=None, slack_user=None, email="kim@example.com"
        )
    answer = go(Visitor(address))
    assert "boss is the last SUPER_ADMIN" in answer.text
    assert account(state, "boss")["role"] == "SUPER_ADMIN"


def test_a_role_that_there_is_not_is_refused_before_anything_listens(settings: Settings) -> None:
    with pytest.raises(SettingsError, match="GARDENER"):
        Entrance(replace(settings, oidc_roles=(("x", "GARDENER"),)))


def test_the_settings_of_a_company_login_belong_together() -> None:
    with pytest.raises(SettingsError, match="CLIENT_ID"):
        load_settings({"MINUTERISK_OIDC_ISSUER": "https://id.example"})
    for wrong in ("http://id.example", "https://id.example/?x"):
        with pytest.raises(SettingsError):
            load_settings({"MINUTERISK_OIDC_ISSUER": wrong})
