"""Addresses behind the gate: the way to another language, and those that are no page's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from app.gate.texts import ENGLISH, KOREAN
from pipeline.desk.people.entrance import Entrance
from pipeline.settings import Settings
from tests.integration.doorway import Visitor, doorway
from tests.people import PASSWORD, add_people

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from requests import Response

    from pipeline.store.state import State

pytestmark = pytest.mark.usefixtures("unpaced")
PAGE = {"Sec-Fetch-Dest": "document"}


@pytest.fixture
def address(state: State, tmp_path: Path, state_url: str) -> Iterator[str]:
    add_people(state, {"boss": "SUPER_ADMIN", "kim": "OPS_AGENT"})
    settings = Settings(home=tmp_path, state_url=state_url, language="en")
    with doorway(Entrance(settings, local=False)) as url:
        yield url


@pytest.fixture
def kim(address: str) -> Visitor:
    """Somebody who is signed in."""
    visitor = Visitor(address)
    assert visitor.sign_in("kim", PASSWORD).status_code == 303
    return visitor


def switched(visitor: Visitor, to: str = "ko", referer: str | None = None) -> Response:
    """The answer to whoever asks for another language, from the page of the Referer."""
    given = {} if referer is None else {"Referer": referer}
    return visitor.get(f"/language?to={to}", **given)


def cookie_of(answer: Response) -> str:
    return next((c.value or "" for c in answer.cookies if c.name.endswith("minuterisk-language")), "")


def test_the_language_is_kept_in_a_cookie_and_the_page_is_shown_again(kim: Visitor) -> None:
    from_page = f"{kim.address}/incidents?pack=merchants&incident=7"
    answer = switched(kim, "ko", from_page)
    assert (answer.status_code, answer.headers["location"]) == (303, "/incidents?pack=merchants&incident=7")
    assert cookie_of(answer) == "ko"
    kept = answer.headers["set-cookie"].lower()
    assert all(word in kept for word in ("httponly", "samesite=", "path=/", "max-age=31536000"))
    assert 'lang="ko"' in kim.get("/incidents", **PAGE).text
    assert cookie_of(switched(kim, "en", from_page)) == "en"
    assert 'lang="en"' in kim.get("/incidents", **PAGE).text


@pytest.mark.parametrize("to", ["", "fr", "KO", "ko%0d%0aSet-Cookie:%20a=b", "<script>", "k" * 5_000])
def test_a_language_that_there_is_not_gives_that_of_the_settings(kim: Visitor, to: str) -> None:
    answer = switched(kim, to, f"{kim.address}/rules")
    assert (answer.status_code, answer.headers["location"], cookie_of(answer)) == (303, "/rules", "en")
    assert "a=b" not in answer.headers["set-cookie"]


@pytest.mark.parametrize(
    "referer",
    [
        None,
        "",
        "http://evil.example/",
        "http://evil.example/incidents",
        "https://{host}.evil.example/rules",
        "http://{host}@evil.example/rules",
        "http://evil.example/?{host}",
        "//evil.example/rules",
        "http://{host}//evil.example/",
        "http://{host}/\\evil.example",
        "http://{host}/logout",
        "http://{host}/login?next=//evil.example",
        "http://[",
        "http://[::1",
        "javascript:alert(1)",
        "data:text/html,x",
        "not an address",
    ],
)
def test_whoever_comes_from_elsewhere_is_sent_to_the_first_page(kim: Visitor, referer: str | None) -> None:
    host = kim.address.removeprefix("http://")
    answer = switched(kim, "ko", referer and referer.format(host=host))
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


def test_a_header_cannot_be_split_by_an_address(kim: Visitor) -> None:
    answer = switched(kim, "ko", f"{kim.address}/rules%0d%0aSet-Cookie:%20a=b?x=%0d%0aX-Y:%20z")
    assert "a=b" not in answer.headers["set-cookie"]
    assert "x-y" not in answer.headers
    assert "\r" not in answer.headers["location"]
    assert answer.headers["location"].startswith("/rules")


def test_the_page_to_sign_in_is_in_the_language_that_was_chosen(kim: Visitor, address: str) -> None:
    switched(kim, "ko")
    kim.http.cookies.set("minuterisk", "", domain="127.0.0.1", path="/")  # over by now
    assert 'lang="ko"' in kim.get("/login").text
    assert 'lang="en"' in Visitor(address).get("/login").text
    assert 'lang="en"' in kim.get("/login?lang=en").text  # an address says it anew
    odd = Visitor(address, Cookie="minuterisk-language=<script>")
    assert 'lang="en"' in odd.get("/login").text


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/incidents/x",
        "/incidents//",
        "//incidents",
        "/INCIDENTS",
        "/now/now",
        "/%3Cscript%3Ealert(1)%3C/script%3E",
        "/" + "a" * 10_000,
        "/incidents%00",
        "/%2e%2e/%2e%2e/etc/passwd",
        "//evil.example/rules",
        "/가맹점",
    ],
)
@pytest.mark.parametrize(("language", "texts"), [("ko", KOREAN), ("en", ENGLISH)])
def test_an_address_that_is_no_page_says_so_in_the_persons_language(
    kim: Visitor, path: str, language: str, texts: dict[str, Any]
) -> None:
    switched(kim, language)
    answer = kim.get(path, **PAGE)
    assert answer.status_code == 404, path
    assert texts["page"] in answer.text
    assert f'lang="{language}"' in answer.text
    assert "<script>alert" not in answer.text
    assert "evil" not in answer.text
    assert len(answer.text) < 10_000
    assert 'href="/"' in answer.text


def test_an_address_that_is_no_page_is_nobodys_without_a_session(address: str) -> None:
    answer = Visitor(address).get("/nothing", **PAGE)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/login?")
