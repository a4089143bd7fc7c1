"""The picture under an incident's message: after the text, kept by edits, in nobody's way when it fails."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from data.slack_blocks import images_of
from data.slack_standin import SlackStandIn
from data.slack_workspace import Workspace
from pipeline.talk.client import TalkClient
from pipeline.talk.pictures import Pictures
from pipeline.tell.channels import Slack
from pipeline.tell.pace import Paces
from pipeline.tell.slack import NotPosted
from tests.integration.delivery import CHANNEL, TOKEN, add_incident, change, make_world
from tests.integration.quiet import failing
from tests.integration.talking import REASON
from tests.people import do

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.delivery import World
    from tests.integration.quiet import Home


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.delenv(name, raising=False)


class Gallery:
    """An incident that was told, and who makes its picture."""

    def __init__(self, home: Home, standin: SlackStandIn) -> None:
        self.home, self.standin = home, standin
        self.ahead = timedelta()
        self.told: World = make_world(home.pipeline.state.engine, standin)
        client = TalkClient(TOKEN, standin.url, 1)
        paces, clock = Paces(lambda: self.told.pace), lambda: datetime.now(UTC) + self.ahead
        self.pictures = Pictures(home.pipeline, client, lambda _: self.told.channel, paces, clock)
        self.number = add_incident(home.pipeline.state.engine, home.merchant())
        change(home.pipeline.state.engine, f"UPDATE incident SET latest_reason = '{REASON}'")
        self.told.drain()

    def make(self) -> int:
        """Make pictures, once the channel has rested since the last message."""
        self.told.clock.sleep(Slack.gap.total_seconds())
        return self.pictures.make()

    @property
    def root(self) -> dict[str, Any]:
        return next(m for m in self.standin.messages if "thread_ts" not in m)

    @property
    def shown(self) -> list[str]:
        return list(images_of(self.root["blocks"]))


@contextmanager
def gallery(home: Home) -> Iterator[Gallery]:
    change(home.pipeline.state.engine, "DELETE FROM outbox; DELETE FROM picture")
    home.pipeline.state.home_channel = CHANNEL
    with SlackStandIn(Workspace(token=TOKEN), hang_s=1.5) as standin:
        yield Gallery(home, standin)


def test_it_follows_the_text_and_stays_when_the_message_changes(home: Home) -> None:
    with gallery(home) as here:
        assert here.shown == []
        assert here.make() == 1
        (number,) = here.shown
        assert here.standin.workspace.files[number].content is not None
        text = here.root["text"]
        assert here.make() == 0, "nothing is wanted any more"
        do(home.pipeline.state, "acknowledge", here.number, by="lee")
        here.told.drain()
        assert here.shown == [number]
        assert here.root["text"] != text
        assert len(here.standin.workspace.files) == 1


@pytest.mark.parametrize(
    "method", ["files.getUploadURLExternal", "upload", "files.completeUploadExternal", "chat.update"]
)
def test_one_that_fails_is_an_alarm_and_comes_later(method: str, home: Home) -> None:
    with gallery(home) as here:
        here.standin.fail_next("500_unposted", method=method)
        assert here.make() == 0
        assert "picture" in failing(home.pipeline)
        do(home.pipeline.state, "acknowledge", here.number, by="lee")
        here.told.drain()
        assert here.told.statuses() == {"sent": 2}, "the text waited for the picture"
        here.ahead = timedelta(minutes=1)
        assert here.make() == 1
        assert len(here.shown) == 1
        assert failing(home.pipeline) == {}


def test_a_file_that_slack_does_not_know_yet_holds_up_no_message(home: Home) -> None:
    with gallery(home) as here:
        now = [0.0]
        here.standin.workspace.clock_s = lambda: now[0]
        here.standin.workspace.file_lag_s = 5
        assert here.make() == 0
        assert failing(home.pipeline) == {}
        do(home.pipeline.state, "acknowledge", here.number, by="lee")
        here.told.drain()  # the edit is refused with the picture, and made without it
        assert here.told.statuses() == {"sent": 2}
        assert "확인" in here.root["text"]
        now[0] = 6.0
        assert here.make() == 1
        assert len(here.shown) == 1
        assert "확인" in here.root["text"], "the picture turned the message back"


def test_an_edit_that_overtakes_the_picture_is_not_turned_back(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    with gallery(home) as here:
        show = Slack.show_picture

        def overtaken(*given: Any) -> None:  # noqa: ANN401
            monkeypatch.setattr(Slack, "show_picture", show)
            do(home.pipeline.state, "acknowledge", here.number, by="lee")
            here.told.drain()
            show(*given)  # ours comes last, with what was read before

        monkeypatch.setattr(Slack, "show_picture", overtaken)
        assert here.make() == 0
        assert "확인됨" not in here.root["text"]
        assert here.make() == 1
        assert "확인됨" in here.root["text"]
        assert len(here.shown) == 1


def test_without_the_right_to_upload_it_is_given_up_and_said(home: Home) -> None:
    with gallery(home) as here:
        here.standin.fail_next("missing_scope", method="files.getUploadURLExternal")
        here.make()
        assert "missing_scope" in failing(home.pipeline)["picture"]
        here.ahead = timedelta(minutes=1)
        assert here.make() == 0
        assert here.standin.requests["files.getUploadURLExternal"] == 1
        home.pipeline.ornaments.works("picture")


def test_a_message_that_is_old_or_gone_gets_none(home: Home) -> None:
    with gallery(home) as here:
        here.ahead = timedelta(minutes=31)
        assert here.make() == 0
        assert here.standin.workspace.files == {}
        here.ahead = timedelta()
        here.standin.workspace.stored.clear()
        assert here.make() == 0
        assert here.make() == 0
        assert here.standin.requests["chat.update"] == 1
        assert failing(home.pipeline) == {}


def test_a_digest_gets_none(home: Home) -> None:
    with gallery(home) as here:
        engine = home.pipeline.state.engine
        add_incident(engine, home.merchant())
        here.told.drain()
        change(engine, "UPDATE outbox SET message_ts = (SELECT min(message_ts) FROM outbox)")
        assert here.make() == 0
        assert here.standin.workspace.files == {}


def test_it_waits_while_a_message_waits(home: Home) -> None:
    with gallery(home) as here:
        add_incident(home.pipeline.state.engine, home.merchant())
        assert here.make() == 0
        assert here.standin.workspace.files == {}, "it was drawn and uploaded before a message"
        here.told.drain()
        assert here.make() == 1


def test_it_waits_while_anybody_of_the_process_sends_in_the_channel(home: Home) -> None:
    with gallery(home) as here:
        with here.told.pace.alone():
            assert here.make() == 0
        assert here.standin.workspace.files == {}
        assert here.make() == 1


def test_it_keeps_the_gap_and_the_pause_of_the_channel(home: Home) -> None:
    with gallery(home) as here:
        assert here.pictures.make() == 0, "a message has just been sent"
        assert len(here.standin.workspace.files) == 1, "an upload goes into no channel"
        here.told.pace.channel_away(timedelta(seconds=30), 300)
        assert here.make() == 0
        assert here.standin.requests["chat.update"] == 0
        here.told.clock.sleep(30)
        assert here.make() == 1


def test_slack_says_when_the_next_one_may_come(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    with gallery(home) as here:
        asked: list[str] = []

        def limited(name: str, _: bytes) -> str:
            asked.append(name)
            code = "ratelimited"
            raise NotPosted(code, timedelta(minutes=20))

        monkeypatch.setattr(here.pictures._client, "upload", limited)
        for minutes in (0, 19, 21):
            here.ahead = timedelta(minutes=minutes)
            here.make()
        assert len(asked) == 2
        home.pipeline.ornaments.works("picture")
