"""Histories by chance against the plain loop, until enough answers are compared.

    python -m tests.benchmarks.transfers.exact [--answers 100000] [--seed 1]

Every second story runs with sizes so small that merges, hot accounts, growing tables and long searches come
about with a hundred events; every other second one lets go what is old. Stops at the first difference.
"""

from __future__ import annotations

import argparse
import itertools
import json
from contextlib import ExitStack
from unittest.mock import patch

from tests.benchmarks.home import say
from tests.generative.transfers.trial import SMALL, Trial


def story(seed: int, *, small: bool) -> int:
    """One seed; how many answers were compared."""
    with ExitStack() as stack:
        for module, name, value in SMALL if small else ():
            stack.enter_context(patch.object(module, name, value))
        size, accounts = ((60, 1), (120, 4), (300, 2))[seed % 3]
        return Trial(seed, size, accounts=accounts, expire=seed % 2 == 1).run()


def main() -> None:
    """Compare until it is enough."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--answers", type=int, default=100_000)
    arguments.add_argument("--seed", type=int, default=1)
    given = arguments.parse_args()
    compared = {"as shipped": 0, "small": 0}
    for seed in itertools.count(given.seed):
        say(f"seed {seed}")
        compared["as shipped"] += story(seed, small=False)
        compared["small"] += story(seed, small=True)
        if min(compared.values()) >= given.answers:
            break
    print(json.dumps({"compared": compared, "differences": 0, "stories": seed - given.seed + 1}))


if __name__ == "__main__":
    main()
