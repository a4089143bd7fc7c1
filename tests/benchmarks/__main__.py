"""`make bench`: every measurement, one after the other; exit 1 if one of them says so."""

from __future__ import annotations

import subprocess
import sys

MEASUREMENTS = (
    "quick",
    "latency",
    "storm",
    "source_cost",
    "backtest",
    "detection",
    "platform",
    "picture",
    "cold_start",
    "history",
    "dashboard",
    "merchants.exposure",
    "transfers.language",
    "transfers.windows",
    "transfers.relays",
    "transfers.check",
    "transfers.latency",
)


def main() -> None:
    """Run each in a process of its own, so that none inherits another's memory."""
    failed = 0
    for name in MEASUREMENTS:
        print(f"\n{name}", flush=True)
        command = [sys.executable, "-m", f"tests.benchmarks.{name}", *sys.argv[1:]]
        failed |= subprocess.run(command, check=False).returncode
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
