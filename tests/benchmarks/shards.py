"""Shards beside one process, in one run: `python -m tests.benchmarks.shards`.

100,000 merchants, 7 days of history, peak minutes of 300,000 rows in a real PostgreSQL. Three installations
of the same history read the same minutes in turns: one process, two shards as processes, two shards on Ray.
Then a shard of each carrier is killed (-9) between two minutes, and their number is changed. Processor
time is that of all processes of an installation, Ray's own among them; that of the server is beside it.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import tempfile
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

from data.merchants.trade import create_trade_database, insert_merchants, insert_transactions
from data.merchants.traffic import Traffic, TrafficConfig
from pipeline.embedded import admin_url, open_urls
from pipeline.errors import PassingError
from pipeline.log import configure_log
from pipeline.minute import MINUTE, Span, from_index, to_index
from pipeline.packs.merchants import PACK
from pipeline.settings import load_settings
from scheduler import open_pipeline
from tests.benchmarks.home import MERCHANTS, PEAK_TPS, PER_DAY, publish_history, say
from tests.benchmarks.quick import Size, settle_server
from tests.benchmarks.speed.taken import Process, Server, Taken, machine, measured, middle, resident_mb, said
from tests.simulation.shard_kills import below, command

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipeline.catch_up import Pipeline
    from pipeline.embedded import Urls

DAYS, SEED, TICKS = 7, 7, 5
#: Two shards each, beside one process.
KINDS = {"one process": (1, "processes"), "processes, 2": (2, "processes"), "ray, 2": (2, "ray")}
#: A minute that fails is tried again so often; the service does it once a second.
MOST = 30


@dataclass(frozen=True)
class Company:
    """The source, and one installation whose history the others copy."""

    urls: Urls
    home: Path
    minutes: Sequence[datetime]  # of the peak

    def settings(self, name: str, shards: int, carrier: str) -> dict[str, str]:
        """As environment variables."""
        values = {
            "home": str(self.home / name),
            "source_url": self.urls.source_url,
            "state_url": self.urls.state_url.replace("/minuterisk?", f"/{name}?"),
            "shards": str(shards),
            "carrier": carrier,
            "log_level": "error",
        }
        return {f"MINUTERISK_{key.upper()}": value for key, value in values.items()}


class Installation:
    """One of those that are compared."""

    def __init__(self, pipeline: Pipeline, processes: Sequence[int]) -> None:
        self.pipeline = pipeline
        self.processes = processes  # beside this one

    def used_ms(self) -> float:
        """Processor time of the processes beside this one."""
        return sum(Process(pid).used_ms() for pid in self.processes)

    def shards(self) -> list[int]:
        """The processes that hold shards."""
        return [pid for pid in self.processes if _is_shard(pid)]

    def tick(self, minute: datetime) -> None:
        """Judge and commit a minute, and what follows when the results are out."""
        list(self.pipeline.catch_up(minute + MINUTE))


def _is_shard(pid: int) -> bool:
    said_by = command(pid)
    if said_by.startswith("ray::_Held"):
        return True
    # The process that speaks to Ray is spawned, too: below it is the head.
    return "spawn_main" in said_by and not any("gcs_server" in command(one) for one in below(pid))


@contextmanager
def company(folder: Path, size: Size, minutes: int) -> Iterator[Company]:
    """History published once, peak minutes in the source."""
    settings = load_settings({"MINUTERISK_HOME": str(folder), "MINUTERISK_LOG_LEVEL": "error"})
    configure_log(settings)
    end = from_index(to_index(datetime.now(UTC)) // 60 * 60) - timedelta(hours=1)
    urls = open_urls(settings)
    create_trade_database(admin_url(urls), PACK.database, "BIGINT")
    start = end - timedelta(days=DAYS)
    config = TrafficConfig(
        start=start, merchants=size.merchants, transactions_per_day=size.per_day, seed=SEED
    )
    peak = Traffic(replace(config, start=end).at_tps(size.tps))
    times = [end + n * MINUTE for n in range(minutes)]
    insert_merchants(urls.stand_in_url or "", peak.merchants())
    for minute in times:
        insert_transactions(urls.stand_in_url or "", peak.rows(Span(minute, minute + MINUTE)))
    settle_server(admin_url(urls), urls.stand_in_url or "")
    with open_pipeline(settings) as pipeline:
        say(f"  {DAYS} days of history for {size.merchants:,} merchants …")
        publish_history(pipeline, Traffic(config), Span(start, end))
    yield Company(urls, folder, times)


@contextmanager
def installation(made: Company, name: str, shards: int, carrier: str) -> Iterator[Installation]:
    """One that leads, its windows built; the first of a name copies the history."""
    if not (made.home / name).exists():
        with psycopg.connect(admin_url(made.urls), autocommit=True) as admin:
            admin.execute(f'CREATE DATABASE "{name}" TEMPLATE minuterisk'.encode())
        shutil.copytree(made.home / "lake", made.home / name / "lake", copy_function=os.link)
    before = set(below(os.getpid()))
    with open_pipeline(load_settings(made.settings(name, shards, carrier))) as pipeline:
        pipeline.prepare()
        own = [
            pid for pid in below(os.getpid()) if pid not in before and "resource_tracker" not in command(pid)
        ]
        yield Installation(pipeline, own)


def overhead(made: Company, server: Server, ticks: int) -> list[dict[str, Any]]:
    """The same minutes by all of them in turns."""
    with ExitStack() as stack:
        every, started = dict[str, Installation](), dict[str, float]()
        for number, (name, kind) in enumerate(KINDS.items()):
            began = time.perf_counter()
            every[name] = stack.enter_context(installation(made, f"kind_{number}", *kind))
            started[name] = time.perf_counter() - began
        taken: dict[str, list[Taken]] = {name: [] for name in every}
        for turn, minute in enumerate(made.minutes[: ticks + 1]):
            names = list(every)[turn % 3 :] + list(every)[: turn % 3]
            for name in names:
                with measured(server, every[name]) as timer:
                    every[name].tick(minute)
                taken[name].append(timer.taken)
        middles = {name: middle(series[1:]) for name, series in taken.items()}
        one = middles["one process"]
        return [
            {
                "installation": name,
                **middles[name].as_json(),
                "wall_ratio": round(middles[name].wall_ms / one.wall_ms, 3),
                "client_ratio": round(middles[name].client_ms / one.client_ms, 3),
                "server_ratio": round(middles[name].server_ms / one.server_ms, 3),
                "start_s": round(started[name], 1),
                "shards_mb": [round(resident_mb(pid)) for pid in every[name].shards()],
                "carrier_mb": round(_carrier_mb(every[name])),
            }
            for name in every
        ]


def _carrier_mb(found: Installation) -> float:
    """What its processes beside shards take, shared memory divided by those who share it."""
    others = [pid for pid in found.processes if pid not in found.shards()]
    return sum(_proportional_mb(pid) for pid in others)


def _proportional_mb(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0.0
    return int(next(line.split()[1] for line in lines if line.startswith("Pss:"))) / 1024


def killed(made: Company, carrier: str, minutes: Sequence[datetime]) -> dict[str, Any]:
    """A shard is killed between two minutes: how much longer does the next one take?"""
    number = 1 if carrier == "processes" else 2
    with installation(made, f"kind_{number}", 2, carrier) as found:
        calm = _until_judged(found, minutes[0])
        os.kill(found.shards()[0], signal.SIGKILL)
        disturbed = _until_judged(found, minutes[1])
    load = round(os.getloadavg()[0], 2)
    return {"killed": carrier, "tick_s": round(calm, 1), "back_s": round(disturbed - calm, 1), "load": load}


def _until_judged(found: Installation, minute: datetime) -> float:
    """Seconds until the minute is committed, whatever fails in passing."""
    began = time.perf_counter()
    for _ in range(MOST):
        try:
            found.tick(minute)
        except PassingError as error:
            say(f"    {error.what}")
        else:
            return time.perf_counter() - began
    msg = f"{minute} failed {MOST} times"
    raise TimeoutError(msg)


def resharded(made: Company, minutes: Sequence[datetime]) -> list[dict[str, Any]]:
    """2, 4, 2: from the end of one to the next minute that the other has committed."""
    rows, began = list[dict[str, Any]](), None
    for shards, minute in zip((2, 4, 2), minutes, strict=True):
        with installation(made, "kind_1", shards, "processes") as found:
            found.tick(minute)
            if began is not None:
                stop = round(time.perf_counter() - began, 1)
                load = round(os.getloadavg()[0], 2)
                rows.append({"resharded": f"to {shards}", "stop_s": stop, "load": load})
            began = time.perf_counter()
    return rows


def same_signals(made: Company, ticks: int) -> int:
    """How many signals the installations found in the minutes of the comparison; raises where they differ."""
    span, found = Span(made.minutes[0], made.minutes[ticks] + MINUTE), []
    for number, kind in enumerate(KINDS.values()):
        del kind
        with installation(made, f"kind_{number}", 1, "processes") as one:
            files = one.pipeline.state.publication().files
            found.append(one.pipeline.lake.read(files, "signal", span))
    if not all(one.equals(found[0]) for one in found):
        msg = "the signals differ"
        raise ValueError(msg)
    return found[0].height


def table(content: dict[str, Any]) -> str:
    """For people."""
    head = ("wall", "ours", "server", "load", "x wall", "x ours", "x server", "start s")
    lines = [f"{'milliseconds (median)':<16}" + "".join(f"{name:>9}" for name in head) + "  memory, MB"]
    for one in content["installations"]:
        numbers = [one[key] for key in ("wall_ms", "client_ms", "server_ms", "load")]
        numbers += [one[key] for key in ("wall_ratio", "client_ratio", "server_ratio", "start_s")]
        lines.append(
            f"{one['installation']:<16}"
            + "".join(f"{n:>9.1f}" if n > 50 else f"{n:>9.2f}" for n in numbers)
            + f"  shards {one['shards_mb']}, carrier {one['carrier_mb']}"
        )
    lines += [f"a killed shard is back ({one['killed']}): {one['back_s']} s" for one in content["kills"]]
    lines += [f"resharded {one['resharded']}: {one['stop_s']} s" for one in content["resharding"]]
    lines.append(f"{content['signals']} signals, the same from all")
    return "\n".join([*lines, said(content["machine"])])


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    parser.add_argument("--merchants", type=int, default=MERCHANTS)
    parser.add_argument("--per-day", type=int, default=PER_DAY, help="transactions of the history")
    parser.add_argument("--tps", type=int, default=PEAK_TPS, help="transactions a second of the peak")
    parser.add_argument("--ticks", type=int, default=TICKS)
    given = parser.parse_args()
    size = Size(given.merchants, given.per_day, given.tps, given.ticks)
    with tempfile.TemporaryDirectory(prefix="minuterisk-bench-") as folder:
        Path(folder).chmod(0o755)
        with company(Path(folder), size, given.ticks + 6) as made:
            server = Server(made.urls.source_url)
            installations = overhead(made, server, given.ticks)
            signals = same_signals(made, given.ticks)
            rest = made.minutes[given.ticks + 1 :]
            kills = [killed(made, carrier, rest[:2]) for carrier in ("processes", "ray")]
            resharding = resharded(made, rest[2:5])
            content = {
                "installations": installations,
                "kills": kills,
                "resharding": resharding,
                "signals": signals,
                "slowest_back_s": max(one["back_s"] for one in kills),
                "machine": machine(server),
            }
    print(json.dumps(content) if given.json else table(content))


if __name__ == "__main__":
    main()
