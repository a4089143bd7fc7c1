"""A backtest as one HTML file: the numbers side by side, and pictures of incidents and delays."""

from __future__ import annotations

from html import escape
from itertools import cycle
from typing import TYPE_CHECKING, Any, Final

import plotly.graph_objects as go
from plotly.io import to_html

from pipeline.figures import clean
from pipeline.minute import business_date, split_by_day
from pipeline.replay.score import rules_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from zoneinfo import ZoneInfo

    from pipeline.replay.backtest import Run

_COLOURS: Final = ("#1f5fbf", "#d97706", "#15803d", "#9333ea", "#64748b", "#be123c")
_TEXTS: Final = {
    "ko": {
        "title": "백테스트",
        "intro": "실시간과 같은 함수로 다시 판정했습니다. 아무것도 보내거나 저장하지 않았습니다.",
        "per_day": "일별 사건 수",
        "steps": "신호에서 알림까지",
        "signals": "신호",
        "incidents": "사건",
        "notices": "알림",
        "when": "사건이 열린 시각과 평소와의 차이",
        "times": "평소의 몇 배 (급감은 몇 분의 1)",
        "delay": "라벨이 시작된 뒤 사건이 열릴 때까지 (분)",
        "share": "찾은 라벨의 비율",
        "numbers": "숫자",
    },
    "en": {
        "title": "Backtest",
        "intro": "Judged again through the same functions as live. Nothing was sent or stored.",
        "per_day": "Incidents a day",
        "steps": "From signals to messages",
        "signals": "signals",
        "incidents": "incidents",
        "notices": "messages",
        "when": "When incidents opened, and how far from usual",
        "times": "times the usual (drops: one in so many)",
        "delay": "Minutes from the start of a label to its incident",
        "share": "share of labels found",
        "numbers": "Numbers",
    },
}
_SYMBOLS: Final = ("circle", "triangle-down", "square", "diamond", "cross", "star")
_STYLE: Final = """
body { font-family: system-ui, "Noto Sans KR", "Noto Sans CJK KR", sans-serif; color: #111827 }
body { max-width: 1100px; margin: 2rem auto; padding: 0 1rem }
h1 { margin-bottom: .2rem } p { color: #4b5563; margin-top: 0 }
table { border-collapse: collapse; font-variant-numeric: tabular-nums }
td, th { padding: .25rem .9rem; border-bottom: 1px solid #e5e7eb; text-align: right }
td:first-child, th:first-child { text-align: left }
"""


def write_report(
    path: Path, runs: Sequence[Run], content: Sequence[Mapping[str, Any]], language: str, zone: ZoneInfo
) -> None:
    """Write the report of one or more runs over the same period; raises OSError where it cannot.

    `content` is each run's summary (`Run.as_json`). No file of signals is read: they are gone by now.
    """
    pack = runs[0].result.pack
    texts = {**pack.words[language], **_TEXTS[language]}
    pictures = [_per_day(runs, texts, zone), _steps(runs, texts), _when(runs, texts, zone)]
    if any(run.score is not None for run in runs):
        pictures.append(_delays(runs, texts))
    drawn = [
        to_html(picture, full_html=False, include_plotlyjs=not n, config={"displaylogo": False})
        for n, picture in enumerate(pictures)
    ]
    span = runs[0].result.span
    ends = (moment.astimezone(zone).strftime("%Y-%m-%d %H:%M") for moment in (span.start, span.end))
    body = f"<h1>{texts['title']}</h1><p>{' – '.join(ends)} ({zone}). {texts['intro']}</p>"
    page = (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8"><title>minuterisk · '
        f"{texts['title']}</title><style>{_STYLE}</style></head><body>{body}{''.join(drawn)}"
        f"<h2>{texts['numbers']}</h2>{_table(runs, content)}</body></html>"
    )
    path.write_text(page, encoding="utf-8")


def _name(run: Run, runs: Sequence[Run]) -> str:
    several = len({other.rules for other in runs}) > 1
    return f"{run.result.policy} · {run.rules.rpartition('/')[2]}" if several else run.result.policy


def _layout(title: str) -> dict[str, object]:
    return {"title": title, "template": "plotly_white", "height": 380, "margin": {"l": 60, "r": 20, "b": 50}}


