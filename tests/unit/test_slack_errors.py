"""Every failure of the SDK, of urllib and of the network has one of three meanings."""

from __future__ import annotations

import http.client
import socket
import ssl
import urllib.error
from datetime import timedelta
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web import SlackResponse, WebClient

from pipeline.errors import PassingError, PermanentError
from pipeline.tell.slack import (
    LONGEST_RETRY_AFTER,
    PERMANENT,
    DeliveryError,
    NotPosted,
    PerhapsPosted,
    Refused,
    classify,
    read_retry_after,
)

SECRET = "xoxb-1234-secret"


def answer(status: int, data: Any, headers: dict[str, str] | None = None) -> SlackApiError:  # noqa: ANN401
    response = SlackResponse(
        client=WebClient(token=SECRET),
        http_verb="POST",
        api_url="https://slack.com/api/chat.postMessage",
        req_args={"headers": {"Authorization": f"Bearer {SECRET}"}},
        data=data,
        headers=headers or {},
        status_code=status,
    )
    return SlackApiError("refused", response)  # type: ignore[no-untyped-call]


def refused(code: object) -> dict[str, object]:
    return {"ok": False, "error": code}


NOT_POSTED = [
    urllib.error.URLError(ConnectionRefusedError(111, "Connection refused")),
    urllib.error.URLError(socket.gaierror(-2, "Name or service not known")),
    urllib.error.URLError(ssl.SSLCertVerificationError("self-signed")),
    answer(429, refused("ratelimited"), {"Retry-After": "3"}),
    answer(429, {"ok": False, "error": "Received a response in a non-JSON format: <html>"}),
    answer(200, refused("ratelimited")),
    answer(200, refused("rate_limited")),
    answer(404, refused("Received a response in a non-JSON format: Not Found")),
    answer(407, refused("Received a response in a non-JSON format: ")),
]
PERHAPS = [
    TimeoutError("timed out"),
    urllib.error.URLError(TimeoutError("timed out")),
    urllib.error.URLError(ConnectionResetError(104, "reset")),
    urllib.error.URLError(BrokenPipeError(32, "broken")),
    urllib.error.URLError("unknown url type"),
    ConnectionResetError(104, "reset"),
    http.client.RemoteDisconnected("Remote end closed connection without response"),
    http.client.IncompleteRead(b'{"ok"', 20),
    http.client.BadStatusLine("?"),
    UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
    AttributeError("'list' object has no attribute 'get'"),
    answer(500, refused("Received a response in a non-JSON format: upstream")),
    answer(503, refused("service_unavailable")),
    answer(502, {"ok": False}),
    answer(500, refused("channel_not_found")),
    answer(200, refused("internal_error")),
    answer(200, refused("fatal_error")),
    answer(200, refused("a_code_of_next_year")),
    answer(200, refused("Received a response in a non-JSON format: <!DOCTYPE html>")),
    answer(200, refused(None)),
    answer(200, refused(["invalid_blocks"])),
]


def name_of(error: object) -> str:
    return str(error)[:60]


@pytest.mark.parametrize("error", NOT_POSTED, ids=name_of)
def test_certainly_not_posted(error: Exception) -> None:
    met = classify(error)
    assert isinstance(met, NotPosted)
    assert isinstance(met, PassingError)


@pytest.mark.parametrize("error", PERHAPS, ids=name_of)
def test_nobody_can_say(error: Exception) -> None:
    met = classify(error)
    assert isinstance(met, PerhapsPosted)
    assert isinstance(met, PassingError)


@pytest.mark.parametrize("code", sorted(PERMANENT))
@pytest.mark.parametrize("status", [200, 403])
def test_never_taken(code: str, status: int) -> None:
    met = classify(answer(status, refused(code)))
    assert isinstance(met, Refused)
    assert isinstance(met, PermanentError)
    assert met.code == code
    assert met.hint


@pytest.mark.parametrize(
    "code",
    [
        "channel_not_found",
        "is_archived",
        "not_in_channel",
        "invalid_auth",
        "token_revoked",
        "msg_too_long",
        "invalid_blocks",
        "missing_scope",
    ],
)
def test_what_a_person_must_correct_is_permanent(code: str) -> None:
    assert code in PERMANENT


@pytest.mark.parametrize("code", ["internal_error", "fatal_error", "service_unavailable", "request_timeout"])
def test_a_bad_day_of_slack_is_not_permanent(code: str) -> None:
    assert code not in PERMANENT


@pytest.mark.parametrize("error", [*NOT_POSTED, *PERHAPS], ids=name_of)
def test_neither_token_nor_content_is_in_the_error(error: Exception) -> None:
    met: DeliveryError = classify(error)
    shown = f"{met} {met!r} {met.what} {met.hint} {met.code}"
    assert SECRET not in shown
    assert "<" not in shown
    assert len(met.code) < 70


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("30", 30),
        ("0", 0),
        ("1.5", 1.5),
        (" 7 ", 7),
        (["4"], 4),
        ("999999999999", LONGEST_RETRY_AFTER.total_seconds()),
        ("-1", None),
        ("soon", None),
        ("", None),
        ("nan", None),
        ("inf", None),
        ("1e400", None),
        ("Wed, 21 Oct 2026 07:28:00 GMT", None),
        ([], None),
    ],
)
def test_retry_after_is_read_or_passed_over(value: str | list[str], seconds: float | None) -> None:
    expected = None if seconds is None else timedelta(seconds=seconds)
    assert read_retry_after({"retry-after": value}) == expected
    assert read_retry_after({"Retry-After": value}) == expected


def test_no_retry_after_is_none() -> None:
    assert read_retry_after({}) is None
