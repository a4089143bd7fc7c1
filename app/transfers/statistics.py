"""How the event rules have been: hits by hour, how often each was right. Sections of the shared screen."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from app.format import count
from app.markup import Markup, notice, table, tag, visible
from app.pages.downloads import frame_of, offer
from app.pages.statistics.counted import heat_table
from app.pages.statistics.period import period_of
from app.reads import shared
from app.transfers.feed.alerts import rule_name
from baselines.chance import wilson_interval
from pipeline.desk.precision import percent_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from app.pages.statistics.period import Period
    from app.reads import Page

_PRECISION: Final = ("rule", "mode", "hits", "share", "interval", "labels", "found")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hits:
    """How many hits a rule had in an hour of a business day."""

    rule: str
    day: date
    hour: int
    hits: int
    corrected: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Right:
    """How often a rule was right, of the payments whose outcome somebody said."""

    rule: str
    mode: str
    hits: int
    true_hits: int
    false_hits: int
    frauds: int  # that are known of that time, whoever found them

    @property
    def labels(self) -> int:
        """How many of its payments somebody spoke of."""
        return self.true_hits + self.false_hits

    @property
    def precision(self) -> float | None:
        """The share of frauds among these; None: nobody spoke of any."""
        return self.true_hits / self.labels if self.labels else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Its 95 % interval."""
        return wilson_interval(self.true_hits, self.labels) if self.labels else None


@shared
def hits_by_hour(page: Page, period: Period) -> tuple[Hits, ...]:
    """Hits of the period's days."""
    rows = page.door.rows("transfers/ops/app_hits_by_hour", {**_ends(page, period), "zone": page.zone.key})
    return tuple(Hits(**row) for row in rows)


@shared
def rule_precision(page: Page, period: Period) -> tuple[Right, ...]:
    """Each rule's, of the period's days."""
    return tuple(
        Right(**row) for row in page.door.rows("transfers/ops/app_rule_precision", _ends(page, period))
    )


def _ends(page: Page, period: Period) -> dict[str, Any]:
    span = period.span(page.zone)
    return {"start": span.start, "stop": span.end}


def show_hits(page: Page) -> None:
    """A row for each rule, a column for each hour of the day."""
    period, texts = period_of(page), page.texts
    found = hits_by_hour(page, period)
    corrected = sum(one.corrected for one in found)
    note = texts("hits_by.note", count=count(corrected))
    st.html(tag("h2", texts("hits_by.heading"), tag("small", note), cls="mr-h2"))
    if not found:
        st.html(notice(texts("hits_by.none")))
        return
    st.html(heat(found, page))
    offer(page, f"hits-by-hour-{period.name}", partial(frame_of, [asdict(one) for one in found]))


def heat(found: Sequence[Hits], page: Page) -> Markup:
    """Counts as shades, with the numbers in the cells; the rule with most hits first."""
    counted: dict[str, Counter[int]] = {}
    for one in found:
        counted.setdefault(one.rule, Counter())[one.hour] += one.hits
    ordered = sorted(counted.items(), key=lambda item: (-item[1].total(), item[0]))
    named = [(rule_name(visible(rule, 64), page.texts), hours) for rule, hours in ordered]
    return heat_table(named, page.texts, page.texts("hits_by.heading"))


def show_precision(page: Page) -> None:
    """How often each rule was right, and how many of the known frauds it found."""
    period, texts = period_of(page), page.texts
    found = rule_precision(page, period)
    st.html(
        tag("h2", texts("rule_precision.heading"), tag("small", texts("rule_precision.note")), cls="mr-h2")
    )
    if not found:
        st.html(tag("div", texts("hits_by.none"), cls="mr-note"))
        return
    head = [texts(f"rule_precision.{name}") for name in _PRECISION]
    st.html(table(head, [_row(page, one) for one in found], numbers=True))
    offer(page, f"rule-precision-{period.name}", partial(frame_of, [asdict(one) for one in found]))


def _row(page: Page, one: Right) -> list[str]:
    texts = page.texts
    low, high = one.interval or (None, None)
    counted = texts("rule_precision.counted", true=count(one.true_hits), false=count(one.false_hits))
    return [
        tag("span", rule_name(visible(one.rule, 64), texts), cls="mr-line"),
        texts.word("version_is", one.mode),
        count(one.hits),
        percent_of(one.precision, texts("precision.unknown")),
        "–" if low is None else f"{percent_of(low)} – {percent_of(high)}",
        counted,
        f"{count(one.true_hits)} / {count(one.frauds)}",
    ]
