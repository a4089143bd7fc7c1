"""Random kills: `python -m tests.simulation.kills --kills 1000`. The last line is a JSON summary.

A child of the pipeline is killed (-9) at a random moment of its cycle; what it leaves has to be the old or
the new. Every so often one is let through: then everything has to be equal. Exit code 1 if anything was not.
"""

from __future__ import annotations

import argparse
import json
import secrets
import sys
import time
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING

from tests.simulation.checks import differences
from tests.simulation.test_crash_points import begin, between, one_more_minute
from tests.simulation.world import START, server, world
from tests.simulation.zygote import LED_BY_ANOTHER, Zygote

if TYPE_CHECKING:
    from tests.simulation.world import World

KILLED = -9
#: After so many kills a whole cycle, and a comparison of everything.
COMPARED_EVERY = 25


@dataclass
class Report:
    """What happened."""

    seed: int
    kills: int = 0
    too_late: int = 0  # the cycle had ended before the kill
    comparisons: int = 0
    seconds: float = 0.0
    violations: list[str] = field(default_factory=list)


def kill(made: World, seed: int, kills: int, until: float) -> Report:
    """Kill so many times, or until the time (monotonic) is over."""
    report, random, began = Report(seed), Random(seed), time.monotonic()
    made.insert([(-n, "shop", "APPROVAL", 1000, START - timedelta(minutes=n)) for n in range(1, 201)])
    with Zygote(made.home / "zygote.log") as zygote:
        begin(made)
        cycle_s, n = _whole_cycle(made, zygote, report), 0
        while report.kills < kills and time.monotonic() < until:
            n += 1
            one_more_minute(made, n)
            code = zygote.run(made.environment(), kill_after_s=random.uniform(0, cycle_s))
            report.kills += code == KILLED
            report.too_late += code == 0
            report.violations += [f"after kill {report.kills}: {found}" for found in between(made)]
            if code not in (0, KILLED, LED_BY_ANOTHER):
                report.violations.append(f"a cycle ended with {code}")
            if n % COMPARED_EVERY == 0:
                cycle_s = _whole_cycle(made, zygote, report)
        _whole_cycle(made, zygote, report)
    report.seconds = round(time.monotonic() - began, 1)
    return report


def _whole_cycle(made: World, zygote: Zygote, report: Report) -> float:
    """One cycle to its end, and everything equal; gives its seconds."""
    began = time.monotonic()
    while (code := zygote.run(made.environment())) == LED_BY_ANOTHER:
        began = time.monotonic()
    report.comparisons += 1
    if code != 0:
        report.violations.append(f"a cycle that nobody killed ended with {code}")
    report.violations += differences(made, oracle_minutes=0)
    return time.monotonic() - began


def main() -> int:
    """Kill from the command line."""
    parser = argparse.ArgumentParser(description="kill -9 at random moments; JSON last")
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--minutes", type=float, default=60.0, help="at most")
    parser.add_argument("--seed", type=int, default=None)
    given = parser.parse_args()
    seed = given.seed if given.seed is not None else secrets.randbelow(1_000_000)
    print(f"{given.kills} kills, seed {seed}", flush=True)
    with server() as started, world(started.url) as made:
        report = kill(made, seed, given.kills, time.monotonic() + 60 * given.minutes)
    for violation in report.violations[:50]:
        print(violation)
    print(json.dumps(vars(report)))
    return 1 if report.violations else 0


if __name__ == "__main__":
    sys.exit(main())
