"""What happened to a merchant, in sentences; each rule says one of these, or one of its own. Pure.

Percentages and ratios are computed from a reason's integers for display only and are cut, not rounded, so
that a number below a threshold is never shown as having reached it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pipeline.figures import clean, duration_text, money, percent, tenths
from pipeline.minute import DAY_MINUTES, HOUR_MINUTES
from pipeline.packs.merchants.schema import CAUSES, COHORT_COLUMNS
from pipeline.packs.merchants.words import WORDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    Reason = Mapping[str, Any]


def _of_merchant(reason: Reason, said: str, usual_window: int, sentence: str, language: str) -> str:
    """The rule's own sentence, with what was seen in another window before it and why it was behind."""
    parts, window = [said], reason.get("window_minutes")
    # The rule's own window says it in its sentence; what was seen in another one is said first.
    if window and window != usual_window:
        parts.insert(0, _window(reason, window, sentence, language))
    if reason.get("cause") in CAUSES:
        parts.append(WORDS[language][reason["cause"]])
    return " ".join([*parts, *_cohorts(reason, WORDS[language]), *_prior(reason, WORDS[language])])


def say_surge(reason: Reason, event: str, language: str) -> str:  # noqa: ARG001 - as every sentence
    """Both rates, and how many times the one the other is."""
    words, names = WORDS[language], ("approvals_hour", "cancels_hour", "approvals_week", "cancels_week")
    n = {name: reason[name] or 0 for name in names}
    ratio = tenths(n["cancels_hour"] * n["approvals_week"], n["cancels_week"] * n["approvals_hour"])
    said = words["surge_no_ratio" if ratio is None else "surge"].format(
        **{name: f"{value:,}" for name, value in n.items()},
        rate_hour=percent(n["cancels_hour"], n["approvals_hour"], words["unknown"]),
        rate_week=percent(n["cancels_week"], n["approvals_week"], words["unknown"]),
        ratio=ratio,
    )
    return _of_merchant(reason, said, HOUR_MINUTES, "surge_window", language)


def say_drop(reason: Reason, event: str, language: str) -> str:  # noqa: ARG001 - as every sentence
    """What today is, and what it usually is by this time."""
    words = WORDS[language]
    today, paced, days = (reason[name] or 0 for name in ("amount_today", "amount_paced", "days"))
    missing = paced - days * today
    said = words["drop" if paced > 0 and missing >= 0 else "drop_no_ratio"].format(
        today=money(today, language),
        days=days,
        paced=money(paced // days, language) if days else words["unknown"],
        daily=money((reason["amount_days"] or 0) // days, language) if days else words["unknown"],
        drop=percent(missing, paced, words["unknown"]),
    )
    return _of_merchant(reason, said, DAY_MINUTES, "drop_window", language)


def _platform(reason: Reason, event: str, language: str, *, cancels: bool) -> str:
    words, names = (
        WORDS[language],
        ("expected_window", "approvals_window", "cancels_window", "window_minutes"),
    )
    usual, approvals, cancelled, window = (reason[name] or 0 for name in names)
    now = cancelled if cancels else approvals
    nothing = approvals + cancelled == 0
    what = words["cancels" if cancels else "silence" if nothing else "outage"].format(
        window=window,
        now=f"{now:,}",
        usual=f"{usual:,}",
        drop=percent(usual - now, usual, words["unknown"]),
        ratio=tenths(now, usual) or words["unknown"],
    )
    count = reason.get("merchants_held") or 0
    held = "released" if event == "resolved" else "held_count" if count else "held"
    return f"{what} {words[held].format(count=f'{count:,}')}"


def say_outage(reason: Reason, event: str, language: str) -> str:
    """How many approvals are left, and what becomes of merchants' own incidents."""
    return _platform(reason, event, language, cancels=False)


def say_cancels(reason: Reason, event: str, language: str) -> str:
    """How many times the usual cancels, and what becomes of merchants' own incidents."""
    return _platform(reason, event, language, cancels=True)


def _prior(reason: Reason, words: Mapping[str, str]) -> list[str]:
    """Which rate the verdict rests on, where that is not the merchant's own."""
    prior, per_100k = reason.get("prior"), reason.get("prior_cancels_per_100k")
    if prior not in ("category", "all") or per_100k is None:
        return []
    category = clean(reason.get("category") or "") or "?"
    rate = percent(per_100k, 100_000, words["unknown"])
    return [words[f"prior_{prior}"].format(category=f"`{category}`", rate=rate)]


def _cohorts(reason: Reason, words: Mapping[str, str]) -> list[str]:
    """The cancels by the age of their approval, beside the rate by the calendar; nothing where not known."""
    n = {name: reason[name] for name in COHORT_COLUMNS if reason.get(name) is not None}
    if len(n) < len(COHORT_COLUMNS):
        return []
    ratio = tenths(n["cancels_fresh"] + n["cancels_older"], n["expected_fresh"] + n["expected_older"])
    said = words["cohorts_no_ratio" if ratio is None else "cohorts"]
    return [said.format(**{name: f"{number:,}" for name, number in n.items()}, ratio=ratio)]


def _window(reason: Reason, minutes: int, sentence: str, language: str) -> str:
    return WORDS[language][sentence].format(
        window=duration_text(timedelta(minutes=minutes), language),
        approvals=f"{reason.get('approvals_window') or 0:,}",
        cancels=f"{reason.get('cancels_window') or 0:,}",
        usual=f"{reason.get('expected_window') or 0:,}",
    )
