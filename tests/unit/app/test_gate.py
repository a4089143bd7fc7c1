"""The gate's pure parts: its texts, what it reads off a request, where it sends people, what a person did."""

from __future__ import annotations

import json
import re
from asyncio import Event, run
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request
from streamlit.proto.BackMsg_pb2 import BackMsg

import app.gate
from app.gate.answers import body_of
from app.gate.api import _error, _json, filters_of
from app.gate.document import document
from app.gate.forms import Asked, demo_form
from app.gate.middleware import by_a_person, page_policy, scripts_of
from app.gate.seen import back_to, seen
from app.gate.texts import ENGLISH, KOREAN
from pipeline.errors import ConfigurationError, MinuteriskError, StateUnavailable

CODE = "\n".join(
    path.read_text("utf-8") for path in Path(app.gate.__file__).parent.glob("*.py") if path.name != "texts.py"
)


def request(client: str = "10.0.0.1", proxies: tuple[str, ...] = (), **headers: str) -> Any:  # noqa: ANN401
    scope = {
        "type": "http",
        "path": "/",
        "client": (client, 1),
        "scheme": "http",
        "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()],
    }
    return seen(scope, proxies, always_secure=False)


def test_both_languages_say_the_same_and_nothing_is_left_over() -> None:
    assert set(KOREAN) == set(ENGLISH)
    fields = re.compile(r"\{\w+\}")
    assert [k for k in KOREAN if set(fields.findall(KOREAN[k])) != set(fields.findall(ENGLISH[k]))] == []
    keys = {key for key in KOREAN if not key.endswith(".note") and not key.startswith("why.")}
    assert {key for key in keys if f'"{key}"' not in CODE} == set()


def test_a_proxy_is_believed_only_where_it_is_known() -> None:
    hops = "6.6.6.6, 203.0.113.7, 10.0.0.2"
    strange = request(x_forwarded_for=hops, x_forwarded_proto="https")
    assert (strange.address, strange.secure) == ("10.0.0.1", False)
    known = request(proxies=("10.0.0.0/8",), x_forwarded_for=hops, x_forwarded_proto="https")
    assert (known.address, known.secure) == ("203.0.113.7", True)
    assert request(proxies=("10.0.0.0/8",), x_forwarded_for="<script>").address == "10.0.0.1"


def test_a_cookie_that_is_malformed_hides_no_other() -> None:
    found = request(cookie='a=b; [x]=1; minuterisk=t-1; =; "q')
    assert found.cookie() == "t-1"


@pytest.mark.parametrize("host", ["127.0.0.1:8501", "localhost:8501", "[::1]:8501", "localhost"])
def test_this_machine_is_called_so(host: str) -> None:
    assert request(host=host).local


@pytest.mark.parametrize(
    "host", ["evil.example:8501", "127.0.0.1.evil.example", "localhost.evil", "", "10.0.0.1"]
)
def test_another_name_that_points_here_is_not_this_machine(host: str) -> None:
    assert not request(host=host).local


@pytest.mark.parametrize("address", ["/", "/?incident=3&pack=merchants", "/watch?x=%2F%2Fevil"])
def test_people_go_back_to_where_they_were(address: str) -> None:
    assert back_to(address) == address


@pytest.mark.parametrize(
    "address",
    [
        "",
        "//evil",
        "/\\evil",
        "\\\\evil",
        "https:evil",
        "http://evil",
        "/ /evil",
        "/\r\nSet-Cookie: a",
        "/é",
        "evil",
        "http://[",
        "//[",
    ],
)
def test_nobody_is_sent_to_another_place(address: str) -> None:
    assert back_to(address) == "/"


def test_an_address_with_half_a_bracket_is_nobodys() -> None:
    assert not request(host="[::1").local
    assert not request(host="h", origin="http://[").own_origin


def test_a_link_of_another_site_leads_to_no_third_one() -> None:
    assert replace(request(), path="//evil.example/x", query="a=1").target == "/evil.example/x?a=1"


def test_an_answer_quotes_half_a_letter_and_stays_utf_8() -> None:
    assert json.loads(bytes(_json({"error": "no \ud800"}).body)) == {"error": "no \ud800"}


@pytest.mark.parametrize("error", [ConfigurationError("db-7:5432 is shut"), StateUnavailable("db-7 is gone")])
def test_whoever_asks_is_not_told_where_the_database_stands(error: MinuteriskError) -> None:
    answer = _error(error)
    assert (answer.status_code, b"db-7" in answer.body) == (503, False)


@pytest.mark.parametrize("last", ["http.disconnect", "nothing"])
def test_a_question_that_never_ends_is_given_up(last: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.gate.answers.LONGEST_S", 0.01)
    sent = [{"type": "http.request", "body": b"x", "more_body": True}]

    async def receive() -> Any:  # noqa: ANN401 - a message of ASGI
        if not sent and last == "nothing":
            await Event().wait()
        return sent.pop() if sent else {"type": last}

    assert run(body_of(Request({"type": "http", "method": "POST", "headers": []}, receive))) is None


def test_only_what_a_person_does_keeps_a_session() -> None:
    message = BackMsg()
    message.rerun_script.widget_states.SetInParent()
    assert by_a_person(message.SerializeToString())
    message.rerun_script.is_auto_rerun = True
    assert not by_a_person(message.SerializeToString())
    message.clear_cache = True
    assert not by_a_person(message.SerializeToString())
    assert not by_a_person(b"\xff\xff\xff")
    assert not by_a_person(None)


def test_incidents_are_asked_for_by_the_names_of_the_command_line() -> None:
    asked = filters_of([("rule", "a"), ("rule", "b"), ("pack", "x"), ("limit", "99999"), ("all", "true")])
    assert (asked["rules"], asked["states"], asked["limit"], asked["with_resolved"]) == (
        ["a", "b"],
        None,
        10_000,
        True,
    )
    assert filters_of([])["limit"] == 200


def test_the_page_may_run_its_own_scripts_and_no_others() -> None:
    policy = page_policy(document("ko"), document("en"), scripts=scripts_of(["merchants"]))
    scripts = next(part for part in policy.split("; ") if part.startswith("script-src"))
    assert "'unsafe-inline'" not in scripts
    assert scripts.count("'sha256-") == 3  # where the server is, Streamlit's own, app/keys.js


def test_the_pages_forms_keep_what_streamlit_would_drop() -> None:
    form = demo_form(Asked("en", '/?a="b"', "t"), ["ops_agent"])
    names = re.findall(r' name="(\w+)"', form)
    assert names == ["token", "next", "language", "account"]
    assert 'value="/?a=&quot;b&quot;"' in form
