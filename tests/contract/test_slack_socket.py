"""Our socket and calls against the stand-in: what each fault of an envelope does, and Slack's rules."""

from __future__ import annotations

import threading
import time
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.error import HTTPError
from urllib.parse import urlencode

import pytest

from data.slack_faults import ENVELOPE_FAULTS
from data.slack_standin import SlackStandIn
from data.slack_workspace import PNG, Workspace
from pipeline.talk.client import TalkClient, respond
from pipeline.talk.socket import Heard, Socket
from pipeline.tell.slack import DeliveryError, NotPosted, PerhapsPosted, Refused
from tests.servers import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TOKEN, APP_TOKEN = "xoxb-stand-in", "xapp-stand-in"
CHANNEL = "C0RISK"
BUTTON = {"type": "button", "action_id": "a", "value": "v", "text": {"type": "plain_text", "text": "x"}}
BLOCKS = [{"type": "actions", "elements": [BUTTON]}]


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def standin() -> Iterator[SlackStandIn]:
    with SlackStandIn(Workspace(token=TOKEN, app_token=APP_TOKEN), hang_s=0.9) as server:
        server.sockets.patience_s = PATIENCE_S  # a busy machine is nobody who does not answer
        yield server


@pytest.fixture
def client(standin: SlackStandIn) -> TalkClient:
    return TalkClient(TOKEN, standin.url, 0.3)


class App:
    """Acknowledges what it hears, and counts it."""

    def __init__(self, client: TalkClient) -> None:
        self.heard: list[Heard] = []
        self.acknowledges = True
        self.socket = Socket(lambda: client.socket_address(APP_TOKEN), self._hear)

    def _hear(self, heard: Heard) -> None:
        self.heard.append(heard)
        if self.acknowledges:
            heard.acknowledge()


@contextmanager
def listening(standin: SlackStandIn, client: TalkClient) -> Iterator[App]:
    app = App(client)
    before = standin.sockets.opened
    app.socket.start()
    wait_for(lambda: standin.sockets.opened > before)
    try:
        yield app
    finally:
        app.socket.close()


def wait_for(true: Callable[[], bool], timeout_s: float = PATIENCE_S) -> None:
    until = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < until, "it never came to that"
        time.sleep(0.01)


def post(standin: SlackStandIn) -> str:
    return str(standin.workspace.post({"channel": CHANNEL, "text": "x", "blocks": BLOCKS})["ts"])


@pytest.mark.parametrize("fault", ["", *ENVELOPE_FAULTS])
def test_whatever_happens_to_an_envelope_it_arrives(
    fault: str, standin: SlackStandIn, client: TalkClient
) -> None:
    with listening(standin, client) as app:
        ts = post(standin)
        envelope = standin.press("U0OPS", ts, "a", fault=fault)
        assert envelope.acknowledged.wait(PATIENCE_S)
        assert standin.sockets.settle(PATIENCE_S)
        wait_for(lambda: len(app.heard) >= len(envelope.sent))
        # After a cut or a refresh the next press arrives as well.
        assert standin.press("U0OPS", ts, "a").acknowledged.wait(PATIENCE_S)
        of_this = [heard for heard in app.heard if heard.number == envelope.number]
        again = fault in ("twice", "twice_late", "cut_after", "ack_lost")
        assert len(of_this) in ((2, 1) if again else (1,))
        assert (len(envelope.sent) == 2) == again
        assert not envelope.warned
        assert app.socket.away_s < 5


def test_of_two_sockets_an_envelope_goes_to_one_and_after_a_cut_to_the_other(
    standin: SlackStandIn, client: TalkClient
) -> None:
    with listening(standin, client) as one, listening(standin, client) as other:
        one.acknowledges = other.acknowledges = False
        envelope = standin.press("U0OPS", post(standin), "a")
        wait_for(lambda: len(one.heard) + len(other.heard) == 1)
        one.acknowledges = other.acknowledges = True
        standin.sockets.cut(envelope)
        assert envelope.acknowledged.wait(PATIENCE_S)
        assert len(envelope.sent) == 2


