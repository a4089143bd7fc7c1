"""What a domain hands the engine: one frozen value of pure functions, `PACK` of pipeline/packs/NAME.

No base class, no registration: `pipeline.packs.PACKS` names the modules. Nothing in a pack holds a
connection, a clock or a path; what it has to read it asks for (`Ask`), and the engine decides when.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, Self, TypeVar

import polars as pl

from baselines.rules import Bounds
from pipeline.judge.verdicts import HEAD, TIERS
from pipeline.minute import Span
from pipeline.money import EXPOSURE

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from datetime import datetime, tzinfo
    from zoneinfo import ZoneInfo

    from baselines.entities import EntityIndex
    from baselines.facts import Facts
    from baselines.rules import Tuned
    from pipeline.finding import Finding
    from pipeline.judge.seconds import Watch
    from pipeline.judge.together import Together
    from pipeline.judge.verdicts import Integers, Verdicts
    from pipeline.money import Ask, AtRisk, Beside, Exposures, Priced

    #: Asks the source a query about a few entities: its name, parameters, and what sees the columns' names.
    AskSource = Callable[
        [str, Mapping[str, object], Callable[[Collection[str], str], None]], list[dict[str, Any]]
    ]

LANGUAGES: Final = ("ko", "en")
#: `explain` looks so far to both sides of its minute.
AROUND: Final = timedelta(hours=24)


class Windows(Protocol):
    """The state of all windows after the minute `last`; minutes are added in order, without a gap."""

    entities: EntityIndex
    last: int | None  # minutes since the epoch

    @property
    def history_minutes(self) -> int:
        """How many minutes a rebuild has to read: the longest window."""
        ...

    def add(self, minute: datetime, rows: pl.DataFrame, positions: Integers | None = None) -> None:
        """Slide to `minute` with its counted rows; `positions` in `entities` where they were looked up."""
        ...

    def fill(
        self, start: datetime, end: datetime, rows: pl.DataFrame, missing: Collection[datetime] = ()
    ) -> None:
        """Slide through [start, end) in bulk; `missing` minutes were never published. `settle` follows.

        Here a minute at a time, the missing ones as empty; a pack that can do better does.
        """
        del missing
        by_minute = {key[0]: part for key, part in rows.partition_by("minute", as_dict=True).items()}
        for minute in Span(start, end):
            self.add(minute, by_minute.get(minute, rows.clear()))

    def settle(self) -> None:
        """Sum up what `fill` has left: here nothing."""
        return

    def copy(self) -> Self:
        """The same state, free to move on by itself."""
        ...

    def at(self, last: int) -> Self | None:
        """A copy as they stood after minute `last`, up to MINUTES_BACK ago; None: that is not known any more.

        It is made when it is asked for, and shares what never changes. Here the newest minute alone is known.
        """
        return self.copy() if last == self.last else None

    def undo(self) -> bool:
        """Go one minute back in place; False, as here, where that is not known any more.

        Entities that came with the minute stay known. After `fill` there is nothing to go back to.
        """
        return False


@dataclass(frozen=True, slots=True)
class Inhibits:
    """A rule whose signals follow from another's and are held back while that one lasts.

    `unless` is a column and a word: a signal that has it is another matter.
    """

    rule: str
    unless: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule of a pack: what of a signal makes its reason, and what it does to others."""

    name: str
    kinds: Sequence[str] = ("rule",)  # how a signal of it was seen
    numbers: Sequence[str] = ()  # integers of the signal that its reason cannot do without
    of_everybody: bool = False  # about all entities together; stands at EVERYBODY
    inhibits: Sequence[Inhibits] = ()


@dataclass(frozen=True, slots=True)
class Screened:
    """Rows of the source, sorted out."""

    good: pl.DataFrame  # the pack's rows
    bad: pl.DataFrame  # the pack's quarantine: each with its reason
    given: pl.DataFrame  # what of the bad ones the source itself sums up although we cannot, by occurred_at


