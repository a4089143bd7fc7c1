"""Imports everything once and forks a child per attempt: a start costs nothing, a crash is real.

`python zygote.py` reads one JSON request per line and answers with the child's exit code.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
import traceback
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Self

import pipeline.store.compact
from pipeline.errors import NotLeader
from pipeline.prove.corrector import Corrector
from pipeline.settings import load_settings
from pipeline.store.compact import compact, delete_expired
from scheduler import open_pipeline
from tests.simulation.runner import crash_of, inject

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The session of a child that was killed a moment ago may still hold the lock.
LED_BY_ANOTHER = 75

ROOT = Path(__file__).resolve().parents[2]


class Zygote:
    """The parent's side."""

    def __init__(self, log: Path) -> None:
        with log.open("ab") as said:
            self._process = subprocess.Popen(
                [sys.executable, "-W", "ignore", __file__],
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said,
                text=True,
                bufsize=1,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def run(
        self,
        settings: Mapping[str, str],
        crash: str = "",
        kill_after_s: float | None = None,
        files: int | None = None,
    ) -> int:
        """One cycle of the pipeline in a child; the exit code, CRASHED where it died as asked.

        `kill_after_s` kills it from outside (-9), `files` is how many file descriptors it may open.
        """
        assert self._process.stdin
        assert self._process.stdout
        asked = {"settings": dict(settings), "crash": crash, "kill_after_s": kill_after_s, "files": files}
        self._process.stdin.write(json.dumps(asked) + "\n")
        return int(self._process.stdout.readline())


def cycle(settings: Mapping[str, str]) -> None:
    """What a running installation does again and again: judge, correct, compact, delete, project."""
    pipeline.store.compact.GRACE = timedelta(0)
    with open_pipeline(load_settings(settings)) as line:
        for _ in line.catch_up(line.due_until()):
            pass
        corrector = Corrector(line)
        corrector.poll()
        corrector.repair()
        next_minute = line.state.next_minute()
        assert next_minute
        if compact(line.lake, line.state, next_minute + timedelta(hours=1)):
            line.project()
        delete_expired(line.lake, line.state)


def serve() -> None:
    """Answer requests until there are no more."""
    for request in sys.stdin:
        asked = json.loads(request)
        child = os.fork()
        if child == 0:
            os.dup2(2, 1)  # what it says is no answer
            os._exit(_attempt(asked))
        if asked["kill_after_s"] is not None:
            time.sleep(asked["kill_after_s"])
            os.kill(child, signal.SIGKILL)  # one that has ended waits to be collected: nobody else is hit
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _attempt(asked: Mapping[str, object]) -> int:
    settings, crash = asked["settings"], str(asked["crash"])
    assert isinstance(settings, dict)
    if crash:
        inject(crash_of(crash))
    if isinstance(asked["files"], int):
        most = len(list(Path("/proc/self/fd").iterdir())) + asked["files"]
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    try:
        cycle(settings)
    except NotLeader:
        return LED_BY_ANOTHER
    except BaseException:  # noqa: BLE001 - whatever it is, the parent reads it in the log
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    serve()
