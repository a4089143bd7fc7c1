"""Who moved most: sums of the period against the days before, of each number that the pack names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.pack import MONEY
from pipeline.report.about import DAY, DAYS
from pipeline.report.html import join, table, tag

if TYPE_CHECKING:
    from pipeline.report.facts import Facts
    from pipeline.report.html import Html
    from pipeline.report.published import Mover


def movers(facts: Facts) -> Html:
    """A table of each number."""
    if not facts.pack.movers:
        return facts.section("movers", facts.note("movers.never"))
    if not facts.gathered.whole:
        return facts.section("movers", facts.note("movers.part"))
    days = facts.published.days_before
    if not days:
        return facts.section("movers", facts.note("movers.none"))
    note = "movers.note" if facts.gathered.about.kind == DAY else "movers.week_note"
    tables = (_table(facts, name, days) for name in facts.pack.movers)
    return facts.section("movers", facts.note(note, days=days), *tables, page=True)


def _table(facts: Facts, name: str, days: int) -> Html:
    found = facts.published.movers[name]
    head = [facts.word("entity"), *(facts.text(f"movers.{n}") for n in ("now", "before", "change"))]
    if not found:
        return join([tag("h3", facts.word(f"moved_{name}")), tag("p", facts.text("nothing"), cls="note")])
    rows = (_row(facts, mover, days, money=facts.pack.movers[name] == MONEY) for mover in found)
    return join([tag("h3", facts.word(f"moved_{name}")), table(head, rows)])


def _row(facts: Facts, mover: Mover, days: int, *, money: bool) -> list[str]:
    """Before: what as many days as the period has were on average."""
    like = 1 if facts.gathered.about.kind == DAY else DAYS
    before = round(mover.before * like / days)
    ends = [facts.amount(value) if money else f"{value:,}" for value in (mover.now, before)]
    sign = "▲" if mover.now > before else "▼"
    change = f"{sign} {(mover.now - before) / before:+.0%}" if before else sign
    return [facts.entity(mover.entity_id), *ends, change]
