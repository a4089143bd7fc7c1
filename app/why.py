"""Why, and why not: every number behind the verdicts on one entity at one minute.

The windows of all entities are built anew for it, from the files. That takes seconds and much memory, so a
process of its own does it, `minuterisk explain`, and one at a time; the page shows what that says.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from app.door import state_url
from pipeline.errors import ConfigurationError, UsageError
from pipeline.errors.phrases import phrase

if TYPE_CHECKING:
    from pipeline.settings import Settings

LONGEST_S: Final = 180
_ONE_AT_A_TIME: Final = Lock()
_PREFIX: Final = "minuterisk: "


def explain(settings: Settings, *about: str) -> dict[str, Any]:
    """What the command says about an entity at a minute, or whatever else the pack takes: see its `--json`.

    Raises UsageError with what it refuses.
    """
    if any("\0" in one for one in about):
        msg = "no id holds such a character"
        raise UsageError(msg, "choose one that the search finds")
    asked = [sys.executable, "-m", "pipeline.cli", "explain", "--json", "--", *about]
    own = {
        "MINUTERISK_HOME": str(settings.home),
        "MINUTERISK_PACKS": settings.pack,
        "MINUTERISK_STATE_URL": state_url(settings),
    }
    with _ONE_AT_A_TIME:
        try:
            done = subprocess.run(  # noqa: S603 - our own command; an id is one argument and no option
                asked,
                env={**os.environ, **own},
                capture_output=True,
                text=True,
                timeout=LONGEST_S,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            msg = phrase("no answer within {seconds} s", seconds=LONGEST_S)
            raise ConfigurationError(msg, "ask again when the machine has less to do") from error
    if done.returncode:
        raise UsageError(_said(done.stderr), "ask about a time that is published")
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def _said(stderr: str) -> str:
    lines = [line for line in stderr.splitlines() if line.startswith(_PREFIX)]
    return lines[-1].removeprefix(_PREFIX) if lines else "the command ended without a word"