def test_who_gets_no_answer_is_warned_and_an_event_comes_again(
    standin: SlackStandIn, client: TalkClient
) -> None:
    standin.sockets.patience_s = 0.2
    with listening(standin, client) as app:
        app.acknowledges = False
        press, event = standin.press("U0OPS", post(standin), "a"), standin.open_home("U0OPS")
        wait_for(lambda: press.warned and event.warned)
        assert (len(press.sent), len(event.sent)) == (1, 4)


def test_envelopes_are_heard_side_by_side(standin: SlackStandIn, client: TalkClient) -> None:
    both = threading.Barrier(2, timeout=PATIENCE_S)
    with listening(standin, client) as app:
        app._hear = lambda heard: (both.wait(), heard.acknowledge())  # type: ignore[assignment,func-returns-value]
        app.socket._hear = app._hear
        ts = post(standin)
        pressed = [standin.press(user, ts, "a") for user in ("U0OPS", "U0ANALYST")]
        assert all(envelope.acknowledged.wait(PATIENCE_S) for envelope in pressed)


@pytest.mark.parametrize(
    ("token", "code"),
    [("xoxb-stand-in", "not_allowed_token_type"), ("xapp-other", "invalid_auth")],
)
def test_only_the_apps_own_token_opens_sockets(token: str, code: str, client: TalkClient) -> None:
    with pytest.raises(DeliveryError, match=code):
        client.socket_address(token)


def test_a_socket_comes_back_when_slack_does(standin: SlackStandIn, client: TalkClient) -> None:
    with listening(standin, client) as app:
        standin.fail_next("503_unposted", times=2, method="apps.connections.open")
        standin.sockets.cut()
        wait_for(lambda: standin.sockets.connected == 0)
        wait_for(lambda: standin.sockets.connected == 1)
        assert standin.press("U0OPS", post(standin), "a").acknowledged.wait(PATIENCE_S)
        assert app.socket.away_s == 0


def test_an_upload_has_three_steps_and_may_then_stand_in_a_message(
    standin: SlackStandIn, client: TalkClient
) -> None:
    number = client.upload("p.png", PNG + b"...")
    shown = [{"type": "image", "slack_file": {"id": number}, "alt_text": "x"}]
    ts = client.post(CHANNEL, "x", shown, {"event_type": "e", "event_payload": {}})
    with urllib.request.urlopen(f"{standin.page_url}file/{number}") as answer:  # noqa: S310
        assert answer.read() == PNG + b"..."
    for unknown in ("F404", standin.workspace._begin_upload({"filename": "q", "length": 4})["file_id"]):
        with pytest.raises(Refused, match="invalid_blocks"):
            client.update(CHANNEL, ts, "x", [{**shown[0], "slack_file": {"id": unknown}}], {})
    standin.workspace.file_lag_s = 60
    with pytest.raises(Refused, match="invalid_blocks"):
        client.update(CHANNEL, ts, "x", shown, {"event_type": "e", "event_payload": {}})


@pytest.mark.parametrize(
    "method", ["files.getUploadURLExternal", "upload", "files.completeUploadExternal", "users.info"]
)
@pytest.mark.parametrize("fault", ["close_posted", "500_unposted", "hang_unposted", "limited"])
def test_what_fails_is_one_of_ours_and_says_nothing_of_the_token(
    method: str, fault: str, standin: SlackStandIn, client: TalkClient
) -> None:
    standin.fail_next(fault, method=method)
    with pytest.raises((PerhapsPosted, NotPosted)) as met:
        client.person("U0OPS") if method == "users.info" else client.upload("p.png", PNG)
    assert TOKEN not in str(met.value)
    assert met.value.__context__ is None or TOKEN not in repr(met.value.__context__)


