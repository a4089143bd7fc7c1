"""A closed minute's events to signals, and to what the pack writes of each event. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.judge.verdicts import verdicts_of
from pipeline.packs.transfers.judging import judge_events
from pipeline.packs.transfers.schema import EVENT
from pipeline.packs.transfers.signals import RULES, signals_of

if TYPE_CHECKING:
    from baselines.transfers.rules import Rules
    from pipeline.judge.verdicts import Verdicts
    from pipeline.packs.transfers.windows import EventWindows


def judge(windows: EventWindows, rules: Rules, *_: object) -> Verdicts:
    """The signals of the newest minute: an account is told of whatever the policy is."""
    events = windows.closed[-1][1] if windows.closed else EVENT.to_frame()
    answers = judge_events(windows.recent, events, windows.timeline, windows.zone)
    found = signals_of(answers, events, rules.evidence.most_events)
    return verdicts_of(found, windows.entities, [rule.name for rule in RULES])
