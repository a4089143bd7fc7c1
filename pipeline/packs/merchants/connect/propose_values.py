"""What the values of a sample say: which words are cancels, which zone, which unit. Pure."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from pipeline.errors import UsageError
from pipeline.packs.merchants.connect.mapping import Question
from pipeline.packs.merchants.connect.words import exponent, meanings_of
from pipeline.packs.merchants.schema import APPROVAL, CANCEL

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pipeline.connect.catalog import Column, Sample
    from pipeline.packs.merchants.connect.words import Meaning

#: The newest row of a busy table was written at most so long ago; and clocks may be apart.
_FRESH: Final = timedelta(minutes=45)
_AHEAD: Final = timedelta(minutes=5)
#: More distinct words than this are no kinds.
MOST_WORDS: Final = 30
#: A share of fractions that is no accident.
_SOME: Final = 0.01
_LATE: Final = timedelta(seconds=2)


def words_of(column: Column, sample: Sample) -> dict[str, int]:
    """How often each word occurs; an enum's words are known also where none occurs."""
    counted = Counter(sample.values(column.name))
    return {**dict.fromkeys(column.words, 0), **counted}


def has_words(column: Column, sample: Sample) -> bool:
    """Does the column hold a few words, again and again?"""
    if column.kind not in ("text", "enum", "integer", "numeric", "bool"):
        return False
    words = Counter(sample.values(column.name))
    return column.kind == "enum" or 0 < len(words) <= min(MOST_WORDS, max(4, len(sample.rows) // 3))


def meanings(column: Column, sample: Sample, answers: Mapping[str, str]) -> dict[str, Meaning]:
    """What each word of the kind column stands for, by the dictionary and by what a person said.

    Raises Question for a word that occurs and that nobody knows. One that may come later is set aside then.
    """
    words = words_of(column, sample)
    known = meanings_of(list(words))
    said: tuple[Meaning, ...] = ("approval", "cancel", "ignore")
    for meaning in said:
        known |= dict.fromkeys(split_words(answers.get(meaning)), meaning)
    unknown = [word for word, count in words.items() if count and known[word] is None and word.strip()]
    if unknown:
        told = ", ".join(f"{w!r} ({words[w]:,} of {len(sample.rows):,} rows)" for w in unknown[:8])
        msg = f"nobody knows what {column.name} = {told} stands for"
        question = Question(msg, "cancel")
        question.hint = (
            f"say it: --set approval=..., --set cancel=... or --set ignore=... with {', '.join(unknown[:8])}"
        )
        raise question
    return {word: meaning for word, meaning in known.items() if meaning is not None}


def split_words(text: str | None) -> list[str]:
    """Words of an answer; nothing for none."""
    return [word.strip() for word in (text or "").split(",") if word.strip()]


def kinds(found: Mapping[str, Meaning], fixed: str | None = None) -> dict[str, str]:
    """Words to the kinds that the engine knows; `fixed`: all that count are that."""
    own = {"approval": APPROVAL, "cancel": CANCEL}
    return {word: fixed or own[meaning] for word, meaning in found.items() if meaning != "ignore"}


def numbers(values: Iterable[str]) -> list[Decimal]:
    """Finite numbers among texts."""
    found = []
    for value in values:
        try:
            number = Decimal(value)
        except InvalidOperation:
            continue
        if number.is_finite():
            found.append(number)
    return found


def moments(values: Iterable[str]) -> list[datetime]:
    """Times among texts, without their zone; what is no time of our age is left out."""
    found = []
    for value in values:
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            continue
        if moment.tzinfo is not None:
            moment = moment.astimezone(UTC).replace(tzinfo=None)
        found.append(moment)
    return found


def has_fractions(values: Iterable[str]) -> bool:
    """Has more than a rare one of the amounts a fraction that is not zero?"""
    found = numbers(values)
    return sum(number != int(number) for number in found) > _SOME * len(found)


def factor_of(column: Column, values: Sequence[str], currency: str, unit: str | None) -> int:
    """What the column's amounts are multiplied by to be minor units of the currency."""
    digits = exponent(currency)
    if unit not in (None, "major", "minor"):
        msg = f"--set unit={unit} is neither major nor minor"
        raise UsageError(msg, "major: won, dollars; minor: won, cents")
    if unit == "minor" or digits == 0:
        return 1
    major = unit == "major" or column.kind == "float" or column.scale > 0 or has_fractions(values)
    return int(10**digits) if major else 1


def zone_of(column: Column, sample: Sample, clock: datetime, business: ZoneInfo) -> str | None:
    """The zone in which the newest value is a moment ago: the business day's or UTC; None where neither fits.

    A value that lies between the two, or none, says nothing.
    """
    found = moments(sample.values(column.name))
    if not found:
        return None
    age = {
        zone: clock - newest.replace(tzinfo=ZoneInfo(zone))
        for zone, newest in _newest(found, clock, business)
    }
    fits = [zone for zone, old in age.items() if -_AHEAD <= old <= _FRESH]
    return fits[0] if len(fits) == 1 else None


def _newest(found: Sequence[datetime], clock: datetime, business: ZoneInfo) -> list[tuple[str, datetime]]:
    """For each zone the newest value that is not in its future; a rare row may be dated tomorrow."""
    newest = []
    for zone in dict.fromkeys((business.key, "UTC")):
        now = clock.astimezone(ZoneInfo(zone)).replace(tzinfo=None) + _AHEAD
        ended = [moment for moment in found if moment <= now]
        # Were it this zone, only a rare value could be later than now.
        if ended and len(found) - len(ended) <= _SOME * len(found):
            newest.append((zone, max(ended)))
    return newest


def checked_zone(name: str) -> str:
    """A zone by its name; raises UsageError for one that does not exist."""
    try:
        return ZoneInfo(name).key
    except (KeyError, ValueError, OSError):
        msg = f"{name} is no time zone"
        raise UsageError(msg, "write it like Asia/Seoul or UTC") from None


def fixed_offset(zone: str, clock: datetime) -> timedelta | None:
    """The zone's offset from UTC where it has been and will be the same for years; else None."""
    years = range(clock.year - 3, clock.year + 2)
    days = (datetime(year, month, 1, tzinfo=UTC) for year in years for month in (1, 4, 7, 10))
    offsets = {day.astimezone(ZoneInfo(zone)).utcoffset() for day in days}
    return offsets.pop() if len(offsets) == 1 else None


def changes_in_place(sample: Sample, time: Column, changed: Column) -> bool:
    """Are rows changed after the time they are about, many of them?"""
    pairs = [
        (moments([row[time.name] or ""]), moments([row[changed.name] or ""]))
        for row in sample.rows[:2000]
        if time.name in row and changed.name in row
    ]
    later = sum(bool(a and b) and b[0] - a[0] > _LATE for a, b in pairs)
    return later > 0
