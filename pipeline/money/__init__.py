"""Money at risk: what an incident carries, the book that it is priced from, and what is proposed to do.

A pack's book of exposure is kept up by each minute's rows and what is published beside them. It only adds: a
late commit is entered by taking the old rows of its minute out and putting the new ones in, in any order.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from datetime import date, datetime
    from zoneinfo import ZoneInfo

    import polars as pl

    from baselines.facts import Facts
    from baselines.rules import Tuned
    from pipeline.minute import Span

#: The dataset of the book's snapshots. One is published a minute; readers find the newest, and the last of
#: each business day.
EXPOSURE: Final = "exposure"
#: The job whose report says what a book has learned from labelled incidents.
LEARNED: Final = "labelled"
#: What people say of an incident that was one.
TRUE_ALARM: Final = "true_alarm"
#: The figure that incidents are ordered by where it is known, else by the sum of their parts.
EXPECTED_LOSS: Final = "expected_loss"


@dataclass(frozen=True, slots=True)
class AtRisk:
    """Money that the company stands to lose on an entity, by part, and the entity's name where it is known.

    Amounts in the currency's minor unit. None is not known, which is never 0; so is a part that is not there.
    `figures` are what else is said of it, by the names that the pack gives (`Pack.figures`): amounts, or a
    date as ISO text. They are no part of the sum.
    """

    parts: Mapping[str, int | None] = field(default_factory=dict)
    name: str | None = None
    figures: Mapping[str, int | str | None] = field(default_factory=dict)

    @property
    def total(self) -> int | None:
        """All parts together; None where one of them is not known."""
        amounts = [amount for amount in self.parts.values() if amount is not None]
        return sum(amounts) if self.parts and len(amounts) == len(self.parts) else None

    @property
    def expected_loss(self) -> int | None:
        """What is likely to be lost of it; None where that is not known."""
        found = self.figures.get(EXPECTED_LOSS)
        return found if isinstance(found, int) else None

    @property
    def weight(self) -> int | None:
        """What incidents are ordered by: the expected loss where it is known, else all that is at risk.

        A loss is never more than what is at risk, so one whose loss is not known is not passed over.
        """
        loss = self.expected_loss
        return self.total if loss is None else loss


#: A figure NAME_low and NAME_high is the interval of NAME, NAME_date its date: said with it, never alone.
LOW, HIGH, DATE = "_low", "_high", "_date"
#: A figure NAME_whole is what NAME is the likely part of: a pack proposes by it, and nobody is shown it.
WHOLE: Final = "_whole"


def shown_amounts(at_risk: AtRisk) -> dict[str, int | str | None]:
    """What people see of it at a glance: all together, and the figures without what only says more of one."""
    beside = (LOW, HIGH, WHOLE)
    figures = {name: value for name, value in at_risk.figures.items() if not name.endswith(beside)}
    return {"at_risk": at_risk.total, **figures}


@dataclass(frozen=True, slots=True)
class Priced:
    """Money at risk of the entities that were asked for; one that is missing is not known."""

    at_risk: Mapping[str, AtRisk]
    wrong: Mapping[str, str] = field(default_factory=dict)  # whose answer is wrong, and why
    strangers: int = 0  # rows of entities that nobody asked for


class Ask(Protocol):
    """What a pack may read while money is priced."""

    @property
    def zone(self) -> ZoneInfo:
        """The zone of the business day."""
        ...

    def source(
        self, query: str, parameters: Mapping[str, object], check: Callable[[Collection[str], str], None]
    ) -> list[dict[str, Any]]:
        """The rows that a query of the company gives, values as they come.

        `check` is given the names of its columns and its file, and raises SourceChanged.
        """
        ...

    def published(self, span: Span, entities: Collection[str]) -> pl.DataFrame:
        """The counted rows of some entities that are published of `span`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """A dataset published beside the counted rows: per minute, from the same snapshot, corrected with it.

    Where `query` is None it follows from the good rows of the minute. Otherwise it is an optional query of
    the source, asked for rows whose `time` lies in [start, end); without the file there is no such dataset
    and what needs it is not known. `count` gives a row with a reason in `wrong` for what cannot be used: it
    is published like the others, and entered in no book.
    """

    schema: pl.Schema  # `minute`, the pack's entity, …
    count: Callable[[pl.DataFrame, Span, ZoneInfo], pl.DataFrame]  # (rows, span, business zone)
    query: str | None = None
    row: pl.Schema | None = None  # what the query gives; None without one
    conform: Callable[[pl.DataFrame, str, str], pl.DataFrame] | None = None  # (frame, query's file, currency)
    time: str = ""  # the column of `row` that says to which minute it belongs
    opening: timedelta = timedelta(0)  # at first, so much before the first published minute is read too

    def faults(self, entity: str) -> Iterator[str]:
        """What of it does not fit together."""
        for name in ("minute", entity):
            if name not in self.schema:
                yield f"its schema lacks {name}"
        if self.query is None:
            if self.row is not None or self.conform is not None or self.time or self.opening:
                yield "row, conform, time and opening belong to a query, and it names none"
        elif self.row is None or self.conform is None or self.time not in self.row:
            yield f"the query {self.query} needs row, conform, and in time a column of row"


@dataclass(frozen=True, slots=True)
class Doubt:
    """What does not fit in what was entered in a book: an alarm, as long as it is so."""

    kind: str  # the alarm's subject, beside the pack's others
    what: str  # how many, the first of them with its values
    hint: str  # the next step


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """An incident that people labelled, and what the book said when its horizon was over."""

    incident_id: int
    rule: str
    entity_id: str
    opened_minute: datetime
    last_breach_minute: datetime
    is_true: bool
    after: Mapping[str, Any] | None  # the entity's row of `Exposures.schema`; None: not known


