"""The dashboard at full size: 100,000 merchants, 8 days, a pipeline that publishes beside it, viewers.

What a person waits for is taken from a real browser (until a screen stands) and from clients that speak the
browser's own protocol (tests/benchmarks/viewers.py). The pipeline's ticks are timed without and with viewers
in turn, so that both see the same noise. All share the machine's cores, the browser and the viewers too.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.pages import SCREENS
from pipeline.desk.people import sessions
from pipeline.minute import floor_minute
from pipeline.settings import Settings
from pipeline.store.database import connect_state
from pipeline.store.state import State
from tests.app.merchants.home import add_incident
from tests.benchmarks.beside import Beside, beside
from tests.benchmarks.home import MERCHANTS, PER_DAY, say
from tests.benchmarks.viewers import Viewer
from tests.browser.chrome import chromium, served
from tests.browser.look import be, stands
from tests.people import add_people

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from selenium.webdriver.chrome.webdriver import WebDriver

#: What a person may have to wait for, and what the looking may cost.
TARGETS = {
    "first_paint_ms_p95": 1_500.0,
    "interaction_ms_p95": 500.0,
    "search_ms_p95": 300.0,
    "visible_ms_p95": 1_500.0,
    "viewers_share_of_a_core": 0.30,
    "refresh_ms_median": 100.0,
    "tick_with_viewers_ratio": 1.10,
    "rss_mb_after_use": 1_000.0,
}
#: As somebody types it: a name with its number, the initials of a name, an id.
TYPED = ("하늘전자 10", "ㅎㄴㅈㅈ", "100603")
SEARCH_FIELD = "entity-typed"
PEOPLE = {"boss": "SUPER_ADMIN"}
BETWEEN_TICKS_S = 5.0
SETTLED_S = 8.0
#: A session of somebody's working day lasts so long; the measurement opens and closes as many in turn.
SESSION_MINUTES = 30


@dataclass(frozen=True)
class Sizes:
    """How much of everything."""

    merchants: int
    per_day: int
    days: int
    viewers: int
    rounds: int  # of what is repeated for a spread
    minutes: int  # of live publications, each a real minute
    ticks: int  # without, and as many with viewers
    hours: int  # of use, for the memory


FULL = Sizes(MERCHANTS, PER_DAY, 8, 20, 10, 3, 8, 8)
QUICK = Sizes(2_000, 60_000, 2, 5, 2, 1, 2, 1)


@dataclass
class Measured:
    """The house that is measured."""

    address: str
    token: str
    beside: Beside
    state: State
    server: Path  # under /proc
    sizes: Sizes

    def viewer(self, screen: str, query: str = "") -> Viewer:
        return Viewer(self.address, self.token, _path(screen), query)

    def faces(self) -> dict[str, tuple[str, str]]:
        """Screen and query of everything that is looked at, by what it is called."""
        with self.state.engine.connect() as connection:
            query = "SELECT max(incident_id), max(entity_id) FROM incident"
            incident, entity = connection.exec_driver_sql(query).one()
        faces = {screen.name: (screen.name, "") for screen in SCREENS}
        faces["one incident"] = ("incidents", f"incident={incident}")
        faces["one merchant"] = ("entity", f"id={entity}")
        return faces

    def presses(self) -> dict[str, Sequence[tuple[str, str]]]:
        """What people ask for next where they stand, in turn: the screen, and its query from then on."""
        others = self.beside.built.merchants
        return {
            "another filter": [
                ("incidents", f"state={name}") for name in ("open", "acknowledged", "resolved")
            ],
            "another merchant": [("entity", f"id={name}") for name in others[1:]],
            "another period": [("entity", f"id={others[0]}&period={name}") for name in ("3h", "24h", "8d")],
        }


def measure(sizes: Sizes, folder: Path) -> dict[str, Any]:
    """Build everything, look at it in every way."""
    home = folder / "home"
    home.mkdir()
    ticks = 2 * sizes.ticks + sizes.minutes + sizes.hours + 2
    say(f"  {sizes.days} days of history for {sizes.merchants:,} merchants …")
    with (
        beside(home, sizes.merchants, sizes.per_day, sizes.days, ticks) as installation,
        _state(installation.built.state_url) as state,
        served(settings := Settings(home=home, state_url=installation.built.state_url), folder) as address,
    ):
        people = add_people(state, PEOPLE)
        with state.changing() as connection:
            number = people["boss"].account_id
            assert number is not None
            token, _ = sessions.begin(state, connection, number, "password", "", datetime.now(UTC))
        house = Measured(address, token, installation, state, _listening(address), sizes)
        installation.tick()  # the windows are built, and there is an incident
        say("  each screen, for who comes first after a start of the server …")
        first = asyncio.run(_first(house, settings, folder))
        say("  first paint of each screen, in a browser …")
        painted = paint(house, folder)
        return {**asyncio.run(_looked_at(house)), "first_paint": painted, "after_a_start": first}


async def _first(house: Measured, settings: Settings, folder: Path) -> dict[str, float]:
    """What the script takes where nothing is kept yet, ms: a server of its own for each screen."""
    taken = {}
    for face, given in house.faces().items():
        with served(settings, folder) as address:
            await asyncio.sleep(SETTLED_S)  # nobody is so quick after a start
            async with _looking([Viewer(address, house.token, _path(given[0]), given[1])]) as (viewer,):
                taken[face] = round(viewer.drawn_ms[0], 1)
    return taken


async def _looked_at(house: Measured) -> dict[str, Any]:
    say("  each screen drawn again …")
    found: dict[str, Any] = {"interaction": await interact(house), "search": await search(house)}
    say(f"  a new incident in front of {house.sizes.viewers} viewers …")
    found["visible"] = await show_new(house)
    say(f"  {house.sizes.minutes} live minutes in front of {house.sizes.viewers} viewers …")
    found["viewers"] = await refresh(house)
    say("  ticks without and with viewers …")
    found["ticks"] = await tick(house)
    say(f"  the sessions of {house.sizes.hours} hours …")
    found["memory"] = await use(house)
    return found


# ------------------------------------------------------------------ what one person waits for


def paint(house: Measured, folder: Path) -> dict[str, Any]:
    """From the address to the screen that stands, ms: a new session each time, the files kept."""
    with chromium(folder) as browser:
        be(browser, house.address, house.token)
        first = _open(browser, house, "", "")
        spread = {
            face: _spread([_open(browser, house, *given) for _ in range(house.sizes.rounds)])
            for face, given in house.faces().items()
        }
    return {"with nothing kept": _spread([first]), **spread}


def _open(browser: WebDriver, house: Measured, screen: str, query: str) -> float:
    start = time.perf_counter()
    browser.get(f"{house.address}/{_path(screen)}?{query}")
    while not stands(browser):
        time.sleep(0.01)
    return (time.perf_counter() - start) * 1000


async def interact(house: Measured) -> dict[str, Any]:
    """What a press costs, ms: each screen once more, and what was not shown before."""
    found = await _again(house)
    for pressed, steps in house.presses().items():
        async with _looking([house.viewer(*steps[0])]) as (viewer,):
            taken = []
            for _, viewer.query in steps[1 : 2 * house.sizes.rounds]:
                await viewer.ask()
                taken.append(await viewer.drawn())
            found[pressed] = _spread(taken)
            _require_whole([viewer])
    return found


async def _again(house: Measured) -> dict[str, Any]:
    found = {}
    for face, given in house.faces().items():
        async with _looking([house.viewer(*given)]) as (viewer,):
            taken = []
            for _ in range(2 * house.sizes.rounds):
                await viewer.ask()
                taken.append(await viewer.drawn())
            found[face] = _spread(taken)
            _require_whole([viewer])
    return found


async def search(house: Measured) -> dict[str, Any]:
    """What each letter costs that is typed, ms."""
    async with _looking([house.viewer("entity")]) as (viewer,):
        taken = [
            await viewer.type(SEARCH_FIELD, words[:end])
            for words in TYPED
            for end in range(1, len(words) + 1)
            for _ in range(1 + house.sizes.rounds // 5)
        ]
    return _spread(taken)


# ------------------------------------------------------------------ many who look


async def show_new(house: Measured) -> dict[str, Any]:
    """From the commit of an incident until all who look see it, ms."""
    taken = []
    async with _crowd(house, ("", "incidents")) as viewers:
        for number in range(house.sizes.rounds):
            name = f"새 사건 {number} 번 가게"
            seen = [viewer.awaits(name) for viewer in viewers]
            committed = time.time()
            given = {"merchant_id": f"new-{number}", "merchant_name": name, "paid": 10**12 + number}
            add_incident(house.state.engine, _this_minute(), **given)
            taken += [(moment - committed) * 1000 for moment in await asyncio.gather(*seen)]
            await asyncio.sleep(0.37)  # at another moment of everybody's second
    return _spread(taken)


async def refresh(house: Measured) -> dict[str, Any]:
    """Live minutes, each with a publication, in front of all viewers."""
    async with _crowd(house) as viewers:
        await asyncio.sleep(SETTLED_S)
        for viewer in viewers:
            viewer.refresh_ms.clear()
            viewer.drawn_ms.clear()
        start, before = time.perf_counter(), _cpu_s(house.server)
        for _ in range(house.sizes.minutes):
            await asyncio.to_thread(house.beside.tick)
            await asyncio.sleep(max(0.0, 60 - (time.perf_counter() - start) % 60))
        share = (_cpu_s(house.server) - before) / (time.perf_counter() - start)
    asked = [taken for viewer in viewers for taken in viewer.refresh_ms]
    drawn = [taken for viewer in viewers for taken in viewer.drawn_ms]
    return {"share_of_a_core": round(share, 3), "refresh_ms": _spread(asked), "redrawn_ms": _spread(drawn)}


async def tick(house: Measured) -> dict[str, Any]:
    """The pipeline's tick alone, then in front of all viewers, in turn; ms."""
    alone, watched = [], []
    for _ in range(house.sizes.ticks):
        await asyncio.sleep(BETWEEN_TICKS_S)
        alone.append(await asyncio.to_thread(house.beside.tick))
        async with _crowd(house):
            await asyncio.sleep(BETWEEN_TICKS_S)
            watched.append(await asyncio.to_thread(house.beside.tick))
    ratio = statistics.median(watched) / statistics.median(alone)
    return {"alone_ms": _spread(alone), "with_viewers_ms": _spread(watched), "ratio": round(ratio, 3)}


