"""One relay, then three, at 2 ms a send: how many times as much, and is all of it there once and in order?

    python -m tests.benchmarks.transfers.relays [--events 4000] [--send-ms 2] [--batches]

An embedded PostgreSQL holds an outbox and our tables. Relays are processes; each event takes them so long
before it is taken. Measured is the time between a tenth and nine tenths of the events, so that neither starts
nor the last batch count. The second case fails at 5 % of the events, whose accounts then wait.
With --batches the relays of the product as they are: batches of 500 into our table, nothing slowed down.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from random import Random
from typing import TYPE_CHECKING, Any, Final

from pipeline.embedded import open_urls
from pipeline.settings import load_settings
from scheduler import open_state
from tests.benchmarks.home import say
from tests.integration.transfers.relays import Bench, Crew, nothing_left, out_of_order, payment, until

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager

TARGET: Final = 2.4
ACCOUNTS: Final = 1_000
PATIENCE_S: Final = 600
HOLD: Final = "INSERT INTO transfers.breaker VALUES (true, now(), 'the benchmark', 'until all is booked')"


def main() -> None:
    """Measure and say what was found; exit 1 where three relays do too little, or something is not right."""
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("--events", type=int, default=9_000)
    given.add_argument("--send-ms", type=float, default=2.0)
    given.add_argument("--batches", action="store_true")
    given.add_argument("--json", action="store_true")
    asked = given.parse_args()
    cases = [("no failures", asked.send_ms, 0.0), ("5 % failures", asked.send_ms, 5.0)]
    if asked.batches:
        cases = [("batches", 0.0, 0.0)]
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings({"MINUTERISK_HOME": folder, "MINUTERISK_PACKS": "transfers"})
        urls = open_urls(settings)
        with open_state(urls, settings):
            bench = Bench(str(urls.stand_in_url), urls.state_url)
            for name, send_ms, percent in cases:
                runs = {n: measured(bench, n, asked.events, send_ms, percent) for n in (1, 3)}
                found[name] = {"runs": runs, "times": round(runs[3]["per_s"] / runs[1]["per_s"], 2)}
                if not asked.json:
                    print(f"{name}: {found[name]['times']} times; {runs}", flush=True)
    wrong = [name for name, case in found.items() if not right(case)]
    slow = not asked.batches and found["no failures"]["times"] < TARGET
    if asked.json:
        print(json.dumps(found))
    say(f"wrong: {wrong}; fast enough: {not slow}")
    raise SystemExit(1 if wrong or slow else 0)


def measured(bench: Bench, relays: int, events: int, send_ms: float, percent: float) -> dict[str, Any]:
    """Deliver so many events with so many relays."""
    bench.empty()
    chance = Random(events)
    with crew(bench, relays, send_ms, percent):
        bench.change(HOLD)
        time.sleep(2)  # every relay has heard of it
        for first in range(0, events, 500):
            many = range(first, min(first + 500, events))
            bench.book(payment(number, f"A{chance.randrange(ACCOUNTS)}") for number in many)
        bench.change("DELETE FROM transfers.breaker")
        took = until(lambda: nothing_left(bench), "all events are delivered", PATIENCE_S)
    booked = {row[0] for row in bench.ask_outbox("SELECT transfer_id FROM transfer")}
    arrived = bench.delivered()
    shares = bench.ask("SELECT sent FROM transfers.relay ORDER BY owner")
    return {
        "per_s": round(events / took),
        "lost": len(booked - set(arrived)) - bench.statuses().get("dead", 0),
        "twice": len(arrived) - len(set(arrived)),
        "out_of_order": len(out_of_order(bench)),
        "shares": [row[0] for row in shares],
    }


def right(case: Mapping[str, Any]) -> bool:
    """Is all of it there, once and in order?"""
    return all(not run[name] for run in case["runs"].values() for name in ("lost", "twice", "out_of_order"))


def crew(bench: Bench, relays: int, send_ms: float, percent: float) -> AbstractContextManager[Crew]:
    """Relays at work under leases of ten seconds."""
    return Crew(bench, 10.0, send_ms, percent).at_work_together(*(f"relay{n}" for n in range(relays)))


if __name__ == "__main__":
    main()
