"""The proof: what is known to be complete, and what was not compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.minute import parse_time
from pipeline.report.html import join, table, tag

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from pipeline.report.facts import Facts
    from pipeline.report.html import Html


def proof(facts: Facts) -> Html:
    """First whether all holds, then each number; the same stand in the seal."""
    found = facts.published.proof
    whole = holds(found)
    verdict = tag(
        "p", facts.text("proof.whole" if whole else "proof.not_whole"), cls="good" if whole else "bad"
    )
    differences = found["differences"]
    rows = [
        ("proof.minutes", f"{found['minutes']:,} / {found['minutes_expected']:,}"),
        ("proof.holes", f"{found['holes']:,}"),
        ("proof.revised", f"{found['revised_minutes']:,}"),
        ("proof.files", f"{found['files_verified']:,}"),
        ("proof.damaged", f"{found['files_damaged']:,}"),
        ("proof.equal", facts.text("yes" if found["files_equal_ledger"] else "no")),
        (
            "proof.differences",
            facts.text("proof.not_compared") if differences is None else f"{differences:,}",
        ),
    ]
    sums = ", ".join(f"{name} {total:,}" for name, total in found["ledger"].items())
    return facts.section(
        "proof",
        verdict,
        table(["", ""], ([facts.text(key), value] for key, value in rows)),
        tag("p", f"{facts.text('proof.sums')}: {sums}", cls="note"),
        tag("p", f"{facts.text('proof.ledger')}: {found['ledger_sha256']}", cls="mono"),
        tag("h3", facts.text("proof.statements")),
        _statements(facts),
        facts.note("proof.note"),
        page=True,
    )


def holds(found: Mapping[str, Any]) -> bool:
    """Is nothing missing, damaged or different? What was not compared is said, and is no fault."""
    faults = (found["holes"], found["files_damaged"], found["differences"] or 0)
    return not any(faults) and bool(found["files_equal_ledger"])


def _statements(facts: Facts) -> Html:
    found = facts.gathered.statements
    if not found:
        return facts.note("proof.no_statements")
    return join(tag("p", _statement(facts, one), cls="note") for one in found)


def _statement(facts: Facts, one: Mapping[str, Any]) -> str:
    start, end = (facts.moment(parse_time(str(one[name]))) for name in ("from", "to"))
    said = {"day": one.get("business_date"), "start": start, "end": end}
    return facts.text(
        "proof.statement", **said, left=one.get("differences_left"), damaged=one.get("files_damaged_left")
    )