def _per_day(runs: Sequence[Run], texts: Mapping[str, str], zone: ZoneInfo) -> go.Figure:
    figure = go.Figure(layout={**_layout(texts["per_day"]), "barmode": "group"})
    days = [business_date(day.start, zone) for day in split_by_day(runs[0].result.span, zone)]
    for run, colour in zip(runs, _repeat(len(runs)), strict=True):
        opened = [business_date(incident.opened_minute, zone) for incident in run.result.opened]
        figure.add_bar(
            x=[day.isoformat() for day in days],
            y=[opened.count(day) for day in days],
            name=_name(run, runs),
            marker_color=colour,
        )
    figure.update_xaxes(type="category")
    return figure


def _steps(runs: Sequence[Run], texts: Mapping[str, str]) -> go.Figure:
    figure = go.Figure(layout={**_layout(texts["steps"]), "barmode": "group"})
    for run, colour in zip(runs, _repeat(len(runs)), strict=True):
        result = run.result
        counts = [result.replayed.raw.total(), len(result.opened), sum(result.notices.values())]
        figure.add_bar(
            x=[texts["signals"], texts["incidents"], texts["notices"]],
            y=counts,
            text=[f"{n:,}" for n in counts],
            name=_name(run, runs),
            marker_color=colour,
        )
    figure.update_yaxes(type="log")  # nobody could see five incidents beside a million signals
    return figure


def _when(runs: Sequence[Run], texts: Mapping[str, str], zone: ZoneInfo) -> go.Figure:
    figure = go.Figure(layout=_layout(texts["when"]))
    pack = runs[0].result.pack
    for run, colour in zip(runs, _repeat(len(runs)), strict=True):
        for rule, symbol in zip(rules_of(pack), cycle(_SYMBOLS), strict=False):
            opened = [incident for incident in run.result.opened if incident.rule == rule]
            figure.add_scattergl(
                x=[incident.opened_minute.astimezone(zone).replace(tzinfo=None) for incident in opened],
                y=[pack.deviation(rule, i.reason) if pack.deviation else 1.0 for i in opened],
                text=[f"{texts['entity']} {clean(incident.entity_id)}" for incident in opened],
                mode="markers",
                marker={"color": colour, "symbol": symbol, "size": 8, "opacity": 0.7},
                name=f"{_name(run, runs)}, {texts[rule]}",
            )
    figure.update_yaxes(title=texts["times"], type="log")
    return figure


def _delays(runs: Sequence[Run], texts: Mapping[str, str]) -> go.Figure:
    figure = go.Figure(layout=_layout(texts["delay"]))
    for run, colour in zip(runs, _repeat(len(runs)), strict=True):
        if run.score is None or not run.score.detections:
            continue
        delays = run.score.delays()
        share = [n / len(run.score.detections) for n in range(1, len(delays) + 1)]
        figure.add_scatter(
            x=delays,
            y=share,
            name=_name(run, runs),
            line={"shape": "hv", "color": colour},
            mode="lines+markers",
        )
    figure.update_yaxes(title=texts["share"], range=[0, 1.02], tickformat=".0%")
    figure.update_xaxes(rangemode="tozero")
    return figure


def _table(runs: Sequence[Run], content: Sequence[Mapping[str, Any]]) -> str:
    flat = [{k: v for k, v in one.items() if k != "score"} | one.get("score", {}) for one in content]
    head = "".join(f"<th>{escape(_name(run, runs))}</th>" for run in runs)
    names = [name for name in flat[0] if name not in ("signals_sha256", "from", "to")]
    cells = {name: "".join(f"<td>{escape(_shown(one.get(name)))}</td>" for one in flat) for name in names}
    rows = [f"<tr><td>{escape(name)}</td>{cells[name]}</tr>" for name in names]
    return f"<table><tr><th></th>{head}</tr>{''.join(rows)}</table>"


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_shown(part)}" for name, part in value.items()) or "–"
    if isinstance(value, int | float):
        return f"{value:,}"
    return "–" if value is None else str(value)


def _repeat(count: int) -> list[str]:
    return [_COLOURS[n % len(_COLOURS)] for n in range(count)]
