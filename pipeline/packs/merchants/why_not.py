"""Why not, and when: when a rule would first have fired around a minute. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pipeline.figures import moment
from pipeline.judge.verdicts import FIRES, POLICIES, RAW
from pipeline.minute import MINUTE
from pipeline.pack import AROUND

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime
    from zoneinfo import ZoneInfo

    import polars as pl

    from baselines.merchants.rules import Rules
    from pipeline.packs.merchants.rules.rule import Explains, MerchantRule


@dataclass(frozen=True, slots=True)
class FirstFire:
    """The first minute of the nearest episode in which a policy lets a rule fire; or why there is none."""

    minute: datetime | None
    why: str = ""  # where there is no minute

    def as_json(self, asked: datetime) -> dict[str, Any]:
        """For machines; `minutes_from_asked` is negative where it was earlier."""
        away = (self.minute - asked) // MINUTE if self.minute else None
        at = self.minute.isoformat() if self.minute else None
        return {"minute": at, "minutes_from_asked": away, "why": self.why or None}

    def text(self, asked: datetime, zone: ZoneInfo) -> str:
        """For people; the time in `zone`."""
        if self.minute is None:
            return self.why
        away = (self.minute - asked) // MINUTE
        when = "this minute" if not away else f"{abs(away):,} min {'earlier' if away < 0 else 'later'}"
        return f"{moment(self.minute, zone)} ({when})"


def first_fires(
    merchant_rules: Iterable[MerchantRule],
    asked: datetime,
    signals: pl.DataFrame,
    policies: Mapping[datetime, str],
    tuned: Rules,
) -> dict[str, dict[str, FirstFire]]:
    """By rule and policy, when the episode nearest to `asked` would first have fired.

    `signals` (schema SIGNAL) are the merchant's published ones around `asked`, `policies` what each of these
    minutes was judged under. `literal` and `supported` follow from the numbers of any signal; what
    `budgeted` says was only recorded where it was in force.
    """
    rows = signals.sort("minute").to_dicts()
    found: dict[str, dict[str, FirstFire]] = {}
    for rule in merchant_rules:
        if rule.explains is None:
            continue
        of_rule = [row for row in rows if row["rule"] == rule.name]
        fired = {p: _fired(of_rule, p, policies, tuned, rule.explains) for p in POLICIES}
        found[rule.name] = {p: _first(asked, fired[p], p, policies, tuned) for p in POLICIES}
    return found


def _first(
    asked: datetime,
    fired: Sequence[datetime],
    policy: str,
    policies: Mapping[datetime, str],
    tuned: Rules,
) -> FirstFire:
    if policy == "budgeted" and "budgeted" not in policies.values():
        return FirstFire(None, "not recorded: these minutes were judged under another policy")
    lasting = timedelta(minutes=tuned.incident.resolve_after_minutes)
    episodes = list(_episodes(fired, lasting))
    now = [start for start, end in episodes if start <= asked < end + lasting]
    later = [start for start, _ in episodes if start > asked]
    earlier = [start for start, _ in episodes if start <= asked]
    nearest = next(iter([*now, *later[:1], *earlier[-1:]]), None)
    hours = AROUND // timedelta(hours=1)
    return FirstFire(nearest) if nearest else FirstFire(None, f"not within {hours} hours before and after")


def _episodes(minutes: Iterable[datetime], gap: timedelta) -> Iterable[tuple[datetime, datetime]]:
    """First and last minute of each run whose pauses an incident would have outlasted."""
    start = last = None
    for minute in minutes:
        if last is not None and start is not None and minute - last >= gap:
            yield start, last
            start = None
        start, last = start or minute, minute
    if start is not None and last is not None:
        yield start, last


def _fired(
    rows: Sequence[Mapping[str, Any]],
    policy: str,
    policies: Mapping[datetime, str],
    tuned: Rules,
    explains: Explains,
) -> list[datetime]:
    """The minutes at which a policy lets these signals of a rule pass."""
    if policy == "budgeted":
        judged = [row for row in rows if policies.get(row["minute"]) == "budgeted"]
        return [row["minute"] for row in judged if row["reason"] == FIRES]
    raw = [row for row in rows if row["kind"] in (None, RAW)]
    return [row["minute"] for row in raw if policy == "literal" or explains.supported(row, tuned)]
