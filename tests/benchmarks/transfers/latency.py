"""From a payment to its row in a browser, at 10 and 100 payments a second: on /live and on the dashboard.

Everything that runs in production runs here, each as a process of its own: PostgreSQL, a bank that really
books so many payments (each locks its account and is an event of the outbox), `minuterisk run`, `serve` and
`dashboard`, and a real Chromium with both pages open. Every twentieth payment is made abroad, so that a rule
fires at it. The page writes down in which frame it drew each row; the time of the payment comes from the
database. A hit that a page never had on the screen is a gap. Nothing is measured before the service has
caught up with the history that was written before it started.

    python -m tests.benchmarks.transfers.latency --minutes 30 --tps 10 100
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.error import URLError
from urllib.request import urlopen

import polars as pl
import psycopg
from sqlalchemy import text

from app.serve import dashboard_command, dashboard_environment
from data.simulator import LiveOptions, run_live
from data.transfers.bank import Bank, create_bank
from data.transfers.history import write_history
from data.transfers.traffic import Traffic, TrafficConfig
from pipeline.desk.people import sessions
from pipeline.embedded import admin_url, open_urls
from pipeline.log import configure_log
from pipeline.minute import MINUTE, Span, floor_minute
from pipeline.packs import load_pack
from pipeline.settings import load_settings
from scheduler import open_state
from tests.benchmarks.home import say
from tests.browser.chrome import chromium
from tests.browser.look import be
from tests.people import PASSWORD, do
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from multiprocessing.synchronize import Event

    from selenium.webdriver.chrome.webdriver import WebDriver

    from pipeline.settings import Settings
    from pipeline.store.state import State

PACK: Final = "transfers"
HISTORY: Final = timedelta(minutes=30)
USERS: Final = 5_000
ABROAD: Final = 20  # one payment in so many
LATE: Final = 0.01
WARM_S: Final = 20.0  # so long nothing is behind before it is measured
BEHIND_S: Final = 3.0
PATIENCE_S: Final = 180.0
TARGETS_S: Final = {"mean": 1.5, "p95": 3.0, "max": 8.0}

#: Each page keeps when it drew which row: on /live by the number of the hit, on the feed by the payment.
_WATCH: Final = """
window.drawn = [];
const seen = new Set();
const look = () => {
  for (const row of document.querySelectorAll(arguments[0])) {
    const name = row.id || row.dataset.transfer;
    if (name && !seen.has(name)) { seen.add(name); window.drawn.push([name, Date.now()]); }
  }
};
look();
let asked = false;
const frame = () => { asked = false; look(); };
const changed = () => { if (!asked) { asked = true; requestAnimationFrame(frame); } };
new MutationObserver(changed).observe(document.body, {childList: true, subtree: true});
"""
_NEWEST: Final = "SELECT max(occurred_at) FROM transfers.risk_log"
_PAGES: Final = {"live": "tr[id^='hit-']", "feed": "tr[data-transfer]"}
_HITS: Final = """
SELECT number, transfer_id, occurred_at FROM transfers.risk_rule_hit
WHERE mode = 'live' AND rule = 'FOREIGN_COUNTRY' AND occurred_at >= :begin AND occurred_at < :end
"""
#: What the bank wrote late on purpose is left out.
_PUNCTUAL: Final = """
SELECT transfer_id FROM transfer WHERE occurred_at >= %s AND created_at - occurred_at < interval '2 seconds'
"""


class _Abroad(Traffic):
    """Traffic in which every so-manieth payment is made abroad."""

    def rows(self, span: Span) -> pl.DataFrame:
        number = pl.col("transfer_id").str.slice(1).cast(pl.Int64)
        country = pl.when(number % ABROAD == 0).then(pl.lit("US")).otherwise(pl.lit("KR"))
        return super().rows(span).with_columns(country=country)


@dataclass(frozen=True)
class _Installed:
    """What runs, and where its pages are."""

    settings: Settings
    bank: str
    token: str

    @property
    def addresses(self) -> Mapping[str, str]:
        return {
            "live": f"http://127.0.0.1:{self.settings.serve_port}/live",
            "feed": f"http://127.0.0.1:{self.settings.dashboard_port}/feed",
        }


def measure(home: Path, tps: float, minutes: float) -> dict[str, Any]:
    """Build everything, let it live, and read off what the pages drew."""
    with ExitStack() as stack:
        installed = stack.enter_context(_installation(home, tps))
        state = stack.enter_context(open_state(open_urls(installed.settings), installed.settings))
        browsers = {name: stack.enter_context(_page(home, installed, name)) for name in _PAGES}
        _catch_up(state)
        begin = datetime.now(UTC)
        say(f"  {minutes:g} minutes at {tps:g} payments a second …")
        time.sleep(minutes * 60)
        end = datetime.now(UTC)
        time.sleep(TARGETS_S["max"])
        drawn = {
            name: dict(browser.execute_script("return window.drawn")) for name, browser in browsers.items()
        }
        report = _report(tps, drawn, _hits(state, installed.bank, begin, end))
        say(f"  {report}")  # what was measured is told before everything ends
        return report


@contextmanager
def _installation(home: Path, tps: float) -> Iterator[_Installed]:
    ports = {name: str(free_port()) for name in ("SERVE_PORT", "DASHBOARD_PORT", "METRICS_PORT")}
    given = {"HOME": str(home), "PACKS": PACK, "LANGUAGE": "en", "LOG_LEVEL": "warning", **ports}
    given["DASHBOARD_URL"] = f"http://127.0.0.1:{ports['DASHBOARD_PORT']}/"
    given["SERVE_URL"] = f"http://127.0.0.1:{ports['SERVE_PORT']}/"
    environment = {f"MINUTERISK_{name}": value for name, value in given.items()}
    settings = load_settings(environment)
    configure_log(settings)
    urls = open_urls(settings)
    bank = create_bank(admin_url(urls), load_pack(PACK).database)
    begin = floor_minute(datetime.now(UTC)) - MINUTE
    traffic = _Abroad(_config(tps), Bank())
    say(f"  {HISTORY.total_seconds() / 60:.0f} minutes of history …")
    write_history(bank, traffic, Span(begin - HISTORY, begin))
    with ExitStack() as stack:
        stack.enter_context(_company(bank, tps, begin))
        for command in ("run", "serve"):
            stack.enter_context(
                _started([sys.executable, "-m", "pipeline.cli", command], environment, home, command)
            )
        with open_state(urls, settings) as state:
            _wait(lambda: _is_judging(state), "nothing is judged")
            token = _sign_in(state)
        shown = dashboard_environment(settings, {**os.environ, **environment})
        stack.enter_context(_started(dashboard_command(settings), shown, home, "dashboard"))
        installed = _Installed(settings, bank, token)
        for address in (installed.addresses["live"].replace("/live", "/health"), installed.addresses["feed"]):
            _wait(lambda address=address: _answers(address), f"{address} does not answer")
        yield installed


def _config(tps: float) -> TrafficConfig:
    return TrafficConfig(users=USERS, late_share=LATE, seed=7).at_tps(tps)


@contextmanager
def _company(url: str, tps: float, since: datetime) -> Iterator[None]:
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    process = context.Process(target=_feed, args=(url, tps, since, stop), daemon=True)
    process.start()
    try:
        yield
    finally:
        stop.set()
        process.join(20)


def _feed(url: str, tps: float, since: datetime, stop: Event) -> None:
    options = LiveOptions(interval_s=0.1, since=since)
    run_live(url, _Abroad(_config(tps), Bank()), lambda: datetime.now(UTC), stop, options)  # type: ignore[arg-type]


@contextmanager
def _started(command: Sequence[str], environment: Mapping[str, str], home: Path, name: str) -> Iterator[None]:
    with (home / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(command, env={**os.environ, **environment}, stdout=log, stderr=log)
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                say(f"  {name} did not end within a minute")
                process.kill()


def _is_judging(state: State) -> bool:
    next_minute = state.next_minute()
    return next_minute is not None and datetime.now(UTC) - next_minute < timedelta(minutes=2)


def _catch_up(state: State) -> None:
    """Wait until payments have been judged within some seconds for a while; say where they never were."""
    until, well_since = time.monotonic() + PATIENCE_S, time.monotonic()
    while time.monotonic() - well_since < WARM_S:
        if time.monotonic() > until:
            say(f"  payments are not judged within {BEHIND_S:g} s")
            return
        time.sleep(0.5)
        with state.engine.connect() as connection:
            newest = connection.execute(text(_NEWEST)).scalar_one()
        if newest is None or datetime.now(UTC) - newest > timedelta(seconds=BEHIND_S):
            well_since = time.monotonic()


def _sign_in(state: State) -> str:
    do(state, "add_account", name="kim", role="SUPER_ADMIN", password=PASSWORD)
    number = state.rows("accounts_list", account="kim")[0]["account_id"]
    with state.engine.begin() as connection:
        token, _ = sessions.begin(state, connection, number, "password", "", datetime.now(UTC))
    return token


def _answers(address: str) -> bool:
    try:
        with urlopen(address, timeout=5):  # noqa: S310 - our own server
            return True
    except (URLError, ConnectionError, TimeoutError):
        return False


def _wait(true: Any, what: str) -> None:  # noqa: ANN401 - a question
    until = time.monotonic() + PATIENCE_S
    while not true():
        if time.monotonic() > until:
            raise SystemExit(what)
        time.sleep(0.3)


@contextmanager
def _page(home: Path, installed: _Installed, name: str) -> Iterator[WebDriver]:
    folder = home / f"browser-{name}"
    folder.mkdir()
    with chromium(folder) as browser:
        be(browser, installed.addresses[name], installed.token)
        browser.get(installed.addresses[name])
        _wait(
            lambda: browser.execute_script("return !!document.body"),
            f"no page at {installed.addresses[name]}",
        )
        browser.execute_script(_WATCH, _PAGES[name])
        yield browser


def _hits(state: State, bank: str, begin: datetime, end: datetime) -> list[Any]:
    """The hits of payments of the time that is measured, but for those that the bank wrote late."""
    with psycopg.connect(bank) as connection:
        punctual = {name for (name,) in connection.execute(_PUNCTUAL, [begin])}
    with state.engine.connect() as connection:
        rows = connection.execute(text(_HITS), {"begin": begin, "end": end}).all()
    return [row for row in rows if row.transfer_id in punctual]


def _report(tps: float, drawn: Mapping[str, Mapping[str, int]], hits: Sequence[Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"tps": tps, "hits": len(hits), "targets_s": TARGETS_S}
    for page, times in drawn.items():
        names = {row: f"hit-{row.number}" if page == "live" else row.transfer_id for row in hits}
        shown = [
            times[names[row]] / 1000 - row.occurred_at.timestamp() for row in hits if names[row] in times
        ]
        found[page] = {
            "rows": len(shown),
            "gaps": sum(names[row] not in times for row in hits),
            **_spread(shown),
        }
    return found


def _spread(seconds: list[float]) -> dict[str, float | None]:
    ordered = sorted(seconds)
    if not ordered:
        return dict.fromkeys(("mean", "median", "p95", "max"))
    p95 = ordered[-(-95 * len(ordered) // 100) - 1]
    middle = ordered[len(ordered) // 2]
    spread = {"mean": sum(ordered) / len(ordered), "median": middle, "p95": p95, "max": ordered[-1]}
    return {name: round(value, 3) for name, value in spread.items()}


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=3)
    parser.add_argument("--tps", type=float, nargs="+", default=[10, 100])
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    arguments = parser.parse_args()
    content = []
    for tps in arguments.tps:
        with tempfile.TemporaryDirectory(prefix="minuterisk-bench-") as folder:
            Path(folder).chmod(0o755)
            content.append(measure(Path(folder), tps, arguments.minutes))
    print(json.dumps(content) if arguments.json else "\n".join(map(str, content)))


if __name__ == "__main__":
    main()