def test_a_person_is_known_by_an_address_that_was_confirmed(
    standin: SlackStandIn, client: TalkClient
) -> None:
    assert client.person("U0OPS").email == "ops_agent@demo.example"
    assert client.person("U0GUEST").team == "T0PARTNER"
    standin.workspace.people["U0OPS"].email_confirmed = False
    assert client.person("U0OPS").email is None
    standin.workspace.shows_email = False
    assert client.person("U0ANALYST").email is None
    with pytest.raises(DeliveryError, match="user_not_found"):
        client.person("U404")


def test_an_answer_reaches_one_person_five_times_at_most(standin: SlackStandIn) -> None:
    url = standin.workspace.hook("U0OPS", CHANNEL, None)
    assert [respond(url, f"{n}") for n in range(6)] == [True] * 5 + [False]
    assert standin.answers("U0OPS") == [str(n) for n in range(5)]
    assert standin.answers("U0ANALYST") == []
    for wrong in ("", "file:///etc/passwd", f"{standin.page_url}response/404", "http://127.0.0.1:1/"):
        assert respond(wrong, "x") is False
    standin.fail_next("close_posted", method="response")
    assert respond(standin.workspace.hook("U0OPS", CHANNEL, None), "x") is False


def test_a_home_tab_is_checked_as_slack_does(standin: SlackStandIn, client: TalkClient) -> None:
    client.publish_home("U0OPS", BLOCKS)
    assert standin.workspace.homes["U0OPS"]["blocks"] == BLOCKS
    with pytest.raises(Refused, match="invalid_arguments"):
        client.publish_home("U0OPS", [{"type": "divider"}] * 101)
    with pytest.raises(DeliveryError, match="user_not_found"):
        client.publish_home("U404", BLOCKS)


def send(url: str, origin: str | None = None, **form: str) -> int:
    request = urllib.request.Request(url, urlencode(form).encode())  # noqa: S310
    if origin:
        request.add_header("Origin", origin)
    try:
        with urllib.request.urlopen(request) as answer:  # noqa: S310
            return int(answer.status)
    except HTTPError as error:
        return error.code


def test_the_page_presses_for_people_and_for_no_other_site(standin: SlackStandIn, client: TalkClient) -> None:
    with listening(standin, client) as app:
        ts, page = post(standin), standin.page_url
        form = {"user": "U0OPS", "ts": ts, "action_id": "a", "value": "v"}
        assert send(f"{page}press", "http://evil.example", **form) == 403
        assert send(f"{page}press", **{**form, "user": "U404"}) == 403
        assert app.heard == []
        assert send(f"{page}press", **form) == 200
        assert send(f"{page}command", user="U0OPS", text="open") == 200
        assert send(f"{page}home", user="U0OPS") == 200
        wait_for(lambda: len(app.heard) == 3)
        kinds = {heard.kind for heard in app.heard}
        assert kinds == {"interactive", "slash_commands", "events_api"}


def test_the_page_shows_what_was_said_and_nothing_of_it_acts(standin: SlackStandIn) -> None:
    hostile = "<script>alert(1)</script> `a<b>` *bold* <https://x.example/?a=1&b=2|link> &lt;!channel&gt;"
    block = {"type": "section", "text": {"type": "mrkdwn", "text": hostile}}
    standin.workspace.post({"channel": CHANNEL, "text": "x", "blocks": [block, *BLOCKS]})
    standin.workspace.tell("U0OPS", {"text": "for one alone"})
    with urllib.request.urlopen(f"{standin.page_url}?user=U0OPS") as answer:  # noqa: S310
        page = answer.read().decode()
        policy = answer.headers["Content-Security-Policy"]
    assert "<script>alert" not in page
    assert "<code>a&lt;b&gt;</code>" in page
    assert "<b>bold</b>" in page
    assert "href='https://x.example/?a=1&amp;b=2'" in page
    assert "for one alone" in page
    assert "frame-ancestors 'none'" in policy
    with urllib.request.urlopen(f"{standin.page_url}?user=U0ANALYST") as answer:  # noqa: S310
        assert "for one alone" not in answer.read().decode()
