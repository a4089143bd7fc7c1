"""`make bench`: every measurement, one after the other, and a page of speed; exit 1 if one says so."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from importlib.util import find_spec

from tests.benchmarks.speed.page import FOLDER, SECTIONS, write_page

MEASUREMENTS = (
    *SECTIONS,
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


def run(name: str) -> int:
    """Run one in a process of its own, so that none inherits another's memory."""
    print(f"\n{name}", flush=True)
    command = [sys.executable, "-m", f"tests.benchmarks.{name}", *sys.argv[1:]]
    if name not in SECTIONS:
        return subprocess.run(command, check=False).returncode
    if find_spec(f"tests.benchmarks.{name}") is None:
        print("  not here")
        return 0
    asked = [*command, *([] if "--json" in command else ["--json"])]
    ended = subprocess.run(asked, stdout=subprocess.PIPE, text=True, check=False)
    lines = ended.stdout.splitlines()
    if lines and lines[-1].startswith("{"):
        _keep(name, lines[-1])
    return ended.returncode


def _keep(name: str, line: str) -> None:
    """For the page; and for whoever waits."""
    (FOLDER / f"{name}.json").write_text(line, encoding="utf-8")
    table = getattr(importlib.import_module(f"tests.benchmarks.{name}"), "table", None)
    print(table(json.loads(line)) if table else line, flush=True)


def main() -> None:
    """All of them; the page is written as soon as all of its figures are there."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in SECTIONS:  # of this run alone
        (FOLDER / f"{name}.json").unlink(missing_ok=True)
    failed = 0
    for name in MEASUREMENTS:
        failed |= run(name)
        if name == list(SECTIONS)[-1]:
            print(f"\n{write_page(FOLDER)}", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
