"""Why not, and when: how far each window was from its evidence, and when a rule would first have fired.

Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from baselines.facts import UNKNOWN
from pipeline.figures import moment
from pipeline.minute import MINUTE
from pipeline.packs.merchants.judge import CANCEL_SURGE, FIRES, VOLUME_DROP
from pipeline.packs.merchants.surge_windows import find_collapses, find_drops, judge_spans
from pipeline.schema import PRIORS
from pipeline.settings import POLICIES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime
    from zoneinfo import ZoneInfo

    import polars as pl

    from baselines.merchants.rules import Rules
    from pipeline.packs.merchants.compare import Comparison, WindowNumbers
    from pipeline.packs.merchants.surge_windows import Found

#: So far to both sides of a minute the published signals are searched.
SEARCHED: Final = timedelta(hours=24)
#: A merchant that lacks more cancels than this lacks an incident.
_MOST_MISSING: Final = 4096


@dataclass(frozen=True, slots=True)
class Window:
    """What one window of the policy `budgeted` says about a merchant; counts of approvals or of cancels."""

    minutes: int
    against: str  # what it is compared with
    counted: str  # what is compared: "cancels" or "approvals"
    count: int
    expected: int
    evidence: int
    evidence_needed: int
    passed: bool
    missing: int | None = None  # so many more cancels in it would have passed; null: not a matter of a few
    prior: str | None = None  # of cancels: what the baseline mostly rests on
    category: str | None = None  # where it is known
    prior_cancels_per_100k: int | None = None

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    def __str__(self) -> str:
        share = f"evidence {self.evidence:,} of {self.evidence_needed:,} needed"
        more = f", {self.missing:,} more cancels would have passed" if self.missing else ""
        said = f"{'passes' if self.passed else f'does not pass{more}'}{self._rests_on()}"
        return (
            f"{self.minutes:>5} min against {self.against:<17}{self.count:,} {self.counted}, "
            f"usual {self.expected:,}: {share}; {said}"
        )

    def _rests_on(self) -> str:
        if self.prior in (None, "own") or self.prior_cancels_per_100k is None:
            return ""
        of = f"its category {self.category!r}" if self.prior == "category" else "all merchants"
        thousandths = self.prior_cancels_per_100k
        return f"; little history: rests on the rate of {of}, {thousandths // 1000}.{thousandths % 1000:03} %"


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


def windows_of(comparison: Comparison, position: int, rules: Rules) -> dict[str, list[Window]]:
    """By rule, what each window says about the merchant at `position`, which every one has looked at."""
    surge = [_surge_window(span, comparison, position, rules) for span in comparison.spans]
    drop = []
    day = _one(comparison.drop, position)
    if len(day.positions) and day.days:
        drop.append(_window(find_drops(day, rules), "like days", "approvals"))
    if comparison.hours is not None and len(comparison.hours.approvals_like):
        hour = _one(comparison.hours, position)
        if len(hour.positions):
            drop.append(_window(find_collapses(hour, rules), "like days", "approvals"))
    return {CANCEL_SURGE: sorted(surge, key=lambda w: w.minutes), VOLUME_DROP: drop}


def _surge_window(span: WindowNumbers, comparison: Comparison, position: int, rules: Rules) -> Window:
    one, windows = _one(span, position), len(comparison.spans)
    against = "the hours before" if span.local else "the week"
    found = judge_spans([one], windows, comparison.portfolio, rules)
    window = _with_prior(_window(found, against, "cancels"), found, comparison)
    if window.passed:
        return window
    # The same window with one more cancel, two more, ...: each is judged as if it were a merchant of its own.
    more = np.arange(1, _MOST_MISSING + 1)
    tried = _repeated(one, len(more))
    tried = replace(tried, positions=more, cancels=tried.cancels + more)
    few = tried.cancels < rules.cancel_surge.minimum_cancels_hour
    enough = np.flatnonzero(judge_spans([tried], windows, comparison.portfolio, rules).passed & ~few)
    return replace(window, missing=int(more[enough[0]]) if len(enough) else None)


def _with_prior(window: Window, found: Found, comparison: Comparison) -> Window:
    code = int(found.category[0])
    return replace(
        window,
        prior=PRIORS[int(found.prior[0])],
        category=None if code == UNKNOWN else comparison.portfolio.categories[code],
        prior_cancels_per_100k=int(found.prior_cancels_per_100k[0]),
    )


def _window(found: Found, against: str, counted: str) -> Window:
    count = found.cancels_window if counted == "cancels" else found.approvals_window
    return Window(
        int(found.window_minutes[0]),
        against,
        counted,
        int(count[0]),
        int(found.expected_window[0]),
        int(found.evidence[0]),
        int(found.evidence_needed[0]),
        bool(found.passed[0]),
    )


def _one(numbers: Any, position: int) -> Any:  # noqa: ANN401 - WindowNumbers, DropNumbers or HourNumbers, as given
    """The row of one merchant, or none."""
    return _rows(numbers, np.flatnonzero(numbers.positions == position))


def _repeated(numbers: WindowNumbers, times: int) -> WindowNumbers:
    repeated: WindowNumbers = _rows(numbers, np.zeros(times, np.int64))
    return repeated


def _rows(numbers: Any, rows: Any) -> Any:  # noqa: ANN401 - the same
    given = ((f.name, getattr(numbers, f.name)) for f in fields(numbers))
    return replace(numbers, **{name: a[..., rows] for name, a in given if isinstance(a, np.ndarray)})


def first_fires(
    asked: datetime, signals: pl.DataFrame, policies: Mapping[datetime, str], rules: Rules
) -> dict[str, dict[str, FirstFire]]:
    """By rule and policy, when the episode nearest to `asked` would first have fired.

    `signals` (schema SIGNAL) are the merchant's published ones around `asked`, `policies` what each of these
    minutes was judged under. `literal` and `supported` follow from the numbers of any signal; what
    `budgeted` says was only recorded where it was in force.
    """
    rows = signals.sort("minute").to_dicts()
    found: dict[str, dict[str, FirstFire]] = {}
    for rule in (CANCEL_SURGE, VOLUME_DROP):
        of_rule = [row for row in rows if row["rule"] == rule]
        found[rule] = {policy: _first(asked, of_rule, policy, policies, rules) for policy in POLICIES}
    return found


def _first(
    asked: datetime,
    rows: Sequence[Mapping[str, Any]],
    policy: str,
    policies: Mapping[datetime, str],
    rules: Rules,
) -> FirstFire:
    if policy == "budgeted" and "budgeted" not in policies.values():
        return FirstFire(None, "not recorded: these minutes were judged under another policy")
    fired = [row["minute"] for row in rows if _fires(row, policy, policies, rules)]
    episodes = list(_episodes(fired, timedelta(minutes=rules.incident.resolve_after_minutes)))
    lasting = timedelta(minutes=rules.incident.resolve_after_minutes)
    now = [start for start, end in episodes if start <= asked < end + lasting]
    later = [start for start, _ in episodes if start > asked]
    earlier = [start for start, _ in episodes if start <= asked]
    nearest = next(iter([*now, *later[:1], *earlier[-1:]]), None)
    hours = SEARCHED // timedelta(hours=1)
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


def _fires(row: Mapping[str, Any], policy: str, policies: Mapping[datetime, str], rules: Rules) -> bool:
    if policy == "budgeted":
        return policies.get(row["minute"]) == "budgeted" and row["reason"] == FIRES
    raw = row["kind"] in (None, "rule")
    if policy == "literal":
        return raw
    surge, drop = rules.cancel_surge, rules.volume_drop
    if row["rule"] == CANCEL_SURGE:
        few = row["cancels_hour"] < surge.minimum_cancels_hour
        return raw and not few and row["approvals_week"] >= surge.minimum_approvals_week
    return raw and row["amount_paced"] >= row["days"] * drop.minimum_expected_amount
