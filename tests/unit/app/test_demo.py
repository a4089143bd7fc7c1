"""The demo beside an empty dashboard: one at a time, heard by its output, ended with whoever started it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import TYPE_CHECKING

import pytest

from app import demo
from pipeline.settings import PROJECT, Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def _none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "_started", {})


@pytest.fixture
def healthy() -> Iterator[str]:
    """The address of a server that answers."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def until(said: Callable[[], object]) -> None:
    for _ in range(600):
        if said():
            return
        time.sleep(0.05)
    pytest.fail("it never came")


def says(*lines: str, then: str = "") -> list[str]:
    return [sys.executable, "-uc", "".join(f"print({line!r});" for line in lines) + then]


def test_its_output_says_how_far_it_is_and_its_dashboard_when_it_is_ready(
    tmp_path: Path, healthy: str
) -> None:
    settings = Settings(home=tmp_path)
    lines = ("home       x", "published  1 minutes", "           ops_agent  secret", f"dashboard  {healthy}")
    started = demo.start_demo(settings, "en", says(*lines, then="import time; time.sleep(3)"))
    until(lambda: started.stage == "ready")
    assert started.url == healthy
    assert demo.demo_of(settings) is started
    assert (tmp_path / "demo").is_dir()
    until(lambda: started.stage == demo.ENDED)


def test_one_that_cannot_begin_says_why_and_another_may_be_started(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    lines = ("minuterisk: no port is free", "           ops_agent  secret")
    started = demo.start_demo(settings, "ko", says(*lines))
    until(lambda: started.stage == demo.ENDED)
    assert started.last == "minuterisk: no port is free"
    assert demo.start_demo(settings, "ko", says("home  x")) is not started


def test_a_second_press_starts_no_second_one(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    made = says("home  x", then="open('began', 'a').write('x'); import time; time.sleep(1)")
    started = demo.start_demo(settings, "ko", made)
    assert demo.start_demo(settings, "ko", made) is started
    until(lambda: started.stage == demo.ENDED)
    assert (tmp_path / "demo" / "began").read_text(encoding="utf-8") == "x"


def test_it_is_told_nothing_of_the_installation_but_its_language_and_zone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINUTERISK_SLACK_TOKEN", "xoxb-secret")
    named = "print('home', *sorted(k[11:] for k in os.environ if k.startswith('MINUTERISK_')), os.getcwd())"
    started = demo.start_demo(Settings(home=tmp_path), "ko", [sys.executable, "-c", f"import os; {named}"])
    until(lambda: started.stage == demo.ENDED)
    where = (tmp_path / "demo").resolve()
    assert started.last == f"home BUSINESS_TIMEZONE DASHBOARD_PORT HOME LANGUAGE METRICS_PORT {where}"


def test_a_kept_command_ends_when_whoever_started_it_is_gone(tmp_path: Path) -> None:
    """Also where that one was killed: then nobody closes the pipe but the system."""
    starter = (
        "import subprocess, sys, time;"
        f"subprocess.Popen([sys.executable, '-m', 'app.kept', sys.executable, '-c', {_WAITS!r}],"
        " stdin=subprocess.PIPE); time.sleep(60)"
    )
    environment = {**os.environ, "PYTHONPATH": str(PROJECT), "TOLD": str(tmp_path)}
    process = subprocess.Popen([sys.executable, "-c", starter], env=environment)
    until((tmp_path / "began").exists)
    process.kill()
    process.wait()
    until((tmp_path / "ended").exists)


#: Says that it began, and that it was ended in order.
_WAITS = (
    "import os, pathlib, time; told = pathlib.Path(os.environ['TOLD'])\n"
    "(told / 'began').touch()\n"
    "try: time.sleep(60)\n"
    "except KeyboardInterrupt: (told / 'ended').touch()"
)
