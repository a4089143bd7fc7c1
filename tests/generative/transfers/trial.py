"""A history by chance, given to the windows and to the plain loop, and every answer of both compared."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import TYPE_CHECKING

from baselines.transfers import answers, codes, lanes, merging
from baselines.transfers.recent import Recent
from tests.generative.transfers.made import END, event, frame, measure
from tests.generative.transfers.oracle import Oracle

if TYPE_CHECKING:
    from types import ModuleType

    from baselines.transfers.measure import Measure
    from tests.generative.transfers.oracle import Event


#: Sizes at which merges, hot keys, growing tables and long searches come about with a hundred events.
SMALL: tuple[tuple[ModuleType, str, int], ...] = (
    (lanes, "AT_ONCE", 8),
    (lanes, "MOST_IN_RUN", 60),
    (merging, "STEP", 5),
    (answers, "FEW", 3),
    (answers, "LAID_OUT", 40),
    (answers, "_TURNS", 1),
    (codes, "_SMALLEST", 2),
)


class Trial:
    """One seed: what is held, and what was compared."""

    def __init__(self, seed: int, size: int = 120, *, accounts: int = 4, expire: bool = False) -> None:
        self.chance = random.Random(seed)
        self.measures: list[Measure] = [measure(self.chance) for _ in range(12)]
        self.later = [measure(self.chance) for _ in range(3)]
        self.recent, self.oracle = Recent(self.measures), Oracle()
        self.events = [event(self.chance, number, accounts) for number in range(size)]
        self.expire = expire
        self.compared = 0

    def run(self) -> int:
        """The whole story; gives how many answers were compared."""
        self.fill()
        while self.events:
            act = self.chance.choice((self.take, self.take, self.late, self.change, self.copy, self.ask_one))
            act()
            self.ask()
        self.widen()
        self.ask()
        return self.compared

    def pop(self, most: int) -> list[Event]:
        self.chance.shuffle(self.events)
        return [self.events.pop() for _ in range(min(most, len(self.events)))]

    def fill(self) -> None:
        if self.expire:
            self.recent.expire(END)
        for _ in range(self.chance.randrange(4)):
            some = self.pop(30)
            self.recent.fill(frame(some))
            self.oracle.take(some)

    def take(self) -> None:
        some = self.pop(self.chance.choice((1, 3, 20)))
        self.recent.take(frame(some))
        self.oracle.take(some)
        if self.expire:
            self.recent.expire(END)

    def late(self) -> None:
        """Whose answers change is what `affected` says, or less."""
        some = self.pop(2)
        since = END - timedelta(minutes=1)
        held = [x for x in self.oracle.events.values() if x["occurred_at"] >= since]
        before = [[self.oracle.ask(x, m) for m in self.measures] for x in held]
        named = set(self.recent.affected(frame(some), since))
        self.recent.take(frame(some))
        self.oracle.take(some)
        after = [[self.oracle.ask(x, m) for m in self.measures] for x in held]
        changed = {x["transfer_id"] for x, b, a in zip(held, before, after, strict=True) if a != b}
        assert changed <= named
        assert named <= {x["transfer_id"] for x in held}

    def change(self) -> None:
        held = list(self.oracle.events.values())
        some = self.chance.sample(held, min(len(held), self.chance.choice((1, 5, 25))))
        after = [{**x, "status": self.chance.choice(("completed", "declined", "reversed"))} for x in some]
        if some:
            self.recent.change(frame(some), frame(after))
            self.oracle.take(after)

    def copy(self) -> None:
        """The copy goes on; what it came from is used up by something else and must not show."""
        old, self.recent = self.recent, self.recent.copy()
        old.take(frame([event(self.chance, 10**6 + n) for n in range(5)]))

    def widen(self) -> None:
        new = self.recent.want([*self.later, *self.measures])
        self.recent.fill(frame(list(self.oracle.events.values())), new)
        self.measures += self.later

    def ask(self) -> None:
        held = list(self.oracle.events.values())
        if self.expire:
            held = [x for x in held if x["occurred_at"] >= END - timedelta(minutes=1)]
        some = self.chance.sample(held, min(len(held), 12))
        answers = self.recent.ask(frame(some), self.measures)
        for m in self.measures:
            expected = [self.oracle.ask(x, m) for x in some]
            assert answers[m.column].to_list() == expected, (m, answers[m.column].to_list(), expected)
            self.compared += len(some)

    def ask_one(self) -> None:
        asked, *extra = (
            {**event(self.chance, 10**7 + n), "status": "intended"} for n in range(self.chance.choice((1, 3)))
        )
        if self.expire:
            asked["occurred_at"] = max(asked["occurred_at"], END - timedelta(minutes=1))
        said = self.recent.ask_one(asked, self.measures, extra)
        for m in self.measures:
            expected = self.oracle.ask(asked, m, extra)
            assert said[m.column] == expected, (m, said[m.column], expected)
            self.compared += 1
