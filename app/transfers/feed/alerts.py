"""An alert as a row that people read. Pure: the feed and the table that stands in for it show the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from app.markup import Markup, chip, join, tag, visible
from app.transfers.money import money
from pipeline.minute import business_date

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from app.texts import Texts

#: So many are shown; what came before stands in the statistics.
SHOWN: Final = 100
#: Where more than that come at once, those of the last seconds are shown as well: nobody sees a row that is
#: gone before it was drawn.
FRESH_S: Final = 5
MOST: Final = 1_000
#: What is asked of the database for that.
ASKED: Final = {"at_least": SHOWN, "at_most": MOST, "seconds": FRESH_S}
#: What the columns hold, in their order.
COLUMNS: Final = ("time", "decision", "account", "amount", "rules")
#: The colours of the decisions are those of severities.
TONES: Final = {"block": "critical", "review": "high", "allow": "plain"}
_LONGEST: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """A payment that was not simply allowed, or at which a live rule fired."""

    transfer_id: str
    occurred_at: datetime
    account_id: str
    kind: str | None  # None: the event itself is not kept here any more
    status: str | None
    amount: int | None
    currency: str | None
    country: str | None
    decision: str
    score: int
    why: str
    late: bool
    revision: int
    rules: Sequence[str]
    corrected: bool


def cells_of(alert: Alert, texts: Texts, zone: ZoneInfo, now: datetime) -> dict[str, str]:
    """Every text of a row by its name, in the words of whoever reads it."""
    of_account = [visible(alert.account_id, _LONGEST)]
    if alert.kind is not None:
        of_account.append(texts.word("kind_of", alert.kind))
    if alert.country not in (None, "KR"):
        of_account.append(visible(alert.country or "", 8))
    return {
        "transfer": alert.transfer_id,
        "time": time_of(alert.occurred_at, zone, now),
        "tone": TONES[alert.decision],
        "decision": texts.word("decision", alert.decision),
        "score": str(alert.score),
        "account": " · ".join(of_account),
        "amount": money(alert.amount, alert.currency, texts.language),
        "rules": " · ".join(rule_name(visible(rule, _LONGEST), texts) for rule in alert.rules)
        or texts.word("why_decided", alert.why),
        "marks": " · ".join(_marks(alert, texts)),
    }


def time_of(moment: datetime, zone: ZoneInfo, now: datetime) -> str:
    """To the second; the day only where it is another one."""
    local = moment.astimezone(zone)
    today = business_date(now, zone) == business_date(moment, zone)
    return f"{local:%H:%M:%S}" if today else f"{local:%m-%d %H:%M:%S}"


def rule_name(rule: str, texts: Texts) -> str:
    """What an event rule is called; its own name where nobody has named it."""
    return texts.word("event_rule", rule)


def _marks(alert: Alert, texts: Texts) -> Iterable[str]:
    if alert.late:
        yield texts("feed.late")
    if alert.corrected:
        yield texts("feed.corrected")
    elif alert.revision:
        yield texts("feed.revised", count=alert.revision)
    if alert.status not in (None, "completed"):
        yield texts.word("status_of", alert.status or "")


def address_of(transfer_id: str, pack: str | None) -> str:
    """Where all about a payment stands."""
    return "/feed?" + urlencode({**({"pack": pack} if pack else {}), "transfer": transfer_id})


def rows_of(alerts: Iterable[Mapping[str, str]], texts: Texts, pack: str | None) -> Markup:
    """The same rows as a table, for where nothing follows the stream."""
    head = tag("tr", *(tag("th", texts(f"feed.{name}"), scope="col") for name in COLUMNS))
    body = join(_row(cells, pack) for cells in alerts)
    inner = tag("table", tag("thead", head), tag("tbody", body), cls="mr-table mr-alerts")
    return tag("div", inner, cls="mr-scroll", tabindex="0")


def _row(cells: Mapping[str, str], pack: str | None) -> Markup:
    way = tag("a", cells["account"], href=address_of(cells["transfer"], pack), target="_self")
    marks = [tag("small", cells["marks"])] if cells["marks"] else []
    return tag(
        "tr",
        tag("td", cells["time"], cls="mr-line"),
        tag("td", chip(cells["decision"], cells["tone"]), tag("span", cells["score"], cls="mr-score")),
        tag("td", way),
        tag("td", cells["amount"], cls="mr-amount"),
        tag("td", cells["rules"], *marks),
        **{"data-transfer": cells["transfer"]},
    )
