"""Kills at every step of shards: `python -m tests.simulation.shards --seeds 200`. The last line is JSON.

Some minutes across midnight, which are corrected in between, are judged by a process that leads and two
shards. Each seed kills (-9) one of them, the process that leads, or Ray's head at another message or
commit; whoever leads is started again until it is done. Then files, ledger, incidents and messages are those
of one process that nobody disturbed. Exit code 1 if any was not.
"""

from __future__ import annotations

import argparse
import json
import os
import pickle
import shutil
import sys
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import psycopg

import pipeline.shards.leader
import pipeline.shards.opening
from data.merchants.trade import reader_url
from pipeline.errors import NotLeader, PassingError
from pipeline.minute import MINUTE, Span
from pipeline.prove.corrector import Corrector
from pipeline.settings import load_settings
from pipeline.shards.cluster import RayCarrier
from pipeline.shards.processes import Processes
from scheduler import open_pipeline
from tests.integration.merchants.evening import (
    BEGIN,
    FIRST,
    LATE,
    MIDNIGHT,
    come_late,
    company,
    record,
)
from tests.integration.trade_home import Trade
from tests.servers import create_database, drop_database, migrated_database, url_of
from tests.simulation.runner import CRASHED, crash_of, inject
from tests.simulation.shard_kills import MOMENTS, Deadly, Strike
from tests.simulation.world import server
from tests.simulation.zygote import LED_BY_ANOTHER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pipeline.catch_up import Pipeline

#: From here on shards judge; a process alone has judged before.
SHARED, END = MIDNIGHT - 2 * MINUTE, LATE + 3 * MINUTE
KILLED = -9
SHARDS = 2
#: What is tried again so often is not going to work.
MOST = 25
#: A shard that was stopped is given up after so many seconds: the limit of the product is a minute.
HUNG_S = 15.0
#: Where the leader dies beside its messages, see runner.py.
POINTS = ("commit", "committed", "write", "rename")


@dataclass(frozen=True)
class Home:
    """An installation and its company: two databases and a folder."""

    server_url: str
    trade: str
    state: str
    folder: Path

    def settings(self, shards: int, carrier: str) -> dict[str, str]:
        """As environment variables."""
        values = {
            "home": str(self.folder / "home"),
            "source_url": reader_url(self.server_url, self.trade),
            "state_url": url_of(self.server_url, self.state),
            "policy": "budgeted",
            "metrics_port": "0",
            "log_format": "json",
            "shards": str(shards),
            "carrier": carrier,
        }
        return {f"MINUTERISK_{name.upper()}": value for name, value in values.items()}

    def come_late(self) -> None:
        """Once, however often it is asked for."""
        done = self.folder / "late"
        if not done.exists():
            come_late(Trade(self.server_url, self.trade, url_of(self.server_url, self.trade)))
            done.touch()

    def copy(self, folder: Path) -> Home:
        """Another one that is the same."""
        shutil.copytree(self.folder, folder)
        trade, state = (create_database(self.server_url, "copy", name) for name in (self.trade, self.state))
        return Home(self.server_url, trade, state, folder)

    def drop(self) -> None:
        """It is not needed any more."""
        for name in (self.trade, self.state):
            drop_database(self.server_url, name)
        shutil.rmtree(self.folder)


@dataclass(frozen=True)
class Plan:
    """What one seed does."""

    seed: int
    carrier: str
    strikes: tuple[Strike, ...]
    crash: str = ""  # of the leader, see runner.py

    def __str__(self) -> str:
        return f"seed {self.seed} ({self.carrier}): {', '.join([*map(str, self.strikes), self.crash])}"


@dataclass
class Report:
    """What happened."""

    seeds: int = 0
    kills: Counter[str] = field(default_factory=Counter)  # by victim
    tasks: Counter[str] = field(default_factory=Counter)  # by the message they came with
    not_met: int = 0  # a strike whose message never came
    leaders: int = 0  # that were started again
    lost: int = 0  # shards
    seconds: float = 0.0
    differences: list[str] = field(default_factory=list)


# ---------------------------------------------------------------- the process that leads


def publish_history(home: Home) -> None:
    """Nine days, and the evening up to where it becomes interesting, by one process."""
    with open_pipeline(load_settings(home.settings(1, "processes"))) as line:
        line.backfill(Span(FIRST, BEGIN))
        list(line.catch_up(SHARED))


