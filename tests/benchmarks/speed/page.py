"""One page of all measurements of speed: `python -m tests.benchmarks.speed.page [FOLDER]`.

The folder holds NAME.json of each, as it was printed; the page is its index.html, with the pictures' program
in it, so that nothing is fetched. What is missing in the folder is missing on the page. Load and processor
time stand beside every figure, the machine below each table.
"""

from __future__ import annotations

import argparse
import json
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import plotly.graph_objects as go
from plotly.io import to_html

from pipeline.settings import PROJECT
from tests.benchmarks.speed.taken import said

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    Content = Mapping[str, Any]

FOLDER: Final = PROJECT / "data" / "reports" / "benchmarks"
_COLOURS: Final = ("#1f5fbf", "#d97706", "#15803d", "#9333ea", "#64748b", "#be123c")
_STYLE: Final = """
body { font-family: system-ui, sans-serif; color: #111827 }
body { max-width: 1100px; margin: 2rem auto; padding: 0 1rem }
p { color: #4b5563 } table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: 1rem 0 }
td, th { padding: .25rem .8rem; border-bottom: 1px solid #e5e7eb; text-align: right }
td:first-child, th:first-child { text-align: left }
"""


def write_page(folder: Path) -> Path:
    """Write the page of what the folder holds, and give its path."""
    found = {name: json.loads((folder / f"{name}.json").read_text("utf-8")) for name in _there(folder)}
    parts, first = list[str](), True
    for name, content in found.items():
        figures, rows, note = SECTIONS[name](content)
        parts.append(f"<h2>{escape(_TITLES[name])}</h2><p>{escape(note)}</p>")
        for figure in figures:
            parts.append(to_html(figure, full_html=False, include_plotlyjs=first, config=_CONFIG))
            first = False
        parts += [_table(rows), _machine(content)]
    text = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>minuterisk · speed</title>'
        f"<style>{_STYLE}</style></head><body><h1>Speed</h1>"
        "<p>Milliseconds. Times by the clock mean little under load; processor time is steadier.</p>"
        f"{''.join(parts)}</body></html>"
    )
    path = folder / "index.html"
    path.write_text(text, encoding="utf-8")
    return path


def _there(folder: Path) -> list[str]:
    return [name for name in SECTIONS if (folder / f"{name}.json").is_file()]


def _floor(content: Content) -> tuple[list[go.Figure], list[list[object]], str]:
    """The tick beside the bare fetches, and its steps."""
    taken, steps, cpu = content["taken"], content["steps"], content["steps_cpu"]
    series = {
        "by the clock": [one["wall_ms"] for one in taken.values()],
        "our processor time": [one["client_ms"] for one in taken.values()],
        "the server's": [one["server_ms"] for one in taken.values()],
    }
    floor = taken["floor"]["wall_ms"]
    rows: list[list[object]] = [["", "wall", "ours", "server", "load", "× floor"]]
    rows += [[n, *_cells(one), f"{one['wall_ms'] / floor:.2f}"] for n, one in taken.items()]
    rows += [[f"tick: {n}", ms, cpu.get(n, ""), "", "", f"{ms / floor:.2f}"] for n, ms in steps.items()]
    note = (
        f"{content['rows']:,} rows of {content['merchants']:,} merchants, {content['history_days']} days of "
        f"history. Floor: a binary COPY by {content['floor_by']} that nobody reads. The tick is "
        f"{content['ratio_floor']:.2f} times the floor, {content['ratio']:.2f} times the bare fetch."
    )
    by_step = {"by the clock": list(steps.values()), "our processor time": [cpu.get(n, 0) for n in steps]}
    pictures = [_bars("The tick and the bare fetch", list(taken), series)]
    return [*pictures, _bars("The steps of the tick", list(steps), by_step)], rows, note


def _against(content: Content) -> tuple[list[go.Figure], list[list[object]], str]:
    """Ratios to older commits."""
    against, now = content["against"], content["now"]
    names = list(dict.fromkeys([*now, *(n for one in against.values() for n in one["figures"])]))
    series = {f"now / {name}": [one["ratios"].get(n) for n in names] for name, one in against.items()}
    rows: list[list[object]] = [["", "now", *(cell for name in against for cell in (name, "ratio"))]]
    for n in names:
        cells = (c for one in against.values() for c in (one["figures"].get(n, ""), one["ratios"].get(n, "")))
        rows.append([n, now.get(n, ""), *cells])
    same = ", ".join(f"{one['same_signals']} as {name}" for name, one in against.items())
    note = (
        f"In turns over {content['ticks']} minutes with {content['history_days']} days of history; load "
        f"{content['load']}. Minutes with the same signals: {same}."
    )
    return [_bars("This tree over older commits (below 1 is less)", names, series)], rows, note


