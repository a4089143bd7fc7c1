"""Property: shards of random merchants, asked as shards are, say what one process says of all of them."""

from __future__ import annotations

import pickle
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from baselines.facts import Facts
from baselines.merchants.rules import load_rules
from baselines.rules import Own
from baselines.slots import SLOTS, Slots, among
from pipeline.judge.verdicts import POLICIES
from pipeline.minute import MINUTE
from pipeline.packs.merchants import PACK
from pipeline.packs.merchants.schema import MERCHANT_MINUTE
from pipeline.schema import FACT_CHANGE
from pipeline.settings import PROJECT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from baselines.merchants.rules import Rules
    from baselines.merchants.windows import Windows
    from pipeline.judge.together import Tiers, Together
    from pipeline.judge.verdicts import Verdicts

T = TypeVar("T")
SEOUL = ZoneInfo("Asia/Seoul")
SHIPPED = load_rules(PROJECT / "baselines" / "merchants" / "rules.toml")
MIDNIGHT = datetime(2026, 3, 19, 15, tzinfo=UTC)  # Friday begins in Seoul
DAYS, MERCHANTS = 5, 150
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
#: Numbers of their own: of a merchant, of a category, and of those that nobody has.
LOWER = (("cancel_surge", "factor", 1), ("cancel_surge", "minimum_cancels_hour", 2))
STEEP = (("volume_drop", "minimum_daily_amount", 1), ("volume_drop", "divisor", 1))
#: What the last hour did to all merchants together: (approvals, cancels) are multiplied.
PLATFORM = {"calm": (1.0, 1.0), "outage": (0.2, 1.0), "cancels": (1.0, 5.0), "silence": (0.0, 0.0)}
CATEGORIES = ("air", "bus", "car", "한식")


@dataclass(frozen=True)
class Story:
    """Rows up to the last of some judged minutes, and what is known of their merchants."""

    rows: pl.DataFrame
    judged: Sequence[datetime]
    rules: Rules
    changes: pl.DataFrame


def ids_of(kind: str) -> list[str]:
    """Text, whole numbers, and both: no order of theirs is that of their numbers."""
    texts = [f"가게-{n * 7 % MERCHANTS}" for n in range(MERCHANTS)]
    numbers = [str(n * 7_919 % 100_003) for n in range(MERCHANTS)]
    return {"text": texts, "numbers": numbers, "both": texts[::2] + numbers[1::2]}[kind]