def live(home: Home, plan: Plan | None, done: Sequence[str]) -> None:
    """Judge, correct, judge; write down what has come of it. None: by one process."""
    if plan is not None and "hung" in str(plan):
        vars(pipeline.shards.leader)["SHORT_S"] = HUNG_S
    deadly: list[Deadly] = []
    if plan is not None:
        strikes = [strike for strike in plan.strikes if str(strike) not in done]
        vars(pipeline.shards.opening)["carrier_of"] = lambda _: _deadly(home, plan, strikes, deadly)
        if plan.crash and plan.crash not in done:
            _note(home, "struck", plan.crash)
            inject(crash_of(plan.crash))
    shards, carrier = (1, "processes") if plan is None else (SHARDS, plan.carrier)
    with open_pipeline(load_settings(home.settings(shards, carrier))) as line:
        _until_done(home, line, lambda: list(line.catch_up(LATE)))
        home.come_late()
        late = list(Span(SHARED - 3 * MINUTE, LATE))
        _until_done(home, line, lambda: Corrector(line).correct(late, "late_commit"))
        _until_done(home, line, lambda: list(line.catch_up(END)))
        found = _record(line, home)
    met = deadly[0].met if deadly else Counter()
    (home.folder / "record").write_bytes(pickle.dumps((found, met)))


def _deadly(home: Home, plan: Plan, strikes: Sequence[Strike], kept: list[Deadly]) -> Deadly:
    inner = RayCarrier(None) if plan.carrier == "ray" else Processes()
    kept.append(Deadly(inner, strikes, lambda strike: _note(home, "struck", str(strike))))
    return kept[-1]


def _until_done(home: Home, line: Pipeline, work: Callable[[], object]) -> None:
    """As a running service does: what failed in passing is tried again.

    The book of exposure is built again first: a correction that has none weighs a new incident without it.
    """
    for _ in range(MOST):
        try:
            line.prepare()
            work()
        except PassingError as error:
            _note(home, "lost", str(error))
            time.sleep(0.2)
        else:
            return
    msg = f"it failed {MOST} times"
    raise TimeoutError(msg)


def _note(home: Home, what: str, text: str) -> None:
    with (home.folder / what).open("a", encoding="utf-8") as file:
        file.write(text.replace("\n", " ") + "\n")


def _notes(home: Home, what: str) -> list[str]:
    path = home.folder / what
    return path.read_text("utf-8").splitlines() if path.exists() else []


def _record(line: Pipeline, home: Home) -> dict[str, Any]:
    """All that has to be equal. Numbers that a sequence gives have gaps where a transaction was undone."""
    found = record(line)
    numbers = {row["incident_id"]: n for n, row in enumerate(found["incidents"])}
    for row in found["incidents"]:
        row["incident_id"] = numbers[row["incident_id"]]
    with psycopg.connect(url_of(home.server_url, home.state)) as state:
        told = state.execute("SELECT incident_id, event, minute, message FROM outbox").fetchall()
    found["outbox"] = sorted((numbers.get(one, -1), *rest) for one, *rest in told)
    return found


# ---------------------------------------------------------------- seeds


def plans(met: Mapping[tuple[str, str], int], seeds: Sequence[int], ray_every: int) -> Iterator[Plan]:
    """Every step of the protocol meets every victim, in turns; what else a seed does is its own choice."""
    tasks = sorted({task for _, task in met})
    steps = {
        "processes": [
            (v, t, m) for t in tasks for m in MOMENTS for v in ("shard", "leader") if (m, t) in met
        ],
        "ray": [
            (v, t, m) for t in tasks for m in MOMENTS for v in ("head", "shard", "bridge") if (m, t) in met
        ],
    }
    for seed in seeds:
        random = Random(seed)
        carrier = "ray" if ray_every and seed % ray_every == 0 else "processes"
        turn = seed // ray_every if carrier == "ray" else seed
        strikes, crash = [], ""
        if carrier == "processes" and seed % 10 == 1:
            crash = f"{random.choice(POINTS)}:{random.randint(1, 12)}"
        else:
            own = steps[carrier]
            strikes.append(_strike(random, *own[turn * 7 % len(own)], met))
        if random.random() < 0.4:
            strikes.append(_strike(random, *random.choice(steps[carrier]), met))
        if carrier == "processes" and seed % 25 == 2:
            strikes[-1:] = [_strike(random, "hung", "Take", "before", met)]
        yield Plan(seed, carrier, tuple(strikes), crash)


def _strike(
    random: Random, victim: str, task: str, moment: str, met: Mapping[tuple[str, str], int]
) -> Strike:
    nth = random.randint(1, met[moment, task])
    delay_s = random.uniform(0, 0.05) if moment == "working" else 0.0
    return Strike(victim, task, nth, moment, random.randrange(SHARDS), delay_s)


def in_child(log: Path, work: Callable[[], None]) -> int:
    """The exit code of a process that does it; what it says is in the log."""
    child = os.fork()
    if child == 0:
        with log.open("ab") as said:
            os.dup2(said.fileno(), 1)
            os.dup2(said.fileno(), 2)
        os._exit(_code_of(work))
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def _code_of(work: Callable[[], None]) -> int:
    try:
        work()
    except NotLeader:
        return LED_BY_ANOTHER
    except BaseException:  # noqa: BLE001 - whatever it is, it stands in the log
        traceback.print_exc()
        return 1
    return 0


