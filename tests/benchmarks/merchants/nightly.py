"""The live pipeline with the night's work and the analysts beside it: reader errors, and what a tick costs.

An installation of 8 days of 100,000 merchants publishes minutes of peak, some with nothing beside it and
some with a process that asks every question, runs every check, writes the report of the day and reads the
analysts' file all the time, in turns. Everything else is the same: files are compacted, retired and deleted.
CPU is what the pipeline's process spent in the tick; wall is what it took. The databases' own
work is in the wall alone. Exit 1 where a reader failed or saw parts of two publications.

    python -m tests.benchmarks.merchants.nightly --home /tmp/night           # builds it first
    python -m tests.benchmarks.merchants.nightly --home /tmp/night --turns 4 --minutes 6
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import duckdb

from data.merchants.trade import insert_transactions
from data.merchants.traffic import Traffic, TrafficConfig
from pipeline.embedded import open_urls
from pipeline.log import configure_log
from pipeline.minute import MINUTE, Span
from pipeline.packs.merchants import PACK
from pipeline.prove.house import House
from pipeline.settings import load_settings
from pipeline.store.compact import compact
from pipeline.store.views.analyst import Analyst
from pipeline.store.views.checks import run_checks
from pipeline.store.views.questions import questions, values_of
from scheduler import open_pipeline
from tests.benchmarks.home import MERCHANTS, PER_DAY, say
from tests.benchmarks.merchants.questions import SEED, build
from tests.benchmarks.merchants.report import measure as write_report
from tests.simulation.reader import Seen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pipeline.catch_up import Pipeline
    from pipeline.settings import Settings

TPS = 5_000
TURNS = 3
MINUTES = 4
WARM = 2
#: A home can be measured so often before its minutes are used up; after that wait as many minutes.
TIMES = 3
MOST_PERCENT = 5


class Night:
    """What goes on beside the pipeline, in a process of its own."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.done: dict[str, int] = {}
        self.errors: list[str] = []
        self._seen = Seen()
        self._named = questions(PACK.name)
        self._names = cycle([None, *self._named])  # a later turn goes on where an earlier one ended

    def step(self) -> None:
        """The next question, or the checks after the last one; then a read of each way."""
        name = next(self._names)
        if name is None:
            self._tried("checks", lambda: list(run_checks(self._settings)))
        else:
            self._tried("question", lambda: self._ask(name))
        self._tried("read", lambda: self._seen.read(self._settings))

    def told(self) -> dict[str, Any]:
        """How many of each kind there were, and what went wrong."""
        errors = [*self.errors, *self._seen.errors, *self._seen.halves]
        return {"done": self.done | {"read": self._seen.reads}, "errors": errors}

    def reported(self, code: int) -> None:
        """A report has ended."""
        self.done["report"] = self.done.get("report", 0) + 1
        if code:
            self.errors.append(f"report: exit {code}")

    def _tried(self, what: str, work: Callable[[], object]) -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001 - every kind of error is what is counted here
            self.errors.append(f"{what}: {type(error).__name__}: {error}"[:300])
        self.done[what] = self.done.get(what, 0) + 1

    def _ask(self, name: str) -> None:
        """By turns as `minuterisk sql` and as a client of its own."""
        question, analyst = self._named[name], Analyst.open(self._settings)
        given = {p.name: "1" for p in question.parameters if p.default is None}
        values = values_of(question, given, analyst.clock)
        if self.done.get("question", 0) % 2:
            analyst.ask(question.sql, dict(values)).frame()
            return
        with duckdb.connect(str(self._settings.catalog), read_only=True) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            plain = {name: value for name, (_, value) in values.items()}
            connection.sql(question.sql, params=plain).pl()


def be_beside(settings: Settings) -> None:
    """Work while a file `go` stands under the home, until one called `stop` does; then say what was done."""
    home, night = settings.home, Night(settings)
    go, busy, report = home / "go", home / "busy", None
    while not (home / "stop").exists():
        if not go.exists():
            time.sleep(0.05)
            continue
        busy.touch()
        report = report or _beside("--report", settings)
        night.step()
        if report.poll() is not None or not go.exists():
            night.reported(report.wait())
            report = None
        if not go.exists():
            busy.unlink()
    print(json.dumps(night.told()))


def _beside(what: str, settings: Settings) -> subprocess.Popen[str]:
    command = [sys.executable, "-W", "ignore", "-m", "tests.benchmarks.merchants.nightly", what]
    return subprocess.Popen(
        [*command, "--home", str(settings.home)], stdout=subprocess.PIPE, stderr=sys.stderr, text=True
    )


