"""Is all well? What is not, as short sentences, the worst first. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from app.pulse import DELIVERY_LIMIT, TONES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

#: What the README promises to take of a source's time in a minute.
SOURCE_PROMISE_S: Final = 1.0
#: It is compared each hour; a run that takes a while is not late.
RECONCILE_LIMIT: Final = timedelta(hours=2)
#: It is proven each night.
PROOF_LIMIT: Final = timedelta(hours=26)
_WORST_FIRST: Final = ("bad", "warn")


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the first line is made of; None is not known."""

    pulse: str  # a key of app.pulse.TONES
    alarms_wrong: int = 0  # of those that are open: numbers may be wrong or missing
    alarms_other: int = 0
    dead: int = 0
    waiting: timedelta = timedelta()
    source_s: float | None = None  # of each minute in the last hour
    differences: int | None = None  # of the newest comparison
    reconciled_ago: timedelta | None = None
    proof_left: int | None = None  # differences and damaged files that stayed
    proven_ago: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Concern:
    """One thing that is not well: the text `health.not.NAME` with its fields."""

    name: str
    tone: str
    fields: Mapping[str, Any] = field(default_factory=dict)


def concerns(facts: Facts) -> Sequence[Concern]:
    """What is not well, the worst first; nothing: all is well."""
    found = [*_running(facts), *_telling(facts), *_proven(facts)]
    return sorted(found, key=lambda concern: _WORST_FIRST.index(concern.tone))


def _running(facts: Facts) -> Iterator[Concern]:
    if (tone := TONES[facts.pulse]) != "good":
        yield Concern(f"pulse.{facts.pulse}", tone)
    if facts.alarms_wrong:
        yield Concern("alarms_wrong", "bad", {"count": facts.alarms_wrong})
    if facts.alarms_other:
        yield Concern("alarms", "warn", {"count": facts.alarms_other})
    if facts.source_s is not None and facts.source_s > SOURCE_PROMISE_S:
        cost = {"seconds": f"{facts.source_s:.2f}", "promise": f"{SOURCE_PROMISE_S:.1f}"}
        yield Concern("source", "warn", cost)


def _telling(facts: Facts) -> Iterator[Concern]:
    if facts.dead:
        yield Concern("dead", "bad", {"count": facts.dead})
    if facts.waiting > DELIVERY_LIMIT:
        yield Concern("waiting", "warn", {"duration": facts.waiting})


def _proven(facts: Facts) -> Iterator[Concern]:
    if facts.differences:
        yield Concern("differences", "warn", {"count": facts.differences})
    if facts.reconciled_ago is not None and facts.reconciled_ago > RECONCILE_LIMIT:
        yield Concern("reconciled", "warn", {"duration": facts.reconciled_ago})
    if facts.proof_left:
        yield Concern("proof", "bad", {"count": facts.proof_left})
    if facts.proven_ago is not None and facts.proven_ago > PROOF_LIMIT:
        yield Concern("proven", "warn", {"duration": facts.proven_ago})
