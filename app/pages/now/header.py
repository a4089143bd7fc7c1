"""Is the pipeline alive, how much is open, and is there a message that did not arrive?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import streamlit as st
import structlog

from app import reads
from app.format import count, day, duration, moment, time_of_day, won, won_short
from app.markup import Markup, card, join, notice, sentence, table, tag
from app.pages.alone import failed
from app.pulse import DELIVERY_LIMIT, HEARTBEAT_LIMIT, LAG_LIMIT, TONES, heartbeat_age, lag, pulse, waiting
from app.reason import NOTHING
from pipeline.desk.precision import WEEKS, altogether, percent_of
from pipeline.errors import MinuteriskError
from pipeline.minute import business_date, business_day

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.reads import Page
    from app.rows import Overview
    from pipeline.desk.precision import Labelled
    from pipeline.store.manifest import Manifest

log = structlog.get_logger()

ALARMS_SHOWN: Final = 8


def show_header(page: Page) -> None:
    """The title with the pipeline's state, the figures, and what there is to say about missing parts."""
    overview, state_problem = _overview(page)
    manifest, lake_problem = _manifest(page)
    parts: tuple[Callable[[], Markup], ...] = (
        lambda: _top(page, pulse(overview, manifest, page.clock())),
        lambda: _cards(page, overview, manifest),
        lambda: _precision_by_week(page, overview),
        lambda: join([state_problem, lake_problem]),
        lambda: _alarms(page),
        lambda: _deliveries(page, overview),
        lambda: _strays(page, overview),
    )
    st.html(join(_or_notice(page, part) for part in parts))


def _or_notice(page: Page, part: Callable[[], Markup]) -> Markup:
    try:
        return part()
    except Exception as error:
        log.exception("page.part_failed", part="header")
        return failed(page, error)


def _cards(page: Page, overview: Overview | None, manifest: Manifest | None) -> Markup:
    return tag(
        "div",
        _newest(page, manifest),
        _heartbeat(page, overview),
        _open(page, overview),
        *([_risk(page, overview)] if page.priced else []),
        *([_budget(page, overview)] if page.pack.nightly is not None else []),
        _precision(page, overview),
        _publication(page, manifest),
        cls="mr-cards",
    )


def _overview(page: Page) -> tuple[Overview | None, Markup]:
    try:
        return reads.overview(page), Markup("")
    except MinuteriskError as error:
        body = page.texts("state.database_down.note", what=sentence(error, page.texts.language))
        return None, notice(page.texts("state.database_down"), body, tone="bad")
    except Exception as error:
        log.exception("page.part_failed", part="overview")
        return None, failed(page, error)


def _manifest(page: Page) -> tuple[Manifest | None, Markup]:
    try:
        manifest = page.door.manifest()
    except MinuteriskError as error:
        body = page.texts("state.manifest_bad.note", what=sentence(error, page.texts.language))
        return None, notice(page.texts("state.manifest_bad"), body, tone="bad")
    if manifest is None:
        return None, notice(page.texts("state.no_manifest"), page.texts("state.no_manifest.note"))
    return manifest, Markup("")


def _top(page: Page, state: str) -> Markup:
    brand = tag("div", "minuterisk", tag("small", page.title), cls="mr-brand")
    return tag(
        "div",
        brand,
        tag("span", page.texts(f"pulse.{state}"), cls=f"mr-pulse mr-{TONES[state]}"),
        cls="mr-top",
    )


def _newest(page: Page, manifest: Manifest | None) -> Markup:
    label = page.texts("header.newest")
    if manifest is None:
        return card(label, page.texts("header.none"), tone="warn")
    behind = lag(manifest, page.clock())
    late = page.texts("header.lag", duration=duration(behind, page.texts.language))
    # The name of a minute is its start; the manifest says where the newest one ends.
    minute = manifest.newest_minute
    note = f"{day(minute.astimezone(page.zone).date(), page.texts.language)} · {late}"
    return card(label, time_of_day(minute, page.zone), note, tone="warn" if behind > LAG_LIMIT else "good")


def _heartbeat(page: Page, overview: Overview | None) -> Markup:
    label = page.texts("header.heartbeat")
    if overview is None or overview.epoch == 0:
        return card(label, "–" if overview is None else page.texts("pulse.never"), tone="warn")
    age = heartbeat_age(overview)
    value = page.texts("header.heartbeat.age", duration=duration(age, page.texts.language))
    if overview.next_minute is None:
        note = page.texts("header.heartbeat.note.start", epoch=overview.epoch)
    else:
        minute = overview.next_minute.astimezone(page.zone).strftime("%H:%M")
        note = page.texts("header.heartbeat.note", epoch=overview.epoch, minute=minute)
    return card(label, value, note, tone="bad" if age > HEARTBEAT_LIMIT else "good")


def _open(page: Page, overview: Overview | None) -> Markup:
    label = page.texts("header.open")
    if overview is None:
        return card(label, "–")
    by_severity = (("critical", overview.critical), ("high", overview.high), ("medium", overview.medium))
    note = " · ".join(f"{page.texts(f'severity.{name}')} {count(number)}" for name, number in by_severity)
    tone = "bad" if overview.critical else "warn" if overview.open else "good"
    return card(label, page.texts("header.open.count", count=count(overview.open)), note, tone=tone)


