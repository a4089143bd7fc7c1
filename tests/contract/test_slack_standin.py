"""Our client against the stand-in, over real HTTP: what each fault means, and that Slack's rules hold."""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import sys
import traceback
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from slack_sdk import WebClient

from data.slack_blocks import block_problem
from data.slack_standin import FAULTS, SlackStandIn, Workspace
from pipeline.tell.slack import DeliveryError, NotPosted, PerhapsPosted, Refused, SlackClient
from tests.servers import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Iterator

TOKEN = "xoxb-stand-in-secret"
CHANNEL = "C0RISK"
BLOCKS = [{"type": "section", "text": {"type": "mrkdwn", "text": "hello"}}]
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
TIMEOUT_S = 1.0  # where Slack hangs; whoever else waits is patient, whatever else the machine does


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def standin() -> Iterator[SlackStandIn]:
    workspace = Workspace(token=TOKEN, channels=frozenset({CHANNEL}), archived=frozenset({"C0OLD"}))
    with SlackStandIn(workspace, hang_s=TIMEOUT_S * 3) as server:
        yield server


@pytest.fixture
def client(standin: SlackStandIn) -> SlackClient:
    return SlackClient(TOKEN, standin.url, PATIENCE_S)


def find_by_key(client: SlackClient, name: str, since: datetime, thread_ts: str | None = None) -> str | None:
    """The timestamp of the message that carries the key."""
    return next((m.ts for m in client.messages(CHANNEL, since, thread_ts) if m.alert_key == name), None)


def key(name: str) -> dict[str, Any]:
    return {"event_type": "minuterisk_incident", "event_payload": {"alert_key": name}}


def test_posts_updates_and_finds(standin: SlackStandIn, client: SlackClient) -> None:
    ts = client.post(CHANNEL, "one", BLOCKS, key("k1"))
    client.update(CHANNEL, ts, "one, edited", BLOCKS, key("k1"))
    reply = client.post(CHANNEL, "two", BLOCKS, key("k2"), thread_ts=ts)
    assert [m["text"] for m in standin.messages] == ["one, edited", "two"]
    assert find_by_key(client, "k1", LONG_AGO) == ts
    assert find_by_key(client, "k2", LONG_AGO) is None  # a reply is not in the channel's history
    assert find_by_key(client, "k2", LONG_AGO, thread_ts=ts) == reply
    assert find_by_key(client, "k3", LONG_AGO) is None
    assert find_by_key(client, "k1", datetime.now(UTC) + timedelta(minutes=1)) is None
    assert client.check() == "Stand-in"


def test_finds_beyond_the_first_page(standin: SlackStandIn, client: SlackClient) -> None:
    for number in range(450):
        standin.workspace.post({"channel": CHANNEL, "text": "x", "metadata": key(f"k{number}")})
    assert find_by_key(client, "k0", LONG_AGO) == standin.messages[0]["ts"]
    assert standin.requests["conversations.history"] == 3


MEANING: dict[str, type[DeliveryError]] = {
    name: NotPosted if name.startswith("limited") else PerhapsPosted for name in FAULTS
}


@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_has_its_meaning_and_is_not_repeated(
    name: str, standin: SlackStandIn, client: SlackClient
) -> None:
    standin.fail_next(name)
    hurried = SlackClient(TOKEN, standin.url, TIMEOUT_S)
    with pytest.raises(DeliveryError) as met:
        (hurried if FAULTS[name].how == "hang" else client).post(CHANNEL, "one", BLOCKS, key("k1"))
    assert type(met.value) is MEANING[name], met.value
    assert standin.requests["chat.postMessage"] == 1
    assert len(standin.messages) == FAULTS[name].takes_effect
    assert (find_by_key(client, "k1", LONG_AGO) is not None) == FAULTS[name].takes_effect
    assert standin.fired[name] == 1
    shown = "".join(traceback.format_exception(met.value))
    assert TOKEN not in shown
    assert met.value.__context__ is None, "the SDK's error, with the request in it, is chained to ours"


def test_the_sdk_as_it_comes_posts_twice(standin: SlackStandIn) -> None:
    """Shows that the harness can see the bug that retry_handlers=[] is for."""
    usual = WebClient(token=TOKEN, base_url=standin.url)
    standin.fail_next("close_posted")
    usual.chat_postMessage(channel=CHANNEL, text="one")
    assert len(standin.messages) == 2


@pytest.mark.parametrize("code", ["channel_not_found", "is_archived", "token_revoked", "invalid_blocks"])
def test_permanent_errors_are_refused(code: str, standin: SlackStandIn, client: SlackClient) -> None:
    standin.fail_next(code)
    with pytest.raises(Refused, match=code):
        client.post(CHANNEL, "one", BLOCKS, key("k1"))
    assert standin.messages == []