async def use(house: Measured) -> dict[str, Any]:
    """The memory of the server after so many hours of people who come, look and go, MB.

    They come faster than people do. Each sees an incident come, and each hour a minute is published.
    """
    before, largest = _rss_mb(house.server), house.beside.built.merchants
    faces = list(house.faces().values())
    opened = house.sizes.viewers * house.sizes.hours * 60 // SESSION_MINUTES
    for number in range(opened):
        if number % (opened // house.sizes.hours) == 0:
            await asyncio.to_thread(house.beside.tick)
        screen, query = faces[number % len(faces)]
        query = query and (f"id={largest[number % len(largest)]}" if screen == "entity" else query)
        async with _looking([house.viewer(screen, query)]):
            name = f"{number}번째 사람 앞의 가게"
            add_incident(
                house.state.engine, datetime.now(UTC), merchant_id=f"use-{number}", merchant_name=name
            )
            await asyncio.sleep(1.2)  # it is drawn once more
    after = _rss_mb(house.server)
    found = {"sessions": opened, "publications": house.sizes.hours}
    return {**found, "rss_mb_before": before, "rss_mb_after": after}


# ------------------------------------------------------------------ pieces


@asynccontextmanager
async def _looking(viewers: Sequence[Viewer]) -> AsyncIterator[Sequence[Viewer]]:
    """They all have their screens when the block begins, and leave when it ends."""
    tasks = []
    for viewer in viewers:
        tasks.append(asyncio.create_task(viewer.look()))
        await viewer.drawn()
    try:
        yield viewers
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def _crowd(house: Measured, screens: Sequence[str] = ()) -> AsyncIterator[Sequence[Viewer]]:
    faces = [(screen, "") for screen in screens] or list(house.faces().values())
    crowd = [house.viewer(*faces[number % len(faces)]) for number in range(house.sizes.viewers)]
    async with _looking(crowd) as viewers:
        yield viewers
        _require_whole(viewers)


def _path(screen: str) -> str:
    return "" if screen == SCREENS[0].name else screen


def _require_whole(viewers: Sequence[Viewer]) -> None:
    """A screen that fails is quick, so nothing is measured of it."""
    failures = [failure for viewer in viewers for failure in viewer.failures]
    if failures:
        msg = f"a viewer met {failures[0]}"
        raise RuntimeError(msg)


@contextmanager
def _state(url: str) -> Iterator[State]:
    engine = connect_state(url)
    try:
        yield State(engine, url, "merchants", "KRW")
    finally:
        engine.dispose()


def _listening(address: str) -> Path:
    port = address.rpartition(":")[2]
    for found in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it has ended meanwhile
            if f"--port={port}" in found.read_text().split("\0"):
                return found.parent
    msg = f"no server at {address}"
    raise RuntimeError(msg)


def _cpu_s(process: Path) -> float:
    fields = (process / "stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _rss_mb(process: Path) -> int:
    pages = int((process / "statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // 10**6


def _this_minute() -> datetime:
    return floor_minute(datetime.now(UTC))


def _spread(taken: Sequence[float]) -> dict[str, float]:
    ordered = sorted(taken)
    p95 = ordered[-(-95 * len(ordered) // 100) - 1]
    return {"median": round(statistics.median(ordered), 1), "p95": round(p95, 1), "count": len(ordered)}


# ------------------------------------------------------------------ report


def against_targets(found: dict[str, Any]) -> dict[str, dict[str, float | bool]]:
    """Each target with what was measured."""
    painted = {face: spread for face, spread in found["first_paint"].items() if face != "with nothing kept"}
    measured = {
        "first_paint_ms_p95": max(spread["p95"] for spread in painted.values()),
        "interaction_ms_p95": max(spread["p95"] for spread in found["interaction"].values()),
        "search_ms_p95": found["search"]["p95"],
        "visible_ms_p95": found["visible"]["p95"],
        "viewers_share_of_a_core": found["viewers"]["share_of_a_core"],
        "refresh_ms_median": found["viewers"]["refresh_ms"]["median"],
        "tick_with_viewers_ratio": found["ticks"]["ratio"],
        "rss_mb_after_use": found["memory"]["rss_mb_after"],
    }
    return {
        name: {"measured": measured[name], "target": target, "met": measured[name] <= target}
        for name, target in TARGETS.items()
    }


def _table(found: dict[str, Any], targets: dict[str, dict[str, float | bool]]) -> str:
    lines = [
        f"{'ms':<24}{'after a start':>24}{'first paint':>24}{'drawn again':>24}",
        f"{'':<24}{'':>24}{'median / p95':>24}{'median / p95':>24}",
    ]
    for face in {**found["first_paint"], **found["interaction"]}:
        both = (found["first_paint"].get(face), found["interaction"].get(face))
        cells = [f"{one['median']:,.0f} / {one['p95']:,.0f}" if one else "" for one in both]
        first = found["after_a_start"].get(face)
        lines.append(f"{face:<24}{f'{first:,.0f}' if first else '':>24}{cells[0]:>24}{cells[1]:>24}")
    lines += [f"{name:<24}{found[name]}" for name in ("search", "visible", "viewers", "ticks", "memory")]
    lines += [
        f"{name:<28}{row['measured']:>12,}{'within' if row['met'] else 'MISSES':>10} {row['target']:,}"
        for name, row in targets.items()
    ]
    return "\n".join(lines)


def main() -> None:
    """Measure and report; exit 1 if a target is missed at full size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small, to see that it works; no target counts")
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="minuterisk-bench-") as folder:
        Path(folder).chmod(0o755)
        found = measure(QUICK if given.quick else FULL, Path(folder))
    targets = against_targets(found)
    print(json.dumps({**found, "targets": targets}) if given.json else _table(found, targets))
    sys.exit(not given.quick and not all(row["met"] for row in targets.values()))


if __name__ == "__main__":
    main()
