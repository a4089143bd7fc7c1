"""How late minutes are judged, how long their steps take, and what the source pays for it."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Final

import polars as pl
import streamlit as st

from app import reads as common
from app.charts import CONFIG
from app.format import count, duration, moment, time_of_day
from app.markup import Markup, card, tag, visible
from app.markup import table as drawn
from app.pages.downloads import offer
from app.pages.health import reads
from app.pages.health.figures import lag_figure, steps_figure
from app.pages.health.summary import SOURCE_PROMISE_S
from app.pages.health.units import milliseconds, seconds, size
from app.pulse import HEARTBEAT_LIMIT, heartbeat_age, lag
from pipeline.minute import EPOCH

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.pages.health.rows import Cost, Job, Step
    from app.reads import Page


def heading(page: Page, name: str, **fields: object) -> Markup:
    """The heading of a part, with its remark."""
    texts = page.texts
    remark = tag("small", texts(f"health.{name}.note", **fields))
    return tag("div", texts(f"health.{name}"), remark, cls="mr-h2")


def source_seconds(costs: Sequence[Cost]) -> float | None:
    """Seconds of the source's answers for each minute of the last hour; None: nothing was judged then."""
    if not costs or not costs[0].minutes_hour:
        return None
    return sum(cost.ms_hour for cost in costs) / 1000 / costs[0].minutes_hour


def show_cards(page: Page) -> None:
    """The figures of this moment."""
    st.html(
        tag("div", _freshness(page), _process(page), _minute(page), _source(page), cls="mr-cards mr-tight")
    )


def _freshness(page: Page) -> Markup:
    texts, fresh, manifest = page.texts, reads.freshness(page), page.door.lake.manifest()
    now = texts("health.unknown")
    if manifest is not None:
        now = duration(lag(manifest, page.clock()), texts.language)
    usual = {"median": seconds(fresh.median_s_hour, texts), "p95": seconds(fresh.p95_s_hour, texts)}
    return card(texts("health.lag"), now, texts("health.lag.usual", **usual))


def _process(page: Page) -> Markup:
    texts, heart, known = page.texts, common.heartbeat(page), reads.versions(page)
    label = texts("health.process")
    if heart is None or not heart.epoch:
        return card(label, texts("pulse.unknown" if heart is None else "pulse.never"), tone="warn")
    age = heartbeat_age(heart)
    note = texts("health.process.epoch", epoch=heart.epoch)
    if known.next_minute is not None:
        note = texts(
            "health.process.note", epoch=heart.epoch, minute=time_of_day(known.next_minute, page.zone)
        )
    value = texts("header.heartbeat.age", duration=duration(age, texts.language))
    return card(label, value, note, tone="bad" if age > HEARTBEAT_LIMIT else "good")


def _minute(page: Page) -> Markup:
    texts, job = page.texts, reads.jobs(page).get("minute")
    label = texts("health.minute")
    if job is None:
        return card(label, texts("health.unknown"), texts("health.unreported"))
    note = texts("health.minute.note", count=count(job.times_hour), p95=milliseconds(job.p95_ms_hour, texts))
    return card(label, milliseconds(job.median_ms_hour, texts), note)


def _source(page: Page) -> Markup:
    texts, spent = page.texts, source_seconds(reads.costs(page))
    note = texts("health.source.promise", seconds=f"{SOURCE_PROMISE_S:.1f}")
    if spent is None:
        return card(texts("health.source.card"), texts("health.unknown"), note)
    value = texts("health.seconds", number=f"{spent:.2f}")
    return card(texts("health.source.card"), value, note, tone="warn" if spent > SOURCE_PROMISE_S else "good")


def show_lag(page: Page) -> None:
    """Over the last day, and in figures."""
    texts, fresh, curve = page.texts, reads.freshness(page), reads.lag_curve(page)
    st.html(heading(page, "freshness"))
    if curve.is_empty():
        st.html(tag("div", texts("health.freshness.none"), cls="mr-note"))
        return
    st.plotly_chart(
        lag_figure(curve, texts, page.zone),
        key="health-lag",
        config=CONFIG,
        alt=texts("health.freshness.alt"),
    )
    spans = (
        ("hour", fresh.minutes_hour, (fresh.median_s_hour, fresh.p95_s_hour, fresh.worst_s_hour)),
        ("day", fresh.minutes_day, (fresh.median_s_day, fresh.p95_s_day, fresh.worst_s_day)),
    )
    rows = [
        [
            texts(f"health.{span}"),
            count(minutes),
            *("–" if delay is None else seconds(delay, texts) for delay in delays),
        ]
        for span, minutes, delays in spans
    ]
    head = [texts(f"health.{name}") for name in ("span", "minutes", "median", "p95", "worst")]
    st.html(drawn(head, rows, numbers=True))
    offer(page, "minute-delays", lambda: curve)


