"""What this screen asks for. What the lake says is kept by the publication, everything else by the mark.

Masked before anything is kept: of rows that were set aside no value is shared between those who look.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import polars as pl

from app.pages.health.masked import masked
from app.pages.health.rows import (
    Correction,
    Cost,
    DeadMessage,
    Deliveries,
    Freshness,
    Job,
    LedgerDay,
    PastAlarm,
    Step,
    Versions,
)
from app.reads import Page, published, shared
from pipeline.minute import MINUTE, Span, business_date, business_day
from pipeline.schema import UTC_TIME

if TYPE_CHECKING:
    from pipeline.store.manifest import Manifest

#: So far back this screen looks: as long as the pipeline keeps its reports.
DAYS: Final = 8
JOBS: Final = ("search", "reconcile", "compact", "prove")
DEAD_SHOWN: Final = 50
ALARMS_SHOWN: Final = 50
CURVE_STEP_S: Final = 600
CURVE: Final = pl.Schema({"start": UTC_TIME, "median_s": pl.Float64(), "worst_s": pl.Float64()})
#: So many rows of each reason are shown.
OF_EACH: Final = 3


def days_ago(page: Page, days: int) -> datetime:
    """The start of the business day so many days ago."""
    today = business_date(page.clock(), page.zone)
    return business_day(today - timedelta(days=days), page.zone).start


@shared
def freshness(page: Page) -> Freshness:
    """From the end of minutes to their verdict."""
    return Freshness(**page.door.rows("ops/app_freshness", {})[0])


@shared
def lag_curve(page: Page) -> pl.DataFrame:
    """The same over the last day: `start`, `median_s`, `worst_s`."""
    since = page.clock() - timedelta(days=1)
    found = page.door.rows("ops/app_lag", {"since": since, "step_s": CURVE_STEP_S})
    return pl.DataFrame(found, schema=CURVE)


@shared
def steps(page: Page) -> tuple[Step, ...]:
    """How long the steps of a minute take, in the order in which it takes them."""
    return tuple(Step(**row) for row in page.door.rows("ops/app_steps", {}))


@shared
def jobs(page: Page) -> dict[str, Job]:
    """The newest report of each job that was ever reported."""
    found = page.door.rows("ops/app_jobs", {"jobs": ["minute", *JOBS]})
    return {row["job"]: Job(**row) for row in found}


@shared
def costs(page: Page) -> tuple[Cost, ...]:
    """What the source was asked, the dearest query first."""
    return tuple(Cost(**row) for row in page.door.rows("ops/app_source_cost", {}))


@shared
def deliveries(page: Page) -> tuple[Deliveries, ...]:
    """What was told, by destination."""
    return tuple(Deliveries(**row) for row in page.door.rows("ops/app_deliveries", {}))


@shared
def dead_messages(page: Page) -> tuple[DeadMessage, ...]:
    """The newest messages that could not be delivered."""
    found = page.door.rows("ops/app_dead_messages", {"at_most": DEAD_SHOWN})
    return tuple(DeadMessage(**row) for row in found)


@shared
def ledger_days(page: Page) -> tuple[LedgerDay, ...]:
    """The published minutes by business day, newest first."""
    asked = {"since": days_ago(page, DAYS - 1), "zone": page.zone.key}
    return tuple(LedgerDay(**row) for row in page.door.rows("ops/app_ledger_days", asked))


@shared
def corrections(page: Page) -> dict[str, Correction]:
    """Minutes that were counted anew by cause, and those that wait or that nothing counts."""
    found = page.door.rows("ops/app_corrections", {"since": days_ago(page, DAYS - 1)})
    return {row["cause"]: Correction(**row) for row in found}


@shared
def past_alarms(page: Page) -> tuple[PastAlarm, ...]:
    """What is or was wrong in the last days, what is wrong now first."""
    asked = {"since": page.clock() - timedelta(days=DAYS), "at_most": ALARMS_SHOWN}
    return tuple(PastAlarm(**row) for row in page.door.rows("ops/app_alarms", asked))


@shared
def versions(page: Page) -> Versions:
    """Which versions are at work."""
    return Versions(**page.door.rows("ops/app_versions", {})[0])


@published
def set_aside_by_day(page: Page, manifest: Manifest) -> pl.DataFrame:
    """Rows that were set aside: `day`, `reason`, `rows`."""
    span = _aside_span(page, manifest)
    offset = page.clock().astimezone(page.zone).utcoffset() or timedelta()
    asked = {"first": span.start, "zone_offset_s": int(offset.total_seconds())}
    return page.door.lake.ask("lake/app_aside_days", asked, manifest, span, "quarantine")


@published
def set_aside_rows(page: Page, manifest: Manifest) -> pl.DataFrame:
    """A few of them of each reason, the newest first, masked."""
    return masked(unmasked_rows(page, manifest))


def unmasked_rows(page: Page, manifest: Manifest) -> pl.DataFrame:
    """The same as they are, for whoever has said why: kept nowhere."""
    span = _aside_span(page, manifest)
    asked = {"first": span.start, "of_each": OF_EACH}
    return page.door.lake.ask("lake/app_aside", asked, manifest, span, "quarantine")


def _aside_span(page: Page, manifest: Manifest) -> Span:
    end = manifest.published_through
    today = business_date(end - MINUTE, page.zone)
    return Span(min(business_day(today - timedelta(days=DAYS - 1), page.zone).start, end), end)