class ExposureBook(Protocol):
    """What each entity owes and may come to owe, in exact integers; the same whatever the order of entry."""

    def begins(self, first: datetime) -> None:
        """The first published minute, before anything is entered: what is older was never counted."""
        ...

    def measure(self, cases: Sequence[Case]) -> Mapping[str, Any]:
        """Learn from what people said of incidents whose horizon is over; once a business day.

        Gives what prices rest on from now on, as JSON for those who look.
        """
        ...

    def doubts(self) -> Sequence[Doubt]:
        """What does not fit in what was entered so far."""
        ...

    def add(self, rows: pl.DataFrame, beside: Mapping[str, pl.DataFrame], *, times: int = 1) -> None:
        """Enter counted rows and what is beside them, of whatever minutes; `times` -1 takes them out.

        `rows` need only hold `minute`, the entity and amounts; several minutes of a business day may be
        summed up in its first.
        """
        ...

    def know(self, tuned: Any, facts: Facts) -> None:  # noqa: ANN401 - the pack's own
        """Price by these from now on; what was entered stays."""
        ...

    def forget(self, before: date) -> None:
        """Let go of business days that no price needs any more, and take no entry of theirs."""
        ...

    def of(
        self, minute: datetime, breached: Mapping[str, Collection[str]], entities: Collection[str]
    ) -> dict[str, AtRisk]:
        """The money of some entities at the end of `minute`; one that the book does not know is missing.

        `breached` names the rules of the unresolved incidents of entities: it makes a loss more likely.
        """
        ...

    def all_together(self, minute: datetime, breached: Mapping[str, Collection[str]]) -> AtRisk:
        """The same of everybody together."""
        ...

    def snapshot(self, minute: datetime, breached: Mapping[str, Collection[str]]) -> pl.DataFrame:
        """The same of each entity by itself, as `Exposures.schema`, sorted by entity."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What is proposed to do about an incident, with its effect in money."""

    kind: str  # one of `Exposures.actions`
    amount: int | None  # what it would keep, minor units; None: not known
    until: datetime | None = None  # from then on it helps no more
    percent: int | None = None  # of what is to be kept, where the kind has a share


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What would be lost of one entity if nothing more were paid to it from a moment on."""

    reach: timedelta  # how far before the disturbance its rows and what is beside them are needed
    #: (its counted rows, what is beside them, moments, the end of what is looked at, zone) -> for each of the
    #: moments what is lost up to the end, minor units; None: not known
    losses: Callable[
        [pl.DataFrame, Mapping[str, pl.DataFrame], Sequence[datetime], datetime, ZoneInfo],
        Sequence[int | None],
    ]


@dataclass(frozen=True, slots=True)
class Acted:
    """An action that people and the company's systems were told of, as the pack follows it."""

    kind: str
    entity_id: str
    percent: int | None
    amount: int | None  # what it was to keep
    until: datetime | None
    money: Mapping[str, int | str | None]  # parts and figures of the incident when it was proposed
    told_at: datetime
    label: str | None = None  # what people said of the alarm since


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of it, as far as the published rows show.

    `shown` True: it was done; False: it was not, and will not be; None: nobody can say yet. `figures` are
    amounts in minor units, counts or dates by the pack's names; `settled`: none of them changes any more.
    """

    shown: bool | None = None
    figures: Mapping[str, int | str | None] = field(default_factory=dict)
    settled: bool = False


def nothing_known(kind: str, percent: int | None, *_: object) -> Proposal:
    """An action of which the pack does not say what it keeps."""
    return Proposal(kind=kind, amount=None, percent=percent)


T = TypeVar("T", bound="Tuned")


@dataclass(frozen=True, slots=True, kw_only=True)
class Following(Generic[T]):
    """How the outcome of actions is read off what is published of an entity."""

    #: What is read: the counted rows or what is beside them, each from so long before people were told on.
    before: Mapping[str, timedelta]
    after: timedelta  # nothing is looked for later than this
    #: (the action, the frames by dataset, up to when they are published, zone, tuned)
    outcome: Callable[[Acted, Mapping[str, pl.DataFrame], datetime, ZoneInfo, T], Outcome]
    counts: Collection[str] = ()  # figures of an outcome that are numbers of something, no amounts


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposures(Generic[T]):
    """What a pack hands in to have a book of exposure kept."""

    schema: pl.Schema  # of a snapshot: `minute`, the pack's entity, amounts and dates
    book: Callable[[ZoneInfo, T, Facts], ExposureBook]
    reach: Callable[[T], timedelta]  # how far back rows and what is beside them are entered
    actions: Sequence[str] = ()  # kinds that may be proposed
    #: (rule, reason, money, the minute it is priced at, zone, tuned)
    propose: Callable[[str, Mapping[str, Any], AtRisk, datetime, ZoneInfo, T], Proposal | None] = lambda *_: (
        None
    )
    held: Held | None = None  # to say afterwards what acting in time would have kept
    shares: Sequence[str] = ()  # of `actions`: those that take a percentage
    by_people: Sequence[str] = ()  # of `actions`: those that nothing published shows; people say it was done
    #: What an action that a person proposes would keep: (kind, percent, money, the minute, zone)
    effect: Callable[[str, int | None, AtRisk, datetime, ZoneInfo], Proposal] = nothing_known
    following: Following[T] | None = None

    def faults(self, entity: str) -> Iterator[str]:
        """What of it does not fit together."""
        for name in ("minute", entity):
            if name not in self.schema:
                yield f"its schema lacks {name}"
        strange = sorted({*self.shares, *self.by_people} - {*self.actions})
        if strange:
            yield f"shares or by_people name {', '.join(strange)}, which actions does not"
