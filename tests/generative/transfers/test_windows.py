"""The windows against the plain loop: equal integers and texts, whatever order events come in."""

from __future__ import annotations

import random

import pytest

from tests.generative.transfers.trial import SMALL, Trial

#: A seed is a story: how many events, of how many accounts, and whether what is old is let go.
STORIES = [(seed, (60, 90, 120)[seed % 3], (1, 4, 2)[seed % 3], seed % 2 == 1) for seed in range(6)]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name, value in SMALL:
        monkeypatch.setattr(module, name, value)


@pytest.mark.parametrize(("seed", "size", "accounts", "expire"), STORIES)
def test_every_answer_is_that_of_the_plain_loop(seed: int, size: int, accounts: int, *, expire: bool) -> None:
    trial = Trial(seed, size, accounts=accounts, expire=expire)
    assert trial.run() > 0


@pytest.mark.parametrize(("seed", "size", "accounts", "expire"), STORIES)
def test_it_is_so_through_merges_and_hot_accounts(
    small: None, seed: int, size: int, accounts: int, *, expire: bool
) -> None:
    trial = Trial(random.Random(seed).randrange(10**6), size, accounts=accounts, expire=expire)
    assert trial.run() > 0
