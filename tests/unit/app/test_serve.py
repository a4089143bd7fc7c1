from __future__ import annotations

import socket
import sys
from pathlib import Path

from streamlit import config

from app.gate.__main__ import listen
from app.serve import SCRIPT, dashboard_command, dashboard_environment, options
from pipeline.settings import PROJECT, Settings, load_settings
from tests.servers import free_port

SETTINGS = Settings(home=Path("/srv/risk"), language="en", dashboard_port=9000)


def test_the_command_names_address_and_port() -> None:
    command = dashboard_command(SETTINGS, "0.0.0.0", 8600)  # noqa: S104 - an argument, nothing listens
    assert command == [sys.executable, "-m", "app.gate", "--address=0.0.0.0", "--port=8600"]
    assert SCRIPT.is_file()


def test_the_port_defaults_to_the_setting_and_the_address_to_this_machine() -> None:
    assert {"--port=9000", "--address=127.0.0.1"} <= set(dashboard_command(SETTINGS))


def test_nothing_is_sent_home_and_forged_requests_are_refused() -> None:
    wanted = {
        "browser.gatherUsageStats": False,
        "server.enableXsrfProtection": True,
        "server.fileWatcherType": "none",
        "client.showErrorDetails": "none",
    }
    assert wanted.items() <= options().items()


def test_streamlit_knows_every_option() -> None:
    assert [name for name in options() if name not in config.get_config_options()] == []


def test_the_page_gets_what_it_needs_and_no_secret_beyond() -> None:
    settings = Settings(home=Path("/srv/risk"), state_url="postgresql://u:p@db/minuterisk", language="en")
    environ = {
        "PATH": "/bin",
        "MINUTERISK_SLACK_TOKEN": "xoxb-1",
        "MINUTERISK_SLACK_CHANNEL": "C1",
        "MINUTERISK_APPRISE_MAIL": "mailto://a:b@risk.test",
        "MINUTERISK_SOURCE_URL": "postgresql://r:s@db/trade",
        "MINUTERISK_MERCHANTS_SOURCE_URL": "postgresql://r:s@db/trade",
        "MINUTERISK_TRADE_URL": "postgresql://r:s@db/trade",
        "MINUTERISK_POLICY": "literal",
    }
    given = dashboard_environment(settings, environ)
    assert not [
        name for name in given if "SLACK" in name or "APPRISE" in name or "SOURCE" in name or "TRADE" in name
    ]
    assert given["PATH"] == "/bin"
    read = load_settings(given)
    assert (read.home, read.state_url, read.language) == (settings.home, settings.state_url, "en")
    assert read.packs == settings.packs
    assert str(PROJECT) in given["PYTHONPATH"]


def test_what_is_sent_to_a_page_leaves_at_once() -> None:
    with listen("127.0.0.1", free_port()) as listening:
        listening.listen()
        with socket.create_connection(listening.getsockname()):
            taken, _ = listening.accept()
            with taken:
                assert taken.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