def _growth(content: Content) -> tuple[list[go.Figure], list[list[object]], str]:
    """Processor time by size, and memory."""
    steps = ("aggregate", "add", "judge", "money")
    cases = [(case, rows, t) for case in content["cases"] for rows, t in case["ticks"].items()]
    names = [_size(case, int(rows)) for case, rows, _ in cases]
    series = {step: [taken.get(step, 0.0) for *_, taken in cases] for step in steps}
    rows: list[list[object]] = [["case", *steps, "tick without money", "load"]]
    rows += [
        [name, *(taken.get(step, "") for step in steps), taken["tick"], case["load"]]
        for name, (case, _, taken) in zip(names, cases, strict=True)
    ]
    rows.append(["memory", "rows held", "slices MB", "bytes a row", "windows MB", "process MB", "fill ms"])
    kept = ("rows_held", "slices_mb", "bytes_a_row", "windows_mb", "rss_mb", "fill_cpu_ms")
    rows += [[_size(case, None), *(case[name] for name in kept)] for case in content["cases"]]
    longer = [one["longer"] for one in content["cases"] if "longer" in one]
    note = "Processor time of a tick without extract and commit. " + " ".join(
        f"{one['days']} days of history beside 8, in turns: {one['ratio']} times." for one in longer
    )
    pictures = [_bars("Processor time of a tick", names, series, stacked=True)]
    return [*pictures, *(_flat(one["flat"]) for one in content["cases"] if "flat" in one)], rows, note


def _flat(series: Sequence[Content]) -> go.Figure:
    figure = go.Figure(layout=_layout("Memory over the ticks, MB"))
    for name, of in (("process", "rss_mb"), ("beside windows and book", "beside_mb")):
        figure.add_scatter(x=[one["tick"] for one in series], y=[one[of] for one in series], name=name)
    return figure


def _peers(content: Content) -> tuple[list[go.Figure], list[list[object]], str]:
    """Everybody's answer to the one question."""
    peers = content["peers"]
    keys = ("wall_ms", "client_ms", "server_ms", "load", "cpu_ratio", "rss_mb", "setup_s", "same")
    rows: list[list[object]] = [["", "wall", "ours", "server", "load", "× cpu", "MB", "set-up s", "same"]]
    rows += [[one["name"], *(one[key] for key in keys)] for one in peers]
    series = {"by the clock": [one["wall_ms"] for one in peers], "cpu": [one["cpu_ms"] for one in peers]}
    figure = _bars("The literal cancel rule, ms", [one["name"] for one in peers], series)
    figure.update_yaxes(type="log")
    note = (
        f"From the raw rows of a closed minute ({content['rows']:,}) to a list of merchants, after 7 "
        f"days of {content['per_day']:,}. We slide all our windows in that time. The others keep two sums: "
        "nothing of theirs survives a crash, corrects late rows, holds a budget of false alarms or says why."
    )
    return [figure], rows, note


def _shards(content: Content) -> tuple[list[go.Figure], list[list[object]], str]:
    """One process beside shards; then whatever else that measurement lists, each list with its own head."""
    installations, rows = content["installations"], list[list[object]]()
    for listed in (v for v in content.values() if isinstance(v, list)):
        keys = list(dict.fromkeys(key for one in listed for key in one))
        rows += [keys, *([one.get(key, "") for key in keys] for one in listed)]
    names = [one["installation"] for one in installations]
    series = {
        name: [one[key] for one in installations]
        for name, key in (("by the clock", "wall_ms"), ("ours", "client_ms"), ("server", "server_ms"))
    }
    plain = {k: v for k, v in content.items() if not isinstance(v, dict | list)}
    note = ", ".join(f"{name} {value}" for name, value in plain.items())
    return [_bars("The same minutes by one process and by shards, ms", names, series)], rows, note


SECTIONS: Final = {
    "quick": _floor,
    "against": _against,
    "growth": _growth,
    "peers": _peers,
    "shards": _shards,
}
_TITLES: Final = {
    "quick": "A tick and the floor",
    "against": "Beside older commits",
    "growth": "Growth",
    "peers": "Peers",
    "shards": "Shards",
}
_CONFIG: Final = {"displaylogo": False}


def _bars(
    title: str, names: Sequence[str], series: Mapping[str, Sequence[object]], *, stacked: bool = False
) -> go.Figure:
    figure = go.Figure(layout={**_layout(title), "barmode": "stack" if stacked else "group"})
    for (name, values), colour in zip(series.items(), _COLOURS * len(series), strict=False):
        figure.add_bar(x=list(names), y=list(values), name=name, marker_color=colour)
    return figure


def _layout(title: str) -> dict[str, object]:
    return {"title": title, "template": "plotly_white", "height": 420, "margin": {"l": 60, "r": 20, "b": 110}}


def _size(case: Content, rows: int | None) -> str:
    held = f"{case['merchants']:,} merchants, {case['days']} d × {case['per_day']:,}"
    return held if rows is None else f"{held}, {rows:,} rows"


def _cells(one: Content) -> list[object]:
    return [one[key] for key in ("wall_ms", "client_ms", "server_ms", "load")]


def _table(rows: Iterable[Sequence[object]]) -> str:
    lines = (f"<tr>{''.join(f'<td>{escape(_shown(cell))}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table>{''.join(lines)}</table>"


def _shown(cell: object) -> str:
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    return f"{cell:,}" if isinstance(cell, int | float) else str(cell)


def _machine(content: Content) -> str:
    return f"<p>{escape(said(content['machine']))}</p>" if content.get("machine") else ""


def main() -> None:
    """Write the page of a folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER)
    print(write_page(parser.parse_args().folder))


if __name__ == "__main__":
    main()
