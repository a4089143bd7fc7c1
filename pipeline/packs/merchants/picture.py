"""The picture of an incident: the last day of one merchant, or of all, beside what is usual. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import polars as pl

from pipeline.minute import HOUR_MINUTES, MINUTE
from pipeline.pack import COUNT, MONEY, SHARE, Chart, Curve, Panel, Threshold
from pipeline.packs.merchants.words import WORDS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, timedelta

    from baselines.merchants.rules import Rules

#: The rules that are about cancels; the others are about what is sold.
OF_CANCELS: Final = ("cancel_surge", "platform_cancels")
DAYS: Final = 7


def picture(
    rule: str, reason: Mapping[str, Any], rows: pl.DataFrame, shown_from: datetime, language: str
) -> Chart | None:
    """Hours that end with each step: of cancels their rate and number, of sales their amount and number.

    `rows`: a row per step with `start` and the counts, in order and without a gap. None: nothing to show.
    """
    step = _step(rows)
    if step is None:
        return None
    hours = _of_hours(rows, step)
    shown = hours.filter(pl.col("start") >= shown_from)
    if not (shown["approval_count"] + shown["cancel_count"]).fill_null(0).gt(0).any():
        return None
    words, usual = WORDS[language], _usual(hours, shown)
    if rule in OF_CANCELS:
        panels = [
            _rates(shown, hours, reason, shown_from, language),
            _panel(shown, usual, "cancel_count", words),
        ]
    else:
        panels = [_panel(shown, usual, name, words) for name in ("approval_amount", "approval_count")]
    return Chart(shown["start"].to_list(), step, panels)


def thresholds(rule: str, reason: Mapping[str, Any], tuned: Rules, language: str) -> Sequence[Threshold]:
    """Of a surge of cancels: so many times the week's rate. The other rules compare what no panel shows."""
    cancels, approvals = reason.get("cancels_week"), reason.get("approvals_week")
    if (
        rule != "cancel_surge"
        or not isinstance(cancels, int)
        or not isinstance(approvals, int)
        or approvals < 1
    ):
        return ()
    factor = tuned.cancel_surge.factor
    label = WORDS[language]["picture_threshold"].format(factor=factor)
    return (Threshold(0, label, factor * cancels / approvals),)


def _step(rows: pl.DataFrame) -> timedelta | None:
    first = rows["start"].head(2).to_list()
    return first[1] - first[0] if len(first) > 1 else None


def _of_hours(rows: pl.DataFrame, step: timedelta) -> pl.DataFrame:
    """Sums of the hour that ends with each step; null where the hour began before the first row."""
    size = HOUR_MINUTES * MINUTE // step
    sums = [
        pl.col(name).rolling_sum(size)
        for name in ("approval_count", "cancel_count", "approval_amount", "cancel_amount")
    ]
    return rows.select("start", *sums)


def _usual(hours: pl.DataFrame, shown: pl.DataFrame) -> pl.DataFrame:
    """The average of the same hours of the days before, of those that are known; null where none is."""
    days = pl.concat(
        [hours.with_columns(pl.col("start") + pl.duration(days=back)) for back in range(1, DAYS + 1)]
    )
    means = days.group_by("start").agg(pl.exclude("start").mean())
    return shown.select("start").join(means, on="start", how="left", maintain_order="left")


def _rates(
    shown: pl.DataFrame,
    hours: pl.DataFrame,
    reason: Mapping[str, Any],
    shown_from: datetime,
    language: str,
) -> Panel:
    words = WORDS[language]
    rate = shown.select(_share("cancel_count", "approval_count"))["share"].to_list()
    curves = [Curve(words["picture_now"], rate)]
    week = _week_rate(reason, hours, shown_from)
    if week is not None:
        curves.insert(0, Curve(words["picture_week"], [week] * len(rate), usual=True))
    return Panel(words["picture_rate"], SHARE, curves)


def _week_rate(reason: Mapping[str, Any], hours: pl.DataFrame, shown_from: datetime) -> float | None:
    """The rate that it was judged against; else that of the days before."""
    cancels, approvals = reason.get("cancels_week"), reason.get("approvals_week")
    if not isinstance(cancels, int) or not isinstance(approvals, int):
        before = hours.filter(pl.col("start") < shown_from)
        cancels, approvals = (int(before[name].sum() or 0) for name in ("cancel_count", "approval_count"))
    return cancels / approvals if approvals else None


def _panel(shown: pl.DataFrame, usual: pl.DataFrame, name: str, words: Mapping[str, str]) -> Panel:
    curves = [Curve(words["picture_now"], shown[name].to_list())]
    if usual[name].is_not_null().any():
        curves.insert(0, Curve(words["picture_usual"], usual[name].to_list(), usual=True))
    return Panel(words[f"picture_{name}"], MONEY if name == "approval_amount" else COUNT, curves)


def _share(part: str, whole: str) -> pl.Expr:
    """A ratio of sums; null, never NaN, where there is nothing to divide by."""
    return (pl.col(part) / pl.when(pl.col(whole) > 0).then(pl.col(whole))).alias("share")
