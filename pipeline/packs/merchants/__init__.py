"""Settlement risk of merchants: cancels after the payout, and sales that vanish. Its table of contents.

Merchants are judged in shards (`together`): each by its own windows, with the sums of all of them. The book
of exposure is not divided: it stays with the process that leads, and is told of the rows of every shard.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from baselines.merchants.rules import BOUNDS, Rules, parse_rules
from baselines.merchants.windows import Windows
from pipeline.pack import COUNT, MONEY, Nightly, Pack
from pipeline.packs.merchants.at_risk import PARTS, ask_about, price_merchants
from pipeline.packs.merchants.caught import caught
from pipeline.packs.merchants.count import aggregate, sum_up
from pipeline.packs.merchants.explain import explained
from pipeline.packs.merchants.inspected import INSPECT
from pipeline.packs.merchants.judge import Judge
from pipeline.packs.merchants.money.acting import with_actions
from pipeline.packs.merchants.money.book import EXPOSURES
from pipeline.packs.merchants.money.cohorts import COHORTS
from pipeline.packs.merchants.money.schema import FIGURES
from pipeline.packs.merchants.money.settlements import SETTLEMENTS
from pipeline.packs.merchants.null import measure_day
from pipeline.packs.merchants.picture import picture, thresholds
from pipeline.packs.merchants.rules.cancel_surge import CANCEL_SURGE
from pipeline.packs.merchants.rules.platform_cancels import PLATFORM_CANCELS
from pipeline.packs.merchants.rules.platform_outage import PLATFORM_OUTAGE
from pipeline.packs.merchants.rules.volume_drop import VOLUME_DROP
from pipeline.packs.merchants.schema import (
    ADDED_COUNTS,
    MERCHANT_MINUTE,
    OPTIONAL_COLUMNS,
    SET_ASIDE,
    SUSPECTS,
    TRANSACTION,
    conform_source,
)
from pipeline.packs.merchants.screen import screen_minutes
from pipeline.packs.merchants.spent import spent_of
from pipeline.packs.merchants.together import together_of
from pipeline.packs.merchants.usual import BASELINE
from pipeline.packs.merchants.words import WORDS
from pipeline.schema import AMOUNT_MAJOR

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo


def windows_of(zone: ZoneInfo, rules: Rules) -> Windows:
    """Empty windows that reach as far back as the rules ask."""
    return Windows(zone, rules.volume_drop.baseline_days)


RULES: Final = (
    CANCEL_SURGE,
    VOLUME_DROP,
    PLATFORM_OUTAGE,
    PLATFORM_CANCELS,
)

JUDGE: Final = Judge(RULES)

PACK: Final[Pack[Windows, Rules]] = Pack(
    name="merchants",
    entity="merchant_id",
    key=("transaction_id", "kind"),
    database="trade",
    rows={"transactions": TRANSACTION},
    optional=OPTIONAL_COLUMNS,
    instead={"amount": AMOUNT_MAJOR},
    suspects=SUSPECTS,
    probe=ask_about,
    counted=MERCHANT_MINUTE,
    added=ADDED_COUNTS,
    sums=("approval_count", "cancel_count", "approval_amount", "cancel_amount"),
    row_sums=("approval_count", "cancel_count"),
    totals=("cancels", "amount"),
    quarantine=SET_ASIDE,
    signal=JUDGE.schema,
    conform=conform_source,
    bad=screen_minutes,
    count=aggregate,
    sum_up=sum_up,
    fact=("categories", "category"),
    entity_name="merchant_name",
    inspect=INSPECT,
    rules=RULES,
    read_tuned=parse_rules,
    bounds=BOUNDS,
    windows=windows_of,
    shape=lambda rules: rules.volume_drop.baseline_days,
    judge=JUDGE.judge,
    together=together_of(JUDGE),
    reason=JUDGE.reason,
    severity=JUDGE.severity,
    parts=PARTS,
    figures=FIGURES,
    at_risk=price_merchants,
    beside={"cancel_cohort": COHORTS, "settlement": SETTLEMENTS},
    exposures=with_actions(EXPOSURES),
    ornaments={
        "at_risk": "money at risk and names of merchants",
        "categories": "categories and names that changed since they were last read",
        "settlements": "payouts, and with them all money at risk",
        "disputes": "how the month will end for the programmes of card networks",
        "approved_at": "the age of the approvals that were cancelled",
    },
    say=JUDGE.say,
    words=WORDS,
    picture=picture,
    thresholds=thresholds,
    movers={"approval_amount": MONEY, "cancel_count": COUNT, "approval_count": COUNT},
    explain=partial(explained, JUDGE),
    deviation=JUDGE.deviation,
    lines=JUDGE.lines,
    caught=caught,
    nightly=Nightly(measure_day, spent_of),
    baseline=BASELINE,
    at_risk_name="krw_at_risk",
)