def attempt(home: Home, plan: Plan | None, report: Report) -> str:
    """Let it lead until it is done; what is wrong, "" for nothing."""
    log, code = home.folder / "log", 0
    for _ in range(MOST):
        code = in_child(log, lambda: live(home, plan, _notes(home, "struck")))
        if code == 0:
            return ""
        if code == LED_BY_ANOTHER:  # the session of one that was killed
            time.sleep(0.3)
            continue
        if code not in (KILLED, CRASHED):
            break
        report.leaders += 1
    return f"{plan}: ended with {code}: {log.read_text('utf-8', 'replace')[-4000:]}"


def compare(home: Home, undisturbed: Mapping[str, Any]) -> list[str]:
    """What is not as it was without any disturbance."""
    found, _ = pickle.loads((home.folder / "record").read_bytes())  # noqa: S301 - our own child's
    apart = [name for name in undisturbed if found[name] != undisturbed[name]]
    return [f"{name}: {_first_apart(found[name], undisturbed[name])}" for name in apart]


def _first_apart(found: Sequence[Any], wanted: Sequence[Any]) -> str:
    pairs = zip(found, wanted, strict=False)
    one, other = next(((one, other) for one, other in pairs if one != other), ("", ""))
    if isinstance(one, dict) and isinstance(other, dict):
        names = [name for name in one if one[name] != other.get(name)]
        one, other = ({name: row.get(name) for name in names} for row in (one, other))
    return f"{len(found)} of {len(wanted)}, first {one} for {other}"


def run(seeds: Sequence[int], ray_every: int, minutes: float) -> Report:
    """All seeds, or as many as fit in so many minutes."""
    report, began = Report(), time.monotonic()
    with server() as started, TemporaryDirectory(prefix="mrshards-") as folder:
        template, undisturbed, met = _begin(started.url, Path(folder))
        for plan in plans(met, seeds, ray_every):
            if time.monotonic() - began > 60 * minutes:
                break
            home = template.copy(Path(folder) / f"seed-{plan.seed}")
            wrong = attempt(home, plan, report)
            apart = [wrong] if wrong else [f"{plan}: {one}" for one in compare(home, undisturbed)]
            _count(report, plan, home, apart)
            home.drop()
    report.seconds = round(time.monotonic() - began, 1)
    return report


def _count(report: Report, plan: Plan, home: Home, apart: Sequence[str]) -> None:
    struck = _notes(home, "struck")
    report.seeds += 1
    report.lost += len(_notes(home, "lost"))
    report.not_met += len(plan.strikes) - len([one for one in plan.strikes if str(one) in struck])
    for strike in plan.strikes:
        report.kills[f"{plan.carrier} {strike.victim}"] += str(strike) in struck
        report.tasks[strike.task] += str(strike) in struck
    report.kills["processes leader"] += bool(plan.crash)
    report.differences += apart
    print(f"{plan}: {'as it should be' if not apart else apart[0][:2000]}", flush=True)


def _begin(url: str, folder: Path) -> tuple[Home, dict[str, Any], Counter[tuple[str, str]]]:
    """The home that all begin with, what one process makes of it, and the messages of two shards."""
    template = folder / "template"
    template.mkdir()
    made, wrote = folder / "made", folder / "log"

    def make() -> None:
        with company(url) as trade:
            home = Home(url, trade.name, create_database(url, "state", migrated_database(url)), template)
            publish_history(home)
            made.write_text(json.dumps([home.trade, home.state]), "utf-8")

    assert in_child(wrote, make) == 0, wrote.read_text("utf-8")
    trade, state = json.loads(made.read_text("utf-8"))
    home = Home(url, trade, state, template)
    alone, together = home.copy(folder / "alone"), home.copy(folder / "together")
    for one, plan in ((alone, None), (together, Plan(0, "processes", ()))):
        wrong = attempt(one, plan, Report())
        assert not wrong, wrong
    undisturbed, _ = pickle.loads((alone.folder / "record").read_bytes())  # noqa: S301 - our own child's
    assert {"cancel_surge", "platform_outage"} <= {row["rule"] for row in undisturbed["incidents"]}
    assert compare(together, undisturbed) == []
    _, met = pickle.loads((together.folder / "record").read_bytes())  # noqa: S301 - our own child's
    return home, undisturbed, met


def main() -> int:
    """Kill from the command line."""
    parser = argparse.ArgumentParser(description="kills at every step of shards; JSON last")
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--ray-every", type=int, default=10, help="every so many seeds on Ray; 0: none")
    parser.add_argument("--minutes", type=float, default=24 * 60.0, help="at most")
    given = parser.parse_args()
    seeds = range(given.first, given.first + given.seeds)
    report = run(seeds, given.ray_every, given.minutes)
    print(json.dumps(vars(report)))
    return 1 if report.differences or report.seeds < given.seeds else 0


if __name__ == "__main__":
    sys.exit(main())
