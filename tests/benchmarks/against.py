"""This tree beside older commits, in turns, in one run: `python -m tests.benchmarks.against [REV …]`.

Every side is a process with the code of its commit (side.py), an operational database and a lake of its own.
All read the same minutes of the same PostgreSQL, one after the other, and begin in turn. Compared are the
processor time of a tick, of sliding the windows in it (`compare`), of a cold start, the memory held, and
whether the signals are the same. A side without some step has none to compare.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

from data.merchants.trade import create_trade_database, insert_merchants, insert_transactions
from data.merchants.traffic import Traffic, TrafficConfig
from pipeline.embedded import STATE_ROLE, admin_url, open_urls
from pipeline.log import configure_log
from pipeline.minute import MINUTE, Span, from_index, split_by_day, to_index
from pipeline.packs.merchants import PACK
from pipeline.settings import PROJECT, load_settings
from tests.benchmarks.home import MERCHANTS, PEAK_TPS, PER_DAY, say
from tests.benchmarks.quick import SEED, settle_server
from tests.benchmarks.speed.taken import Server, machine, said

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import tzinfo

    from pipeline.embedded import Urls

#: The last commit before several packs, whose tick is the yardstick.
FIRST_REVISION = "13b796f"
NOW = "now"
DAYS, TICKS, STARTS = 7, 7, 2
_COLUMNS = ("transaction_id", "merchant_id", "kind", "amount", "occurred_at", "approved_at")


@dataclass(frozen=True, slots=True)
class Size:
    """How large everything is."""

    merchants: int
    per_day: int
    tps: int
    days: int
    ticks: int


@dataclass
class Side:
    """A process of one commit."""

    name: str
    _process: subprocess.Popen[str]
    ticks: list[dict[str, Any]] = field(default_factory=list)
    starts: list[dict[str, float]] = field(default_factory=list)
    windows: list[dict[str, float]] = field(default_factory=list)
    memory_mb: float = 0.0

    def ask(self, do: str, **given: str) -> dict[str, Any]:
        """One command, and its answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": do, **given}) + "\n")
        self._process.stdin.flush()
        return self.answer()

    def answer(self) -> dict[str, Any]:
        """The next line that it says."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            msg = f"the side {self.name} ended, see above"
            raise RuntimeError(msg)
        found: dict[str, Any] = json.loads(line)
        return found

    def end(self) -> None:
        """Let it end by itself."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait(60)


