"""A demo beside an empty dashboard: `minuterisk demo` as a process of its own, in a home below the home.

It has its own databases and its own dashboard, and ends with the process of this one. Its output says how far
it is; the accounts that it prints are kept nowhere.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from threading import Lock, Thread
from typing import TYPE_CHECKING, Final
from urllib.error import URLError
from urllib.request import urlopen

from app.serve import HEALTH_PATH
from pipeline.settings import PREFIX, PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from pipeline.settings import Settings

#: What it is at, as the first word of a line of its output says. `ready`: its dashboard answers.
STAGES: Final = ("starting", "home", "published", "dashboard", "ready")
#: It has ended, by itself or because it could not begin.
ENDED: Final = "ended"
COMMAND: Final = (sys.executable, "-c", "from pipeline.cli import main; main()", "demo")
_ANSWER_EVERY_S: Final = 0.5
_ANSWER_WITHIN_S: Final = 120
_LONGEST: Final = 200


@dataclass(slots=True)
class Demo:
    """The demo that this process started."""

    stage: str = STAGES[0]
    url: str = ""  # of its dashboard
    last: str = ""  # what it said last: why, where it could not begin


_lock = Lock()
_started: dict[Path, Demo] = {}


def demo_of(settings: Settings) -> Demo | None:
    """The demo below this home; None where none was started."""
    return _started.get(settings.home)


def start_demo(settings: Settings, language: str, command: Iterable[str] = COMMAND) -> Demo:
    """Start it, if it does not run already."""
    with _lock:
        known = _started.get(settings.home)
        if known is not None and known.stage != ENDED:
            return known
        home = settings.home.absolute() / "demo"
        home.mkdir(parents=True, exist_ok=True)
        process = subprocess.Popen(  # noqa: S603 - our own command, no shell
            [sys.executable, "-m", "app.kept", *command],
            stdin=subprocess.PIPE,  # closed when this process ends
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            cwd=home,  # no minuterisk.toml of somebody else's is read
            env=_environment(settings, language, home, os.environ),
            start_new_session=True,
        )
        demo = _started[settings.home] = Demo()
    Thread(target=_follow, args=(process, demo), name="demo", daemon=True).start()
    return demo


def _environment(settings: Settings, language: str, home: Path, environ: Mapping[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in environ.items() if not name.startswith(PREFIX)}
    said = {
        "HOME": str(home),
        "LANGUAGE": language,
        "BUSINESS_TIMEZONE": str(settings.business_timezone),
        "DASHBOARD_PORT": str(settings.dashboard_port),  # it takes a free one where this is taken
        "METRICS_PORT": "0",
    }
    path = os.pathsep.join(filter(None, [str(PROJECT), environ.get("PYTHONPATH", "")]))
    return {**kept, **{PREFIX + name: value for name, value in said.items()}, "PYTHONPATH": path}


def _follow(process: subprocess.Popen[str], demo: Demo) -> None:
    with process:
        for line in process.stdout or ():  # to its end: a pipe that nobody empties would stop it
            if demo.stage in (STAGES[-2], STAGES[-1]):
                continue  # what it prints from here on is a line a minute
            _hear(demo, line)
            if demo.stage == STAGES[-2]:
                Thread(target=_wait_for_answer, args=(demo,), name="demo-answers", daemon=True).start()
    demo.stage = ENDED


def _hear(demo: Demo, line: str) -> None:
    if line[:1].isspace():  # an account, and its password
        return
    word, _, rest = line.strip().partition(" ")
    if word in STAGES and STAGES.index(word) > STAGES.index(demo.stage):
        demo.stage = word
        demo.url = rest.strip() if word == "dashboard" else ""
    demo.last = line.strip()[:_LONGEST] or demo.last


def _wait_for_answer(demo: Demo) -> None:
    ends = time.monotonic() + _ANSWER_WITHIN_S
    while time.monotonic() < ends and demo.stage == STAGES[-2]:
        if _answers(demo.url):
            demo.stage = STAGES[-1]
            return
        time.sleep(_ANSWER_EVERY_S)


def _answers(url: str) -> bool:
    try:
        with urlopen(url.rstrip("/") + HEALTH_PATH, timeout=2) as answer:  # noqa: S310 - our own, on this machine
            return bool(answer.status == 200)  # noqa: PLR2004 - HTTP's word for fine
    except (URLError, OSError, ValueError):
        return False
