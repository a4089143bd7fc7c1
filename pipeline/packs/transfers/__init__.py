"""Transfers and cards: every payment judged as it happens. Its table of contents.

It has nothing for shards (`together`), so one process holds all of its windows: a rule may count by payee,
device or address, and payments that share one are of many accounts. Whoever held the windows of some
accounts would not see all that such a rule counts. What is delivered every second goes by account alone, and
is divided among relays already: 64 buckets of accounts, see `pipeline/online/transfers/leases.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from baselines.transfers.rules import BOUNDS, Rules, parse_rules
from pipeline.judge.seconds import Watch
from pipeline.pack import Pack
from pipeline.packs.transfers.count import count, sum_up
from pipeline.packs.transfers.inspected import INSPECT
from pipeline.packs.transfers.judge import BESIDE, judge, writes
from pipeline.packs.transfers.schema import COUNTED, COUNTS, EVENT, OPTIONAL, SET_ASIDE
from pipeline.packs.transfers.screen import conform_events, screen
from pipeline.packs.transfers.seconds import renew, see
from pipeline.packs.transfers.signals import RULES, SIGNAL, reason_of, say, severity_of
from pipeline.packs.transfers.windows import IN_FORCE, EventWindows
from pipeline.packs.transfers.words import ORNAMENTS, WORDS

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo


def windows_of(zone: ZoneInfo, rules: Rules) -> EventWindows:
    """Empty windows."""
    del rules
    return EventWindows(zone)


PACK: Final[Pack[EventWindows, Rules]] = Pack(
    name="transfers",
    entity="account_id",
    key=("transfer_id",),
    database="transfers",
    rows={"events": EVENT},
    optional=OPTIONAL,
    suspects=(*OPTIONAL, "amount", "currency", "status", "kind", "account_id", "occurred_at", "transfer_id"),
    counted=COUNTED,
    counted_as="event",
    sums=(*COUNTS, "amount", "completed_amount"),
    row_sums=COUNTS,
    totals=("completed", "amount"),
    quarantine=SET_ASIDE,
    signal=SIGNAL,
    conform=conform_events,
    bad=screen,
    count=count,
    sum_up=sum_up,
    inspect=INSPECT,
    rules=RULES,
    read_tuned=parse_rules,
    bounds=BOUNDS,
    windows=windows_of,
    told=IN_FORCE,
    know=EventWindows.know,
    judge=judge,
    reason=reason_of,
    severity=severity_of,
    ornaments=ORNAMENTS,
    say=say,
    words=WORDS,
    watch=Watch(
        renew=renew,
        see=see,
        writes=writes,
        known="judged",
        looked="watch_looked",
        key="transfer_id",
        beside=BESIDE,
    ),
)
