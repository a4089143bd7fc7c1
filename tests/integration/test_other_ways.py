"""Ways to people other than Slack: the same outbox, with less that can be done."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from datetime import timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from structlog.testing import capture_logs

from pipeline.errors.secrets import SECRETS
from pipeline.packs.merchants import PACK as MERCHANTS
from pipeline.settings import load_settings
from pipeline.store.state import State
from pipeline.tell import outbox
from pipeline.tell.by_apprise import ByApprise
from pipeline.tell.deliver import deliver_one
from pipeline.tell.destinations import open_channel
from pipeline.tell.pace import Paces
from pipeline.tell.senders import Senders
from tests.integration.channels import Town, do_with
from tests.integration.delivery import CHANNEL, MARK, PACK, TOKEN, change, make_standin
from tests.integration.other_ways import mail_server, webhook
from tests.people import do
from tests.servers import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

    from pipeline.tell.channels import Channel
    from pipeline.tell.deliver import Delivered
    from tests.integration.other_ways import Received

HOOK, MAIL = "apprise:hook", "apprise:mail"
SEOUL = ZoneInfo("Asia/Seoul")


@pytest.fixture
def town(state_engine: Engine) -> Iterator[Town]:
    with make_standin() as standin:
        yield Town(State(state_engine, "", "merchants", "KRW", CHANNEL), standin)


@pytest.fixture
def hook(town: Town) -> Iterator[Received]:
    with webhook() as received:
        use(town, HOOK, f"json://127.0.0.1:{received.port}/secret-path-1")
        yield received


@pytest.fixture
def mail(town: Town) -> Iterator[Received]:
    with mail_server() as received:
        use(town, MAIL, f"mailto://127.0.0.1:{received.port}/?from=minuterisk@risk.test&to=ops@risk.test")
        yield received


def use(town: Town, destination: str, url: str) -> None:
    """The channel of that name is at this address; everything goes there."""
    channel = ByApprise(destination, url, language="ko", zone=SEOUL, dashboard_url="http://desk.test/")
    town.outlets[destination] = channel, town.pace()
    name = destination.removeprefix("apprise:")
    do_with(town.state, {f"apprise_{name}": url}, "add_route", name, channel=destination)


def test_a_webhook_gets_each_event_as_a_message_of_its_own(town: Town, hook: Received) -> None:
    incident = town.open("M1")
    town.say(incident, event="resolved", at=5)
    assert [d.outcome for d in town.drain()] == ["sent", "sent"]
    opened, resolved = hook.taken
    assert "새 사건" in opened["title"]
    assert "튼튼마트" in opened["message"]
    assert f"http://desk.test/incidents?incident={incident}" in opened["message"]
    assert "해소" in resolved["title"]
    assert {row["message_ts"] for row in town.rows()} == {None}


def test_a_storm_is_one_message_there_too(town: Town, hook: Received) -> None:
    for number in range(25):
        town.open(f"M{number}")
    assert [(d.outcome, d.sent) for d in town.drain()] == [("digest", 25)]
    (message,) = hook.taken
    assert "25건" in message["title"]
    assert message["message"].count("M") > 5


@pytest.mark.parametrize(
    ("fault", "taken"), [("close", True), ("close", False), ("503", True), ("500", False)]
)
def test_a_failure_that_may_have_arrived_is_repeated_with_the_mark(
    fault: str,
    taken: bool,  # noqa: FBT001
    town: Town,
    hook: Received,
) -> None:
    town.open("M1")
    hook.faults.append((fault, taken))
    assert [d.outcome for d in town.drain()] == ["retry", "sent"]
    assert [MARK in m["message"] for m in hook.taken] == [False] * taken + [True]


def test_what_was_certainly_not_taken_is_tried_again_without_the_mark(town: Town, hook: Received) -> None:
    town.open("M1")
    hook.faults.append(("429", False))
    assert [d.outcome for d in town.drain()] == ["retry", "sent"]
    assert [MARK in m["message"] for m in hook.taken] == [False]


def test_an_address_that_refuses_is_dead_and_the_error_names_the_setting(town: Town, hook: Received) -> None:
    town.open("M1")
    hook.faults.append(("404", False))
    with capture_logs() as logs:
        assert [d.outcome for d in town.drain()] == ["dead"]
    assert (town.rows()[0]["last_error"], logs[0]["error"]) == ("HTTP 404", "HTTP 404")
    assert "MINUTERISK_APPRISE_HOOK" in logs[0]["hint"]


class Log(logging.Handler):
    """What reaches the log of the process."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage())


def test_nothing_of_the_address_is_in_a_log_or_a_row(
    town: Town, hook: Received, monkeypatch: pytest.MonkeyPatch
) -> None:
    town.open("M1")
    hook.faults += [("close", False), ("404", False)]
    log, root = Log(), logging.getLogger()
    monkeypatch.setattr(root, "handlers", [log])
    monkeypatch.setattr(root, "level", logging.DEBUG)
    with capture_logs() as logs:
        town.drain()
    assert logs
    for said in (str(logs), str(log.said), str(town.rows())):
        assert "secret-path-1" not in said
        assert str(hook.port) not in said


def test_an_address_that_apprise_does_not_understand_is_dead(town: Town) -> None:
    use(town, HOOK, "carrier-pigeon://loft/7")
    town.open("M1")
    assert [(d.outcome, d.error) for d in town.drain()] == [("dead", "address_not_understood")]


