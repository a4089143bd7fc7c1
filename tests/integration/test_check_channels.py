"""check says of each channel whether it can be used, as far as that can be asked, and sends nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pipeline.inspection.channels import channel_findings
from pipeline.settings import load_settings
from pipeline.store.state import State
from tests.integration.channels import Town
from tests.integration.delivery import CHANNEL, TOKEN, make_standin

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine


@pytest.fixture
def town(state_engine: Engine, state_url: str) -> Iterator[Town]:
    with make_standin() as standin:
        yield Town(State(state_engine, state_url, "merchants", "KRW", CHANNEL), standin)


def found(town: Town, **more: str) -> dict[str, str]:
    given = {
        "MINUTERISK_STATE_URL": town.state.url,
        "MINUTERISK_SOURCE_URL": town.state.url,  # nothing is asked of it
        "MINUTERISK_SLACK_TOKEN": TOKEN,
        "MINUTERISK_SLACK_CHANNEL": CHANNEL,
        "MINUTERISK_SLACK_BASE_URL": town.standin.url,
        **{f"MINUTERISK_{name.upper()}": value for name, value in more.items()},
    }
    return {finding.what: finding.level for finding in channel_findings(load_settings(given))}


def test_every_channel_of_settings_and_routes_is_asked(town: Town) -> None:
    town.route("a", "C0A", "tier=top", second="C0GONE")
    town.standin.workspace.archived = frozenset({"C0GONE"})
    assert found(town) == {
        "Slack knows us in the workspace Stand-in": "ok",
        "C0A can be written to": "ok",
        "C0GONE is archived": "failure",
        f"{CHANNEL} can be written to": "ok",
    }
    assert town.standin.messages == []


def test_a_right_that_the_app_lacks_is_no_failure(town: Town) -> None:
    town.standin.fail_next("missing_scope", method="conversations.info")
    assert found(town)[f"{CHANNEL}: nobody can say whether we may write there"] == "note"


@pytest.mark.parametrize(
    ("fault", "level"),
    [("invalid_auth", "failure"), ("token_revoked", "failure"), ("500_unposted", "warning")],
)
def test_a_token_that_slack_does_not_take_fails(fault: str, level: str, town: Town) -> None:
    town.standin.fail_next(fault, method="auth.test")
    assert list(found(town).values()) == [level]


def test_an_address_that_says_nothing_to_apprise_and_a_route_to_nowhere_fail(town: Town) -> None:
    given: dict[str, Any] = {"apprise_mail": "mailto://a:b@risk.test", "apprise_pigeon": "pigeon://loft/7"}
    town.route("old", "C0A", "tier=top", second="console")
    said = found(town, **given)
    assert said["apprise:mail cannot be asked without sending something"] == "note"
    assert said["apprise:pigeon: Apprise makes nothing of its address"] == "failure"
    assert found(town, slack_token="")["a route names C0A, which is not set up"] == "failure"