def start_side(name: str, root: Path, home: Path, urls: Urls) -> Side:
    """The process of the code at `root`."""
    state = _state_database(admin_url(urls), f"state_{name}")
    given = {
        "PYTHONPATH": str(root),
        "MINUTERISK_HOME": str(home / name),
        "MINUTERISK_SOURCE_URL": urls.source_url,
        "MINUTERISK_STATE_URL": state,
        "MINUTERISK_LOG_LEVEL": "error",
    }
    kept = {k: v for k, v in os.environ.items() if not k.startswith("MINUTERISK_")}
    command = [sys.executable, "-P", str(Path(__file__).with_name("speed") / "side.py")]
    process = subprocess.Popen(
        command, env=kept | given, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    side = Side(name, process)
    side.answer()
    return side


def _state_database(admin: str, name: str) -> str:
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" OWNER {STATE_ROLE}'.encode())
    return admin.replace("/postgres?", f"/{name}?").replace("//postgres", f"//{STATE_ROLE}")


def tree_of(revision: str, folder: Path) -> Path:
    """The files of a commit, outside of the repository."""
    packed = subprocess.run(
        ["git", "archive", "--format=tar", revision], cwd=PROJECT, capture_output=True, check=True
    ).stdout
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(folder, filter="data")
    return folder


def history(traffic: Traffic, span: Span, zone: tzinfo, folder: Path) -> Iterator[dict[str, str]]:
    """The raw rows of each day, in a file."""
    for day in split_by_day(span, zone):  # type: ignore[arg-type]
        rows = traffic.rows(day).rename({"original_occurred_at": "approved_at"})
        path = folder / f"{to_index(day.start)}.parquet"
        rows.select(_COLUMNS).write_parquet(path)
        yield {"file": str(path), "start": day.start.isoformat(), "end": day.end.isoformat()}
        path.unlink()


def measure(home: Path, revisions: Sequence[str], size: Size) -> dict[str, Any]:
    """Build everything, and ask all sides in turns."""
    settings = load_settings({"MINUTERISK_HOME": str(home), "MINUTERISK_LOG_LEVEL": "error"})
    configure_log(settings)
    urls = open_urls(settings)
    create_trade_database(admin_url(urls), PACK.database, "BIGINT")
    end = from_index(to_index(datetime.now(UTC)) // 60 * 60) - timedelta(hours=1)
    config = TrafficConfig(
        start=end - timedelta(days=size.days),
        merchants=size.merchants,
        transactions_per_day=size.per_day,
        seed=SEED,
    )
    peak, url = Traffic(replace(config, start=end).at_tps(size.tps)), urls.stand_in_url or ""
    minutes = [end + n * MINUTE for n in range(size.ticks + 1)]
    insert_merchants(url, peak.merchants())
    for minute in minutes:
        insert_transactions(url, peak.rows(Span(minute, minute + MINUTE)))
    settle_server(admin_url(urls), url)
    with ExitStack() as stack:
        sides = []
        for name in (NOW, *revisions):
            root = PROJECT if name == NOW else tree_of(name, home / f"tree_{name}")
            sides.append(start_side(name, root, home, urls))
            stack.callback(sides[-1].end)
        say(f"  {size.days} days of history …")
        for part in history(Traffic(config), Span(config.start, end), settings.business_timezone, home):
            for side in sides:
                side.ask("publish", **part)
        server = Server(admin_url(urls))
        _starts(sides)
        _ticks(sides, minutes, server)
        return _content(sides, size, server)


def _starts(sides: Sequence[Side]) -> None:
    for number in range(STARTS):
        say(f"  cold start {number + 1} of each …")
        for side in _turned(sides, number):
            side.windows.append(side.ask("windows"))
            side.starts.append(side.ask("start"))


def _ticks(sides: Sequence[Side], minutes: Sequence[datetime], server: Server) -> None:
    say(f"  {len(minutes) - 1} minutes, in turns …")
    for warm, minute in enumerate(minutes):
        for side in _turned(sides, warm):
            before, load = server.used_ms(), os.getloadavg()[0]
            found = side.ask("tick", minute=minute.isoformat())
            found |= {"server_ms": server.used_ms() - before, "load": load}
            if warm:
                side.ticks.append(found)
            time.sleep(0.1)
    for side in sides:
        side.memory_mb = side.ask("memory")["mb"]


def _turned(sides: Sequence[Side], number: int) -> list[Side]:
    """Another one begins each time."""
    first = number % len(sides)
    return [*sides[first:], *sides[:first]]


def _content(sides: Sequence[Side], size: Size, server: Server) -> dict[str, Any]:
    now = _figures(sides[0])
    compared = {}
    for side in sides[1:]:
        then = _figures(side)
        same = sum(a["digest"] == b["digest"] for a, b in zip(sides[0].ticks, side.ticks, strict=True))
        ratios = {name: round(now[name] / then[name], 3) for name in now if then.get(name)}
        compared[side.name] = {"figures": then, "ratios": ratios, "same_signals": same}
    return {
        "merchants": size.merchants,
        "history_days": size.days,
        "ticks": size.ticks,
        "now": now,
        "against": compared,
        "load": round(statistics.median(tick["load"] for side in sides for tick in side.ticks), 2),
        "machine": machine(server),
    }


def _figures(side: Side) -> dict[str, float]:
    """Medians in ms of processor time, but for what is said by the clock."""
    ticks = side.ticks

    def middle(of: Iterator[float]) -> float:
        return round(statistics.median(of), 1)

    steps: Mapping[str, float] = {
        f"step_{name}_cpu_ms": middle(tick["steps_cpu"].get(name, 0.0) for tick in ticks)
        for name in ticks[0]["steps_cpu"]
    }
    return {
        "tick_cpu_ms": middle(tick["tick"]["client_ms"] for tick in ticks),
        # A side from before there was a book of money has no such step.
        "without_money_cpu_ms": middle(
            tick["tick"]["client_ms"] - tick["steps_cpu"].get("money", 0.0) for tick in ticks
        ),
        "tick_wall_ms": middle(tick["tick"]["wall_ms"] for tick in ticks),
        "with_keep_cpu_ms": middle(t["tick"]["client_ms"] + t["keep"]["client_ms"] for t in ticks),
        "compare_cpu_ms": middle(tick["compare_ms"] for tick in ticks),
        "server_cpu_ms": round(statistics.fmean(tick["server_ms"] for tick in ticks), 1),
        "start_cpu_ms": round(min(one["client_ms"] for one in side.starts), 1),
        "start_wall_ms": round(min(one["wall_ms"] for one in side.starts), 1),
        "windows_cpu_ms": round(min(one["client_ms"] for one in side.windows), 1),
        "memory_mb": round(side.memory_mb, 1),
        "signals": round(statistics.fmean(tick["signals"] for tick in ticks), 1),
        **steps,
    }


def table(content: dict[str, Any]) -> str:
    """The same for people."""
    against = content["against"]
    names = list(dict.fromkeys([*content["now"], *(n for one in against.values() for n in one["figures"])]))
    head = f"{'median of ' + str(content['ticks']):<26}{NOW:>12}"
    lines = [head + "".join(f"{name:>12}{'ratio':>8}" for name in against)]
    for name in names:
        cells = [_cell(content["now"].get(name), 12)]
        for one in against.values():
            cells += [_cell(one["figures"].get(name), 12), _cell(one["ratios"].get(name), 8)]
        lines.append(f"{name:<26}" + "".join(cells))
    same = (f"{one['same_signals']} of {content['ticks']} as {name}" for name, one in against.items())
    lines.append(f"minutes with the same signals: {', '.join(same)}; load {content['load']:.2f}")
    return "\n".join([*lines, said(content["machine"])])


def _cell(value: float | None, width: int) -> str:
    return f"{'' if value is None else f'{value:,.2f}' if width == 8 else f'{value:,.1f}':>{width}}"


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("revisions", nargs="*", default=[FIRST_REVISION])
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    parser.add_argument("--merchants", type=int, default=MERCHANTS)
    parser.add_argument("--per-day", type=int, default=PER_DAY, help="transactions of the history")
    parser.add_argument("--tps", type=int, default=PEAK_TPS, help="transactions a second of the peak")
    parser.add_argument("--days", type=int, default=DAYS)
    parser.add_argument("--ticks", type=int, default=TICKS)
    given = parser.parse_args()
    size = Size(given.merchants, given.per_day, given.tps, given.days, given.ticks)
    with tempfile.TemporaryDirectory(prefix="minuterisk-bench-") as folder:
        Path(folder).chmod(0o755)
        content = measure(Path(folder), given.revisions, size)
    print(json.dumps(content) if given.json else table(content))


if __name__ == "__main__":
    main()