def test_a_mail_says_what_happened_in_subject_and_text(town: Town, mail: Received) -> None:
    incident = town.open("M1")
    assert [d.outcome for d in town.drain()] == ["sent"]
    (message,) = mail.taken
    assert "새 사건" in message["title"]
    assert "튼튼마트" in message["message"]
    assert f"incident={incident}" in message["message"]


@pytest.mark.parametrize("fault", [("close", False), ("close", True), ("451", False)])
def test_a_mail_that_may_have_arrived_is_repeated_with_the_mark(
    fault: tuple[str, bool], town: Town, mail: Received
) -> None:
    town.open("M1")
    mail.faults.append(fault)
    assert [d.outcome for d in town.drain()] == ["retry", "sent"]
    assert [MARK in m["message"] for m in mail.taken] == [False] * fault[1] + [True]


def test_a_hostile_name_stays_in_its_line(town: Town, mail: Received) -> None:
    incident = town.open("M1")
    change(town.engine, "UPDATE incident SET entity_name = E'Evil\\r\\nBcc: all@risk.test\\r\\n<b>x</b> *a*'")
    town.say(incident, event="escalated", at=2)
    town.drain()
    name = next(m["message"] for m in mail.taken if "Evil" in m["message"])
    assert [line for line in name.splitlines() if line.startswith("Bcc")] == []
    assert all("Evil" not in m["title"] for m in mail.taken)


def test_it_is_the_second_channel_where_slack_refuses(town: Town, hook: Received) -> None:
    do(town.state, "remove_route", "hook")
    given = {"slack_token": TOKEN, "slack_channel": CHANNEL, "apprise_hook": "json://127.0.0.1/"}
    do_with(town.state, given, "add_route", "all", channel="default", second=HOOK)
    town.standin.fail_next("token_revoked")
    town.open("M1")
    assert [d.outcome for d in town.drain()] == ["dead", "sent"]
    assert "기본 채널" in hook.taken[0]["message"]


def test_a_channel_that_hangs_delays_no_other(town: Town, hook: Received) -> None:
    """The senders themselves: each channel in a thread of its own."""
    do(town.state, "remove_route", "hook")
    given = {"apprise_hook": f"json://127.0.0.1:{hook.port}/"}
    do_with(town.state, given, "add_route", "marts", channel=HOOK, match="entity=M*")
    hook.faults.append(("hang", True))
    done: list[Delivered] = []
    told = threading.Event()

    def tell(delivered: Delivered) -> None:
        done.append(delivered)
        told.set()

    def opened(destination: str) -> Channel:
        return town.outlet(destination)[0]

    senders = Senders(town.engine, "", MERCHANTS, opened, Paces(), tell)
    town.open("M1")
    town.open("X1")
    senders.wake(lambda: False)
    assert hook.asked.wait(PATIENCE_S)
    assert told.wait(PATIENCE_S), "the other channel waited"
    assert [row["destination"] for row in town.rows() if row["status"] == "sent"] == ["default"]
    senders.wake(lambda: False)  # the one that hangs is not set to work twice
    hook.go_on.set()
    senders.quiet()
    assert len(hook.taken) == 1


def test_what_fails_in_a_sender_is_raised_by_the_next_wake_and_the_others_go_on(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    do(town.state, "add_route", "marts", channel="console", match="entity=M*")
    town.open("M1")
    town.open("X1")

    def opened(destination: str) -> Channel:
        channel, _ = town.outlet("default")
        return Broken() if destination == "console" else channel

    done: list[Delivered] = []
    senders = Senders(town.engine, "", MERCHANTS, opened, Paces(), done.append)
    senders.wake(lambda: False)
    with pytest.raises(ZeroDivisionError):
        senders.quiet()
    senders.quiet()
    assert [row["status"] for row in town.rows()] == ["pending", "sent"]


class Broken:
    """A channel with a fault of ours."""

    name = "console"

    gap = timedelta()

    def send(self, *_: object) -> str | None:
        raise ZeroDivisionError

    def find(self, *_: object) -> dict[int, str]:
        return {}


def test_what_the_settings_do_not_know_is_dead_and_says_what_is_missing(town: Town) -> None:
    settings = load_settings({"MINUTERISK_APPRISE_MAIL": "mailto://a:b@risk.test"})
    assert type(open_channel(MAIL, settings, "x")).__name__ == "ByApprise"
    for name in ("apprise:pager", "C0RISK"):
        channel, pace = open_channel(name, settings, "x"), town.pace()
        town.open(name)
        change(town.engine, f"UPDATE outbox SET destination = '{name}' WHERE status = 'pending'")
        with capture_logs() as logs:
            delivered = deliver_one(town.engine, MERCHANTS, channel, pace, destinations=[name])
        assert delivered is not None
        assert (delivered.outcome, delivered.error) == ("dead", "not_set_up")
        assert "MINUTERISK_" in logs[0]["hint"]
    assert outbox.outbox_status(town.engine, PACK).dead == 2


def test_the_library_is_not_loaded_until_a_message_leaves() -> None:
    code = "import sys, pipeline.tell.destinations; sys.exit('apprise' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_an_address_is_a_secret_in_every_text() -> None:
    url = "mailto://kim:Pa55-word-x@smtp.risk.test/?to=ops@risk.test"
    try:
        load_settings(
            {"MINUTERISK_APPRISE_MAIL": url, "MINUTERISK_APPRISE_KAKAO": "kakaowork://Tok3n-abcdefgh"}
        )
        said = SECRETS.clean(f"{url} failed for Pa55-word-x, Tok3n-abcdefgh")
    finally:
        SECRETS.forget()
    assert "Pa55" not in said
    assert "Tok3n" not in said
