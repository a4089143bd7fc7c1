"""Draws the picture of an incident: a chart in, a PNG out, the same bytes for the same chart. Pure.

Drawn twice as large and made smaller, so that lines are smooth; opaque, so that it reads the same on light
and dark. The font comes with a package: a machine without Korean fonts draws Korean all the same. No name of
anybody is drawn.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from PIL import Image, ImageDraw, ImageFont
from pylopdf_fonts_ko import sans_path

from pipeline.pack import MONEY, SHARE
from pipeline.tell.words import TEXTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from pipeline.pack import Chart, Curve, Panel

SCALE: Final = 2
WIDTH, PANEL_HEIGHT = 880, 190
LEFT, RIGHT, TOP, BELOW = 84, 20, 40, 22
FOOT: Final = 24
SIZE: Final = 13
#: Told apart by colour-blind eyes too, on paper that is readable in a light and in a dark window.
PAPER, INK, GRID = (250, 250, 248), (51, 51, 51), (224, 224, 220)
NOW, USUAL, INCIDENT, SHADE = (0, 90, 150), (120, 120, 120), (176, 66, 0), (255, 236, 214)
COLOURS: Final = 64
MOST_TICKS: Final = 4
HOURS: Final = 3  # between two marks of time
QUARTER: Final = timedelta(minutes=15)  # every zone is so many of these from UTC
_LARGE: Final = {
    "ko": ((10**12, "조"), (10**8, "억"), (10**4, "만")),
    "en": ((10**12, "T"), (10**9, "B"), (10**6, "M"), (10**3, "K")),
}
_UNITS: Final = {"ko": ("", "원"), "en": ("₩", "")}

Point = tuple[float, float]


def draw(chart: Chart, opened: datetime, language: str, zone: ZoneInfo) -> bytes:
    """The chart as a PNG; the time since `opened` is shaded."""
    height = TOP // 2 + len(chart.panels) * PANEL_HEIGHT + FOOT
    image = Image.new("RGB", (WIDTH * SCALE, height * SCALE), PAPER)
    pen = ImageDraw.Draw(image)
    for number, panel in enumerate(chart.panels):
        _Frame(pen, chart, panel, number * PANEL_HEIGHT, opened).draw(language, zone)
    _note(pen, chart, height, language, zone)
    smaller = image.resize((WIDTH, height), Image.Resampling.BOX)
    buffer = io.BytesIO()
    smaller.quantize(COLOURS, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(buffer, "PNG")
    return buffer.getvalue()


@dataclass(frozen=True, slots=True)
class _Frame:
    """One panel at its place; coordinates are those of the large drawing."""

    pen: ImageDraw.ImageDraw
    chart: Chart
    panel: Panel
    top: int
    opened: datetime

    def draw(self, language: str, zone: ZoneInfo) -> None:
        step = _round_step(self._highest(), self.panel.unit)
        largest = step * MOST_TICKS if self._highest() > step * (MOST_TICKS - 1) else step * (MOST_TICKS - 1)
        self._shade(language)
        self._grid(step, largest, language)
        self._times(zone)
        for curve in sorted(self.panel.curves, key=lambda curve: not curve.usual):
            self._curve(curve, largest)
        self._title()

    def _highest(self) -> float:
        values = [v for curve in self.panel.curves for v in curve.values if v is not None]
        return max(values, default=0.0)

    @property
    def _box(self) -> tuple[float, float, float, float]:
        top = self.top + TOP
        return LEFT * SCALE, top * SCALE, (WIDTH - RIGHT) * SCALE, (self.top + PANEL_HEIGHT - BELOW) * SCALE

    def _x(self, at: datetime) -> float:
        left, _, right, _ = self._box
        end = self.chart.steps[-1] + self.chart.step
        share = (at - self.chart.steps[0]) / (end - self.chart.steps[0])
        return left + (right - left) * min(max(share, 0.0), 1.0)

    def _y(self, value: float, largest: float) -> float:
        _, top, _, bottom = self._box
        return bottom - (bottom - top) * (value / largest)

    def _shade(self, language: str) -> None:
        left, top, right, bottom = self._box
        x = self._x(self.opened)
        self.pen.rectangle((x, top, right, bottom), fill=SHADE)
        if x > left:
            self.pen.line((x, top, x, bottom), fill=INCIDENT, width=SCALE)
        said, font = TEXTS[language]["opened_minute"], _font(SIZE - 1)
        beside = x + 4 * SCALE
        room = right - beside > font.getlength(said)
        self.pen.text(
            (beside if room else x - 4 * SCALE, top + 2 * SCALE),
            said,
            INCIDENT,
            font,
            anchor="la" if room else "ra",
        )

    def _grid(self, step: float, largest: float, language: str) -> None:
        left, _, right, _ = self._box
        for number in range(round(largest / step) + 1):
            value = number * step
            y = self._y(value, largest)
            self.pen.line((left, y, right, y), fill=GRID, width=SCALE)
            said = short(value, self.panel.unit, language)
            self.pen.text((left - 6 * SCALE, y), said, INK, _font(SIZE), anchor="rm")

    def _times(self, zone: ZoneInfo) -> None:
        _, _, right, bottom = self._box
        for local in _marks(self.chart.steps[0], self.chart.steps[-1] + self.chart.step, zone):
            x = self._x(local)
            self.pen.line((x, bottom, x, bottom + 4 * SCALE), fill=INK, width=SCALE)
            said = f"{local:%m-%d}" if local.hour == 0 else f"{local:%H:%M}"
            anchor = "ra" if x > right - 20 * SCALE else "ma"
            self.pen.text((x, bottom + 5 * SCALE), said, INK, _font(SIZE - 1), anchor=anchor)

    def _curve(self, curve: Curve, largest: float) -> None:
        colour, width = (USUAL, 3) if curve.usual else (NOW, 4)
        middles = (at + self.chart.step / 2 for at in self.chart.steps)
        points = [
            None if value is None else (self._x(at), self._y(value, largest))
            for at, value in zip(middles, curve.values, strict=True)
        ]
        for run in _runs(points):
            if len(run) == 1:  # alone between two gaps: a line would not show it
                (x, y), r = run[0], 2 * SCALE
                self.pen.ellipse((x - r, y - r, x + r, y + r), fill=colour)
            elif curve.usual:
                for dash in _dashes(run, on=7 * SCALE, off=5 * SCALE):
                    self.pen.line(dash, fill=colour, width=width)
            else:
                self.pen.line(run, fill=colour, width=width, joint="curve")

    def _title(self) -> None:
        left, top, right, _ = self._box
        y = top - 14 * SCALE
        self.pen.text((left, y), self.panel.title, INK, _font(SIZE + 2), anchor="lm")
        x = right
        for curve in self.panel.curves:  # from the right: the one that matters stands outermost, last drawn
            font = _font(SIZE)
            self.pen.text((x, y), curve.label, INK, font, anchor="rm")
            x -= font.getlength(curve.label) + 6 * SCALE
            sample = [(x - 22 * SCALE, y), (x, y)]
            if curve.usual:
                for dash in _dashes(sample, on=6 * SCALE, off=3 * SCALE):
                    self.pen.line(dash, fill=USUAL, width=3)
            else:
                self.pen.line(sample, fill=NOW, width=4)
            x -= 36 * SCALE


def _note(pen: ImageDraw.ImageDraw, chart: Chart, height: int, language: str, zone: ZoneInfo) -> None:
    """Of which time it is, so that an old picture is not taken for a new one."""
    first, last = (at.astimezone(zone) for at in (chart.steps[0], chart.steps[-1] + chart.step))
    span = f"{first:%Y-%m-%d %H:%M} – {last:%Y-%m-%d %H:%M} {last.tzname() or ''}"
    said = TEXTS[language]["picture_span"].format(span=span)
    at = ((WIDTH - RIGHT) * SCALE, (height - FOOT / 2) * SCALE)
    pen.text(at, said, INK, _font(SIZE - 1), anchor="rm")


def short(value: float, unit: str, language: str) -> str:
    """A number at a glance: 12.5%, 1,200, 3억원 or ₩300M."""
    if unit == SHARE:
        return f"{value * 100:.3g}%"
    before, after = _UNITS[language] if unit == MONEY else ("", "")
    for size, name in _LARGE[language] if unit == MONEY else ():
        if value >= size:
            return f"{before}{value / size:,.3g}{name}{after}"
    return f"{before}{value:,.0f}{after}"


def _round_step(highest: float, unit: str) -> float:
    """The smallest 1, 2 or 5 times a power of ten that divides 0…`highest` into so few parts."""
    power = 0.001 if unit == SHARE else 1.0
    while True:
        for factor in (1, 2, 5):
            if power * factor * MOST_TICKS >= highest:
                return power * factor
        power *= 10


def _marks(first: datetime, last: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """Full hours of the zone, every third of the day."""
    at = first.replace(minute=0, second=0, microsecond=0)
    while at <= last:
        local = at.astimezone(zone)
        if at >= first and not local.minute and not local.hour % HOURS:
            yield local
        at += QUARTER


def _runs(points: Sequence[Point | None]) -> Iterator[list[Point]]:
    """Points without a gap between them."""
    run: list[Point] = []
    for point in (*points, None):
        if point is not None:
            run.append(point)
        elif run:
            yield run
            run = []


def _dashes(points: Sequence[Point], *, on: float, off: float) -> Iterator[tuple[Point, Point]]:
    """A line in pieces of the length `on`, `off` apart, along its whole way."""
    along = 0.0
    for (x0, y0), (x1, y1) in pairwise(points):
        length = ((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5
        done = 0.0
        while done < length:
            place = along % (on + off)
            piece = min((on if place < on else on + off) - place, length - done)
            if place < on:
                a, b = done / length, (done + piece) / length
                yield (x0 + (x1 - x0) * a, y0 + (y1 - y0) * a), (x0 + (x1 - x0) * b, y0 + (y1 - y0) * b)
            done += piece
            along += piece


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(sans_path(), size * SCALE, layout_engine=ImageFont.Layout.BASIC)
