"""What the database says of event rules and their versions, kept by the mark."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from app.reads import shared

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from app.reads import Page

#: How a version stands, in the order of its life.
DRAFT, SUBMITTED, SHADOW, LIVE, RETIRED, WITHDRAWN = (
    "draft", "submitted", "shadow", "live", "retired", "withdrawn",
)  # fmt: skip
#: They wait for somebody.
WAITING: Final = (DRAFT, SUBMITTED)
#: So many versions and hits of the learned score are shown, the newest ones.
_LEARNED_SHOWN: Final = 5
_HITS_SHOWN: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version of a rule, without its text."""

    rule: str
    version: int
    status: str
    sha256: str
    reason: str
    author: str
    author_id: int | None
    created_at: datetime
    submitted_by: str | None
    submitted_by_id: int | None
    submitted_at: datetime | None
    approved_by: str | None
    approved_at: datetime | None
    measured: bool
    backtest_asked: datetime | None
    mode: str | None  # how it judges now or soon; None: not at all
    from_at: datetime | None
    warming: bool  # it judges, and its windows are not full yet
    paused_until: datetime | None  # of the whole rule
    paused_by: str | None
    paused_for: str | None

    @property
    def name(self) -> str:
        """As the desk knows it."""
        return f"{self.rule}/{self.version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The text of a version, and what it would have done."""

    content: str
    sha256: str
    backtest: Mapping[str, Any] | None
    backtest_sha256: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnedVersion:
    """A version of the learned score, without its trees."""

    version: int
    sha256: str
    measured: Mapping[str, Any]  # empty while it is being learned
    status: str
    author: str
    author_id: int | None
    approved_by: str | None
    from_at: datetime | None
    until_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnedHit:
    """A payment to which the learned score gave points."""

    transfer_id: str
    version: int
    score: int
    explanation: str
    corrected_at: datetime | None


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule with all its versions, the newest first."""

    name: str
    versions: tuple[Version, ...]

    @property
    def live(self) -> Version | None:
        """The version that judges, if any."""
        return next((version for version in self.versions if version.mode == LIVE), None)

    @property
    def newest(self) -> Version:
        """The version that was written last."""
        return self.versions[0]

    @property
    def first_shown(self) -> Version:
        """What a person who chooses the rule most likely wants to see: what waits, else what judges."""
        waiting = next((one for one in self.versions if one.status in (*WAITING, SHADOW)), None)
        return waiting or self.live or self.newest


@shared
def versions(page: Page) -> tuple[Version, ...]:
    """All versions, rule by rule, the newest of each first."""
    rows = page.door.rows("transfers/ops/app_event_rules", {"at": page.clock()})
    return tuple(Version(**row) for row in rows)


def rules(page: Page) -> tuple[Rule, ...]:
    """The rules: those with something that judges first."""
    by_name: dict[str, list[Version]] = {}
    for version in versions(page):
        by_name.setdefault(version.rule, []).append(version)
    found = [Rule(name, tuple(those)) for name, those in by_name.items()]
    return tuple(sorted(found, key=lambda rule: (all(v.mode is None for v in rule.versions), rule.name)))


@shared
def told(page: Page, rule: str, version: int) -> Told | None:
    """One version with its text; None where there is none of this number."""
    rows = page.door.rows("transfers/ops/event_rule", {"rule": rule, "version": version})
    return Told(**{name: rows[0][name] for name in Told.__dataclass_fields__}) if rows else None


def content_of(page: Page, rule: str, version: int) -> str | None:
    """The text of a version."""
    found = told(page, rule, version)
    return found.content if found else None


@shared
def learned(page: Page) -> tuple[LearnedVersion, ...]:
    """The versions of the learned score, the newest first."""
    rows = page.door.rows("transfers/ops/learned_models", {})
    found = tuple(LearnedVersion(**row) for row in rows)
    return tuple(one for n, one in enumerate(found) if n < _LEARNED_SHOWN or one.status == LIVE)


@shared
def learned_hits(page: Page) -> tuple[LearnedHit, ...]:
    """Its latest hits."""
    rows = page.door.rows("transfers/ops/app_learned_hits", {"at_most": _HITS_SHOWN})
    return tuple(LearnedHit(**row) for row in rows)
