"""The report of a day at full size: how long each part takes, how large the file is, what the process holds.

Of the last whole day of 8 days of 100,000 merchants, written as the job writes it: rows here, the files and
the drawing in a process of its own, whose memory is named.
"""

from __future__ import annotations

import json
import resource
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

from pipeline.embedded import open_urls
from pipeline.packs.merchants import PACK
from pipeline.report.gathered import about_of, gather
from pipeline.report.write import make_report
from scheduler import open_lake, open_state
from tests.benchmarks.home import say
from tests.benchmarks.merchants.questions import installation

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.settings import Settings

_KILOBYTES = 1_000


def measured(work: Callable[..., Any], *given: Any) -> tuple[Any, float, float]:  # noqa: ANN401 - passed on
    """What a piece of work gives, its seconds, and the megabytes that its process has held at most."""
    began = time.perf_counter()
    found = work(*given)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _KILOBYTES
    return found, time.perf_counter() - began, peak


def measure(settings: Settings, day: str) -> dict[str, float]:
    """Seconds and size of the report of a day."""
    taken: dict[str, float] = {}
    with (
        open_state(open_urls(settings), settings) as state,
        ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool,
    ):

        def work(function: Callable[..., Any], *given: Any) -> Any:  # noqa: ANN401 - passed on
            found, seconds, peak = pool.submit(measured, function, *given).result()
            taken[f"{function.__name__.strip('_')}_s"] = round(seconds, 2)
            taken["process_peak_mb"] = round(peak)
            return found

        began, now = time.perf_counter(), datetime.now(UTC)
        gathered = gather(state, PACK, settings, about_of(state, day, settings, now), now)
        taken["gather_s"] = round(time.perf_counter() - began, 2)
        content = make_report(state, open_lake(settings), settings, gathered, work)
        return {**taken, "whole_s": round(time.perf_counter() - began, 2), "bytes": len(content)}


def main() -> None:
    """Build, measure, say."""
    with installation(__doc__) as settings:
        say(json.dumps(measure(settings, "yesterday")))  # finds nothing in memory
        print(json.dumps(measure(settings, "yesterday")))


if __name__ == "__main__":
    main()