def test_slack_enforces_token_channel_and_content(standin: SlackStandIn, client: SlackClient) -> None:
    with pytest.raises(Refused, match="invalid_auth"):
        SlackClient("xoxb-other", standin.url).post(CHANNEL, "x", BLOCKS, key("k"))
    for channel, code in (("C0NONE", "channel_not_found"), ("C0OLD", "is_archived")):
        with pytest.raises(Refused, match=code):
            client.post(channel, "x", BLOCKS, key("k"))
    with pytest.raises(Refused, match="invalid_blocks"):
        client.post(CHANNEL, "x", [{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}], key("k"))
    with pytest.raises(Refused, match="invalid_metadata_format"):
        client.post(CHANNEL, "x", BLOCKS, {"event_type": "x"})
    with pytest.raises(Refused, match="msg_too_long"):
        client.post(CHANNEL, "x" * 40_001, BLOCKS, key("k"))
    with pytest.raises(Refused, match="message_not_found"):
        client.update(CHANNEL, "1.000001", "x", BLOCKS, key("k"))
    with pytest.raises(Refused, match="thread_not_found"):
        client.post(CHANNEL, "x", BLOCKS, key("k"), thread_ts="1.000001")
    assert standin.messages == []


def test_one_message_a_second_where_it_is_enforced() -> None:
    now = [100.0]
    workspace = Workspace(messages_per_second=1.0, clock_s=lambda: now[0])
    with SlackStandIn(workspace) as standin:
        client = SlackClient(TOKEN, standin.url)
        client.post(CHANNEL, "one", BLOCKS, key("k1"))
        with pytest.raises(NotPosted) as met:
            client.post(CHANNEL, "two", BLOCKS, key("k2"))
        assert met.value.retry_after == timedelta(seconds=1)
        now[0] += 1
        client.post(CHANNEL, "two", BLOCKS, key("k2"))


def test_history_may_lag() -> None:
    now = [100.0]
    workspace = Workspace(history_lag_s=3, clock_s=lambda: now[0])
    with SlackStandIn(workspace) as standin:
        client = SlackClient(TOKEN, standin.url)
        client.post(CHANNEL, "one", BLOCKS, key("k1"))
        assert find_by_key(client, "k1", LONG_AGO) is None
        now[0] += 3
        assert find_by_key(client, "k1", LONG_AGO) is not None


def test_nobody_listens_is_not_posted() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # nobody else listens there meanwhile
        client = SlackClient(TOKEN, f"http://127.0.0.1:{taken.getsockname()[1]}/api/", TIMEOUT_S)
        with pytest.raises(NotPosted, match="connection refused"):
            client.post(CHANNEL, "x", BLOCKS, key("k"))


def test_unknown_host_is_not_posted() -> None:
    with pytest.raises(NotPosted, match="host name not found"):
        SlackClient(TOKEN, "http://no-such-host.invalid/api/", TIMEOUT_S).post(CHANNEL, "x", [], key("k"))


def test_nothing_of_the_request_is_logged(
    standin: SlackStandIn, client: SlackClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("", "close_posted", "html_posted", "limited"):
        standin.fail_next(name)
        try:
            client.post(CHANNEL, "secret of a merchant", BLOCKS, key("k"))
        except DeliveryError:
            continue
    assert TOKEN not in caplog.text
    assert "secret of a merchant" not in caplog.text


@pytest.mark.parametrize(
    ("blocks", "problem"),
    [
        ([{"type": "divider"}], None),
        ([], "1 to 50"),
        ([{"type": "divider"}] * 51, "1 to 50"),
        (["x"], "not an object"),
        ([{"type": "carousel"}], "unsupported"),
        ([{"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}], "150"),
        ([{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3_001}}], "3000"),
        ([{"type": "section", "text": {"type": "mrkdwn", "text": ""}}], "1 to"),
        ([{"type": "section"}], "needs text or fields"),
        ([{"type": "section", "fields": [{"type": "mrkdwn", "text": "x"}] * 11}], "1 to 10"),
        ([{"type": "section", "fields": [{"type": "mrkdwn", "text": "x" * 2_001}]}], "2000"),
        ([{"type": "section", "text": {"type": "plain_text", "text": "x", "verbatim": True}}], "verbatim"),
        ([{"type": "context", "elements": []}], "1 to 10"),
        ([{"type": "actions", "elements": [{"type": "button"}]}], "text must be"),
        ([{"type": "divider", "block_id": "x" * 256}], "block_id"),
    ],
)
def test_blocks_are_checked_as_slack_checks_them(blocks: list[Any], problem: str | None) -> None:
    found = block_problem(blocks)
    assert found is None if problem is None else problem in (found or ""), found


def test_people_can_start_it() -> None:
    command = [sys.executable, "-m", "data.slack_standin", "--port", "0"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip().partition("=")[2]
        SlackClient("xoxb-any", url).post(CHANNEL, "안녕하세요", BLOCKS, key("k"))
        lines = [process.stdout.readline() for _ in range(5)]
        assert lines[-1] == "chat.postMessage 안녕하세요\n"
        with urllib.request.urlopen(url.removesuffix("api/") + "messages") as answer:  # noqa: S310
            assert "안녕하세요" in answer.read().decode()
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_S) == 0