def story(seed: int, *, ids: str = "both", platform: str = "calm", ends: int = 1, own: bool = True) -> Story:
    """Merchants of all sizes, rows at the same minutes of each day; the last hour is odd for some.

    The judged minutes end `ends` minutes after midnight, where tiers are ranked.
    """
    random = np.random.default_rng(seed)
    judged = [MIDNIGHT + (ends - n) * MINUTE for n in (3, 2, 1, 0)]
    begin = MIDNIGHT - DAYS * DAY
    minutes = sorted(
        {begin + n * HOUR + HOUR / 2 for n in range(24 * DAYS)}
        | {minute - n * DAY for minute in judged for n in range(DAYS)}
    )
    minutes = [minute for minute in minutes if begin <= minute <= judged[-1]]
    size = np.geomspace(0.2, 900, MERCHANTS)[random.permutation(MERCHANTS)]
    size *= 1 if platform != "silence" else 0.004  # so little that a failure is not seen before the silence
    approvals = random.poisson(size, (len(minutes), MERCHANTS))
    cancels = random.poisson(size * 0.08, (len(minutes), MERCHANTS))
    late = np.array([minute > judged[-1] - HOUR for minute in minutes])[:, None]
    long = np.array([minute > judged[-1] - 6 * HOUR for minute in minutes])[:, None]
    fate = random.integers(0, 6, MERCHANTS)[None, :]
    cancels = np.where(long & ~late & (fate == 3), 8 * cancels, cancels)
    cancels = np.where(late & (fate == 0), 6 * cancels + 3, cancels)
    approvals = np.where(late & (fate == 1), 0, np.where(late & (fate == 2), approvals // 5, approvals))
    more, risen = PLATFORM[platform]
    newest = np.array([minute in judged for minute in minutes])[:, None]
    approvals = np.where(newest, np.rint(approvals * more), approvals).astype(np.int64)
    cancels = np.where(newest, np.rint(cancels * risen), cancels).astype(np.int64)
    fresh = random.binomial(cancels, 0.6)
    names = ids_of(ids)
    rows = dict.fromkeys(MERCHANT_MINUTE, np.zeros(approvals.size, np.int64)) | {
        "minute": np.repeat(np.array(minutes, dtype=object), MERCHANTS).tolist(),
        "merchant_id": names * len(minutes),
        "approval_count": approvals.ravel(),
        "cancel_count": cancels.ravel(),
        "approval_amount": approvals.ravel() * 90_000,
        "cancel_amount": cancels.ravel() * 90_000,
        "cancel_fresh_count": fresh.ravel(),
        "cancel_older_count": (cancels - fresh).ravel(),
    }
    frame = pl.DataFrame(rows, MERCHANT_MINUTE).filter(pl.col("approval_count") + pl.col("cancel_count") > 0)
    told = random.permutation(MERCHANTS)[: MERCHANTS * 2 // 3].tolist()
    changes: list[tuple[datetime, str, str | None]] = [
        (begin, names[n], CATEGORIES[n % len(CATEGORIES)]) for n in told
    ]
    changes += [
        (begin, names[told[-1]], "a category of one")
    ]  # which one shard alone knows, before the others
    changes += [(judged[1], names[n], None if n % 2 else "air") for n in told[:20]]
    numbers = (
        Own("category", "air", LOWER),
        Own("merchant", names[3], STEEP),
        Own("merchant", "nobody", STEEP),
    )
    rules = replace(SHIPPED, own=numbers if own else ())
    return Story(
        frame.sort("minute", "merchant_id"), judged, rules, pl.DataFrame(changes, FACT_CHANGE, orient="row")
    )


@dataclass
class Held:
    """Windows of some merchants, and the facts of these alone."""

    windows: Windows
    rows: pl.DataFrame
    facts: Facts


def sent(value: T) -> T:
    """As another process gets it."""
    copied: T = pickle.loads(pickle.dumps(value))  # noqa: S301 - made here
    return copied


def together() -> Together[Windows, Rules]:
    assert PACK.together is not None
    return PACK.together


def tiers() -> Tiers[Windows]:
    assert together().tiers is not None
    return together().tiers  # type: ignore[return-value]


def split(told: Story, borders: Sequence[int]) -> list[Held]:
    """A shard for the slots between each two borders."""
    shards = []
    for first, end in zip((0, *borders), (*borders, SLOTS), strict=True):
        rows, changes = (
            frame.filter(pl.Series(among(frame[column], Slots(first, end)), dtype=pl.Boolean))
            for frame, column in ((told.rows, "merchant_id"), (told.changes, "entity_id"))
        )
        shards.append(Held(together().windows(SEOUL, told.rules), rows, Facts(changes)))
    return shards


def fill(held: Held, start: datetime, end: datetime) -> None:
    held.windows.fill(start, end, of_span(held.rows, start, end))
    held.windows.settle()


def of_span(rows: pl.DataFrame, start: datetime, end: datetime) -> pl.DataFrame:
    return rows.filter((pl.col("minute") >= start) & (pl.col("minute") < end))


def rank(shards: Sequence[Held]) -> bool:
    """What shards wait for at the start of a business day: all of them, or none."""
    waiting = [tiers().waiting(shard.windows) for shard in shards]
    known = [active for active in waiting if active is not None]
    if not known:
        return False
    assert len(known) == len(shards)
    wanted = tiers().wanted(sum(known))
    named = [sent(tiers().candidates(shard.windows, wanted)) for shard in shards]
    border = sent(tiers().border(named, sum(known)))
    for shard in shards:
        tiers().rank(shard.windows, border)
    assert all(tiers().waiting(shard.windows) is None for shard in shards)
    return True


def judged_apart(
    shards: Sequence[Held], minute: datetime, rules: Rules, policy: str, *, whole: bool
) -> tuple[pl.DataFrame, list[Verdicts]]:
    """The protocol of a minute, after it has entered."""
    pack = together()
    sums = sent(pack.add([sent(pack.sums(one.windows, rules, one.facts)) for one in reversed(shards)]))
    found = [pack.judge(one.windows, rules, policy, one.facts, whole, sums) for one in shards]
    rest = [sent(pack.rest(one.windows, rules, sums)) for one in shards]
    frames = [pack.everybody(minute, rules, policy, sums, rest), *(one.frame() for one in found)]
    order = pl.col("tier") != "top"
    return pl.concat(frames).sort("minute", order, "entity_id", "rule"), found


def breached(found: Sequence[Verdicts]) -> list[list[str]]:
    """By rule, who breached it."""
    rules = range(len(PACK.rules))
    return [sorted(name for one in found for name in one.ids.gather(one.breached[rule])) for rule in rules]


def tops(shards: Sequence[Held]) -> dict[str, bool]:
    return {
        name: bool(top)
        for shard in shards
        for name, top in zip(shard.windows.entities.ids, shard.windows.is_top, strict=True)
    }


def require_equal(told: Story, borders: Sequence[int]) -> list[pl.DataFrame]:
    """Judge all minutes both ways; gives the signals of the policy `budgeted`."""
    whole = Held(PACK.windows(SEOUL, told.rules), told.rows, Facts(told.changes))
    shards, begin = split(told, borders), MIDNIGHT - DAYS * DAY
    for held in (whole, *shards):
        fill(held, begin, told.judged[0])
    assert rank(shards), "after a rebuild tiers wait to be ranked"
    signals = []
    for minute in told.judged:
        for held in (whole, *shards):
            held.windows.add(minute, of_span(held.rows, minute, minute + MINUTE))
        rank(shards)
        assert tops(shards) == tops([whole])
        for policy in POLICIES:
            for every in (True, False):
                expected = PACK.judge(whole.windows, told.rules, policy, whole.facts, every)
                frame, found = judged_apart(shards, minute, told.rules, policy, whole=every)
                assert frame.equals(expected.frame()), (policy, every)
                assert breached(found) == breached([expected]), (policy, every)
        signals.append(PACK.judge(whole.windows, told.rules, "budgeted", whole.facts, True).frame())  # noqa: FBT003
    return signals


BORDERS = st.lists(st.integers(0, SLOTS), max_size=4).map(sorted)


# An example slides windows over days: a failure is shown as it was found.
@settings(
    max_examples=6,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow],
    deadline=None,
)
@given(
    seed=st.integers(0, 2**32 - 1),
    borders=BORDERS,
    given=st.fixed_dictionaries(
        {
            "ids": st.sampled_from(["text", "numbers", "both"]),
            "platform": st.sampled_from([*PLATFORM]),
            "ends": st.sampled_from([-1, 0, 1, 2, 700]),
            "own": st.booleans(),
        }
    ),
)
def test_shards_say_what_one_process_says(seed: int, borders: Sequence[int], given: dict[str, Any]) -> None:
    require_equal(story(seed, **given), borders)


def test_every_rule_and_kind_is_among_what_shards_say() -> None:
    """Else the property would show little; a day border lies inside, and one shard has no merchant."""
    seen: set[tuple[str, str]] = set()
    for seed, platform in enumerate(PLATFORM):
        for signals in require_equal(
            story(seed, platform=platform, ends=1 if seed % 2 else 700), (300, 300, 800)
        ):
            seen |= {*signals.select("rule", "kind").iter_rows()}
            if platform != "silence":
                assert signals.filter(pl.col("category").is_not_null()).height
                assert {*signals["tier"]} == {"top", "tail"}
    assert seen == {(rule.name, kind) for rule in PACK.rules for kind in rule.kinds}


def test_shards_that_do_not_stand_at_the_same_minute_are_refused() -> None:
    told = story(1)
    first, second = split(told, (512,))
    begin = MIDNIGHT - DAYS * DAY
    fill(first, begin, told.judged[0])
    fill(second, begin, told.judged[1])
    pack, parts = together(), [together().sums(one.windows, told.rules, one.facts) for one in (first, second)]
    with pytest.raises(ValueError, match="do not hold the same minutes"):
        pack.add(parts)
    with pytest.raises(ValueError, match="the sums are those of minute"):
        pack.judge(first.windows, told.rules, "budgeted", first.facts, True, parts[1])  # noqa: FBT003
    with pytest.raises(ValueError, match="the sums are those of minute"):
        pack.rest(first.windows, told.rules, parts[1])
    with pytest.raises(ValueError, match="the sums are those of minute"):
        pack.everybody(told.judged[1], told.rules, "budgeted", parts[1], [])
    later = split(told, (512,))[1]
    fill(later, begin + 3 * DAY, told.judged[0])  # its history begins later: it has fewer like days
    parts = [pack.sums(one.windows, told.rules, one.facts) for one in (first, later)]
    with pytest.raises(ValueError, match="do not hold the same minutes of the same days"):
        pack.add(parts)


def test_what_is_asked_of_a_shard_is_what_one_process_says() -> None:
    told = story(2)
    whole = Held(PACK.windows(SEOUL, told.rules), told.rows, Facts())
    shards, begin = split(told, (512,)), MIDNIGHT - DAYS * DAY
    for held in (whole, *shards):
        fill(held, begin, told.judged[0])
    day = (MIDNIGHT - 3 * DAY).date()
    for shard in shards:
        for name in shard.windows.entities.ids:
            for asked, about in (("cancelled_since", (day,)), ("cancels_held_from", ())):
                answers = {getattr(held.windows, asked)(*about, name) for held in (whole, shard)}
                assert len(answers) == 1
    assert whole.windows.cancelled_since(day, told.rows["merchant_id"][0])
    assert {*together().asks} == {"cancelled_since", "cancels_held_from"}
