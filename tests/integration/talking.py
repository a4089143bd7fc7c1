"""The harness of the tests of Slack's way back: accounts, told incidents, a stand-in, a listener."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from data.slack_standin import SlackStandIn
from data.slack_workspace import Workspace
from pipeline.desk.perform import Desk
from pipeline.settings import Settings, load_settings
from pipeline.store.state import State
from pipeline.talk.client import TalkClient
from pipeline.talk.commands import Commands
from pipeline.talk.listener import Listener
from pipeline.talk.presses import Presses
from pipeline.tell.channels import Slack
from tests.integration.delivery import CHANNEL, SEOUL, TOKEN, add_incident, change, make_world
from tests.servers import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Engine

    from tests.integration.delivery import World

APP_TOKEN = "xapp-stand-in-secret"
ACCOUNTS = (
    ("ops", "OPS_AGENT", "ops_agent@demo.example"),
    ("analyst", "RISK_ANALYST", "risk_analyst@demo.example"),
    ("reader", "READ_ONLY", "read_only@demo.example"),
)
REASON = json.dumps(
    {"approvals_hour": 120, "cancels_hour": 36, "approvals_week": 20_160, "cancels_week": 1_008}
)
ADD = "INSERT INTO account (name, role, email) VALUES (:name, :role, :email)"


def settings_for(standin: SlackStandIn, language: str = "ko") -> Settings:
    return load_settings(
        {
            "MINUTERISK_SLACK_TOKEN": TOKEN,
            "MINUTERISK_SLACK_APP_TOKEN": APP_TOKEN,
            "MINUTERISK_SLACK_CHANNEL": CHANNEL,
            "MINUTERISK_SLACK_BASE_URL": standin.url,
            "MINUTERISK_LANGUAGE": language,
        }
    )


@dataclass
class Talking:
    """An installation whose people answer in Slack."""

    engine: Engine
    state: State
    standin: SlackStandIn
    settings: Settings
    told: World
    listeners: list[Listener] = field(default_factory=list)

    def tell(self, merchant_id: str = "M1", **given: Any) -> tuple[int, str]:  # noqa: ANN401
        """An incident that was told; its number and its message."""
        number = add_incident(self.engine, merchant_id, **given)
        change(self.engine, f"UPDATE incident SET reason = '{REASON}', latest_reason = '{REASON}'")
        self.told.drain()
        row = next(r for r in self.told.rows() if r["incident_id"] == number)
        return number, row["message_ts"]

    def listen(self) -> Listener:
        client = TalkClient(TOKEN, self.standin.url, 5)
        presses = Presses(self.state, self.desk, client, self.settings.language)
        commands = Commands(self.state, self.settings, lambda *_: None)
        listener = Listener(self.state, self.settings, client, presses, commands)
        before = self.standin.sockets.opened
        listener.keep()
        wait_for(lambda: self.standin.sockets.opened > before)
        self.listeners.append(listener)
        return listener

    def desk(self, pack: str) -> Desk | None:
        return Desk(self.state, self.settings) if pack == "merchants" else None

    def rows(self, query: str, **given: Any) -> list[dict[str, Any]]:  # noqa: ANN401
        with self.engine.connect() as connection:
            return [dict(row) for row in connection.execute(text(query), given).mappings()]

    def incident(self, number: int) -> dict[str, Any]:
        (row,) = self.rows("SELECT * FROM incident WHERE incident_id = :n", n=number)
        return row

    def acts(self, number: int) -> list[tuple[str, str]]:
        rows = self.rows("SELECT act, by FROM incident_act WHERE incident_id = :n ORDER BY act_id", n=number)
        return [(row["act"], row["by"]) for row in rows]

    def audit(self) -> list[tuple[str, str, str]]:
        rows = self.rows("SELECT act, actor, outcome FROM audit ORDER BY number")
        return [(row["act"], row["actor"], row["outcome"]) for row in rows]

    def presses(self) -> list[dict[str, Any]]:
        return self.rows("SELECT * FROM press ORDER BY press_id")

    def settled(self, count: int) -> None:
        """Wait until so many presses are settled and answered."""
        wait_for(lambda: len(self.presses()) >= count and all(is_over(row) for row in self.presses()))


def is_over(row: dict[str, Any]) -> bool:
    return row["state"] != "taken" and row["response_url"] is None


def wait_for(true: Callable[[], bool], timeout_s: float = PATIENCE_S) -> None:
    until = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < until, "it never came to that"
        time.sleep(0.01)


def add_accounts(engine: Engine) -> None:
    with engine.begin() as connection:
        for name, role, email in ACCOUNTS:
            connection.execute(text(ADD), {"name": name, "role": role, "email": email})


@contextmanager
def talking(engine: Engine, url: str, language: str = "ko", **given: Any) -> Iterator[Talking]:  # noqa: ANN401
    workspace = Workspace(token=TOKEN, app_token=APP_TOKEN)
    with SlackStandIn(workspace, hang_s=0.5, **given) as standin:
        standin.sockets.patience_s = PATIENCE_S  # a busy machine is nobody who does not answer
        state = State(engine, url, "merchants", "KRW", CHANNEL)
        settings = settings_for(standin, language)
        told = make_world(engine, standin)
        told.channel = channel_of(told.channel, state, language)
        add_accounts(engine)
        made = Talking(engine, state, standin, settings, told)
        try:
            yield made
        finally:
            for listener in made.listeners:
                listener.close()


def channel_of(made: Slack, state: State, language: str) -> Slack:
    return Slack(
        made._client,
        CHANNEL,
        installation=state.installation(),
        language=language,
        zone=SEOUL,
        dashboard_url="http://127.0.0.1:8501/",
        buttons=True,
    )


def button_value(installation: str, pack: str, number: int) -> str:
    return json.dumps({"installation": installation, "pack": pack, "incident": number})
