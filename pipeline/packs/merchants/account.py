"""An account: every number behind a rule's verdict on one merchant, as `explain` shows it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.judge.verdicts import FIRES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from baselines.merchants.slices import Integers
    from pipeline.packs.merchants.rules.strongest import Strongest
    from pipeline.packs.merchants.why_not import FirstFire


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison of a rule: `left` `sign` `right`, in integers."""

    name: str
    left: int
    sign: str
    right: int

    @property
    def holds(self) -> bool:
        """Is the comparison true?"""
        return self.left >= self.right if self.sign == ">=" else self.left <= self.right


@dataclass(frozen=True, slots=True)
class Window:
    """What one window of the policy `budgeted` says about a merchant; counts of approvals or of cancels."""

    minutes: int
    against: str  # what it is compared with
    counted: str  # what is compared: "cancels" or "approvals"
    count: int
    expected: int
    evidence: int
    evidence_needed: int
    passed: bool
    missing: int | None = None  # so many more cancels in it would have passed; null: not a matter of a few
    prior: str | None = None  # of cancels: what the baseline mostly rests on
    category: str | None = None  # where it is known
    prior_cancels_per_100k: int | None = None

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    def __str__(self) -> str:
        share = f"evidence {self.evidence:,} of {self.evidence_needed:,} needed"
        more = f", {self.missing:,} more cancels would have passed" if self.missing else ""
        said = f"{'passes' if self.passed else f'does not pass{more}'}{self._rests_on()}"
        return (
            f"{self.minutes:>5} min against {self.against:<17}{self.count:,} {self.counted}, "
            f"usual {self.expected:,}: {share}; {said}"
        )

    def _rests_on(self) -> str:
        if self.prior in (None, "own") or self.prior_cancels_per_100k is None:
            return ""
        of = f"its category {self.category!r}" if self.prior == "category" else "all merchants"
        thousandths = self.prior_cancels_per_100k
        return f"; little history: rests on the rate of {of}, {thousandths // 1000}.{thousandths % 1000:03} %"


@dataclass(frozen=True, slots=True)
class Account:
    """Why a rule did or did not fire for a merchant at a minute."""

    rule: str
    numbers: Mapping[str, int]
    conditions: Sequence[Condition]  # of the brief's rule
    gates: Sequence[Condition]  # what the policy `supported` asks for besides
    breach: bool
    reasons: Mapping[str, str]  # by policy: "fires", or what held it back
    distance: str  # how far from a breach, in words
    #: The signal under `budgeted`: kind, window, evidence.
    signal: Mapping[str, Any] = field(default_factory=dict)
    windows: Sequence[Window] = ()  # every window of `budgeted`, however far from its evidence
    first: Mapping[str, FirstFire] = field(default_factory=dict)  # by policy, where signals were searched
    unsignalled: str | None = None  # what `budgeted` says where it gave no signal, if not its reason above

    def as_json_at(self, asked: datetime) -> dict[str, Any]:
        """For machines, with the first fires as seen from the minute that was asked for."""
        first = {policy: found.as_json(asked) for policy, found in self.first.items()}
        return {**self.as_json(), "first_fires": first}

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "rule": self.rule,
            "numbers": dict(self.numbers),
            "conditions": [_as_json(c) for c in self.conditions],
            "gates": [_as_json(c) for c in self.gates],
            "breach": self.breach,
            "verdicts": {p: {"fires": r == FIRES, "reason": r} for p, r in self.reasons.items()},
            "distance": self.distance,
            "budgeted": dict(self.signal),
            "windows": [window.as_json() for window in self.windows],
        }


def window_of(found: Strongest, against: str, counted: str) -> Window:
    """The first row of `found`; `counted` says what is compared."""
    count = found.cancels_window if counted == "cancels" else found.approvals_window
    return Window(
        int(found.window_minutes[0]),
        against,
        counted,
        int(count[0]),
        int(found.expected_window[0]),
        int(found.evidence[0]),
        int(found.evidence_needed[0]),
        bool(found.passed[0]),
    )


def one_of(array: Integers, position: int | None) -> Integers:
    """The place of one merchant in an array of all; zero for one never seen. Shape (1,)."""
    return np.zeros(1, np.int64) if position is None else array[position : position + 1]


def _as_json(condition: Condition) -> dict[str, Any]:
    parts = {"name": condition.name, "left": condition.left, "sign": condition.sign, "right": condition.right}
    return {**parts, "holds": condition.holds}
