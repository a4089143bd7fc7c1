"""Labelled incidents: read strictly from TOML, placed in time, and what they do to a merchant's traffic.

An incident multiplies rates (`volume_at`, `cancels_at`) or cancels approvals that exist (`wave_share`);
`traffic.py` applies it. Times of arrays are microseconds since the epoch, UTC. No clock is read.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from baselines.calendar import is_rest_day
from pipeline.errors import ConfigurationError
from pipeline.minute import EPOCH, require_aware
from pipeline.packs.merchants import RULES
from pipeline.schema import UTC_TIME

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

Kind = Literal["bankruptcy", "non_delivery", "outage", "near_miss"]

#: The demo's incidents, and those that are over when it begins.
DEFAULT_FILE: Final = Path(__file__).with_name("incidents.toml")
FINISHED_FILE: Final = Path(__file__).with_name("finished.toml")

#: Where merchants are; payout.py pays by its days.
ZONE: Final = ZoneInfo("Asia/Seoul")
#: Approvals this far back can still be cancelled; also how far a wave of cancels reaches back.
REACH: Final = timedelta(days=3)

LABELS: Final = pl.Schema(
    {
        "label": pl.String(),
        "kind": pl.String(),
        "rule": pl.String(),
        "merchant_id": pl.String(),
        "start": UTC_TIME,
        "end": UTC_TIME,
        "expected": pl.String(),
    }
)

_RULES: Final = tuple(rule.name for rule in RULES if not rule.of_everybody)
_EXPECTED: Final = ("alarm", "quiet")
_REQUIRED: Final = ("label", "kind", "start", "duration", "strength", "expected", "rule")
_OPTIONAL: Final = ("rank", "merchant", "effect")
#: Per kind, or per effect of a near miss, the smallest and largest strength that means something.
_STRENGTHS: Final[Mapping[str, tuple[float, float]]] = {
    "bankruptcy": (0.01, 1.0),
    "non_delivery": (1.0, 20.0),
    "outage": (0.0, 0.99),
    "few_cancels": (1.0, 50.0),
    "cancel_rate": (1.0, 1.9),
    "volume": (0.51, 10.0),
}
_EFFECTS: Final = ("few_cancels", "cancel_rate", "volume")
_KINDS: Final = ("bankruptcy", "non_delivery", "outage", "near_miss")
_FADE: Final = 3.0  # a bankrupt merchant's volume at the end of the incident is e^-3, one twentieth
_RAMP: Final = 3.0  # non-delivery reaches its full factor after a third of the incident
_DURATION: Final = re.compile(r"(\d+)([smhd])")
_BUSINESS_TIME: Final = re.compile(r"-([1-9]\d?)b ([01]\d|2[0-3]):([0-5]\d)")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


@dataclass(frozen=True, slots=True)
class Label:
    """One labelled incident, its start relative to a reference moment.

    `merchant` is a rank (1 has the most transactions) if `by_rank`, else a merchant id. `effect` is what
    happens: for a near miss one of `Effect`, for the other kinds the kind itself.
    """

    label: str
    kind: Kind
    effect: str
    merchant: int | str
    by_rank: bool
    start: timedelta
    duration: timedelta
    strength: float
    expected: Literal["alarm", "quiet"]
    rule: str
    #: Instead of `start`: so many business days before the reference, at this time in Korea.
    at: tuple[int, time] | None = None

    def begins(self, reference: datetime) -> datetime:
        """When it begins, for this reference moment."""
        if self.at is None:
            return reference + self.start
        business_days, clock = self.at
        day = reference.astimezone(ZONE).date()
        while business_days:
            day -= timedelta(days=1)
            business_days -= not is_rest_day(day, "KR")
        return datetime.combine(day, clock, ZONE).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class PlacedIncident:
    """An incident with its absolute `start` and `end` (aware, UTC)."""

    incident: Label
    start: datetime
    end: datetime

    @property
    def start_us(self) -> int:
        """Microseconds since the epoch."""
        return to_us(self.start)

    @property
    def end_us(self) -> int:
        """Microseconds since the epoch."""
        return to_us(self.end)

    @property
    def is_wave(self) -> bool:
        """Whether it cancels approvals that exist, beyond multiplying rates."""
        return self.incident.effect in ("bankruptcy", "few_cancels")

    def volume_at(self, time_us: NDArray[np.int64]) -> NDArray[np.float64]:
        """The factor on the merchant's approvals at each time, 1 outside the incident."""
        effect, strength = self.incident.effect, self.incident.strength
        if effect == "bankruptcy":
            return self._within(time_us, np.exp(-_FADE * self._elapsed(time_us)))
        if effect in ("outage", "volume"):
            return self._within(time_us, np.full(time_us.shape, strength))
        return np.ones(time_us.shape)

    def cancels_at(self, time_us: NDArray[np.int64]) -> NDArray[np.float64]:
        """The factor on the merchant's cancels at each time, 1 outside the incident.

        Where the volume drops, cancels drop with it: whoever cannot pay cannot cancel either.
        """
        effect, strength = self.incident.effect, self.incident.strength
        if effect == "non_delivery":
            ramp = np.minimum(1.0, _RAMP * self._elapsed(time_us))
            return self._within(time_us, 1.0 + (strength - 1.0) * ramp)
        if effect == "cancel_rate" or (effect in ("outage", "volume") and strength < 1):
            return self._within(time_us, np.full(time_us.shape, strength))
        return np.ones(time_us.shape)

    @property
    def most_cancels(self) -> float:
        """The largest value of `cancels_at`."""
        return (
            max(1.0, self.incident.strength) if self.incident.effect in ("non_delivery", "cancel_rate") else 1
        )

    def wave_share(self, approvals_per_day: float) -> float:
        """The share of the approvals since `start` - REACH that the wave cancels."""
        if self.incident.effect == "bankruptcy":
            return self.incident.strength
        if self.incident.effect == "few_cancels":
            outstanding = approvals_per_day * REACH.days
            return min(1.0, self.incident.strength / max(outstanding, 1.0))
        return 0.0

    def _elapsed(self, time_us: NDArray[np.int64]) -> NDArray[np.float64]:
        share: NDArray[np.float64] = (time_us - self.start_us) / (self.end_us - self.start_us)
        return np.clip(share, 0.0, 1.0)

    def _within(self, time_us: NDArray[np.int64], factor: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.where((time_us >= self.start_us) & (time_us < self.end_us), factor, 1.0)


def to_us(moment: datetime) -> int:
    """Microseconds since the epoch of an aware moment."""
    return (moment - EPOCH) // timedelta(microseconds=1)


def read_incidents(path: Path = DEFAULT_FILE) -> tuple[Label, ...]:
    """The incidents of a TOML file, in its order.

    Raises `ConfigurationError` that names the file, the incident, the key and the value that was met.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        msg = f"the incidents file {path} cannot be read: {error.strerror}"
        raise ConfigurationError(msg, f"take {DEFAULT_FILE} as a start") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        msg = f"the incidents file {path} is not TOML: {error}"
        raise ConfigurationError(msg, f"take {DEFAULT_FILE} as a start") from None
    return _parse_document(document, str(path))


def place(incidents: Iterable[Label], reference: datetime) -> tuple[PlacedIncident, ...]:
    """Give the incidents their absolute times around `reference`, cut to whole seconds."""
    second = require_aware(reference).replace(microsecond=0)
    return tuple(PlacedIncident(i, i.begins(second), i.begins(second) + i.duration) for i in incidents)


def labels_frame(placed: Iterable[PlacedIncident], merchants: pl.DataFrame) -> pl.DataFrame:
    """What a backtest is measured against, schema LABELS, one row per incident.

    `merchants` has merchant_id in order of rank, as `Traffic.merchants()` gives it.
    """
    ids = merchants["merchant_id"].cast(pl.String).to_list()
    rows = [
        (i.label, i.kind, i.rule, _merchant_of(i, ids), p.start, p.end, i.expected)
        for p in placed
        for i in [p.incident]
    ]
    return pl.DataFrame(rows, schema=LABELS, orient="row")


def merchant_index(incident: Label, ids: list[str]) -> int:
    """The position of the incident's merchant in `ids` (in order of rank).

    Raises `ConfigurationError` if there is no such merchant.
    """
    if incident.by_rank and int(incident.merchant) <= len(ids):
        return int(incident.merchant) - 1
    if not incident.by_rank and str(incident.merchant) in ids:
        return ids.index(str(incident.merchant))
    which = "rank" if incident.by_rank else "merchant"
    msg = f"incident {incident.label!r}: {which} = {incident.merchant} is not among the {len(ids)} merchants"
    raise ConfigurationError(msg, "choose a smaller rank, or simulate more merchants")


def _merchant_of(incident: Label, ids: list[str]) -> str:
    return ids[merchant_index(incident, ids)]


def _parse_document(document: Mapping[str, object], path: str) -> tuple[Label, ...]:
    unknown = sorted(set(document) - {"incident"})
    if unknown:
        raise _refused(path, unknown[0], document[unknown[0]], "the file has [[incident]] tables only")
    tables = document.get("incident", [])
    if not isinstance(tables, list):
        raise _refused(path, "incident", tables, "write [[incident]] with two brackets")
    incidents = tuple(_parse(table, f"{path}: incident {n}") for n, table in enumerate(tables, 1))
    labels = [i.label for i in incidents]
    repeated = next((label for label in labels if labels.count(label) > 1), None)
    if repeated is not None:
        raise _refused(path, "label", repeated, "give each incident its own label")
    return incidents


def _parse(table: object, where: str) -> Label:
    if not isinstance(table, dict):
        raise _refused(where, "incident", table, "write [[incident]] and one key = value per line")
    _require_keys(table, where)
    kind = _one_of(table, "kind", _KINDS, where)
    merchant, by_rank = _parse_merchant(table, where)
    expected = _one_of(table, "expected", _EXPECTED, where)
    if kind == "near_miss" and expected == "alarm":
        raise _refused(where, "expected", expected, 'a near miss is expected = "quiet"')
    effect, at = _parse_effect(table, kind, where), _parse_business_time(table, where)
    return Label(
        label=_text(table, "label", where),
        kind=kind,  # type: ignore[arg-type]  # _one_of checked it against the same words
        effect=effect,
        merchant=merchant,
        by_rank=by_rank,
        start=timedelta(0) if at else _parse_offset(table, where),
        duration=_parse_duration(table, where),
        strength=_parse_strength(table, effect, where),
        expected=expected,  # type: ignore[arg-type]  # the same
        rule=_one_of(table, "rule", _RULES, where),
        at=at,
    )


def _require_keys(table: Mapping[str, object], where: str) -> None:
    for key in table:
        if key not in _REQUIRED and key not in _OPTIONAL:
            known = ", ".join(sorted([*_REQUIRED, *_OPTIONAL]))
            raise _refused(where, key, table[key], f"known keys: {known}")
    for key in _REQUIRED:
        if key not in table:
            msg = f"{where}: {key} is missing"
            raise ConfigurationError(msg, f"add {key} = ... to it")


def _parse_merchant(table: Mapping[str, object], where: str) -> tuple[int | str, bool]:
    if ("rank" in table) == ("merchant" in table):
        msg = f"{where}: it needs either rank or merchant, and has {'both' if 'rank' in table else 'neither'}"
        raise ConfigurationError(msg, "write rank = 1 for the largest merchant")
    if "rank" in table:
        rank = table["rank"]
        if not isinstance(rank, int) or isinstance(rank, bool) or rank < 1:
            raise _refused(where, "rank", rank, "a rank is a whole number from 1")
        return rank, True
    merchant = table["merchant"]
    if isinstance(merchant, bool) or not isinstance(merchant, int | str) or merchant == "":
        raise _refused(where, "merchant", merchant, "a merchant id is a text or a whole number")
    return merchant, False


def _parse_effect(table: Mapping[str, object], kind: str, where: str) -> str:
    if kind == "near_miss":
        if "effect" not in table:
            msg = f"{where}: effect is missing"
            raise ConfigurationError(msg, f"a near miss has one of: {', '.join(_EFFECTS)}")
        return _one_of(table, "effect", _EFFECTS, where)
    if "effect" in table:
        raise _refused(where, "effect", table["effect"], 'effect belongs to kind = "near_miss" only')
    return kind


def _parse_offset(table: Mapping[str, object], where: str) -> timedelta:
    text = _text(table, "start", where)
    if text[0] not in "+-":
        raise _refused(where, "start", text, 'write it with a sign, like "-25m" or "+30s"')
    size = _timedelta(text[1:])
    if size is None:
        raise _refused(where, "start", text, 'write it like "-25m", "+30s", "-20h", "+1d" or "-3b 09:30"')
    return -size if text[0] == "-" else size


def _parse_business_time(table: Mapping[str, object], where: str) -> tuple[int, time] | None:
    """Read "-3b 09:30", the third business day before at half past nine in Korea; None for another start."""
    match = _BUSINESS_TIME.fullmatch(_text(table, "start", where))
    if match is None:
        return None
    days, hour, minute = (int(part) for part in match.groups())
    return days, time(hour, minute)


def _parse_duration(table: Mapping[str, object], where: str) -> timedelta:
    text = _text(table, "duration", where)
    size = _timedelta(text)
    if not size:
        raise _refused(where, "duration", text, 'write it like "90s", "25m", "6h" or "2d"')
    return size


def _timedelta(text: str) -> timedelta | None:
    """Read "25m"; at most a year, which keeps every time inside what a database can hold."""
    match = _DURATION.fullmatch(text)
    if match is None or len(match[1]) > len("31536000"):
        return None
    size = timedelta(**{_UNITS[match[2]]: int(match[1])})
    return size if size <= timedelta(days=365) else None


def _parse_strength(table: Mapping[str, object], effect: str, where: str) -> float:
    strength, (least, most) = table["strength"], _STRENGTHS[effect]
    number = isinstance(strength, int | float) and not isinstance(strength, bool)
    if not (number and least <= strength <= most):  # type: ignore[operator]  # number says so; NaN fails too
        raise _refused(where, "strength", strength, f"for {effect} it is a number from {least:g} to {most:g}")
    return float(strength)  # type: ignore[arg-type]  # the same


def _one_of(table: Mapping[str, object], key: str, words: tuple[str, ...], where: str) -> str:
    value = table[key]
    if not isinstance(value, str) or value not in words:
        raise _refused(where, key, value, f"use one of: {', '.join(words)}")
    return value


def _text(table: Mapping[str, object], key: str, where: str) -> str:
    value = table[key]
    if not isinstance(value, str) or not value.strip():
        raise _refused(where, key, value, "it is a text that is not empty")
    return value


def _refused(where: str, key: str, value: object, hint: str) -> ConfigurationError:
    return ConfigurationError(f"{where}: {key} = {value!r} is refused", hint)