class Live:
    """The pipeline, minute after minute of a trade that is inserted just before."""

    def __init__(self, pipeline: Pipeline, config: TrafficConfig) -> None:
        self._pipeline = pipeline
        self._traffic = Traffic(config)
        self._url = open_urls(pipeline.settings).stand_in_url or ""
        self._house = House(pipeline)

    def tick(self) -> tuple[float, float]:
        """Judge the next minute; CPU and wall in ms. What follows a tick in production follows unmeasured."""
        pipeline = self._pipeline
        minute = pipeline.state.next_minute()
        if minute is None:
            raise AssertionError
        insert_transactions(self._url, self._traffic.rows(Span(minute, minute + MINUTE)))
        busy, start = time.process_time(), time.perf_counter()
        for _ in pipeline.catch_up(minute + MINUTE):
            pass
        taken = (time.process_time() - busy) * 1000, (time.perf_counter() - start) * 1000
        pipeline.project_catalog()
        if compact(pipeline.lake, pipeline.state, minute):
            pipeline.project()
        self._house.sweep(datetime.now(UTC))
        return taken


@contextmanager
def night(settings: Settings) -> Iterator[subprocess.Popen[str]]:
    """The process beside, which waits to be let go."""
    for name in ("go", "stop", "busy"):
        (settings.home / name).unlink(missing_ok=True)
    process = _beside("--beside", settings)
    try:
        yield process
    finally:
        (settings.home / "go").unlink(missing_ok=True)
        (settings.home / "stop").touch()
        process.wait(300)


def measure(settings: Settings, turns: int, minutes: int, tps: int, merchants: int) -> dict[str, Any]:
    """The ticks of both kinds, and what the readers met."""
    configure_log(settings)
    go, busy = settings.home / "go", settings.home / "busy"
    ticks: dict[str, list[tuple[float, float]]] = {"alone": [], "beside": []}
    with open_pipeline(settings) as pipeline, night(settings) as process:
        begin = pipeline.state.next_minute() or datetime.now(UTC)
        config = TrafficConfig(start=begin, merchants=merchants, seed=SEED).at_tps(tps)
        live = Live(pipeline, config)
        for _ in range(WARM):
            live.tick()  # the windows and the book are built, the caches are warm
        for turn in range(2 * turns):
            kind = ("alone", "beside")[turn % 2]
            if kind == "beside":
                go.touch()
                _until(busy.exists)
                time.sleep(2)
            ticks[kind] += [live.tick() for _ in range(minutes)]
            go.unlink(missing_ok=True)
            _until(lambda: not busy.exists())
            cpu, wall = (round(median(column)) for column in zip(*ticks[kind][-minutes:], strict=True))
            say(f"  {kind:<7} cpu {cpu:>6} ms  wall {wall:>6} ms  load {os.getloadavg()[0]:.1f}")
        (settings.home / "stop").touch()
        said = json.loads(process.communicate(timeout=300)[0])
    return _table(ticks, said)


def _until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 180
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError
        time.sleep(0.05)


def _table(ticks: dict[str, list[tuple[float, float]]], said: dict[str, Any]) -> dict[str, Any]:
    middle = {
        f"{kind}_{what}_ms": round(median(one[place] for one in found))
        for kind, found in ticks.items()
        for place, what in enumerate(("cpu", "wall"))
    }
    ratios = {
        f"{what}_ratio": round(middle[f"beside_{what}_ms"] / middle[f"alone_{what}_ms"], 3)
        for what in ("cpu", "wall")
    }
    return {
        **middle,
        **ratios,
        "ticks_of_each": len(ticks["alone"]),
        "load": round(os.getloadavg()[0], 1),
        "done": said["done"],
        "reader_errors": len(said["errors"]),
        "first_errors": said["errors"][:3],
        "target": f"0 errors, ratios at most {1 + MOST_PERCENT / 100}",
    }


def main() -> None:
    """Build where nothing is, measure, say."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--merchants", type=int, default=MERCHANTS)
    parser.add_argument("--per-day", type=int, default=PER_DAY)
    parser.add_argument("--tps", type=int, default=TPS, help="transactions a second of the measured minutes")
    parser.add_argument("--turns", type=int, default=TURNS)
    parser.add_argument("--minutes", type=int, default=MINUTES, help="of one turn")
    parser.add_argument("--home", type=Path, help="keep the installation here, or measure the one that is")
    parser.add_argument("--beside", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--report", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="minuterisk-bench-") as folder:
        values = {"HOME": str(given.home or folder), "LOG_LEVEL": "error", "METRICS_PORT": "0"}
        settings = load_settings({f"MINUTERISK_{name}": value for name, value in values.items()})
        if given.report:
            os.nice(10)  # as the job does
            print(json.dumps(write_report(settings, "yesterday")))
        elif given.beside:
            be_beside(settings)
        else:
            if not settings.catalog.is_file():
                Path(folder).chmod(0o755)
                left = TIMES * (WARM + 2 * given.turns * given.minutes)
                build(settings, given.merchants, given.per_day, left)
            found = measure(settings, given.turns, given.minutes, given.tps, given.merchants)
            print("\n".join(f"{name:<20}{value!s}" for name, value in found.items()))
            sys.exit(1 if found["reader_errors"] else 0)


if __name__ == "__main__":
    main()