@dataclass(frozen=True, slots=True)
class Explained:
    """Why a pack's rules fired at an entity at one minute, or did not: every number, and how far it was."""

    accounts: Sequence[Mapping[str, Any]]  # for machines, one a rule
    text: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What `explain` is asked: of whom, when, and what was stored around that minute."""

    entity_id: str
    minute: datetime
    zone: ZoneInfo
    around: pl.DataFrame  # the entity's published signals
    policies: Mapping[datetime, str]  # of the judged minutes around


#: What the numbers of a panel are: how many, how much money in minor units, or a share of one.
COUNT: Final = "count"
MONEY: Final = "money"
SHARE: Final = "share"


@dataclass(frozen=True, slots=True)
class Curve:
    """One line: a value for each step, None where there is none. `usual`: what it is to be compared with."""

    label: str
    values: Sequence[float | None]
    usual: bool = False


@dataclass(frozen=True, slots=True)
class Panel:
    """Curves over one axis."""

    title: str
    unit: str
    curves: Sequence[Curve]


@dataclass(frozen=True, slots=True)
class Threshold:
    """Where a rule begins to be breached: a line across the panel of that place, on its axis."""

    panel: int
    label: str
    value: float


@dataclass(frozen=True, slots=True)
class Chart:
    """Panels over the same steps of time; `steps` are their starts. Holds no name of anybody."""

    steps: Sequence[datetime]
    step: timedelta
    panels: Sequence[Panel]


@dataclass(frozen=True, slots=True)
class Nightly:
    """What a pack measures of itself on a whole business day, at night, in a process of its own.

    `measure` gets the counted rows of the week before the judged day and of that day, a piece at a time, and
    gives plain JSON. `shown` makes of the last nights' results (`day`, `result`), newest first, and of the
    incidents opened today by rule, what people are shown.
    """

    measure: Callable[..., dict[str, Any]]  # (pieces, rows, judged, zone, versions, day, facts)
    shown: Callable[[Sequence[Mapping[str, Any]], Mapping[str, int]], Budget]


class Budget(Protocol):
    """A false-alarm budget as it is shown; None before its first measurement."""

    @property
    def spent(self) -> int:
        """Incidents opened today."""
        ...

    @property
    def allowed(self) -> float | None:
        """False ones a day."""
        ...

    @property
    def null_per_day(self) -> float | None:
        """False incidents a day that chance alone opened on the last nights."""
        ...

    @property
    def interval(self) -> tuple[float, float] | None:
        """Its 95 % interval."""
        ...

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        ...

    def as_text(self) -> str:
        """For people."""
        ...


@dataclass(frozen=True, slots=True)
class Total:
    """What `check` says of one of the pack's totals."""

    said: str  # with its number: "{} opened"
    unlike: str  # the next step where the source's own total is not that of the rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspect:
    """What `check` says of the pack's own columns and queries, beside rows, ids, times and totals.

    Findings tell of the mapping and never judge a row.
    """

    words: Callable[[pl.DataFrame], Iterable[Finding]] = lambda _: ()  # of columns whose words are known
    values: Callable[[pl.DataFrame], Iterable[Finding]] = lambda _: ()  # of the other columns
    totals: Mapping[str, Total] = field(default_factory=dict)
    padded: str = ""  # what goes wrong where ids are padded
    doubled: str = ""  # when rows have one key although no join has doubled them
    #: Of each query about a few entities: asked with the ids of a sample, the source's clock and the zone.
    ornaments: Mapping[str, Callable[[AskSource, Sequence[str], datetime, tzinfo], Finding]] = field(
        default_factory=dict
    )
    no_fact: str = ""  # what is so where nothing is known of entities beside their rows


W = TypeVar("W", bound=Windows)
T = TypeVar("T", bound="Tuned")


