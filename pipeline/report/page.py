"""A report as one HTML file: its sections, the pictures' program and data, the seal. Nothing is fetched."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import structlog
from plotly.offline import get_plotlyjs

from pipeline.figures import span_text
from pipeline.packs import load_pack
from pipeline.report.about import INCIDENT
from pipeline.report.facts import Facts
from pipeline.report.html import Html, join, tag
from pipeline.report.seal import seal
from pipeline.report.sections import OF_INCIDENT, SECTIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.report.gathered import Gathered
    from pipeline.report.published import Published
    from pipeline.settings import Settings

log = structlog.get_logger()

_HERE: Final = Path(__file__).parent


def compose(settings: Settings, gathered: Gathered, published: Published, names: Mapping[str, str]) -> bytes:
    """The file. A section that fails says so in its place; `names` are those of `Published.entities`."""
    pack = load_pack(settings.pack)
    facts = Facts(pack, gathered, published, names)
    keys = OF_INCIDENT if gathered.about.kind == INCIDENT else tuple(SECTIONS)
    sections = join(_section(facts, key) for key in keys)
    drawing = (_HERE / "draw.js").read_text(encoding="utf-8")
    body = join([_head(facts), _contents(facts, keys), sections, facts.scripts()])
    page = (
        f'<!doctype html><html lang="{gathered.language}"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy(drawing)}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>minuterisk · {_title(facts)}</title>"
        f"<style>{(_HERE / 'style.css').read_text(encoding='utf-8')}</style></head><body>{body}"
        f"<script>{get_plotlyjs()}</script><script>{drawing}</script>"
    )
    return seal(page, settings, _sealed(pack.name, facts), gathered.statements).encode()


@cache
def policy(drawing: str) -> str:
    """What the file may do in a browser: run the two scripts in it, and reach nothing."""
    hashes = (hashlib.sha256(script.encode()).digest() for script in (get_plotlyjs(), drawing))
    allowed = " ".join(f"'sha256-{base64.b64encode(one).decode()}'" for one in hashes)
    parts = ("default-src 'none'", f"script-src {allowed}", "style-src 'unsafe-inline'")
    return "; ".join((*parts, "img-src data: blob:", "base-uri 'none'", "form-action 'none'"))


def _section(facts: Facts, key: str) -> Html:
    try:
        return SECTIONS[key](facts)
    except Exception as error:
        log.exception("report.section_failed", section=key, about=facts.gathered.about.key)
        return facts.section(key, facts.note("failed", what=type(error).__name__))


def _title(facts: Facts) -> str:
    about = facts.gathered.about
    return facts.text(f"title.{about.kind}", key=about.key, number=about.incident_id)


def _head(facts: Facts) -> Html:
    gathered = facts.gathered
    start, end = (facts.moment(moment) for moment in (gathered.about.span.start, gathered.about.span.end))
    written = facts.text(
        "written",
        at=facts.moment(gathered.written_at),
        version=gathered.publication.version,
        installation=gathered.installation,
    )
    parts = [
        tag("h1", _title(facts)),
        tag("p", facts.text("period", start=start, end=end)),
        tag("p", written, cls="note"),
        facts.note("unit", currency=gathered.currency),
    ]
    if not gathered.whole:
        ends = (facts.moment(moment) for moment in (gathered.span.start, gathered.span.end))
        parts.append(facts.note("cut", **dict(zip(("start", "end"), ends, strict=True))))
    if not gathered.named:
        parts.append(facts.note("masked"))
    return tag("header", *parts)


def _contents(facts: Facts, keys: tuple[str, ...]) -> Html:
    lines = (tag("li", tag("a", facts.text(key), href=f"#{key}")) for key in keys)
    return tag("nav", tag("ol", *lines), aria_label=facts.text("contents"))


def _sealed(pack: str, facts: Facts) -> dict[str, Any]:
    gathered = facts.gathered
    return {
        "pack": pack,
        "about": gathered.about.key,
        "period": span_text(gathered.span, gathered.zone),
        "installation": gathered.installation,
        "written_at": gathered.written_at.isoformat(),
        "version": gathered.publication.version,
        "proof": dict(facts.published.proof),
    }