def show_steps(page: Page) -> None:
    """The steps of a minute, and of the jobs beside it."""
    texts, steps = page.texts, reads.steps(page)
    st.html(heading(page, "steps"))
    if not steps:
        st.html(tag("div", texts("health.unreported"), cls="mr-note"))
        return
    st.plotly_chart(
        steps_figure(steps, texts), key="health-steps", config=CONFIG, alt=texts("health.steps.alt")
    )
    rows = [
        [visible(texts.word("step", step.step), 40), *(_took(ms, page) for ms in _spans(step))]
        for step in steps
    ]
    jobs = reads.jobs(page)
    rows += [
        [texts.word("job", name), *(_took(ms, page) for ms in _spans(jobs[name]))]
        for name in ("minute", *reads.JOBS)
        if name in jobs
    ]
    head = [texts("health.step"), *(texts(f"health.{name}") for name in _SPANS)]
    st.html(drawn(head, rows, numbers=True))
    made = [{"step": step.step, **dict(zip(_SPANS, _spans(step), strict=True))} for step in steps]
    offer(page, "minute-steps", lambda: pl.DataFrame(made))


def _took(ms: float | None, page: Page) -> str:
    """What did not run in that time took nothing that could be told."""
    return "–" if ms is None else milliseconds(ms, page.texts)


_SPANS: Final = ("median_ms_hour", "p95_ms_hour", "median_ms_day", "p95_ms_day")


def _spans(took: Step | Job) -> tuple[float | None, ...]:
    """What `_SPANS` names."""
    return took.median_ms_hour, took.p95_ms_hour, took.median_ms_day, took.p95_ms_day


def show_source(page: Page) -> None:
    """What the company's database pays: its answers by query."""
    texts, costs = page.texts, reads.costs(page)
    st.html(heading(page, "source", seconds=f"{SOURCE_PROMISE_S:.1f}"))
    if not costs:
        st.html(tag("div", texts("health.unreported"), cls="mr-note"))
        return
    rows = [
        [
            visible(cost.query, 40),
            *_per_minute(page, cost.times_hour, cost.ms_hour, cost.minutes_hour),
            *_per_minute(page, cost.times_day, cost.ms_day, cost.minutes_day),
        ]
        for cost in costs
    ]
    whole = [
        sum(getattr(cost, name) for cost in costs)
        for name in ("times_hour", "ms_hour", "times_day", "ms_day")
    ]
    hour = _per_minute(page, whole[0], whole[1], costs[0].minutes_hour)
    rows.append([texts("health.sum"), *hour, *_per_minute(page, whole[2], whole[3], costs[0].minutes_day)])
    names = ("query", "times_hour", "cost_hour", "times_day", "cost_day")
    st.html(drawn([texts(f"health.{name}") for name in names], rows, numbers=True))
    st.html(tag("div", texts("health.source.connections"), cls="mr-note"))


def _per_minute(page: Page, times: int, ms: float, minutes: int) -> tuple[str, str]:
    if not minutes:
        return "–", "–"
    return f"{times / minutes:,.1f}", milliseconds(ms / minutes, page.texts)


def show_versions(page: Page) -> None:
    """Which versions are at work, and how large what they made is."""
    texts, known, zone = page.texts, reads.versions(page), page.zone
    unknown = texts("health.unknown")
    rules = unknown if known.rules_version is None else f"{known.rules_version}"
    if known.rules_from is not None and known.rules_from > EPOCH:  # the first version holds from ever on
        rules += f" · {texts('health.since', time=moment(known.rules_from, zone))}"
    if known.rules_by:
        rules += f" · {visible(known.rules_by, 40)}"
    holder = unknown if not known.holder else visible(known.holder, 60)
    days = unknown
    if known.first_minute is not None:
        days = texts("health.since", time=moment(known.first_minute, zone))
    facts = {
        "program": version("minuterisk"),
        "schema": known.schema_version,
        "rules": rules,
        "publication": unknown if known.publication is None else f"#{count(known.publication)}",
        "server": f"PostgreSQL {known.server_version.split(' ')[0]}",
        "database": size(known.database_bytes),
        "lake": f"{size(known.bytes)} · {texts('health.files', count=count(known.files))} · {days}",
        "holder": holder,
    }
    st.html(heading(page, "versions"))
    pairs = (
        tag(
            "div",
            tag("div", texts(f"health.version.{name}"), cls="mr-label"),
            tag("div", value, cls="mr-fact"),
        )
        for name, value in facts.items()
    )
    st.html(tag("div", *pairs, cls="mr-facts"))