@dataclass(frozen=True, slots=True)
class Baseline(Generic[W]):
    """What the windows hold of each entity after the newest minute, as analysts find it: `baseline_now`."""

    schema: pl.Schema
    #: A row per entity. Made while the windows stand still: it shares nothing with them, and is made quickly.
    of: Callable[[W], pl.DataFrame]


@dataclass(frozen=True, kw_only=True)
class Pack(Generic[W, T]):
    """A domain. Frames are named by their schema; a span's minutes are counted, never a row twice."""

    name: str  # the folder's name everywhere
    entity: str  # the column that names who is counted and judged
    key: Sequence[str]  # columns that make a row of the source unique
    database: str  # of the stand-in, in the embedded server

    # What is read, counted and published.
    rows: Mapping[str, pl.Schema]  # extraction query -> columns; the first is what is counted
    optional: Sequence[str] = ()  # columns of it that a query need not give
    #: Amounts, and the column that may stand for each.
    instead: Mapping[str, str] = field(default_factory=dict)
    suspects: Sequence[str] = ()  # columns in the order in which a value that cannot be read is looked for
    #: What is asked about some entities, or about nobody, at a moment: query -> parameters.
    probe: Callable[[Sequence[object], datetime], Mapping[str, Mapping[str, object]]] = lambda *_: {}
    counted: pl.Schema  # a row per minute and entity
    counted_as: str | None = None  # its name in the lake and in SQL, where that is not by the entity
    added: Sequence[str] = ()  # columns of it that old files lack: 0 there
    sums: Sequence[str]  # columns of it that ledger and statement hold
    row_sums: Sequence[str]  # of these, the ones that together are the number of good rows
    totals: Sequence[str] = ()  # what the source's own query `totals` gives beside the number of rows
    quarantine: pl.Schema  # rows set aside, with `reason`
    signal: pl.Schema  # the engine's head and the pack's numbers

    conform: Callable[[pl.DataFrame, str, str], pl.DataFrame]  # (frame, query's file, currency)
    bad: Callable[[pl.DataFrame, datetime], Screened]  # (rows, nothing is later than this)
    count: Callable[[pl.DataFrame, Span], pl.DataFrame]  # good rows -> counted
    #: (a row per minute with `sums`, quarantine, `Screened.given` with its minute) -> the same minutes with
    #: `totals`, as the source itself would sum up all rows, good or not
    sum_up: Callable[[pl.DataFrame, pl.DataFrame, pl.DataFrame], pl.DataFrame] = lambda every, *_: every
    #: The optional query that says something of each entity, and its column.
    fact: tuple[str, str] | None = None
    #: The column of that query that gives the entity's name; a query need not give it.
    entity_name: str | None = None
    #: What `check` says of it.
    inspect: Inspect = field(default_factory=Inspect)

    # What is judged.
    rules: Sequence[Rule]
    read_tuned: Callable[[str, str], T]  # (text, its name in errors)
    bounds: Bounds = field(default_factory=Bounds)  # what it takes for each key, to be offered to people
    windows: Callable[[ZoneInfo, T], W]
    #: Queries of the pack's own tables, in queries/NAME/ops, whose rows the windows know before they judge.
    #: Each takes `since`: what holds at that moment or later.
    told: Sequence[str] = ()
    #: (windows, the rows by query, since) -> do the windows hold all that is asked of them now? Else they are
    #: built anew. For all that is judged from `since` on.
    know: Callable[[W, Mapping[str, Sequence[Mapping[str, Any]]], datetime], bool] = lambda *_: True
    #: What of the tuned numbers the windows hold: where it becomes another, they are built anew.
    shape: Callable[[T], object] = lambda tuned: tuned
    judge: Callable[[W, T, str, Facts, bool], Verdicts]  # (…, policy, facts, whole)
    #: How shards judge its entities; None: one process holds all of its windows. With it `count` is asked for
    #: slices of a minute, and what it gives is added up: each column is a sum over rows, never a largest
    #: value or a number of different ones. It goes with neither `watch` nor `told`.
    together: Together[W, T] | None = None
    reason: Callable[[Mapping[str, Any], int], dict[str, Any]]  # (signal, entities held back by it)
    severity: Callable[[str, Mapping[str, Any], AtRisk, T], str]  # (rule, reason, money, tuned)
    parts: Sequence[str] = ()  # of the money at risk
    figures: Sequence[str] = ()  # what is said of the money beside its parts, see `AtRisk.figures`
    at_risk: Callable[[Ask, Sequence[str], datetime, W, T], Priced] | None = None
    #: Files published beside the counted rows, by dataset.
    beside: Mapping[str, Beside] = field(default_factory=dict)
    #: The book of exposure, kept up each minute. Where it knows an entity, `at_risk` is not asked.
    exposures: Exposures[T] | None = None

    # What is said.
    ornaments: Mapping[str, str] = field(default_factory=dict)  # what may fail, with what is not known then
    say: Callable[[str, Mapping[str, Any], str, str], str]  # (rule, reason, event, language) -> sentences
    words: Mapping[str, Mapping[str, str]]  # language -> name -> text
    at_risk_name: str = "at_risk"  # of an incident's money, where machines read it
    #: What a picture of an incident shows, None: nothing. Its rows: one a step with `start` and the entity's
    #: `sums`, in order and without a gap. (rule, reason, rows, the first moment that is shown, language)
    picture: Callable[[str, Mapping[str, Any], pl.DataFrame, datetime, str], Chart | None] | None = None

    #: Where its thresholds lie, on the axis of a panel: (rule, reason, tuned, language)
    thresholds: Callable[[str, Mapping[str, Any], T, str], Sequence[Threshold]] = lambda *_: ()

    #: Columns of `sums` whose largest changes a report lists, each with what it is: COUNT or MONEY. A word
    #: `moved_NAME` says what is counted.
    movers: Mapping[str, str] = field(default_factory=dict)

    # What looks back; a pack may do without.
    explain: Callable[[W, T, Facts, Asked], Explained] | None = None
    deviation: Callable[[str, Mapping[str, Any]], float] | None = None  # (rule, reason): times the usual
    #: Raw breaches as text, to compare two judgements.
    lines: Callable[[pl.DataFrame], pl.Series] | None = None
    caught: Callable[[Sequence[Mapping[str, Any]], pl.DataFrame], dict[str, int]] | None = None
    nightly: Nightly | None = None
    #: Published for analysts with each minute.
    baseline: Baseline[W] | None = None
    #: What it does each second with rows whose minute has not closed.
    watch: Watch[W, T] | None = None

    def __post_init__(self) -> None:
        """Refuse what does not fit together: a pack that is wrong fails when it is imported, not at night."""
        unknown = [*(n for n in self.sums if n not in self.counted)]
        unknown += sorted({*self.row_sums, *self.movers} - {*self.sums})
        self._require(not unknown, f"the sums {', '.join(unknown)} are no columns of counted")
        self._require(self.entity in self.counted, f"counted has no column {self.entity}")
        untold = [name for name in self.totals if name not in self.inspect.totals]
        self._require(not untold, f"nothing is said of the totals {', '.join(untold)}")
        may_fail = [
            *(["at_risk"] if self.at_risk else []),
            *([self.fact[0]] if self.fact else []),
            *self.optional,
            *(one.query for one in self.beside.values() if one.query is not None),
        ]
        unsaid = [name for name in may_fail if name not in self.ornaments]
        self._require(not unsaid, f"nothing is said of what is not known while {', '.join(unsaid)} fails")
        self._require_money()
        head = [name for name in HEAD if name not in self.signal]
        self._require(not head, f"signal lacks {', '.join(head)}")
        twice = [name for name, times in Counter(rule.name for rule in self.rules).items() if times > 1]
        self._require(not twice, f"two rules are called {', '.join(twice)}")
        for language in LANGUAGES:
            known = self.words.get(language, {})
            needed = [*(rule.name for rule in self.rules), *self.parts, *self.figures, "entity", *TIERS]
            needed += ["everybody"] if self.of_everybody else []
            needed += [] if self.exposures is None else self.exposures.actions
            needed += [f"moved_{name}" for name in self.movers]
            silent = [name for name in needed if name not in known]
            self._require(not silent, f"no word in {language} for {', '.join(silent)}")
        for rule in self.rules:
            strange = [name for name in rule.numbers if name not in self.signal]
            self._require(not strange, f"the rule {rule.name} has a number that no signal has: {strange}")
        if self.together is not None:
            self._require_shared_out()

    def _require_shared_out(self) -> None:
        asks = self.watch is not None or bool(self.told)
        self._require(
            not asks, "`together` goes with neither `watch` nor `told`: they ask windows of everybody"
        )
        keys = {"minute", self.entity}
        odd = [name for name, dtype in self.counted.items() if name not in keys and dtype != pl.Int64]
        self._require(not odd, f"shards add counts up, and of counted {', '.join(odd)} is no Int64")
        for dataset, one in self.beside.items():
            follows = one.schema if one.query is None else {}
            odd = [name for name, dtype in follows.items() if dtype.is_numeric() and dtype != pl.Int64]
            self._require(not odd, f"shards add counts up, and of {dataset} {', '.join(odd)} is no Int64")

    def _require_money(self) -> None:
        others = {self.dataset, "signal", "quarantine", EXPOSURE}
        taken = sorted(others & {*self.beside})
        self._require(not taken, f"beside the rows no dataset may be called {', '.join(taken)}")
        faults = {name: [*beside.faults(self.entity)] for name, beside in self.beside.items()}
        faults |= {} if self.exposures is None else {EXPOSURE: [*self.exposures.faults(self.entity)]}
        for name, found in faults.items():
            self._require(not found, f"the dataset {name}: {'; '.join(found)}")

    def _require(self, fits: bool, what: str) -> None:  # noqa: FBT001 - an assertion
        if not fits:
            msg = f"the pack {self.name}: {what}"
            raise ValueError(msg)

    @property
    def dataset(self) -> str:
        """The name of the counted rows in the lake and in SQL: door_id gives door_minute."""
        return self.counted_as or f"{self.noun}_minute"

    @property
    def noun(self) -> str:
        """What an entity is called where no language is chosen: door_id gives door."""
        return self.entity.removesuffix("_id")

    @property
    def nouns(self) -> str:
        """The same of many."""
        return f"{self.noun}s"

    @property
    def has_money(self) -> bool:
        """Does it know of money at risk, from a book or from a query?"""
        return self.at_risk is not None or self.exposures is not None

    @property
    def row_noun(self) -> str:
        """What a row of the source is called there: event_id gives event."""
        return self.key[0].removesuffix("_id")

    @property
    def rows_query(self) -> str:
        """The query that gives what is counted."""
        return next(iter(self.rows))

    @property
    def row(self) -> pl.Schema:
        """The columns that it gives."""
        return self.rows[self.rows_query]

    @cached_property
    def datasets(self) -> dict[str, pl.Schema]:
        """The published files by name, with their columns in the engine's words."""
        return {
            self.dataset: self.counted,
            "signal": self.signal,
            "quarantine": self.quarantine,
            **{name: beside.schema for name, beside in self.beside.items()},
            **({} if self.exposures is None else {EXPOSURE: self.exposures.schema}),
        }

    def rule(self, name: str) -> Rule:
        """The rule of that name; KeyError for one it does not have."""
        return self._by_name[name]

    @cached_property
    def _by_name(self) -> dict[str, Rule]:
        return {rule.name: rule for rule in self.rules}

    @cached_property
    def of_everybody(self) -> tuple[str, ...]:
        """Names of the rules about all entities together."""
        return tuple(rule.name for rule in self.rules if rule.of_everybody)
