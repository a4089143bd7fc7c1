"""One side of `against`: the code that PYTHONPATH names, this tree's or that of an older commit, at work.

Run by its path, with nothing of this tree: names that have changed since are looked up. Each line of standard
input is a JSON object with what to `do`; each gives one line of JSON with what it took.
"""

from __future__ import annotations

import contextlib
import gc
import hashlib
import importlib
import inspect
import json
import os
import sys
import time
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Callable

_MINUTE = timedelta(minutes=1)


class Side:
    """A pipeline, and what was asked of it."""

    def __init__(self, pipeline: Any) -> None:  # noqa: ANN401 - of either side
        self.pipeline = pipeline
        self.added_ms = 0.0

    def publish(self, file: str, start: str, end: str) -> dict[str, Any]:
        """Publish the raw rows of a file as history."""
        span = _module("minute").Span(_moment(start), _moment(end))
        count, rows = _module("count").count, pl.read_parquet(file)
        given: list[Any] = [rows, span, 1, self.pipeline.source.clock()]
        if "pack" in inspect.signature(count).parameters:
            given.append(self.pipeline.pack)
        counted = count(*given)
        commit = _state().MinuteCommit(counted.ledger, self.pipeline.book().publish(counted), span.end)
        self.pipeline.state.commit(commit)
        return {}

    def start(self) -> dict[str, Any]:
        """A cold start: windows, and whatever else a line needs, out of the lake."""
        self.pipeline._line = None
        gc.collect()
        taken = _clocked(self.pipeline.prepare)
        windows = self.pipeline._line.windows
        self._watch_add(type(windows))
        self.pipeline._line.steps = _steps(self.pipeline._line.steps)
        return taken

    def windows(self) -> dict[str, Any]:
        """The windows alone."""
        history, pipeline = _module("history"), self.pipeline
        next_minute = pipeline.state.next_minute()
        rules = pipeline.rules
        if hasattr(pipeline, "versions"):
            rules = pipeline.versions.tuned(next_minute)
        return _clocked(lambda: history.rebuild_windows(pipeline.lake, pipeline.state, next_minute, rules))

    def tick(self, minute: str) -> dict[str, Any]:
        """Judge one minute; `keep` is what follows when the results are out."""
        self.added_ms, found = 0.0, []
        due = self.pipeline.catch_up(_moment(minute) + _MINUTE)
        tick = _clocked(lambda: found.append(next(due)))
        keep = _clocked(lambda: list(due))
        steps = self.pipeline._line.steps
        return {
            "tick": tick,
            "keep": keep,
            "compare_ms": self.added_ms,
            "steps": steps.take(),
            "steps_cpu": steps.take_cpu(),
            "signals": found[0].signals.height,
            "digest": _digest(found[0].signals),
        }

    def memory(self) -> dict[str, Any]:
        """What the process has in RAM now."""
        lines = open("/proc/self/status", encoding="ascii").read().splitlines()  # noqa: SIM115, PTH123
        return {"mb": int(next(line.split()[1] for line in lines if line.startswith("VmRSS"))) / 1024}

    def _watch_add(self, kind: Any) -> None:  # noqa: ANN401 - the windows' class
        """Count what `windows.add` takes: what was the step `compare` is a part of `judge` since."""
        if getattr(kind.add, "watched", False):
            return
        add = kind.add

        @wraps(add)
        def timed(*args: Any, **named: Any) -> None:  # noqa: ANN401 - whatever it takes
            begun = time.process_time()
            try:
                add(*args, **named)
            finally:
                self.added_ms += (time.process_time() - begun) * 1000

        timed.watched = True  # type: ignore[attr-defined]
        kind.add = timed


def _clocked(work: Callable[[], object]) -> dict[str, float]:
    begun, cpu = time.perf_counter(), time.process_time()
    work()
    cpu_ms, wall_ms = (time.process_time() - cpu) * 1000, (time.perf_counter() - begun) * 1000
    return {"wall_ms": wall_ms, "client_ms": cpu_ms}


def _steps(plain: Any) -> Any:  # noqa: ANN401 - of either side
    """Steps that also know processor time."""

    class Clocked(type(plain)):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(time.perf_counter)
            self.cpu_ms: dict[str, float] = {}

        @contextlib.contextmanager
        def time(self, name: str) -> Any:  # noqa: ANN401 - a generator
            begun = time.process_time()
            with super().time(name):
                yield
            self.cpu_ms[name] = self.cpu_ms.get(name, 0.0) + (time.process_time() - begun) * 1000

        def take_cpu(self) -> dict[str, float]:
            taken, self.cpu_ms = self.cpu_ms, {}
            return taken

    return Clocked()


def _digest(signals: pl.DataFrame) -> str:
    """What all versions say of a signal: whose, by which rule, and what became of it."""
    whose = next(name for name in ("entity_id", "merchant_id") if name in signals.columns)
    lines = signals.select(pl.concat_str([whose, "rule", "reason"], separator=" ")).to_series().sort()
    return hashlib.sha256("\n".join(lines.to_list()).encode()).hexdigest()


def _module(name: str) -> Any:  # noqa: ANN401 - a module of either side
    return importlib.import_module(f"pipeline.{name}")


def _state() -> Any:  # noqa: ANN401 - the same
    try:
        return _module("store.state")
    except ModuleNotFoundError:
        return _module("state")


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def main() -> None:
    """Answer until standard input ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever else is printed is no answer
    settings = _module("settings").load_settings(dict(os.environ))
    _module("log").configure_log(settings)
    with importlib.import_module("scheduler").open_pipeline(settings) as pipeline:
        side = Side(pipeline)
        answers.write("{}\n")
        answers.flush()
        for line in sys.stdin:
            asked = json.loads(line)
            answers.write(json.dumps(getattr(side, asked.pop("do"))(**asked)) + "\n")
            answers.flush()


if __name__ == "__main__":
    main()