def _risk(page: Page, overview: Overview | None) -> Markup:
    label, language = page.texts("header.risk"), page.texts.language
    if overview is None:
        return card(label, "–")
    if not overview.unpriced:
        return card(label, won_short(overview.at_risk, language), won(overview.at_risk, language))
    note = page.texts("header.risk.unpriced", count=count(overview.unpriced))
    if overview.unpriced == overview.open:
        return card(label, page.texts("money.not_known"), note, tone="warn")
    exact = won(overview.at_risk, language)
    return card(label, won_short(overview.at_risk, language), f"{exact} · {note}", tone="warn")


def _budget(page: Page, overview: Overview | None) -> Markup:
    """Spent of allowed, and what chance alone opens a day, with its 95 % interval."""
    label, texts = page.texts("header.budget"), page.texts
    if overview is None:
        return card(label, "–")
    try:
        found = reads.budget(page, business_day(business_date(page.clock(), page.zone), page.zone).start)
    except Exception:  # noqa: BLE001 - perhaps an older version made the database; the other cards stay
        found = None
    if found is None:
        return card(label, "–")
    spent = count(found.spent)
    if found.interval is None or found.allowed is None:
        return card(label, texts("header.budget.spent", spent=spent), texts("header.budget.none"))
    mean, low, high = (f"{number:,.1f}" for number in (found.null_per_day or 0.0, *found.interval))
    value = texts("header.budget.value", spent=spent, allowed=f"{found.allowed:,.1f}")
    note = texts("header.budget.null", mean=mean, low=low, high=high)
    return card(label, value, note, tone="warn" if found.spent > found.allowed else "good")


def _labelled(page: Page, overview: Overview | None) -> tuple[Labelled, ...]:
    """By rule, tier and week; nothing where the database does not say, or an older version made it."""
    if overview is None:
        return ()
    try:
        return reads.precision(page)
    except MinuteriskError:
        return ()


def _precision(page: Page, overview: Overview | None) -> Markup:
    """Of the alarms that people labelled, the share of true ones, with its 95 % interval."""
    texts, whole = page.texts, altogether(_labelled(page, overview))
    label = texts("header.precision", weeks=WEEKS)
    if whole is None or whole.interval is None:
        note = texts("header.precision.none", count=count(0 if whole is None else whole.incidents))
        return card(label, texts("precision.unknown"), note)
    low, high = (percent_of(end) for end in whole.interval)
    counted = {"labels": count(whole.labels), "incidents": count(whole.incidents)}
    return card(
        label, percent_of(whole.precision), texts("header.precision.note", low=low, high=high, **counted)
    )


def _precision_by_week(page: Page, overview: Overview | None) -> Markup:
    """The same by rule, tier and week, for whoever opens it."""
    texts, weeks = page.texts, _labelled(page, overview)
    if not any(week.labels for week in weeks):
        return Markup("")
    unknown = texts("precision.unknown")
    rows = [
        [
            texts.word("rule", week.rule),
            texts.word("tier", week.tier),
            day(week.week, texts.language),
            percent_of(week.precision, unknown),
            NOTHING if week.interval is None else "–".join(percent_of(end) for end in week.interval),
            texts("precision.counted", true=week.true_alarms, false=week.false_alarms, all=week.incidents),
        ]
        for week in weeks
    ]
    head = [texts(f"precision.{name}") for name in ("rule", "tier", "week", "share", "interval", "labels")]
    return tag("details", tag("summary", texts("precision.heading")), table(head, rows), cls="mr-details")


def _publication(page: Page, manifest: Manifest | None) -> Markup:
    label = page.texts("header.version")
    if manifest is None:
        return card(label, "–")
    note = page.texts("header.version.note", time=moment(manifest.generated_at, page.zone, seconds=True))
    return card(label, f"#{count(manifest.version)}", note)


def _alarms(page: Page) -> Markup:
    """What is wrong now: each with what was met and what to do, those that concern the numbers first."""
    try:
        found = sorted(reads.alarms(page), key=lambda alarm: not alarm.wrong)
    except MinuteriskError:  # the notice of the database says so, or an older version made it
        return Markup("")
    shown = []
    for alarm in found[:ALARMS_SHOWN]:
        since = page.texts("header.alarm.since", time=moment(alarm.since, page.zone))
        title = page.texts.word("alarm", alarm.name) + (f" · {alarm.subject}" if alarm.subject else "")
        body = " ".join(part for part in (since, f"{alarm.what.rstrip('.')}.", alarm.hint) if part)
        shown.append(notice(title, body, tone="bad" if alarm.wrong else "warn"))
    if len(found) > ALARMS_SHOWN:
        shown.append(notice(page.texts("header.alarm.more", count=count(len(found) - ALARMS_SHOWN))))
    return join(shown)


def _deliveries(page: Page, overview: Overview | None) -> Markup:
    found: list[str] = []
    if overview is not None and overview.dead:
        title = page.texts("header.dead", count=count(overview.dead))
        found.append(notice(title, page.texts("header.dead.note"), tone="bad"))
    if overview is not None and waiting(overview) > DELIVERY_LIMIT:
        since = duration(waiting(overview), page.texts.language)
        body = page.texts("header.undelivered.note", duration=since)
        found.append(notice(page.texts("header.undelivered", count=count(overview.undelivered)), body))
    return join(found)


def _strays(page: Page, overview: Overview | None) -> Markup:
    found: list[Markup] = []
    if overview is not None and overview.stray_past:
        title = page.texts("header.stray_past", count=count(overview.stray_past))
        found.append(notice(title, page.texts("header.stray_past.note"), tone="bad"))
    if overview is not None and overview.stray_future:
        title = page.texts("header.stray_future", count=count(overview.stray_future))
        found.append(notice(title, page.texts("header.stray_future.note")))
    return join(found)
