"""Imports everything once and forks a child per attempt: a start costs nothing, a crash is real.

`python zygote.py` reads one JSON request per line and answers with the child's exit code.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import traceback
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Self

import pipeline.compact
from pipeline.compact import compact, delete_expired
from pipeline.corrector import Corrector
from pipeline.settings import load_settings
from scheduler import open_pipeline
from tests.simulation.runner import Crash, inject

if TYPE_CHECKING:
    from collections.abc import Mapping

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

    def run(self, settings: Mapping[str, str], crash: str = "") -> int:
        """One cycle of the pipeline in a child; the exit code, CRASHED where it died as asked."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps({"settings": dict(settings), "crash": crash}) + "\n")
        return int(self._process.stdout.readline())


def cycle(settings: Mapping[str, str]) -> None:
    """What a running installation does again and again: judge, correct, compact, delete, project."""
    pipeline.compact.GRACE = timedelta(0)
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
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _attempt(asked: Mapping[str, object]) -> int:
    settings, crash = asked["settings"], str(asked["crash"])
    assert isinstance(settings, dict)
    if crash:
        kind, _, number = crash.partition(":")
        inject(Crash(kind, int(number)))
    try:
        cycle(settings)
    except BaseException:  # noqa: BLE001 - whatever it is, the parent reads it in the log
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    serve()
