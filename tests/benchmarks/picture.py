"""The picture of an incident, drawn two ways: time and bytes of each, in one run.

The week of one merchant is read from made rows, not from files: it is the drawing that is measured.
"""

from __future__ import annotations

import importlib.util
import io
import math
import time
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import polars as pl

from pipeline.packs.merchants import PACK
from pipeline.schema import UTC_TIME
from pipeline.tell.picture import draw
from tests.benchmarks.home import say

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.pack import Chart

END = datetime(2026, 11, 21, 9, 7, tzinfo=UTC)
STEP = timedelta(minutes=10)
TIMES = 12
MOST_MS, MOST_BYTES = 150, 60_000


def rows() -> pl.DataFrame:
    """Eight days that go up and down with the hour; many cancels at their end."""
    starts = [END - STEP * back for back in range(8 * 144, 0, -1)]
    approvals = [int(200 + 150 * math.sin(at.hour / 24 * 2 * math.pi)) for at in starts]
    late = END - timedelta(hours=1)
    cancels = [int(n * (0.4 if at >= late else 0.05)) for at, n in zip(starts, approvals, strict=True)]
    money = {
        "approval_amount": [n * 31_000 for n in approvals],
        "cancel_amount": [n * 31_000 for n in cancels],
    }
    counts = {"approval_count": approvals, "cancel_count": cancels, **money}
    return pl.DataFrame({"start": starts, **counts}, schema_overrides={"start": UTC_TIME})


def with_pillow(chart: Chart) -> bytes:
    """As the product draws."""
    return draw(chart, END - STEP * 4, "ko", ZoneInfo("Asia/Seoul"))


def with_matplotlib(chart: Chart) -> bytes:
    """The same curves by matplotlib's Agg."""
    pyplot: Any = importlib.import_module("matplotlib.pyplot")
    pyplot.switch_backend("Agg")
    figure, axes = pyplot.subplots(len(chart.panels), 1, figsize=(8.8, 4.24), dpi=100)
    for axis, panel in zip(axes, chart.panels, strict=True):
        for curve in panel.curves:
            axis.plot(curve.values, "--" if curve.usual else "-", label=str(len(curve.label)))
        axis.legend()
        axis.grid(axis="y")
    figure.tight_layout()
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    pyplot.close(figure)
    return buffer.getvalue()


def measure(name: str, drawn: Callable[[Chart], bytes], chart: Chart) -> tuple[float, int]:
    """Median milliseconds and bytes, after a first one that loads the font."""
    times, made = [], drawn(chart)
    for _ in range(TIMES):
        began = time.perf_counter()
        made = drawn(chart)
        times.append((time.perf_counter() - began) * 1_000)
    say(f"{name:<12}{median(times):6.0f} ms median, {max(times):.0f} ms at most, {len(made):,} bytes")
    return median(times), len(made)


def main() -> None:
    """Exit 1 where the product's own way is too slow or too large."""
    assert PACK.picture is not None
    chart = PACK.picture("cancel_surge", {}, rows(), END - timedelta(hours=24), "ko")
    assert chart is not None
    ms, size = measure("Pillow", with_pillow, chart)
    if importlib.util.find_spec("matplotlib"):
        measure("matplotlib", with_matplotlib, chart)
    raise SystemExit(ms > MOST_MS or size > MOST_BYTES)


if __name__ == "__main__":
    main()
