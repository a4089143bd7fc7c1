"""What a pack hands in so that shards can judge its entities: what each holds, and what is of everybody.

A shard holds the windows of some entities. Whatever a verdict asks of all of them together is a sum of what
each shard says; the process that leads adds these up and tells every shard. Where one process holds
everybody it is one shard: `judge_alone` makes a pack's `judge` of the same functions. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pipeline.judge.verdicts import Verdicts, verdicts_of
from pipeline.minute import from_index

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from zoneinfo import ZoneInfo

    import polars as pl

    from baselines.facts import Facts
    from baselines.rules import Tuned

W = TypeVar("W")
T = TypeVar("T", bound="Tuned")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiers(Generic[W]):
    """The ranking of all entities at the start of a business day, where each shard knows only its own.

    The windows of a shard do not rank by themselves: they keep what is to be ranked until they are told the
    border.
    """

    #: How many entities take part; None: nothing is to be ranked.
    waiting: Callable[[W], int | None]
    #: The first `n` of them, best first: what they are ranked by.
    candidates: Callable[[W, int], pl.DataFrame]
    #: (candidates of every shard, how many entities take part in all) -> the border, which can be pickled
    border: Callable[[Sequence[pl.DataFrame], int], Any]
    #: How many candidates each shard has to name when so many take part in all.
    wanted: Callable[[int], int]
    rank: Callable[[W, Any], None]  # by the border


@dataclass(frozen=True, slots=True, kw_only=True)
class Together(Generic[W, T]):
    """How a pack's entities are judged in shards. What is handed from one to another can be pickled."""

    windows: Callable[[ZoneInfo, T], W]  # of a shard: they wait for the border of the tiers
    #: (windows after their minute, tuned, facts) -> the sums over the shard's entities; small
    sums: Callable[[W, T, Facts], Any]
    add: Callable[[Sequence[Any]], Any]  # the sums of all shards, exact, in whatever order
    #: (windows, tuned, policy, facts, whole, sums of all) -> verdicts of the shard's entities, each by itself
    judge: Callable[[W, T, str, Facts, bool, Any], Verdicts]
    #: (windows, tuned, sums of all) -> what the rules about everybody ask beyond sums; None: nothing
    rest: Callable[[W, T, Any], Any]
    #: (minute, tuned, policy, sums of all, `rest` of every shard) -> the signals about everybody
    everybody: Callable[[datetime, T, str, Any, Sequence[Any]], pl.DataFrame]
    tiers: Tiers[W] | None = None
    #: Methods of the windows whose last argument is an entity: they are asked of the shard that holds it.
    asks: Sequence[str] = ()


def judge_alone(
    together: Together[W, T], rules: Sequence[str]
) -> Callable[[W, T, str, Facts, bool], Verdicts]:
    """`Pack.judge` of windows that hold everybody; `rules` are the names of the pack's rules in order."""

    def judge(windows: Any, tuned: T, policy: str, facts: Facts, whole: bool) -> Verdicts:  # noqa: ANN401, FBT001 - as every pack
        sums = together.add([together.sums(windows, tuned, facts)])
        own = together.judge(windows, tuned, policy, facts, whole, sums)
        rest = together.rest(windows, tuned, sums)
        everybody = together.everybody(from_index(windows.last), tuned, policy, sums, [rest])
        if everybody.is_empty():
            return own
        others = verdicts_of(everybody, windows.entities, rules)
        joined = Verdicts.joined([others, own])
        return replace(joined, breached=own.breached, judged=own.judged)

    return judge
